/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_CONF_H
#define HTTPD_CONF_H

/*
 * From directives to acme_conf_t: what a server's directives said (setters in
 * httpd_cmds.c), merged with the main server's, resolved once, in check_config,
 * which `httpd -t` runs too.  Nothing here makes a file.
 */

#include <httpd.h>
#include <http_config.h>

#include "acme/acme_conf.h"
#include "acme/acme_nonce.h"

#define HTTPD_UNSET (-1)

struct acme_t;
typedef struct httpd_tls_t httpd_tls_t;
typedef struct httpd_audit_t httpd_audit_t;

typedef struct httpd_conf_t httpd_conf_t;
struct httpd_conf_t {
    /* What the directives said: HTTPD_UNSET or NULL where they did not. */
    int enabled;                     /* ACMEServer */
    int publish;                     /* ACMEPublish */
    const char *base_url;            /* ACMEBaseURL */
    apr_array_header_t *aliases;     /* ACMEBaseURLAlias, of const char * */
    const char *path;                /* ACMEPath, without slash at the end */
    const char *state_dir;           /* ACMEStateDir, absolute */
    const char *db_driver;           /* ACMEDatabase */
    const char *db_params;           /* absolute */
    const char *realm;               /* ACMERealm */
    int nonce_slots;                 /* ACMENonceSlots */
    int nonce_reject;                /* ACMETestNonceReject */
    const char *terms_url;           /* ACMETermsURL */
    const char *website;             /* ACMEWebsite */
    apr_array_header_t *resolvers;   /* ACMEResolver, of dcv_resolver_t * */
    apr_array_header_t *hosts;       /* ACMEResolverHost, of dcv_host_t * */
    int authoritative;               /* ACMEResolverAuthoritative */
    int dnssec;                      /* ACMEResolverDNSSEC */
    const char *trust_anchor;        /* ACMEResolverTrustAnchor */
    apr_array_header_t *insecure;    /* ACMEResolverInsecure, const char * */
    apr_array_header_t *allow;       /* ACMEValidationAllow, of const char * */
    apr_array_header_t *deny;        /* ACMEValidationDeny, of const char * */
    int dns01_port;                  /* ACMEValidationPort */
    int http01_port, tlsalpn01_port; /* ACMEValidationPort */
    apr_interval_time_t timeout;     /* ACMEValidationTimeout */
    apr_interval_time_t retry;       /* ACMEValidationRetry */
    int max_in_flight;               /* ACMEValidationMax */
    int underscore;                  /* ACMEValidationUnderscore */
    int dns_account, dns_persist;    /* ACMEDNSAccount, ACMEDNSPersist */
    apr_array_header_t *caa_identities;  /* ACMECAAIdentity, const char * */
    int caa_strict;                      /* ACMECAAStrict */
    int tolerate_padded_csr;             /* ACMEToleratePaddedCSR */
    apr_interval_time_t order_lifetime;  /* ACMEOrderLifetime */
    apr_interval_time_t authz_lifetime;  /* ACMEAuthzLifetime */
    apr_interval_time_t retention;       /* ACMERetention */
    int authz_reuse;                     /* ACMEAuthzReuse */
    apr_array_header_t *limits;          /* ACMERateLimit, of httpd_limit_t */
    apr_interval_time_t finalize_wait;   /* ACMEFinalizeWait */
    apr_interval_time_t validation_wait; /* ACMEValidationWait */
    const char *default_profile;         /* ACMEDefaultProfile */
    int eab_reveal;                      /* ACMEExternalAccountReveal */
    const char *audit_log;               /* ACMEAuditLog: absolute, or "|…" */
    apr_array_header_t *key_blocklists;  /* ACMEKeyBlocklist, of const char * */
    const char *issuer_url;              /* ACMEIssuerURL */
    apr_array_header_t *sections;        /* of httpd_section_t * */
    struct httpd_section_t *section;     /* that is being read, else NULL */

    /* What became of it, from check_config on. */
    server_rec *server;
    acme_conf_t *acme;             /* NULL: no ACME virtual host */
    apr_array_header_t *published; /* of httpd_conf_t *: whose roots and issuers
                                      are published on this plain virtual host;
                                      NULL: nobody's */
    apr_array_header_t *names; /* ServerName and ServerAlias as identifiers */

    /* What it has at run time. */
    httpd_tls_t *tls;      /* from post_config on; NULL: not ours */
    int has_ssl;           /* SSLEngine on, from post_config on */
    httpd_audit_t *audit;  /* from post_config on; NULL: none */
    struct acme_t *handle; /* in a child */
};

extern const command_rec httpd_cmds[];

void *httpd_conf_create(apr_pool_t *pool, server_rec *server);
void *httpd_conf_merge(apr_pool_t *pool, void *base, void *add);
httpd_conf_t *httpd_conf_get(const server_rec *server);

/* Merged and enabled: fill conf->acme and conf->names; findings (of const
 * char *) get what is wrong. */
void httpd_conf_resolve(httpd_conf_t *conf, apr_array_header_t *findings,
                        apr_pool_t *pool);

/* Every name under which this virtual host may be asked for, as far as it is
 * one that a certificate can hold; of identifier_t *. */
apr_array_header_t *httpd_conf_names(const httpd_conf_t *conf,
                                     apr_pool_t *pool);

#endif
