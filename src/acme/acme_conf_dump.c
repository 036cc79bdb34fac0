/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_conf.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "base/fields.h"
#include "base/own.h"
#include "dcv/dcv_net.h"
#include "policy/policy_dump.h"
#include "store/store_conninfo.h"

#include "base/banned.h"

#define CONF(member)     offsetof(acme_conf_t, member)
#define DCV(member)      offsetof(dcv_conf_t, member)
#define RESOLVER(member) offsetof(dcv_resolver_t, member)
#define HOST(member)     offsetof(dcv_host_t, member)
#define ISSUER(member)   offsetof(acme_issuer_t, member)
#define PROFILE(member)  offsetof(acme_profile_t, member)

static const fields_row_t conf_fields[] = {
    {"serverName", FIELDS_MAYBE, CONF(server_name)},
    {"baseURL", FIELDS_MAYBE, CONF(base_url)},
    {"path", FIELDS_TEXT, CONF(path)},
    {"realm", FIELDS_TEXT, CONF(realm)},
    {"stateDir", FIELDS_TEXT, CONF(state_dir)},
    {"databaseDriver", FIELDS_TEXT, CONF(store.driver)},
    {"databaseParams", FIELDS_TEXT, CONF(store.params)},
    {"termsURL", FIELDS_MAYBE, CONF(terms_url)},
    {"website", FIELDS_MAYBE, CONF(website)},
    {"orderLifetime", FIELDS_INT64, CONF(order_lifetime)},
    {"authzLifetime", FIELDS_INT64, CONF(authz_lifetime)},
    {"retention", FIELDS_INT64, CONF(retention)},
    {"authzReuse", FIELDS_INT, CONF(authz_reuse)},
    {"underscore", FIELDS_INT, CONF(underscore)},
    {"dnsAccount", FIELDS_INT, CONF(dns_account)},
    {"dnsPersist", FIELDS_INT, CONF(dns_persist)},
    {"caaStrict", FIELDS_INT, CONF(caa_strict)},
    {"toleratePaddedCSR", FIELDS_INT, CONF(tolerate_padded_csr)},
    {"nonceSlots", FIELDS_INT, CONF(nonce_slots)},
    {"nonceReject", FIELDS_INT, CONF(nonce_reject)},
    {"finalizeWait", FIELDS_INT64, CONF(finalize_wait)},
    {"validationWait", FIELDS_INT64, CONF(validation_wait)},
    {"issuerURL", FIELDS_MAYBE, CONF(issuer_url)},
    {"publishURL", FIELDS_MAYBE, CONF(publish_url)},
    {"defaultProfile", FIELDS_MAYBE, CONF(default_profile)},
    {"auditLog", FIELDS_MAYBE, CONF(audit_log)},
    {"externalAccountKeyFile", FIELDS_TEXT, CONF(eab_key_file)},
    {"externalAccountReveal", FIELDS_INT, CONF(eab_reveal)},
    {"baseURLAliases", FIELDS_STRINGS, CONF(base_url_aliases)},
    {"caaIdentities", FIELDS_STRINGS, CONF(caa_identities)},
    {"keyBlocklists", FIELDS_STRINGS, CONF(key_blocklists)},
    {NULL, FIELDS_TEXT, 0},
};

static const fields_row_t dcv_fields[] = {
    {"resolvConf", FIELDS_TEXT, DCV(resolv_conf)},
    {"hostsFile", FIELDS_TEXT, DCV(hosts_file)},
    {"dnssec", FIELDS_INT, DCV(dnssec)},
    {"trustAnchor", FIELDS_TEXT, DCV(trust_anchor)},
    {"authoritative", FIELDS_INT, DCV(authoritative)},
    {"dns01Port", FIELDS_INT, DCV(dns01_port)},
    {"http01Port", FIELDS_INT, DCV(http01_port)},
    {"tlsalpn01Port", FIELDS_INT, DCV(tlsalpn01_port)},
    {"timeout", FIELDS_INT64, DCV(timeout)},
    {"retry", FIELDS_INT64, DCV(retry)},
    {"max", FIELDS_INT, DCV(max_in_flight)},
    {"userAgent", FIELDS_TEXT, DCV(user_agent)},
    {"insecure", FIELDS_STRINGS, DCV(insecure)},
    {"allow", FIELDS_STRINGS, DCV(allow)},
    {"deny", FIELDS_STRINGS, DCV(deny)},
    {NULL, FIELDS_TEXT, 0},
};

static const fields_row_t resolver_fields[] = {
    {"zone", FIELDS_MAYBE, RESOLVER(zone)},
    {"servers", FIELDS_STRINGS, RESOLVER(servers)},
    {NULL, FIELDS_TEXT, 0},
};

static const fields_row_t host_fields[] = {
    {"name", FIELDS_TEXT, HOST(name)},
    {"addresses", FIELDS_STRINGS, HOST(addresses)},
    {NULL, FIELDS_TEXT, 0},
};

static const fields_row_t issuer_fields[] = {
    {"name", FIELDS_TEXT, ISSUER(name)},
    {"type", FIELDS_TEXT, ISSUER(type)},
    {"certificate", FIELDS_MAYBE, ISSUER(certificate)},
    {"key", FIELDS_MAYBE, ISSUER(key)},
    {"directory", FIELDS_MAYBE, ISSUER(directory)},
    {"url", FIELDS_MAYBE, ISSUER(url)},
    {"crl", FIELDS_INT, ISSUER(crl)},
    {"crlLife", FIELDS_INT64, ISSUER(crl_life)},
    {"ocsp", FIELDS_INT, ISSUER(ocsp)},
    {"ocspLife", FIELDS_INT64, ISSUER(ocsp_life)},
    {"problem", FIELDS_MAYBE, ISSUER(problem)},
    {"alternates", FIELDS_STRINGS, ISSUER(alternates)},
    {NULL, FIELDS_TEXT, 0},
};

static const fields_row_t profile_fields[] = {
    {"name", FIELDS_TEXT, PROFILE(name)},
    {"directory", FIELDS_TEXT, PROFILE(directory)},
    {"description", FIELDS_MAYBE, PROFILE(description)},
    {"issuer", FIELDS_TEXT, PROFILE(issuer)},
    {"validity", FIELDS_INT64, PROFILE(validity.validity)},
    {"maxValidity", FIELDS_INT64, PROFILE(validity.max_validity)},
    {"backdate", FIELDS_INT64, PROFILE(validity.backdate)},
    {"commonName", FIELDS_INT, PROFILE(validity.common_name)},
    {"externalAccount", FIELDS_INT, PROFILE(external)},
    {"validation", FIELDS_INT, PROFILE(validation)},
    {"caa", FIELDS_INT, PROFILE(caa)},
    {"subdomains", FIELDS_INT, PROFILE(subdomains)},
    {"enrollment", FIELDS_INT, PROFILE(enrollment)},
    {"challenges", FIELDS_STRINGS, PROFILE(challenges)},
    {"subject", FIELDS_STRINGS, PROFILE(subject)},
    {NULL, FIELDS_TEXT, 0},
};

static json_t *dcv_render(const dcv_conf_t *dcv)
{
    json_t *json = json_object();

    fields_render(json, dcv_fields, dcv);
    json_object_set_new(json, "resolvers",
                        fields_list_render(dcv->resolvers, resolver_fields));
    json_object_set_new(json, "hosts",
                        fields_list_render(dcv->hosts, host_fields));
    return json;
}

static int rules_add(dcv_net_t *net, int is_allow,
                     const apr_array_header_t *rules, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < rules->nelts; i++)
        if (dcv_net_rule_add(net, APR_ARRAY_IDX(rules, i, const char *),
                             is_allow, pool) != APR_SUCCESS)
            return 0;
    return 1;
}

static int dcv_parse(dcv_conf_t *dcv, json_t *json, apr_pool_t *pool)
{
    dcv_net_t *net = dcv_net_make(pool);

    dcv->net = net;
    return fields_parse(dcv, dcv_fields, json, pool) &&
           rules_add(net, 1, dcv->allow, pool) &&
           rules_add(net, 0, dcv->deny, pool) &&
           fields_list_parse(dcv->resolvers, sizeof(dcv_resolver_t),
                             resolver_fields,
                             json_object_get(json, "resolvers"), pool) &&
           fields_list_parse(dcv->hosts, sizeof(dcv_host_t), host_fields,
                             json_object_get(json, "hosts"), pool);
}

static json_t *profile_render(const acme_profile_t *profile)
{
    json_t *json = json_object();

    fields_render(json, profile_fields, profile);
    json_object_set_new(json, "policy", policy_render(profile->policy));
    return json;
}

static acme_profile_t *profile_parse(json_t *json, apr_pool_t *pool)
{
    acme_profile_t *profile = apr_pcalloc(pool, sizeof(*profile));

    if (!fields_parse(profile, profile_fields, json, pool))
        return NULL;
    profile->policy = policy_parse(json_object_get(json, "policy"), pool);
    return profile->policy ? profile : NULL;
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
    json_object_set_new(json, "rateLimits", limits_render(conf->limits));
    json_object_set_new(json, "validation", dcv_render(conf->dcv));
    json_object_set_new(json, "issuers",
                        fields_list_render(conf->issuers, issuer_fields));
    for (i = 0; i < conf->profiles->nelts; i++)
        json_array_append_new(list, profile_render(APR_ARRAY_IDX(
                                        conf->profiles, i, acme_profile_t *)));
    json_object_set_new(json, "profiles", list);
    return json;
}

acme_conf_t *acme_conf_parse(json_t *json, apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);

    apr_array_clear(conf->issuers);
    apr_array_clear(conf->profiles);
    if (!fields_parse(conf, conf_fields, json, pool) ||
        !limits_parse(conf->limits, json_object_get(json, "rateLimits")) ||
        !dcv_parse(conf->dcv, json_object_get(json, "validation"), pool) ||
        !fields_list_parse(conf->issuers, sizeof(acme_issuer_t), issuer_fields,
                           json_object_get(json, "issuers"), pool) ||
        !profiles_parse(conf->profiles, json_object_get(json, "profiles"),
                        pool))
        return NULL;
    return conf;
}
