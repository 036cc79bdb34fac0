/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_finalize.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_start.h"
#include "store/store_cert.h"

static int certs(const client_t *c)
{
    apr_array_header_t *list;

    if (store_cert_list(&list, c->h->acme.store, NULL, NULL, 1000,
                        c->h->pool) != APR_SUCCESS)
        return -1;
    return list->nelts;
}

static const char *csr(const char *names, apr_pool_t *pool)
{
    return csr_make(key_make("P-256", pool), names, NULL, pool);
}

static void is_status(client_t *c, const reply_t *order, const char *status)
{
    is_str(reply_text(client_post(c, order->location, ""), "status"), status);
}

static void done(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test b.test");
    reply_t *r = client_finalize(c, order, csr("a.test b.test", pool));

    is_int(r->status, 200);
    is_str(r->location, order->location);
    ok(!reply_header(r, "Location", 1), "once");
    is_str(reply_text(r, "status"), "valid");
    ok(!strncmp(reply_text(r, "certificate"), HANDLE_BASE "/acme/cert/", 29));
    is_int(reply_count(r, "authorizations"), 2);
    ok(!r->retry_after);
    is_str(r->res.order, strrchr(order->location, '/') + 1);
    is_str(client_post(c, order->location, "")->body, r->body);
    is_int(certs(c), 1);
}

static void not_yet(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    c->h->is_idle = 1;
    r = client_finalize(c, order, csr("a.test", pool));
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "processing");
    is_str(r->retry_after, "1");
    is_str(r->location, order->location);
    handle_run(c->h, handle_job(c->h));
    is_status(c, order, "valid");
}

static void same_csr(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;
    const char *one = csr("a.test", pool);

    c->h->is_idle = 1;
    client_finalize(c, order, one);
    r = client_finalize(c, order, one);
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "processing");
    is_str(r->location, order->location);
    handle_run(c->h, handle_job(c->h));
    r = client_finalize(c, order, one);
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "valid");
    ok(reply_text(r, "certificate"));
    is_int(certs(c), 1);
    is_int(c->h->jobs->nelts, 2); /* the validation, the issuance */
}

static void another_csr(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    c->h->is_idle = 1;
    client_finalize(c, order, csr("a.test", pool));
    r = client_finalize(c, order, csr("a.test", pool));
    is_int(r->status, 403);
    is_str(r->problem, "orderNotReady");
    ok(strstr(r->detail, "another CSR"));
    handle_run(c->h, handle_job(c->h));
    r = client_finalize(c, order, csr("a.test", pool));
    is_int(r->status, 403);
    is_str(r->problem, "orderNotReady");
    is_int(certs(c), 1);
}

static void not_ready(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test b.test"), *r;

    r = client_finalize(c, order, csr("a.test b.test", pool));
    is_int(r->status, 403);
    is_str(r->problem, "orderNotReady");
    ok(strstr(r->detail, "pending") && strstr(r->detail, "a.test"));
    is_str(r->res.order, strrchr(order->location, '/') + 1);
    /* Even a bad CSR: the order's state comes first. */
    is_str(client_finalize(c, order, "AAAA")->problem, "orderNotReady");
    c->h->verdict = problem_make(pool, PROBLEM_DNS, "no such name");
    client_authorize(c, order);
    r = client_finalize(c, order, csr("a.test b.test", pool));
    is_int(r->status, 403);
    is_str(r->problem, "orderNotReady");
    ok(strstr(r->detail, "invalid") && strstr(r->detail, "no such name"));
    is_int(certs(c), 0);
}

static void expired(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    c->h->now += c->h->conf->order_lifetime;
    r = client_finalize(c, order, csr("a.test", pool));
    is_str(r->problem, "orderNotReady");
    ok(strstr(r->detail, "expired"));
}

static void names(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test b.test"), *r;

    r = client_finalize(c, order, csr("a.test c.test", pool));
    is_int(r->status, 400);
    is_str(r->problem, "badCSR");
    ok(strstr(r->body, "b.test") && strstr(r->body, "c.test"));
    is_status(c, order, "ready");
    is_str(client_finalize(c, order, csr("a.test", pool))->problem, "badCSR");
    is_str(
        client_finalize(c, order, csr("a.test b.test c.test", pool))->problem,
        "badCSR");
    is_str(client_finalize(c, order, csr("", pool))->problem, "badCSR");
    /* In any order and case it is the same set. */
    r = client_finalize(c, order, csr("B.test A.TEST", pool));
    is_str(reply_text(r, "status"), "valid");
}

static void garbage(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;
    const char *url = reply_text(order, "finalize");

    is_str(client_finalize(c, order, "AAAA")->problem, "badCSR");
    is_str(client_finalize(c, order, "")->problem, "badCSR");
    r = client_post(c, url,
                    "{\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\"}");
    is_int(r->status, 400);
    is_str(r->problem, "badCSR");
    ok(strstr(r->detail, "PEM"));
    is_str(client_post(c, url, "{}")->problem, "malformed");
    is_str(client_post(c, url, "{\"csr\":null}")->problem, "malformed");
    is_str(client_post(c, url, "{\"csr\":1}")->problem, "malformed");
    is_str(client_finalize(c, order, "a+b/")->problem, "malformed");
    is_str(client_finalize(c, order, "AB")->problem, "malformed");
    r = client_finalize(c, order,
                        apr_pstrcat(pool, csr("a.test", pool), "AAAA", NULL));
    is_str(r->problem, "badCSR");
    is_status(c, order, "ready");
    is_int(certs(c), 0);
}

/* A CSR whose length needs "=" to be whole. */
static const char *padded(apr_pool_t *pool)
{
    const char *text;

    do
        text = csr("a.test", pool);
    while (strlen(text) % 4 == 0);
    return apr_pstrcat(pool, text, strlen(text) % 4 == 2 ? "==" : "=", NULL);
}

static void padding(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;
    const char *text = padded(pool);

    r = client_finalize(c, order, text);
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
    c->h->conf->tolerate_padded_csr = 1;
    r = client_finalize(c, order, text);
    is_str(reply_text(r, "status"), "valid");
    /* With and without it is the same CSR. */
    r = client_finalize(c, order,
                        apr_pstrmemdup(pool, text, strcspn(text, "=")));
    is_int(r->status, 200);
    is_str(client_finalize(c, order, "A===")->problem, "malformed");
}

static void account_key(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *other = client_make(c->h, "P-256");
    reply_t *order = client_ready(c, "a.test"), *r;

    r = client_finalize(c, order, csr_make(c->key, "a.test", NULL, pool));
    is_int(r->status, 400);
    is_str(r->problem, "badCSR");
    client_register(other);
    r = client_finalize(c, order, csr_make(other->key, "a.test", NULL, pool));
    is_int(r->status, 400);
    is_str(r->problem, "badCSR");
    is_status(c, order, "ready");
}

static void bad_signature(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test");
    char *text = apr_pstrdup(pool, csr("a.test", pool));
    char *inside = text + strlen(text) - 8;

    *inside = *inside == 'A' ? 'B' : 'A';
    is_str(client_finalize(c, order, text)->problem, "badCSR");
}

static void authz_gone(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test");

    client_post(c, reply_text(order, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    is_str(client_finalize(c, order, csr("a.test", pool))->problem,
           "orderNotReady");
    is_int(certs(c), 0);
}

static void profile_gone(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;
    acme_profile_t *profile =
        APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *);

    profile->name = "other";
    r = client_finalize(c, order, csr("a.test", pool));
    is_int(r->status, 400);
    is_str(r->problem, "invalidProfile");
    profile->name = "default";
    r = client_finalize(c, order, csr("a.test", pool));
    is_str(reply_text(r, "status"), "valid");
}

static void policy_changed(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test");
    acme_profile_t *profile =
        APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *);
    policy_t *policy = apr_pmemdup(pool, profile->policy, sizeof(*policy));

    policy->key_kinds = POLICY_KEY_RSA;
    profile->policy = policy;
    is_str(client_finalize(c, order, csr("a.test", pool))->problem, "badCSR");
    is_status(c, order, "ready");
}

static void account_gone(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    client_post(c, c->kid, "{\"status\":\"deactivated\"}");
    r = client_finalize(c, order, csr("a.test", pool));
    is_int(r->status, 401);
    is_int(certs(c), 0);
}

static void others(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *other = client_make(c->h, "P-256");
    reply_t *order = client_ready(c, "a.test"), *r;

    client_register(other);
    r = client_finalize(other, order, csr("a.test", pool));
    is_int(r->status, 404);
    is_status(c, order, "ready");
}

/* Between this one's look and its claim another one claims. */
static struct {
    client_t *c;
    reply_t *order;
    const char *csr;
    apr_time_t (*now)(void *baton);
    int reads;
} race;

static apr_time_t race_now(void *baton)
{
    /* The second reading is that of the readiness check before the claim. */
    if (++race.reads == 2) {
        race.c->h->is_idle = 1;
        client_finalize(race.c, race.order, race.csr);
    }
    return race.now(baton);
}

static reply_t *race_run(client_t *c, const char *first, const char *second)
{
    const clock_source_t *good = c->h->acme.clock;
    clock_source_t clock = *good;
    reply_t *r;

    race.order = client_ready(c, "a.test");
    race.c = c;
    race.csr = first;
    race.reads = 0;
    race.now = clock.now;
    clock.now = race_now;
    c->h->acme.clock = &clock;
    r = client_finalize(c, race.order, second);
    c->h->acme.clock = good;
    return r;
}

static void two_at_once(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *one = csr("a.test", pool);
    reply_t *r = race_run(c, one, csr("a.test", pool));

    is_int(r->status, 403);
    is_str(r->problem, "orderNotReady");
    is_int(c->h->jobs->nelts, 2);
    handle_run(c->h, handle_job(c->h));
    is_int(certs(c), 1);
}

static void two_of_one_csr(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *one = csr("a.test", pool);
    reply_t *r = race_run(c, one, one);

    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "processing");
    is_int(c->h->jobs->nelts, 2);
    handle_run(c->h, handle_job(c->h));
    is_int(certs(c), 1);
}

static void no_ca(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    ca_set_t *ca = handle_issuer(c->h)->set;
    reply_t *order = client_ready(c, "a.test"), *r;

    handle_issuer(c->h)->set = NULL;
    r = client_finalize(c, order, csr("a.test", pool));
    is_int(r->status, 503);
    ok(r->retry_after);
    handle_issuer(c->h)->set = ca;
    is_status(c, order, "ready");
}

static void away(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    handle_database_away(c->h);
    r = client_finalize(c, order, csr("a.test", pool));
    is_int(r->status, 503);
    ok(r->retry_after);
    handle_database_back(c->h);
    is_status(c, order, "ready");
}

/* The wishes of newOrder hold, however long the validation took. */
static void wishes(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order, *r;
    X509 *leaf;

    client_ready(c, "a.test");
    order = client_post(
        c, handle_url(c->h, "new-order"),
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"}],"
        "\"notBefore\":\"2026-09-21T14:13:20Z\","
        "\"notAfter\":\"2026-09-23T00:00:00Z\"}");
    is_str(reply_text(order, "status"), "ready");
    c->h->now += 4 * 3600;
    r = client_finalize(c, order, csr("a.test", pool));
    is_str(reply_text(r, "status"), "valid");
    r = client_post(c, reply_text(r, "certificate"), "");
    need(reply_certs(r)->nelts >= 2);
    leaf = APR_ARRAY_IDX(reply_certs(r), 0, X509 *);
    is_str((const char *)ASN1_STRING_get0_data(X509_get0_notBefore(leaf)),
           "260921141320Z");
    is_str((const char *)ASN1_STRING_get0_data(X509_get0_notAfter(leaf)),
           "260923000000Z");
}

static void wishes_over(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order, *r;

    client_ready(c, "a.test");
    order = client_post(
        c, handle_url(c->h, "new-order"),
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"}],"
        "\"notBefore\":\"2026-09-21T14:13:20Z\","
        "\"notAfter\":\"2026-09-22T00:00:00Z\"}");
    c->h->now += 86400;
    r = client_finalize(c, order, csr("a.test", pool));
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
    is_int(certs(c), 0);
}

/* Of certificate keys; account keys have theirs in test_acme_account. */
static void blocked(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    EVP_PKEY *key = key_make("P-256", pool);
    const char *csr = csr_make(key, "a.test", NULL, pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    handle_block(c->h, key, "it was revoked as compromised");
    r = client_finalize(c, order, csr);
    is_int(r->status, 400);
    is_str(r->problem, "badCSR");
    ok(strstr(r->detail, "revoked as compromised"), "%s", r->detail);
    r = client_finalize(
        c, order, csr_make(key_make("P-256", pool), "a.test", NULL, pool));
    is_str(reply_text(r, "status"), "valid");
}

const tap_case_t tap_cases[] = {
    {"T59 R10 R12 R36 finalize: 200, Location, valid, certificate", done},
    {"T59 R12 R19 not done in time: processing, Retry-After", not_yet},
    {"R13 the same CSR again gets the order as it is", same_csr},
    {"T55 another CSR is orderNotReady", another_csr},
    {"T55 so is a pending or invalid order, with the reason", not_ready},
    {"T55 and an expired one", expired},
    {"T56 names unequal: badCSR names them, the order stays ready", names},
    {"T57 PEM, garbage, bad base64url", garbage},
    {"T02 padding is refused, unless tolerated", padding},
    {"T58 the key of an account is refused", account_key},
    {"T58 so is a blocked one", blocked},
    {"T57 a CSR whose signature is wrong", bad_signature},
    {"T61 authorizations are looked at again", authz_gone},
    {"T61 so is the profile", profile_gone},
    {"T61 and the policy", policy_changed},
    {"T61 and the account", account_gone},
    {"T29 somebody else's order is not found", others},
    {"T60 two at once with two CSRs: one certificate, one 403", two_at_once},
    {"T60 two at once with one CSR: one certificate, both 200", two_of_one_csr},
    {"without a CA: 503, and the order stays ready", no_ca},
    {"a database that is away: 503, and the order stays ready", away},
    {"T50 wishes are kept though the validation took hours", wishes},
    {"T50 unless their time is over", wishes_over},
    {NULL, NULL}};
