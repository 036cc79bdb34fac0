/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_order.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_start.h"
#include "policy/policy_make.h"

static reply_t *order_new(client_t *c, const char *payload)
{
    return client_post(c, handle_url(c->h, "new-order"), payload);
}

#define A_TEST "\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"}]"

static int orders(const client_t *c)
{
    apr_array_header_t *list;

    if (store_order_list(&list, c->h->acme.store, NULL, NULL, 1000,
                         c->h->pool) != APR_SUCCESS)
        return -1;
    return list->nelts;
}

static void created(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = client_order(c, "b.test a.test");
    const char *finalize;

    is_int(r->status, 201);
    need(r->location);
    ok(!strncmp(r->location, HANDLE_BASE "/acme/order/", 30));
    ok(!reply_header(r, "Location", 1), "once");
    is_str(reply_text(r, "status"), "pending");
    is_str(reply_text(r, "expires"), "2026-09-28T14:13:20Z");
    is_int(reply_count(r, "identifiers"), 2);
    is_str(reply_text(r, "identifiers/0/type"), "dns");
    is_str(reply_text(r, "identifiers/0/value"), "a.test");
    is_str(reply_text(r, "identifiers/1/value"), "b.test");
    is_int(reply_count(r, "authorizations"), 2);
    finalize = apr_pstrcat(pool, r->location, "/finalize", NULL);
    is_str(reply_text(r, "finalize"), finalize);
    ok(!reply_text(r, "certificate") && !reply_text(r, "error"));
    ok(!reply_text(r, "notBefore") && !reply_text(r, "notAfter"));
}

static void normalised(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = client_order(c, "A.Test a.tEST B.TEST");

    is_int(r->status, 201);
    is_int(reply_count(r, "identifiers"), 2);
    is_str(reply_text(r, "identifiers/0/value"), "a.test");
    is_int(reply_count(r, "authorizations"), 2);
}

static void malformed(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "{}",
        "{\"identifiers\":[]}",
        "{\"identifiers\":{}}",
        "{\"identifiers\":null}",
        "{\"identifiers\":[\"a.test\"]}",
        "{\"identifiers\":[null]}",
        "{\"identifiers\":[{}]}",
        "{\"identifiers\":[{\"type\":\"dns\"}]}",
        "{\"identifiers\":[{\"value\":\"a.test\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":1}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test.\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a..test\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"-a.test\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a_b.test\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"127.0.0.1\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test:80\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a test\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"\\u00e9.test\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"xn--a.test\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"*\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"*.*.test\"}]}",
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.*.test\"}]}",
    };
    client_t *c = client_start("P-256", pool);
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reply_t *r = order_new(c, bad[i]);

        is_int(r->status, 400);
        is_str(r->problem, "malformed");
        ok(*r->detail, "%s", bad[i]);
    }
    is_int(orders(c), 0);
}

static void a_labels(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = client_order(c, "xn--bcher-kva.test");

    is_int(r->status, 201);
    is_str(reply_text(r, "identifiers/0/value"), "xn--bcher-kva.test");
}

static void unsupported(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = order_new(c, "{\"identifiers\":[{\"type\":\"email\","
                              "\"value\":\"a@b.example\"}]}");

    is_int(r->status, 400);
    is_str(r->problem, "unsupportedIdentifier");
}

static acme_profile_t *wildcards_allow(client_t *c)
{
    acme_profile_t *profile =
        APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *);

    ok(!policy_san_add((policy_t *)profile->policy, "dns", "allow",
                       "wildcard:*.a.test", c->h->pool));
    ok(!policy_san_add((policy_t *)profile->policy, "dns", "allow", "**.test",
                       c->h->pool));
    return profile;
}

static void wildcard(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = client_order(c, "*.a.test"), *authz;

    /* The policy has no pattern for it. */
    is_int(r->status, 403);
    is_str(r->problem, "rejectedIdentifier");
    is_int(orders(c), 0);
    wildcards_allow(c);
    r = client_order(c, "*.a.test a.test");
    is_int(r->status, 201);
    is_str(reply_text(r, "identifiers/0/value"), "*.a.test");
    authz = client_post(c, reply_text(r, "authorizations/0"), "");
    is_str(reply_text(authz, "identifier/value"), "a.test");
    is_str(reply_text(authz, "wildcard"), "true");
    is_int(reply_count(authz, "challenges"), 1);
    is_str(reply_text(authz, "challenges/0/type"), "dns-01");
    authz = client_post(c, reply_text(r, "authorizations/1"), "");
    is_str(reply_text(authz, "identifier/value"), "a.test");
    ok(!reply_text(authz, "wildcard"));
    is_int(reply_count(authz, "challenges"), 3);
}

/* The proof for a.test is none for all the names below it, nor the other way
 * round. */
static void wildcard_reuse(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r;

    wildcards_allow(c);
    client_ready(c, "a.test");
    r = client_order(c, "*.a.test");
    is_str(reply_text(r, "status"), "pending");
    client_authorize(c, r);
    r = client_order(c, "*.a.test");
    is_str(reply_text(r, "status"), "ready");
    r = client_order(c, "*.a.test a.test");
    is_str(reply_text(r, "status"), "ready");
}

static void wildcard_unproven(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_profile_t *profile = wildcards_allow(c);
    reply_t *r;

    profile->challenges->nelts = 1;
    r = client_order(c, "*.a.test");
    is_int(r->status, 403);
    is_str(r->problem, "rejectedIdentifier");
    ok(strstr(r->detail, "(http-01) can prove; it takes one of: dns-01"), "%s",
       r->detail);
    is_int(orders(c), 0);
}

static void several(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = order_new(
        c, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"},"
           "{\"type\":\"dns\",\"value\":\"b..test\"},"
           "{\"type\":\"pigeon\",\"value\":\"c\"}]}");

    is_int(r->status, 400);
    is_str(r->problem, "compound");
    is_int(reply_count(r, "subproblems"), 2);
    is_str(reply_text(r, "subproblems/0/identifier/value"), "b..test");
    is_str(reply_text(r, "subproblems/0/type"),
           "urn:ietf:params:acme:error:malformed");
    is_str(reply_text(r, "subproblems/1/identifier/type"), "pigeon");
    is_str(reply_text(r, "subproblems/1/identifier/value"), "c");
    ok(!reply_text(r, "identifier/value"));
    r = client_order(c, "*.a.test *.b.test");
    is_str(r->problem, "rejectedIdentifier");
    is_int(reply_count(r, "subproblems"), 2);
    r = order_new(c, "{\"identifiers\":["
                     "{\"type\":\"dns\",\"value\":\"*.a.test\"},"
                     "{\"type\":\"dns\",\"value\":\"b..test\"}]}");
    is_str(r->problem, "compound");
    is_int(reply_count(r, "subproblems"), 2);
    is_str(reply_text(r, "subproblems/0/identifier/value"), "b..test");
    is_str(reply_text(r, "subproblems/1/identifier/value"), "*.a.test");
    is_str(reply_text(r, "subproblems/1/type"),
           "urn:ietf:params:acme:error:rejectedIdentifier");
}

static reply_t *order_of(client_t *c, int names)
{
    const char *list = "";
    int i;

    for (i = 0; i < names; i++)
        list = apr_psprintf(c->h->pool, "%s%sn%d.test", list, i ? " " : "", i);
    return client_order(c, list);
}

static void hundred(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = order_of(c, 100);

    is_int(r->status, 201);
    is_int(reply_count(r, "authorizations"), 100);
    r = order_of(c, 101);
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
}

static void wishes(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r =
        order_new(c, "{" A_TEST ",\"notBefore\":\"2026-09-21T16:13:20+02:00\","
                     "\"notAfter\":\"2026-10-01T00:00:00Z\"}");

    is_int(r->status, 201);
    is_str(reply_text(r, "notBefore"), "2026-09-21T14:13:20Z");
    is_str(reply_text(r, "notAfter"), "2026-10-01T00:00:00Z");
    r = client_post(c, r->location, "");
    is_str(reply_text(r, "notAfter"), "2026-10-01T00:00:00Z");
}

static void wishes_refused(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "\"notAfter\":\"2036-01-01T00:00:00Z\"", /* beyond the policy */
        "\"notAfter\":\"2026-09-21T00:00:00Z\"", /* in the past */
        "\"notBefore\":\"2026-09-21T12:00:00Z\"",
        "\"notBefore\":\"2026-11-01T00:00:00Z\","
        "\"notAfter\":\"2026-10-01T00:00:00Z\"",
        "\"notAfter\":\"tomorrow\"",
        "\"notAfter\":\"2026-02-30T00:00:00Z\"",
        "\"notAfter\":\"\"",
        "\"notAfter\":1893456000",
        "\"notBefore\":\"1970-01-01T00:00:00Z\"",
    };
    client_t *c = client_start("P-256", pool);
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reply_t *r =
            order_new(c, apr_pstrcat(pool, "{" A_TEST ",", bad[i], "}", NULL));

        is_int(r->status, 400);
        is_str(r->problem, "malformed");
        ok(*r->detail, "%s", bad[i]);
    }
    is_int(orders(c), 0);
}

static void policy_limit(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_profile_t *profile =
        APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *);
    policy_t *policy = apr_pmemdup(pool, profile->policy, sizeof(*policy));

    policy->max_validity = 86400;
    profile->policy = policy;
    is_int(order_new(c, "{" A_TEST ",\"notAfter\":\"2026-09-22T00:00:00Z\"}")
               ->status,
           201);
    is_int(order_new(c, "{" A_TEST ",\"notAfter\":\"2026-10-22T00:00:00Z\"}")
               ->status,
           400);
}

/* What the policy says of names, of their number and of the times: at once. */
static void policy_whole(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_profile_t *profile =
        APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *);
    policy_t *policy = apr_pmemdup(pool, profile->policy, sizeof(*policy));
    reply_t *r;

    policy->max_names = 1;
    profile->policy = policy;
    is_int(client_order(c, "a.test A.test")->status, 201);
    r = client_order(c, "*.a.test b.test");
    is_str(r->problem, "compound");
    is_int(reply_count(r, "subproblems"), 2);
    ok(strstr(reply_text(r, "subproblems/0/detail"), "at most 1"));
    is_str(reply_text(r, "subproblems/1/identifier/value"), "*.a.test");
    r = order_new(c, "{\"identifiers\":["
                     "{\"type\":\"dns\",\"value\":\"*.a.test\"}],"
                     "\"notAfter\":\"2036-01-01T00:00:00Z\"}");
    is_int(reply_count(r, "subproblems"), 2);
    is_str(reply_text(r, "subproblems/0/identifier/value"), "*.a.test");
    ok(strstr(reply_text(r, "subproblems/1/detail"), "notAfter"));
    r = order_new(c, "{\"notAfter\":\"2036-01-01T00:00:00Z\"}");
    ok(strstr(r->detail, "identifiers"), "%s", r->detail);
}

static void unknown_fields(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = order_new(c, "{" A_TEST
                              ",\"status\":\"valid\",\"replaced\":1,\"x\":[]}");

    is_int(r->status, 201);
    is_str(reply_text(r, "status"), "pending");
    ok(!reply_text(r, "replaces") && !reply_text(r, "replaced"));
}

static void profile(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);

    is_int(order_new(c, "{" A_TEST ",\"profile\":\"default\"}")->status, 201);
    is_str(order_new(c, "{" A_TEST ",\"profile\":\"x\"}")->problem,
           "invalidProfile");
    is_str(order_new(c, "{" A_TEST ",\"profile\":1}")->problem, "malformed");
}

static void reuse(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *first = client_ready(c, "a.test");
    reply_t *r = client_order(c, "a.test");

    is_int(r->status, 201);
    is_str(reply_text(r, "status"), "ready");
    is_str(reply_text(r, "authorizations/0"),
           reply_text(first, "authorizations/0"));
    is_int(reply_count(r, "authorizations"), 1);
    r = client_order(c, "a.test b.test");
    is_str(reply_text(r, "status"), "pending");
    is_str(reply_text(r, "authorizations/0"),
           reply_text(first, "authorizations/0"));
}

static void no_reuse(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *other = client_make(c->h, "P-256");
    reply_t *r;

    client_register(other);
    client_ready(c, "a.test");
    /* Another account's authorization is not one's own. */
    is_str(reply_text(client_order(other, "a.test"), "status"), "pending");
    /* Nearly expired: the order would have no time. */
    c->h->now += c->h->conf->authz_lifetime - 1800;
    is_str(reply_text(client_order(c, "a.test"), "status"), "pending");
    c->h->now = HANDLE_NOW;
    r = client_order(c, "a.test");
    is_str(reply_text(r, "status"), "ready");
    client_post(c, reply_text(r, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    is_str(reply_text(client_order(c, "a.test"), "status"), "pending");
    client_ready(c, "b.test");
    c->h->conf->authz_reuse = 0;
    is_str(reply_text(client_order(c, "b.test"), "status"), "pending");
}

static void reuse_expiry(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r;

    client_ready(c, "a.test");
    c->h->now += c->h->conf->authz_lifetime - 7200;
    r = client_order(c, "a.test");
    is_str(reply_text(r, "status"), "ready");
    is_str(reply_text(r, "expires"),
           clock_rfc3339(HANDLE_NOW + c->h->conf->authz_lifetime, pool));
}

static void no_ca(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    ca_set_t *ca = handle_issuer(c->h)->set;
    reply_t *r;

    handle_issuer(c->h)->set = NULL;
    r = client_order(c, "a.test");
    is_int(r->status, 503);
    is_str(r->problem, "serverInternal");
    ok(r->retry_after);
    handle_issuer(c->h)->set = ca;
    c->h->now = ca->issuer->not_after;
    is_int(client_order(c, "a.test")->status, 503);
    is_int(orders(c), 0);
}

static void away(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);

    handle_database_away(c->h);
    is_int(client_order(c, "a.test")->status, 503);
    handle_database_back(c->h);
    is_int(orders(c), 0);
    is_int(client_order(c, "a.test")->status, 201);
}

const tap_case_t tap_cases[] = {
    {"T45 T51 R10 R36 newOrder: 201, Location, pending", created},
    {"T47 T52 names are normalised, doubles dropped", normalised},
    {"T46 T47 T48 T49 malformed identifiers", malformed},
    {"T49 A-labels are taken", a_labels},
    {"T46 unknown types are unsupportedIdentifier", unsupported},
    {"T48 a wildcard: base name, wildcard, dns-01 only", wildcard},
    {"T48 a wildcard's authorization serves no other name", wildcard_reuse},
    {"T48 a wildcard that no challenge can prove is refused",
     wildcard_unproven},
    {"T28 T46 several refused: all at once, as subproblems", several},
    {"100 names are taken, 101 are not", hundred},
    {"T50 wishes are kept exactly, with any offset", wishes},
    {"T50 or refused", wishes_refused},
    {"T50 the policy's limit counts too", policy_limit},
    {"T28 T50 names, their number and the times: all at once", policy_whole},
    {"R33 unknown members are ignored", unknown_fields},
    {"R33 an unknown profile is invalidProfile", profile},
    {"T45 R17 with valid authorizations it is ready at once", reuse},
    {"what is not reused", no_reuse},
    {"an order ends with the authorization it reuses", reuse_expiry},
    {"without a CA, or an expired one: 503", no_ca},
    {"a database that is away is 503", away},
    {NULL, NULL}};
