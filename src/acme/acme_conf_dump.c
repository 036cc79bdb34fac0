/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_conf.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "base/own.h"
#include "base/pjson.h"
#include "dcv/dcv_net.h"
#include "policy/policy_dump.h"
#include "store/store_conninfo.h"

#include "base/banned.h"

/*
 * One row per plain field: the dump's member, its kind, its place.  Lists and
 * nested things have their functions below.  MAYBE is a text or null.
 */
typedef enum { TEXT, MAYBE, NUMBER, NUMBER64 } kind_e;

typedef struct {
    const char *name;
    kind_e kind;
    apr_size_t offset;
} field_t;

#define CONF(member)    offsetof(acme_conf_t, member)
#define DCV(member)     offsetof(dcv_conf_t, member)
#define ISSUER(member)  offsetof(acme_issuer_t, member)
#define PROFILE(member) offsetof(acme_profile_t, member)

static const field_t conf_fields[] = {
    {"serverName", MAYBE, CONF(server_name)},
    {"baseURL", MAYBE, CONF(base_url)},
    {"path", TEXT, CONF(path)},
    {"realm", TEXT, CONF(realm)},
    {"stateDir", TEXT, CONF(state_dir)},
    {"databaseDriver", TEXT, CONF(store.driver)},
    {"databaseParams", TEXT, CONF(store.params)},
    {"termsURL", MAYBE, CONF(terms_url)},
    {"website", MAYBE, CONF(website)},
    {"orderLifetime", NUMBER64, CONF(order_lifetime)},
    {"authzLifetime", NUMBER64, CONF(authz_lifetime)},
    {"retention", NUMBER64, CONF(retention)},
    {"authzReuse", NUMBER, CONF(authz_reuse)},
    {"underscore", NUMBER, CONF(underscore)},
    {"dnsAccount", NUMBER, CONF(dns_account)},
    {"dnsPersist", NUMBER, CONF(dns_persist)},
    {"caaStrict", NUMBER, CONF(caa_strict)},
    {"toleratePaddedCSR", NUMBER, CONF(tolerate_padded_csr)},
    {"nonceSlots", NUMBER, CONF(nonce_slots)},
    {"nonceReject", NUMBER, CONF(nonce_reject)},
    {"finalizeWait", NUMBER64, CONF(finalize_wait)},
    {"validationWait", NUMBER64, CONF(validation_wait)},
    {"issuerURL", MAYBE, CONF(issuer_url)},
    {"publishURL", MAYBE, CONF(publish_url)},
    {"defaultProfile", MAYBE, CONF(default_profile)},
    {"auditLog", MAYBE, CONF(audit_log)},
    {"externalAccountKeyFile", TEXT, CONF(eab_key_file)},
    {"externalAccountReveal", NUMBER, CONF(eab_reveal)},
    {NULL, TEXT, 0},
};

static const field_t dcv_fields[] = {
    {"resolvConf", TEXT, DCV(resolv_conf)},
    {"hostsFile", TEXT, DCV(hosts_file)},
    {"dnssec", NUMBER, DCV(dnssec)},
    {"trustAnchor", TEXT, DCV(trust_anchor)},
    {"authoritative", NUMBER, DCV(authoritative)},
    {"dns01Port", NUMBER, DCV(dns01_port)},
    {"http01Port", NUMBER, DCV(http01_port)},
    {"tlsalpn01Port", NUMBER, DCV(tlsalpn01_port)},
    {"timeout", NUMBER64, DCV(timeout)},
    {"retry", NUMBER64, DCV(retry)},
    {"max", NUMBER, DCV(max_in_flight)},
    {"userAgent", TEXT, DCV(user_agent)},
    {NULL, TEXT, 0},
};

static const field_t issuer_fields[] = {
    {"name", TEXT, ISSUER(name)},
    {"type", TEXT, ISSUER(type)},
    {"certificate", MAYBE, ISSUER(certificate)},
    {"key", MAYBE, ISSUER(key)},
    {"directory", MAYBE, ISSUER(directory)},
    {"url", MAYBE, ISSUER(url)},
    {"crl", NUMBER, ISSUER(crl)},
    {"crlLife", NUMBER64, ISSUER(crl_life)},
    {"ocsp", NUMBER, ISSUER(ocsp)},
    {"ocspLife", NUMBER64, ISSUER(ocsp_life)},
    {"problem", MAYBE, ISSUER(problem)},
    {NULL, TEXT, 0},
};

static const field_t profile_fields[] = {
    {"name", TEXT, PROFILE(name)},
    {"directory", TEXT, PROFILE(directory)},
    {"description", MAYBE, PROFILE(description)},
    {"issuer", TEXT, PROFILE(issuer)},
    {"validity", NUMBER64, PROFILE(validity.validity)},
    {"maxValidity", NUMBER64, PROFILE(validity.max_validity)},
    {"backdate", NUMBER64, PROFILE(validity.backdate)},
    {"commonName", NUMBER, PROFILE(validity.common_name)},
    {"externalAccount", NUMBER, PROFILE(external)},
    {"validation", NUMBER, PROFILE(validation)},
    {"caa", NUMBER, PROFILE(caa)},
    {"subdomains", NUMBER, PROFILE(subdomains)},
    {"enrollment", NUMBER, PROFILE(enrollment)},
    {NULL, TEXT, 0},
};

static void fields_render(json_t *json, const field_t *field, const void *base)
{
    for (; field->name; field++) {
        const char *at = (const char *)base + field->offset;
        const char *text;

        switch (field->kind) {
        case TEXT:
        case MAYBE:
            text = *(const char *const *)at;
            json_object_set_new(json, field->name,
                                text ? json_string(text) : json_null());
            break;
        case NUMBER:
            json_object_set_new(json, field->name,
                                json_integer(*(const int *)at));
            break;
        case NUMBER64:
            json_object_set_new(json, field->name,
                                json_integer(*(const apr_int64_t *)at));
            break;
        }
    }
}

static int is_kind(const json_t *value, kind_e kind)
{
    switch (kind) {
    case TEXT:
        return json_is_string(value);
    case MAYBE:
        return json_is_string(value) || json_is_null(value);
    default:
        return json_is_integer(value);
    }
}

/* 0 when a member is missing or of another type. */
static int fields_parse(void *base, const field_t *field, json_t *json,
                        apr_pool_t *pool)
{
    for (; field->name; field++) {
        json_t *value = json_object_get(json, field->name);
        char *at = (char *)base + field->offset;

        if (!is_kind(value, field->kind))
            return 0;
        switch (field->kind) {
        case TEXT:
        case MAYBE:
            *(const char **)at = apr_pstrdup(pool, json_string_value(value));
            break;
        case NUMBER:
            *(int *)at = (int)json_integer_value(value);
            break;
        case NUMBER64:
            *(apr_int64_t *)at = json_integer_value(value);
            break;
        }
    }
    return 1;
}

static json_t *dcv_render(const dcv_conf_t *dcv)
{
    json_t *json = json_object(), *list = json_array();
    int i;

    fields_render(json, dcv_fields, dcv);
    for (i = 0; i < dcv->resolvers->nelts; i++) {
        const dcv_resolver_t *resolver =
            APR_ARRAY_IDX(dcv->resolvers, i, const dcv_resolver_t *);

        json_array_append_new(
            list, json_pack("{s:s?, s:o}", "zone", resolver->zone, "servers",
                            pjson_strings_render(resolver->servers)));
    }
    json_object_set_new(json, "resolvers", list);
    list = json_array();
    for (i = 0; i < dcv->hosts->nelts; i++) {
        const dcv_host_t *host =
            APR_ARRAY_IDX(dcv->hosts, i, const dcv_host_t *);

        json_array_append_new(
            list, json_pack("{s:s, s:o}", "name", host->name, "addresses",
                            pjson_strings_render(host->addresses)));
    }
    json_object_set_new(json, "hosts", list);
    json_object_set_new(json, "insecure", pjson_strings_render(dcv->insecure));
    json_object_set_new(json, "allow", pjson_strings_render(dcv->allow));
    json_object_set_new(json, "deny", pjson_strings_render(dcv->deny));
    return json;
}

static int resolvers_parse(apr_array_header_t *list, json_t *json,
                           apr_pool_t *pool)
{
    json_t *value;
    size_t i;

    json_array_foreach(json, i, value)
    {
        dcv_resolver_t *resolver = apr_pcalloc(pool, sizeof(*resolver));
        json_t *zone = json_object_get(value, "zone");

        resolver->servers =
            pjson_strings_parse(json_object_get(value, "servers"), pool);
        if (!is_kind(zone, MAYBE) || !resolver->servers)
            return 0;
        resolver->zone = apr_pstrdup(pool, json_string_value(zone));
        APR_ARRAY_PUSH(list, dcv_resolver_t *) = resolver;
    }
    return json_is_array(json);
}

static int hosts_parse(apr_array_header_t *list, json_t *json, apr_pool_t *pool)
{
    json_t *value;
    size_t i;

    json_array_foreach(json, i, value)
    {
        dcv_host_t *host = apr_pcalloc(pool, sizeof(*host));
        json_t *name = json_object_get(value, "name");

        host->addresses =
            pjson_strings_parse(json_object_get(value, "addresses"), pool);
        if (!json_is_string(name) || !host->addresses)
            return 0;
        host->name = apr_pstrdup(pool, json_string_value(name));
        APR_ARRAY_PUSH(list, dcv_host_t *) = host;
    }
    return json_is_array(json);
}

static apr_array_header_t *rules_parse(dcv_net_t *net, int is_allow,
                                       json_t *json, apr_pool_t *pool)
{
    apr_array_header_t *rules = pjson_strings_parse(json, pool);
    int i;

    for (i = 0; rules && i < rules->nelts; i++)
        if (dcv_net_rule_add(net, APR_ARRAY_IDX(rules, i, const char *),
                             is_allow, pool) != APR_SUCCESS)
            return NULL;
    return rules;
}

static int dcv_parse(dcv_conf_t *dcv, json_t *json, apr_pool_t *pool)
{
    dcv_net_t *net = dcv_net_make(pool);

    dcv->net = net;
    dcv->allow = rules_parse(net, 1, json_object_get(json, "allow"), pool);
    dcv->deny = rules_parse(net, 0, json_object_get(json, "deny"), pool);
    dcv->insecure =
        pjson_strings_parse(json_object_get(json, "insecure"), pool);
    return dcv->allow && dcv->deny && dcv->insecure &&
           fields_parse(dcv, dcv_fields, json, pool) &&
           resolvers_parse(dcv->resolvers, json_object_get(json, "resolvers"),
                           pool) &&
           hosts_parse(dcv->hosts, json_object_get(json, "hosts"), pool);
}

static json_t *issuer_render(const acme_issuer_t *issuer)
{
    json_t *json = json_object();

    fields_render(json, issuer_fields, issuer);
    json_object_set_new(json, "alternates",
                        pjson_strings_render(issuer->alternates));
    return json;
}

static int issuers_parse(apr_array_header_t *list, json_t *json,
                         apr_pool_t *pool)
{
    json_t *value;
    size_t i;

    json_array_foreach(json, i, value)
    {
        acme_issuer_t *issuer = apr_pcalloc(pool, sizeof(*issuer));

        issuer->alternates =
            pjson_strings_parse(json_object_get(value, "alternates"), pool);
        if (!issuer->alternates ||
            !fields_parse(issuer, issuer_fields, value, pool))
            return 0;
        APR_ARRAY_PUSH(list, acme_issuer_t *) = issuer;
    }
    return json_is_array(json);
}

static json_t *profile_render(const acme_profile_t *profile, apr_pool_t *pool)
{
    json_t *json = json_object();

    fields_render(json, profile_fields, profile);
    json_object_set_new(json, "challenges",
                        pjson_strings_render(profile->challenges));
    json_object_set_new(json, "subject",
                        pjson_strings_render(profile->subject));
    json_object_set_new(json, "policy", policy_render(profile->policy, pool));
    return json;
}

static acme_profile_t *profile_parse(json_t *json, apr_pool_t *pool)
{
    acme_profile_t *profile = apr_pcalloc(pool, sizeof(*profile));

    if (!fields_parse(profile, profile_fields, json, pool))
        return NULL;
    profile->policy = policy_parse(json_object_get(json, "policy"), pool);
    profile->challenges =
        pjson_strings_parse(json_object_get(json, "challenges"), pool);
    profile->subject =
        pjson_strings_parse(json_object_get(json, "subject"), pool);
    if (!profile->policy || !profile->challenges || !profile->subject)
        return NULL;
    return profile;
}

static int profiles_parse(apr_array_header_t *list, json_t *json,
                          apr_pool_t *pool)
{
    json_t *value;
    size_t i;

    json_array_foreach(json, i, value)
    {
        acme_profile_t *profile = profile_parse(value, pool);

        if (!profile)
            return 0;
        APR_ARRAY_PUSH(list, acme_profile_t *) = profile;
    }
    return json_is_array(json);
}

static json_t *limits_render(const acme_limit_rule_t *rules)
{
    json_t *json = json_object();
    int i;

    for (i = 0; i < ACME_LIMIT_COUNT; i++)
        json_object_set_new(json, acme_limit_name((acme_limit_e)i),
                            json_pack("{s:I, s:I}", "count",
                                      (json_int_t)rules[i].count, "seconds",
                                      (json_int_t)rules[i].span));
    return json;
}

static int limits_parse(acme_limit_rule_t *rules, json_t *json)
{
    int i;

    for (i = 0; i < ACME_LIMIT_COUNT; i++) {
        json_t *rule = json_object_get(json, acme_limit_name((acme_limit_e)i));
        json_t *count = json_object_get(rule, "count");
        json_t *seconds = json_object_get(rule, "seconds");

        if (!json_is_integer(count) || !json_is_integer(seconds))
            return 0;
        rules[i].count = json_integer_value(count);
        rules[i].span = json_integer_value(seconds);
    }
    return 1;
}

const acme_conf_t *acme_conf_hide(const acme_conf_t *conf, apr_pool_t *pool)
{
    acme_conf_t *copy = apr_pmemdup(pool, conf, sizeof(*conf));

    if (!strcmp(conf->store.driver, "pgsql"))
        copy->store.params = store_conninfo_public(conf->store.params, pool);
    return copy;
}

json_t *acme_conf_render(const acme_conf_t *conf, apr_pool_t *pool)
{
    json_t *json = own_json(pool, json_object()), *list = json_array();
    int i;

    fields_render(json, conf_fields, conf);
    json_object_set_new(json, "baseURLAliases",
                        pjson_strings_render(conf->base_url_aliases));
    json_object_set_new(json, "caaIdentities",
                        pjson_strings_render(conf->caa_identities));
    json_object_set_new(json, "keyBlocklists",
                        pjson_strings_render(conf->key_blocklists));
    json_object_set_new(json, "rateLimits", limits_render(conf->limits));
    json_object_set_new(json, "validation", dcv_render(conf->dcv));
    for (i = 0; i < conf->issuers->nelts; i++)
        json_array_append_new(list, issuer_render(APR_ARRAY_IDX(
                                        conf->issuers, i, acme_issuer_t *)));
    json_object_set_new(json, "issuers", list);
    list = json_array();
    for (i = 0; i < conf->profiles->nelts; i++)
        json_array_append_new(
            list,
            profile_render(APR_ARRAY_IDX(conf->profiles, i, acme_profile_t *),
                           pool));
    json_object_set_new(json, "profiles", list);
    return json;
}

acme_conf_t *acme_conf_parse(json_t *json, apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);

    conf->base_url_aliases =
        pjson_strings_parse(json_object_get(json, "baseURLAliases"), pool);
    conf->caa_identities =
        pjson_strings_parse(json_object_get(json, "caaIdentities"), pool);
    conf->key_blocklists =
        pjson_strings_parse(json_object_get(json, "keyBlocklists"), pool);
    apr_array_clear(conf->issuers);
    apr_array_clear(conf->profiles);
    if (!conf->base_url_aliases || !conf->key_blocklists ||
        !conf->caa_identities || !fields_parse(conf, conf_fields, json, pool) ||
        !limits_parse(conf->limits, json_object_get(json, "rateLimits")) ||
        !dcv_parse(conf->dcv, json_object_get(json, "validation"), pool) ||
        !issuers_parse(conf->issuers, json_object_get(json, "issuers"), pool) ||
        !profiles_parse(conf->profiles, json_object_get(json, "profiles"),
                        pool))
        return NULL;
    return conf;
}
