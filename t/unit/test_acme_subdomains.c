/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizations for the names below a domain (RFC 9444). */

#include "acme/acme_identifier.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_eab.h"
#include "policy/policy_make.h"
#include "tap.h"

static acme_profile_t *profile_of(const handle_t *h)
{
    return APR_ARRAY_IDX(h->conf->profiles, 0, acme_profile_t *);
}

/* A client of a server that allows it. */
static client_t *start(apr_pool_t *pool)
{
    client_t *c = client_make(handle_make(tap_tmpdir(), pool), "P-256");
    acme_profile_t *profile = profile_of(c->h);

    profile->subdomains = 1;
    profile->challenges = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(profile->challenges, const char *) = "http-01";
    APR_ARRAY_PUSH(profile->challenges, const char *) = "dns-01";
    client_register(c);
    return c;
}

static reply_t *authz_new(client_t *c, const char *name, const char *flag)
{
    return client_post(
        c, handle_url(c->h, "new-authz"),
        apr_psprintf(c->h->pool,
                     "{\"identifier\":{\"type\":\"dns\",\"value\":\"%s\","
                     "\"subdomainAuthAllowed\":%s}}",
                     name, flag));
}

/* identifiers: "a.test<test b.test": with and without ancestorDomain. */
static reply_t *order_new(client_t *c, const char *identifiers)
{
    char *state, *words = apr_pstrdup(c->h->pool, identifiers);
    char *word = apr_strtok(words, " ", &state);
    const char *list = "";

    for (; word; word = apr_strtok(NULL, " ", &state)) {
        char *ancestor = strchr(word, '<');

        if (ancestor)
            *ancestor++ = '\0';
        list =
            apr_pstrcat(c->h->pool, list, *list ? "," : "",
                        "{\"type\":\"dns\",\"value\":\"", word, "\"",
                        ancestor ? ",\"ancestorDomain\":\"" : "",
                        ancestor ? ancestor : "", ancestor ? "\"}" : "}", NULL);
    }
    return client_post(
        c, handle_url(c->h, "new-order"),
        apr_pstrcat(c->h->pool, "{\"identifiers\":[", list, "]}", NULL));
}

static reply_t *finalize(client_t *c, const reply_t *order, const char *names)
{
    return client_finalize(
        c, order,
        csr_make(key_make("P-256", c->h->pool), names, NULL, c->h->pool));
}

static void validate(client_t *c, const reply_t *authz)
{
    client_post(c, reply_text(authz, "challenges/0/url"), "{}");
}

static const char *meta(const handle_t *h)
{
    return reply_text(
        handle_request((handle_t *)h, "GET", handle_url(h, "directory")),
        "meta/subdomainAuthAllowed");
}

static void advertised(apr_pool_t *pool)
{
    client_t *c = start(pool);

    is_str(meta(c->h), "true");
    APR_ARRAY_IDX(profile_of(c->h)->challenges, 1, const char *) = "http-01";
    ok(!meta(c->h), "T31 not without dns-01");
    ok(!meta(handle_make(tap_tmpdir(), pool)), "off by default");
}

static void beforehand(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r = authz_new(c, "corp.test", "true"), *order;

    is_int(r->status, 201);
    is_str(reply_text(r, "identifier/value"), "corp.test");
    is_str(reply_text(r, "subdomainAuthAllowed"), "true");
    is_int(reply_count(r, "challenges"), 1);
    is_str(reply_text(r, "challenges/0/type"), "dns-01");
    is_str(reply_text(order_new(c, "a.corp.test"), "status"), "pending");
    validate(c, r);
    order = order_new(c, "a.corp.test b.x.corp.test corp.test");
    is_str(reply_text(order, "status"), "ready");
    is_int(reply_count(order, "authorizations"), 1);
    is_str(reply_text(order, "authorizations/0"), r->location);
    is_int(reply_count(order, "identifiers"), 3);
    order = finalize(c, order, "a.corp.test b.x.corp.test corp.test");
    is_str(reply_text(order, "status"), "valid");
    /* Once more is the same one. */
    is_str(authz_new(c, "corp.test", "true")->location, r->location);
    is_str(authz_new(c, "x.corp.test", "false")->location, r->location);
}

static void whole_labels(apr_pool_t *pool)
{
    client_t *c = start(pool), *other = client_make(c->h, "P-256");
    policy_t *p = policy_make("tls-server", pool);

    need(!policy_san_add(p, "dns", "allow", "**", pool));
    need(!policy_san_add(p, "dns", "allow", "wildcard:*.corp.test", pool));
    need(!policy_san_add(p, "dns", "allow", "wildcard:*.a.corp.test", pool));
    profile_of(c->h)->policy = p;
    client_register(other);
    validate(c, authz_new(c, "corp.test", "true"));
    is_str(reply_text(order_new(c, "xcorp.test"), "status"), "pending");
    is_str(reply_text(order_new(c, "test"), "status"), "pending");
    is_str(reply_text(order_new(c, "a.corp.test.other"), "status"), "pending");
    /* A wildcard needs one of its own. */
    is_str(reply_text(order_new(c, "*.corp.test"), "status"), "pending");
    is_str(reply_text(order_new(c, "*.a.corp.test"), "status"), "pending");
    is_str(reply_text(order_new(other, "a.corp.test"), "status"), "pending");
    is_str(reply_text(order_new(c, "a.corp.test b.test"), "status"), "pending");
}

/* An authorization for one name is for that one. */
static void only_if_asked(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r = authz_new(c, "corp.test", "false");

    ok(!reply_text(r, "subdomainAuthAllowed"));
    is_int(reply_count(r, "challenges"), 2);
    validate(c, r);
    is_str(reply_text(order_new(c, "a.corp.test"), "status"), "pending");
    /* Nor does it do for who wants more now. */
    is_str(reply_text(authz_new(c, "corp.test", "true"), "status"), "pending");
}

static void with_order(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *order =
        order_new(c, "a.corp.test<corp.test b.x.corp.test<corp.test c.test");
    reply_t *r;
    int i;

    is_int(order->status, 201);
    is_int(reply_count(order, "identifiers"), 3);
    ok(!strstr(order->body, "ancestorDomain"));
    is_int(reply_count(order, "authorizations"), 2);
    for (i = 0; i < 2; i++) {
        r = client_post(
            c, reply_text(order, apr_psprintf(pool, "authorizations/%d", i)),
            "");
        if (!strcmp(reply_text(r, "identifier/value"), "corp.test")) {
            is_str(reply_text(r, "subdomainAuthAllowed"), "true");
            is_str(reply_text(r, "challenges/0/type"), "dns-01");
        }
        else
            is_str(reply_text(r, "identifier/value"), "c.test");
        validate(c, r);
    }
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "ready");
    is_str(reply_text(finalize(c, r, "a.corp.test b.x.corp.test c.test"),
                      "status"),
           "valid");
    is_str(reply_text(order_new(c, "d.corp.test"), "status"), "ready");
}

static void not_allowed(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r;

    profile_of(c->h)->subdomains = 0;
    r = authz_new(c, "corp.test", "true");
    is_int(r->status, 201);
    ok(!reply_text(r, "subdomainAuthAllowed"));
    r = order_new(c, "a.corp.test<corp.test");
    is_int(r->status, 201);
    r = client_post(c, reply_text(r, "authorizations/0"), "");
    is_str(reply_text(r, "identifier/value"), "a.corp.test");
    ok(!reply_text(r, "subdomainAuthAllowed"));
}

/* The policy has the names, but not the domain. */
static void policy(apr_pool_t *pool)
{
    client_t *c = start(pool);
    policy_t *p = policy_make("tls-server", pool);
    reply_t *r;

    need(!policy_san_add(p, "dns", "allow", "*.corp.test", pool));
    profile_of(c->h)->policy = p;
    r = authz_new(c, "corp.test", "true");
    is_int(r->status, 403);
    is_str(r->problem, "rejectedIdentifier");
    r = order_new(c, "a.corp.test<corp.test");
    is_int(r->status, 201);
    r = client_post(c, reply_text(r, "authorizations/0"), "");
    is_str(reply_text(r, "identifier/value"), "a.corp.test");
}

static void malformed(apr_pool_t *pool)
{
    static const char *const wrong[] = {"a.test<b.test",   "a.test<a.test",
                                        "a.test<x.a.test", "ab.test<b.test",
                                        "a.test<*.test",   "a.test<a..test"};
    client_t *c = start(pool);
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        reply_t *r = order_new(c, wrong[i]);

        is_int(r->status, 400);
        ok(r->problem && !strcmp(r->problem, "malformed"), "%s", wrong[i]);
    }
    is_str(authz_new(c, "a.test", "7")->problem, "malformed");
}

/* T61: what was allowed when the order was placed. */
static void switched_off(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *order, *r;

    validate(c, authz_new(c, "corp.test", "true"));
    order = order_new(c, "a.corp.test");
    is_str(reply_text(order, "status"), "ready");
    profile_of(c->h)->subdomains = 0;
    r = finalize(c, order, "a.corp.test");
    is_int(r->status, 403);
    is_str(r->problem, "unauthorized");
    is_str(reply_text(order_new(c, "a.corp.test"), "status"), "pending");
    /* The domain itself is proven all the same. */
    order = order_new(c, "corp.test");
    is_str(reply_text(order, "status"), "ready");
    is_str(reply_text(finalize(c, order, "corp.test"), "status"), "valid");
}

/* Where a name must resolve to is looked at, though it is not it that is
 * proven. */
static void bound(apr_pool_t *pool)
{
    client_t *c = start(pool);
    apr_array_header_t *words = apr_array_make(pool, 1, sizeof(char *));
    reply_t *order;

    APR_ARRAY_PUSH(words, const char *) = "resolves-to=10.9.0.0/16";
    need(!policy_network_add((policy_t *)profile_of(c->h)->policy,
                             "*.corp.test", words, pool));
    validate(c, authz_new(c, "corp.test", "true"));
    order = order_new(c, "a.corp.test");
    c->h->is_idle = 1;
    finalize(c, order, "a.corp.test");
    ok(strstr(handle_job(c->h)->data, "\"bounds\":["), "%s",
       handle_job(c->h)->data);
    order = order_new(c, "corp.test");
    finalize(c, order, "corp.test");
    ok(!strstr(handle_job(c->h)->data, "\"bounds\":["));
}

static void deactivated(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *authz = authz_new(c, "corp.test", "true"), *order;

    validate(c, authz);
    order = order_new(c, "a.corp.test");
    client_post(c, authz->location, "{\"status\":\"deactivated\"}");
    is_str(reply_text(client_post(c, order->location, ""), "status"),
           "invalid");
    is_str(reply_text(order_new(c, "a.corp.test"), "status"), "pending");
}

const tap_case_t tap_cases[] = {
    {"RFC 9444 4.4 T31 meta.subdomainAuthAllowed", advertised},
    {"RFC 9444 4.2 T69 authorized beforehand, by dns-01", beforehand},
    {"RFC 9444 6.3 whole labels; no wildcards, no other accounts",
     whole_labels},
    {"RFC 9444 4.2 only for who asks for it", only_if_asked},
    {"RFC 9444 4.3 ancestorDomain: one authorization for many names",
     with_order},
    {"RFC 9444 4.2 4.3 not allowed: an authorization for the name itself",
     not_allowed},
    {"RFC 9444 6.4 what the policy says of the domain", policy},
    {"RFC 9444 4.3 T46 an ancestor that is none", malformed},
    {"RFC 9444 T61 switched off meanwhile", switched_off},
    {"RFC 9444 names that are bound to networks", bound},
    {"RFC 9444 6.1 T68 deactivated", deactivated},
    {NULL, NULL},
};
