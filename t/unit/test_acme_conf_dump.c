/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_conf.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>

#include "base/own.h"
#include "base/pjson.h"
#include "tap.h"
#include "dcv/dcv_net.h"
#include "policy/policy_make.h"

static acme_profile_t *profile(const acme_conf_t *conf, int i)
{
    return APR_ARRAY_IDX(conf->profiles, i, acme_profile_t *);
}

static acme_conf_t *two_profiles(apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);
    acme_profile_t *more =
        apr_pmemdup(pool, profile(conf, 0), sizeof(acme_profile_t));

    conf->server_name = "ca.example";
    conf->base_url = "https://ca.example";
    more->name = "web";
    more->directory = "web";
    more->challenges = apr_array_copy(pool, more->challenges);
    APR_ARRAY_PUSH(conf->profiles, acme_profile_t *) = more;
    return conf;
}

static void issuers_other(acme_conf_t *conf)
{
    acme_issuer_t *issuer = apr_pcalloc(conf->issuers->pool, sizeof(*issuer));

    issuer->name = "corp";
    issuer->type = "internal";
    issuer->certificate = "/srv/corp.pem";
    issuer->key = "/srv/corp.key";
    issuer->directory = "/srv/corp";
    issuer->alternates =
        apr_array_make(conf->issuers->pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(issuer->alternates, const char *) = "/srv/cross.pem";
    issuer->url = "http://corp.example/";
    issuer->problem = "no root";
    APR_ARRAY_PUSH(conf->issuers, acme_issuer_t *) = issuer;
}

static void profile_other(acme_profile_t *profile, apr_pool_t *pool)
{
    policy_t *policy = policy_make("tls-server", pool);

    policy->name = "strict";
    policy->max_names = 3;
    policy->key_kinds = POLICY_KEY_P384;
    policy->rsa_min = 3072;
    policy->rsa_max = 8192;
    policy->max_validity = 86400;
    policy->ku_require = 0x88;
    policy->ku_rsa = 0x20;
    APR_ARRAY_PUSH(policy->eku_require, const char *) = "codeSigning";
    profile->policy = policy;
    profile->issuer = "corp";
    profile->validity.validity = 86400;
    profile->validity.max_validity = 2 * 86400;
    profile->validity.backdate = 5;
    profile->validity.common_name = 0;
    profile->description = "TLS servers";
    profile->external = ACME_EXTERNAL_REQUIRED;
    profile->validation = 0;
    profile->caa = 1;
    profile->enrollment = 0;
    profile->subject = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(profile->subject, const char *) = "O=Corp";
}

static void dcv_other(dcv_conf_t *dcv)
{
    dcv->resolv_conf = "/srv/resolv.conf";
    dcv->hosts_file = "/srv/hosts";
    dcv->dnssec = 1;
    dcv->trust_anchor = "/srv/root.key";
    dcv->authoritative = 0;
    APR_ARRAY_PUSH(dcv->insecure, const char *) = "corp.example";
    dcv->dns01_port = 5053;
    dcv->http01_port = 5002;
    dcv->tlsalpn01_port = 5001;
    dcv->timeout = 3000000;
    dcv->max_in_flight = 7;
    dcv->user_agent = "agent";
}

/* A configuration in which no value is the default's. */
static acme_conf_t *conf_other(apr_pool_t *pool)
{
    acme_conf_t *conf = two_profiles(pool);
    dcv_resolver_t *resolver = apr_pcalloc(pool, sizeof(*resolver));
    dcv_host_t *host = apr_pcalloc(pool, sizeof(*host));

    APR_ARRAY_PUSH(conf->base_url_aliases, const char *) = "https://b.test";
    conf->path = "/ca";
    conf->realm = "corp";
    conf->state_dir = "/srv/\"ca\"";
    conf->store.params = "/srv/db";
    conf->terms_url = "https://ca.example/terms";
    conf->website = "https://ca.example/";
    conf->order_lifetime = 3600;
    conf->retention = 86400;
    conf->authz_lifetime = APR_INT64_C(5000000000); /* beyond 32 bits */
    conf->authz_reuse = 0;
    conf->limits[ACME_LIMIT_FAILURES].count = 7;
    conf->limits[ACME_LIMIT_FAILURES].span = 60;
    conf->limits[ACME_LIMIT_PENDING_ORDERS].count = 0;
    conf->underscore = 1;
    conf->dns_account = 1;
    conf->dns_persist = 1;
    conf->tolerate_padded_csr = 1;
    conf->nonce_slots = 1024;
    conf->nonce_reject = 15;
    conf->finalize_wait = 1;
    conf->validation_wait = 2;
    issuers_other(conf);
    conf->issuer_url = "http://pki.example/";
    conf->default_profile = "web";
    conf->audit_log = "|/bin/logger";
    APR_ARRAY_PUSH(conf->key_blocklists, const char *) = "/srv/blocked";
    conf->eab_key_file = "/srv/eab.key";
    conf->eab_reveal = 1;
    dcv_other(conf->dcv);
    resolver->servers = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(resolver->servers, const char *) = "192.0.2.1@53";
    APR_ARRAY_PUSH(resolver->servers, const char *) = "2001:db8::1";
    APR_ARRAY_PUSH(conf->dcv->resolvers, dcv_resolver_t *) = resolver;
    resolver = apr_pmemdup(pool, resolver, sizeof(*resolver));
    resolver->zone = "corp.example";
    APR_ARRAY_PUSH(conf->dcv->resolvers, dcv_resolver_t *) = resolver;
    host->name = "a.test";
    host->addresses = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(host->addresses, const char *) = "127.0.0.1";
    APR_ARRAY_PUSH(conf->dcv->hosts, dcv_host_t *) = host;
    APR_ARRAY_PUSH(conf->dcv->allow, const char *) = "127.0.0.0/8";
    APR_ARRAY_PUSH(conf->dcv->deny, const char *) = "127.0.0.2/32";
    profile_other(profile(conf, 1), pool);
    return conf;
}

static acme_conf_t *again(const acme_conf_t *conf, apr_pool_t *pool)
{
    const char *text = pjson_text(acme_conf_render(conf, pool), 0, pool);
    json_t *json = own_json(pool, json_loads(text, 0, NULL));
    acme_conf_t *parsed = acme_conf_parse(json, pool);

    ok(json && parsed, "%s", text);
    if (parsed)
        is_str(pjson_text(acme_conf_render(parsed, pool), 0, pool), text);
    return parsed;
}

static int is_allowed(const acme_conf_t *conf, const char *address)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};

    ok(inet_pton(AF_INET, address, &addr.sin_addr) == 1);
    return dcv_net_is_allowed(conf->dcv->net, (const struct sockaddr *)&addr,
                              NULL);
}

static void networks(apr_pool_t *pool)
{
    acme_conf_t *conf = again(conf_other(pool), pool);
    json_t *json;

    need(conf);
    is_str(APR_ARRAY_IDX(conf->dcv->allow, 0, const char *), "127.0.0.0/8");
    is_str(APR_ARRAY_IDX(conf->dcv->deny, 0, const char *), "127.0.0.2/32");
    ok(is_allowed(conf, "127.0.0.1"));
    ok(!is_allowed(conf, "127.0.0.2"));
    conf = again(acme_conf_make(pool), pool);
    need(conf);
    ok(!is_allowed(conf, "127.0.0.1"));
    APR_ARRAY_PUSH(conf->dcv->deny, const char *) = "nonsense";
    json = acme_conf_render(conf, pool);
    ok(!acme_conf_parse(json, pool));
}

static void round_trip(apr_pool_t *pool)
{
    acme_conf_t *conf = again(conf_other(pool), pool);
    const dcv_resolver_t *resolver;
    const policy_t *policy;

    need(conf);
    is_str(conf->server_name, "ca.example");
    is_str(APR_ARRAY_IDX(conf->base_url_aliases, 0, const char *),
           "https://b.test");
    is_str(conf->path, "/ca");
    is_str(conf->state_dir, "/srv/\"ca\"");
    is_int(conf->retention, 86400);
    is_int(conf->authz_lifetime, APR_INT64_C(5000000000));
    is_int(conf->authz_reuse, 0);
    is_int(conf->limits[ACME_LIMIT_FAILURES].count, 7);
    is_int(conf->limits[ACME_LIMIT_FAILURES].span, 60);
    is_int(conf->limits[ACME_LIMIT_PENDING_ORDERS].count, 0);
    is_int(conf->limits[ACME_LIMIT_ORDERS_NAME].count, 10000);
    is_int(conf->dcv->dnssec, 1);
    is_str(conf->dcv->trust_anchor, "/srv/root.key");
    is_int(conf->dcv->authoritative, 0);
    is_str(APR_ARRAY_IDX(conf->dcv->insecure, 0, char *), "corp.example");
    is_int(conf->dcv->dns01_port, 5053);
    is_int(conf->dcv->http01_port, 5002);
    is_int(conf->dcv->resolvers->nelts, 2);
    resolver = APR_ARRAY_IDX(conf->dcv->resolvers, 0, dcv_resolver_t *);
    ok(!resolver->zone);
    is_str(APR_ARRAY_IDX(resolver->servers, 1, char *), "2001:db8::1");
    resolver = APR_ARRAY_IDX(conf->dcv->resolvers, 1, dcv_resolver_t *);
    is_str(resolver->zone, "corp.example");
    is_str(APR_ARRAY_IDX(conf->dcv->hosts, 0, dcv_host_t *)->name, "a.test");
    is_int(conf->profiles->nelts, 2);
    policy = profile(conf, 1)->policy;
    is_str(policy->name, "strict");
    is_int(policy->key_kinds, POLICY_KEY_P384);
    is_int(policy->eku_require->nelts, 2);
    is_str(APR_ARRAY_IDX(policy->eku_require, 1, char *), "codeSigning");
    is_int(profile(conf, 1)->validity.common_name, 0);
    is_int(profile(conf, 1)->external, ACME_EXTERNAL_REQUIRED);
    is_str(APR_ARRAY_IDX(profile(conf, 1)->subject, 0, char *), "O=Corp");
    is_int(conf->issuers->nelts, 2);
    is_str(acme_conf_issuer(conf, "corp")->key, "/srv/corp.key");
    is_str(APR_ARRAY_IDX(acme_conf_issuer(conf, "corp")->alternates, 0, char *),
           "/srv/cross.pem");
    ok(!acme_conf_issuer(conf, "automatic")->key);
    is_str(conf->default_profile, "web");
    need(again(acme_conf_make(pool), pool)); /* NULL stays NULL */
}

static apr_array_header_t *keys_of(json_t *object, apr_pool_t *pool)
{
    apr_array_header_t *keys = apr_array_make(pool, 32, sizeof(char *));
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        APR_ARRAY_PUSH(keys, char *) = apr_pstrdup(pool, key);
    }
    return keys;
}

static void refused(json_t *top, const char *key, const char *how,
                    apr_pool_t *pool)
{
    ok(!acme_conf_parse(top, pool), "%s %s", key, how);
}

/* Every member of at, an object within top, and of the objects below it: once
 * missing and once of another type. */
static void damage_members(json_t *top, json_t *at, apr_pool_t *pool)
{
    apr_array_header_t *keys = keys_of(at, pool);
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const char *key = APR_ARRAY_IDX(keys, i, char *);
        json_t *kept = json_incref(json_object_get(at, key));
        json_t *first = json_is_array(kept) ? json_array_get(kept, 0) : kept;

        if (json_is_object(first))
            damage_members(top, first, pool);
        json_object_del(at, key);
        refused(top, key, "is missing", pool);
        json_object_set_new(at, key, json_true());
        refused(top, key, "is true", pool);
        if (json_is_array(kept)) {
            json_object_set_new(at, key, json_pack("[i]", 5));
            refused(top, key, "is [5]", pool);
            json_object_set_new(at, key, json_pack("[n]"));
            refused(top, key, "is [null]", pool);
        }
        json_object_set_new(at, key, kept);
    }
}

static void damage(apr_pool_t *pool)
{
    json_t *json = acme_conf_render(conf_other(pool), pool);
    static const char *const needed[] = {
        "path", "realm", "stateDir", "databaseDriver", "databaseParams", NULL};
    json_t *kept;
    int i;

    ok(acme_conf_parse(json, pool));
    damage_members(json, json, pool);
    ok(acme_conf_parse(json, pool));
    for (i = 0; needed[i]; i++) {
        kept = json_incref(json_object_get(json, needed[i]));
        json_object_set_new(json, needed[i], json_null());
        ok(!acme_conf_parse(json, pool), "%s is null", needed[i]);
        json_object_set_new(json, needed[i], kept);
    }
    ok(!acme_conf_parse(own_json(pool, json_array()), pool));
    ok(!acme_conf_parse(own_json(pool, json_object()), pool));
    ok(!acme_conf_parse(own_json(pool, json_null()), pool));
}

const tap_case_t tap_cases[] = {
    {"the dump and back, no value lost", round_trip},
    {"networks that may be dialled", networks},
    {"a dump with any member missing or wrong is no configuration", damage},
    {NULL, NULL}};
