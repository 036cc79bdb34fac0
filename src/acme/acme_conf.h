/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CONF_H
#define ACME_CONF_H

/*
 * Resolved configuration of one ACME virtual host: values only, no "unset",
 * made at start, const afterwards.  The shells fill it (httpd from directives,
 * acmectl from the server's dump, tests by hand).
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "acme/acme_conf_parts.h"
#include "acme/acme_limit_rule.h"
#include "dcv/dcv_net.h"
#include "policy/policy_blocklist.h"
#include "store/store.h"

struct acme_eab_keys_t;

/* ACMEDNSPersist: dns-persist-01 as in the newest draft, and as in draft 01 as
 * well, whose records name the account by its own URL. */
typedef enum {
    ACME_PERSIST_OFF,
    ACME_PERSIST_ON,
    ACME_PERSIST_OLD
} acme_persist_e;

typedef struct {
    const char *server_name; /* the vhost's, for logs and names */
    const char *base_url;    /* "https://ca.example" without slash at end */
    apr_array_header_t *base_url_aliases; /* of const char * */
    const char *path;                     /* "/acme", no slash at the end */
    const char *realm;                    /* ACMERealm, "" by default */
    const char *state_dir;
    store_conf_t store;
    const char *terms_url;      /* NULL: none */
    const char *website;        /* meta.website; NULL: none */
    apr_int64_t order_lifetime; /* seconds */
    apr_int64_t authz_lifetime; /* of a valid one; a pending one lives as
                                   long as its order */
    apr_int64_t retention;      /* what is over stays so long */
    int authz_reuse;
    acme_limit_rule_t limits[ACME_LIMIT_COUNT]; /* ACMERateLimit */
    int underscore;                             /* ACMEValidationUnderscore */
    int dns_account;                            /* ACMEDNSAccount */
    int dns_persist;                    /* acme_persist_e: ACMEDNSPersist */
    apr_array_header_t *caa_identities; /* of const char *; empty: the server's
                                           name */
    int caa_strict;                     /* ACMECAAStrict */
    int tolerate_padded_csr;
    int nonce_slots;
    int nonce_reject;                  /* for testing: percent of good nonces */
    apr_interval_time_t finalize_wait; /* 5 s */
    apr_interval_time_t validation_wait; /* 1 s */
    dcv_conf_t *dcv;
    apr_array_header_t *issuers;  /* of acme_issuer_t *, automatic first */
    const char *issuer_url;       /* ACMEIssuerURL of the vhost; NULL: none */
    const char *publish_url;      /* of a plain virtual host; NULL: none */
    apr_array_header_t *profiles; /* of acme_profile_t * */
    const char *default_profile;  /* its directory is "", too; or NULL */
    const char *audit_log;        /* file or "|program"; NULL: none */
    apr_array_header_t *key_blocklists; /* of const char *: files */
    const char *eab_key_file;           /* for their secrets */
    int eab_reveal;                     /* ACMEExternalAccountReveal */
    /* Read by the parent. */
    apr_int64_t loaded_at; /* when all this was; 0: nobody knows */
    const struct acme_eab_keys_t *eab_keys; /* NULL: there are none … */
    const char *eab_problem;                /* … because of this */
    const policy_blocklist_t *blocklist;    /* NULL: none … */
    const char *blocklist_problem;          /* … because of this */
} acme_conf_t;

/* Every default filled in; the built-in profile `default` included. */
acme_conf_t *acme_conf_make(apr_pool_t *pool);

/* Profiles that do not say which challenges they want offer the drafts too that
 * are switched on.  Once, when all else is known. */
void acme_conf_drafts_add(acme_conf_t *conf, apr_pool_t *pool);

/* May this type be offered: is it no draft, or one that is switched on? */
int acme_conf_has_challenge(const acme_conf_t *conf, const char *type);

/* The names of this CA in records of the DNS (of const char *). */
apr_array_header_t *acme_conf_issuer_names(const acme_conf_t *conf,
                                           apr_pool_t *pool);

/* What is wrong with it: of const char *, each "directive value: reason;
 * remedy"; empty when all is well. */
apr_array_header_t *acme_conf_check(const acme_conf_t *conf, apr_pool_t *pool);

/* To and from the dump that `-D DUMP_ACME_CONFIG` prints; NULL if a member of
 * it is missing or of another type. */
json_t *acme_conf_render(const acme_conf_t *conf, apr_pool_t *pool);
/* The same configuration without passwords. */
const acme_conf_t *acme_conf_hide(const acme_conf_t *conf, apr_pool_t *pool);
acme_conf_t *acme_conf_parse(json_t *json, apr_pool_t *pool);

/* By name; NULL: there is none. */
acme_issuer_t *acme_conf_issuer(const acme_conf_t *conf, const char *name);
const acme_profile_t *acme_conf_profile(const acme_conf_t *conf,
                                        const char *name);

/* Whose generation has this fingerprint?  NULL: nobody's that is loaded. */
const acme_issuer_t *acme_conf_issuer_of(const acme_conf_t *conf,
                                         const char *fingerprint);

/* The profile that this directory serves; "" is the default directory. */
const acme_profile_t *acme_conf_profile_at(const acme_conf_t *conf,
                                           const char *directory);

/* May an authorization of this profile be for the names below its own, too (RFC
 * 9444)?  Only dns-01 proves that. */
int acme_conf_has_subdomains(const acme_profile_t *profile);

/* Why the profile can have no certificates made, its issuer being ready: the
 * blocked keys are not known, or issuer and policy do not fit.  NULL: it can.
 */
const char *acme_conf_profile_fault(const acme_conf_t *conf,
                                    const acme_profile_t *profile,
                                    apr_pool_t *pool);

/* Why the issuer cannot sign, in words; NULL: it could when it was loaded. */
const char *acme_conf_issuer_fault(const acme_issuer_t *issuer);

/* What to load of an issuer that is not the automatic CA. */
ca_set_files_t acme_conf_issuer_files(const acme_conf_t *conf,
                                      const acme_issuer_t *issuer);

#endif
