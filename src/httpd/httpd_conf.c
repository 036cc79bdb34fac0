/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_conf.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "httpd/httpd_limit.h"
#include "httpd/httpd_section.h"

#include "base/banned.h"

extern module AP_MODULE_DECLARE_DATA acme_server_module;

/*
 * One row per directive: merging and resolving are loops over them.
 */
typedef enum {
    KIND_TEXT,    /* const char * */
    KIND_OWN,     /* int, a flag that virtual hosts do not inherit */
    KIND_FLAG,    /* int */
    KIND_NUMBER,  /* int */
    KIND_SECONDS, /* apr_interval_time_t here, seconds in acme_conf_t */
    KIND_SPAN,    /* apr_interval_time_t */
    KIND_LIST,    /* apr_array_header_t *; the server's follows the main's */
    KIND_SECTIONS /* apr_array_header_t *; the server's hide the main's */
} kind_e;

typedef enum { TO_NONE, TO_ACME, TO_DCV } to_e;

typedef struct {
    const char *directive; /* with its first word, if it has two fields */
    kind_e kind;
    apr_size_t from; /* offset in httpd_conf_t */
    to_e to;         /* TO_NONE: a function of its own resolves it */
    apr_size_t at;   /* offset in acme_conf_t or dcv_conf_t */
} field_t;

#define FROM(member) offsetof(httpd_conf_t, member)
#define ACME(member) TO_ACME, offsetof(acme_conf_t, member)
#define DCV(member)  TO_DCV, offsetof(dcv_conf_t, member)
#define NONE         TO_NONE, 0

static const field_t fields[] = {
    {"ACMEServer", KIND_OWN, FROM(enabled), NONE},
    {"ACMEPublish", KIND_FLAG, FROM(publish), NONE},
    {"ACMEBaseURL", KIND_TEXT, FROM(base_url), ACME(base_url)},
    {"ACMEBaseURLAlias", KIND_LIST, FROM(aliases), NONE},
    {"ACMEPath", KIND_TEXT, FROM(path), ACME(path)},
    {"ACMEStateDir", KIND_TEXT, FROM(state_dir), ACME(state_dir)},
    {"ACMEDatabase", KIND_TEXT, FROM(db_driver), ACME(store.driver)},
    {"ACMEDatabase FILE", KIND_TEXT, FROM(db_params), NONE},
    {"ACMERealm", KIND_TEXT, FROM(realm), ACME(realm)},
    {"ACMENonceSlots", KIND_NUMBER, FROM(nonce_slots), ACME(nonce_slots)},
    {"ACMETestNonceReject", KIND_NUMBER, FROM(nonce_reject),
     ACME(nonce_reject)},
    {"ACMETermsURL", KIND_TEXT, FROM(terms_url), ACME(terms_url)},
    {"ACMEWebsite", KIND_TEXT, FROM(website), ACME(website)},
    {"ACMEResolver", KIND_LIST, FROM(resolvers), NONE},
    {"ACMEResolverHost", KIND_LIST, FROM(hosts), NONE},
    {"ACMEResolverAuthoritative", KIND_FLAG, FROM(authoritative),
     DCV(authoritative)},
    {"ACMEResolverDNSSEC", KIND_FLAG, FROM(dnssec), DCV(dnssec)},
    {"ACMEResolverTrustAnchor", KIND_TEXT, FROM(trust_anchor),
     DCV(trust_anchor)},
    {"ACMEResolverInsecure", KIND_LIST, FROM(insecure), DCV(insecure)},
    {"ACMEValidationAllow", KIND_LIST, FROM(allow), NONE},
    {"ACMEValidationDeny", KIND_LIST, FROM(deny), NONE},
    {"ACMEValidationPort http-01", KIND_NUMBER, FROM(http01_port),
     DCV(http01_port)},
    {"ACMEValidationPort dns-01", KIND_NUMBER, FROM(dns01_port),
     DCV(dns01_port)},
    {"ACMEValidationPort tls-alpn-01", KIND_NUMBER, FROM(tlsalpn01_port),
     DCV(tlsalpn01_port)},
    {"ACMEValidationTimeout", KIND_SPAN, FROM(timeout), DCV(timeout)},
    {"ACMEValidationRetry", KIND_SPAN, FROM(retry), DCV(retry)},
    {"ACMEValidationMax", KIND_NUMBER, FROM(max_in_flight), DCV(max_in_flight)},
    {"ACMEValidationUnderscore", KIND_FLAG, FROM(underscore), ACME(underscore)},
    {"ACMEDNSAccount", KIND_FLAG, FROM(dns_account), ACME(dns_account)},
    {"ACMEDNSPersist", KIND_FLAG, FROM(dns_persist), ACME(dns_persist)},
    {"ACMECAAIdentity", KIND_LIST, FROM(caa_identities), ACME(caa_identities)},
    {"ACMECAAStrict", KIND_FLAG, FROM(caa_strict), ACME(caa_strict)},
    {"ACMEToleratePaddedCSR", KIND_FLAG, FROM(tolerate_padded_csr),
     ACME(tolerate_padded_csr)},
    {"ACMEOrderLifetime", KIND_SECONDS, FROM(order_lifetime),
     ACME(order_lifetime)},
    {"ACMEAuthzLifetime", KIND_SECONDS, FROM(authz_lifetime),
     ACME(authz_lifetime)},
    {"ACMERetention", KIND_SECONDS, FROM(retention), ACME(retention)},
    {"ACMEAuthzReuse", KIND_FLAG, FROM(authz_reuse), ACME(authz_reuse)},
    {"ACMERateLimit", KIND_LIST, FROM(limits), NONE},
    {"ACMEFinalizeWait", KIND_SPAN, FROM(finalize_wait), ACME(finalize_wait)},
    {"ACMEValidationWait", KIND_SPAN, FROM(validation_wait),
     ACME(validation_wait)},
    {"ACMEDefaultProfile", KIND_TEXT, FROM(default_profile),
     ACME(default_profile)},
    {"ACMEExternalAccountReveal", KIND_FLAG, FROM(eab_reveal),
     ACME(eab_reveal)},
    {"ACMEAuditLog", KIND_TEXT, FROM(audit_log), ACME(audit_log)},
    {"ACMEKeyBlocklist", KIND_LIST, FROM(key_blocklists), ACME(key_blocklists)},
    {"ACMEIssuerURL", KIND_TEXT, FROM(issuer_url), ACME(issuer_url)},
    {"<ACMEIssuer> <ACMEPolicy> <ACMEProfile>", KIND_SECTIONS, FROM(sections),
     NONE},
    {NULL, KIND_TEXT, 0, NONE},
};

#define AS_TEXT(at)   (*(const char **)(at))
#define AS_NUMBER(at) (*(int *)(at))
#define AS_SPAN(at)   (*(apr_interval_time_t *)(at))
#define AS_LIST(at)   (*(apr_array_header_t **)(at))

static int is_set(const field_t *field, const char *at)
{
    switch (field->kind) {
    case KIND_TEXT:
        return AS_TEXT(at) != NULL;
    case KIND_LIST:
    case KIND_SECTIONS:
        return AS_LIST(at) != NULL;
    case KIND_SECONDS:
    case KIND_SPAN:
        return AS_SPAN(at) != HTTPD_UNSET;
    default:
        return AS_NUMBER(at) != HTTPD_UNSET;
    }
}

static void value_copy(const field_t *field, char *to, const char *from)
{
    switch (field->kind) {
    case KIND_TEXT:
        AS_TEXT(to) = AS_TEXT(from);
        break;
    case KIND_LIST:
    case KIND_SECTIONS:
        AS_LIST(to) = AS_LIST(from);
        break;
    case KIND_SECONDS:
    case KIND_SPAN:
        AS_SPAN(to) = AS_SPAN(from);
        break;
    default:
        AS_NUMBER(to) = AS_NUMBER(from);
    }
}

void *httpd_conf_create(apr_pool_t *pool, server_rec *server)
{
    httpd_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));
    const field_t *field;

    conf->server = server;
    for (field = fields; field->directive; field++) {
        char *at = (char *)conf + field->from;

        if (field->kind == KIND_SECONDS || field->kind == KIND_SPAN)
            AS_SPAN(at) = HTTPD_UNSET;
        else if (field->kind != KIND_TEXT && field->kind != KIND_LIST &&
                 field->kind != KIND_SECTIONS)
            AS_NUMBER(at) = HTTPD_UNSET;
    }
    return conf;
}

void *httpd_conf_merge(apr_pool_t *pool, void *base, void *add)
{
    httpd_conf_t *conf = apr_pmemdup(pool, add, sizeof(*conf));
    const field_t *field;

    for (field = fields; field->directive; field++) {
        const char *from = (const char *)base + field->from;
        char *at = (char *)conf + field->from;

        if (field->kind == KIND_OWN || !is_set(field, from))
            continue;
        if (!is_set(field, at))
            value_copy(field, at, from);
        else if (field->kind == KIND_LIST)
            AS_LIST(at) = apr_array_append(pool, AS_LIST(from), AS_LIST(at));
        else if (field->kind == KIND_SECTIONS)
            AS_LIST(at) = httpd_section_merge(AS_LIST(from), AS_LIST(at), pool);
    }
    return conf;
}

httpd_conf_t *httpd_conf_get(const server_rec *server)
{
    return ap_get_module_config(server->module_config, &acme_server_module);
}

static void fields_resolve(httpd_conf_t *conf)
{
    const field_t *field;

    for (field = fields; field->directive; field++) {
        char *at = (char *)conf + field->from, *to;

        if (field->to == TO_NONE || !is_set(field, at))
            continue;
        to = field->to == TO_DCV ? (char *)conf->acme->dcv : (char *)conf->acme;
        value_copy(field, to + field->at, at);
        if (field->kind == KIND_SECONDS)
            AS_SPAN(to + field->at) = apr_time_sec(AS_SPAN(at));
    }
}

/* "https://" ServerName and its port, else that of the vhost's first address;
 * 443 is left out. */
static const char *base_url_make(const server_rec *server, apr_pool_t *pool)
{
    unsigned int port = server->port;

    if (!port && server->addrs)
        port = server->addrs->host_port;
    if (!port || port == 443)
        return apr_pstrcat(pool, "https://", server->server_hostname, NULL);
    return apr_psprintf(pool, "https://%s:%u", server->server_hostname, port);
}

static void name_add(apr_array_header_t *names, const char *name)
{
    identifier_t *identifier;
    problem_t *prob = identifier_parse(&identifier, "dns", name,
                                       IDENTIFIER_UNDERSCORE, names->pool);

    if (!prob && !identifier_is_wildcard(identifier))
        APR_ARRAY_PUSH(names, identifier_t *) = identifier;
}

static void url_name_add(apr_array_header_t *names, const char *url)
{
    if (!strncmp(url, "https://", 8))
        name_add(names,
                 apr_pstrndup(names->pool, url + 8, strcspn(url + 8, ":/?#")));
}

apr_array_header_t *httpd_conf_names(const httpd_conf_t *conf, apr_pool_t *pool)
{
    const server_rec *server = conf->server;
    apr_array_header_t *names = apr_array_make(pool, 4, sizeof(identifier_t *));
    int i;

    name_add(names, server->server_hostname);
    for (i = 0; server->names && i < server->names->nelts; i++)
        name_add(names, APR_ARRAY_IDX(server->names, i, const char *));
    if (conf->acme) {
        url_name_add(names, conf->acme->base_url);
        for (i = 0; i < conf->acme->base_url_aliases->nelts; i++)
            url_name_add(names, APR_ARRAY_IDX(conf->acme->base_url_aliases, i,
                                              const char *));
    }
    identifier_sort(names);
    return names;
}

static void rules_add(dcv_net_t *net, const apr_array_header_t *cidrs,
                      int is_allow, apr_array_header_t *findings,
                      apr_pool_t *pool)
{
    int i;

    for (i = 0; cidrs && i < cidrs->nelts; i++) {
        const char *cidr = APR_ARRAY_IDX(cidrs, i, const char *);

        if (dcv_net_rule_add(net, cidr, is_allow, pool) != APR_SUCCESS)
            APR_ARRAY_PUSH(findings, const char *) = apr_pstrcat(
                findings->pool,
                is_allow ? "ACMEValidationAllow " : "ACMEValidationDeny ", cidr,
                ": it is no network; write it like 10.0.0.0/8, ::1, or "
                "fd00::/8, without bits behind the prefix",
                NULL);
    }
}

static void dcv_resolve(httpd_conf_t *conf, apr_array_header_t *findings,
                        apr_pool_t *pool)
{
    dcv_conf_t *dcv = conf->acme->dcv;
    dcv_net_t *net = dcv_net_make(pool);

    if (conf->resolvers)
        dcv->resolvers = dcv_conf_resolvers(conf->resolvers, pool);
    if (conf->hosts)
        dcv->hosts = dcv_conf_hosts(conf->hosts, pool);
    if (conf->allow)
        dcv->allow = conf->allow;
    if (conf->deny)
        dcv->deny = conf->deny;
    rules_add(net, dcv->allow, 1, findings, pool);
    rules_add(net, dcv->deny, 0, findings, pool);
    dcv->net = net;
}

void httpd_conf_resolve(httpd_conf_t *conf, apr_array_header_t *findings,
                        apr_pool_t *pool)
{
    acme_conf_t *acme = acme_conf_make(pool);

    conf->acme = acme;
    acme->server_name = conf->server->server_hostname;
    acme->base_url = base_url_make(conf->server, pool);
    fields_resolve(conf);
    if (conf->aliases)
        acme->base_url_aliases = conf->aliases;
    acme->store.params = conf->db_params ? conf->db_params
                                         : apr_pstrcat(pool, acme->state_dir,
                                                       "/db/acme.db", NULL);
    acme->eab_key_file =
        apr_pstrcat(pool, acme->state_dir, "/ca/eab.key", NULL);
    if (conf->limits)
        httpd_limit_resolve(acme->limits, conf->limits);
    dcv_resolve(conf, findings, pool);
    httpd_section_resolve(conf, findings, pool);
    acme_conf_drafts_add(acme, pool);
    conf->names = httpd_conf_names(conf, pool);
    apr_array_cat(findings, acme_conf_check(acme, pool));
}
