/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_order.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_start.h"

static void is_status(client_t *c, const reply_t *order, const char *status)
{
    is_str(reply_text(client_post(c, order->location, ""), "status"), status);
}

static void read_again(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test");
    reply_t *r = client_post(c, order->location, "");

    is_int(r->status, 200);
    is_str(r->body, order->body);
    is_str(r->location, order->location);
    ok(!reply_header(r, "Location", 1));
    ok(!r->retry_after);
}

static void others(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *other = client_make(c->h, "P-256");
    reply_t *theirs, *none;

    client_register(other);
    theirs = client_post(other, client_order(c, "a.test")->location, "");
    none = client_post(other, handle_url(c->h, "order/AAAAAAAAAAAAAAAAAAAAAA"),
                       "");
    is_int(theirs->status, 404);
    is_str(theirs->problem, "malformed");
    is_str(theirs->body, none->body);
}

/* The last authorization's validity is the order's readiness. */
static void ready_at_once(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test b.test");
    reply_t *authz = client_post(c, reply_text(order, "authorizations/0"), "");

    client_post(c, reply_text(authz, "challenges/0/url"), "{}");
    is_status(c, order, "pending");
    authz = client_post(c, reply_text(order, "authorizations/1"), "");
    client_post(c, reply_text(authz, "challenges/0/url"), "{}");
    authz = client_post(c, reply_text(order, "authorizations/1"), "");
    is_str(reply_text(authz, "status"), "valid");
    is_status(c, order, "ready");
    is_int(reply_count(client_post(c, order->location, ""), "authorizations"),
           2);
}

static void failed_authz(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test b.test"), *r;

    c->h->verdict = problem_make(pool, PROBLEM_CONNECTION, "nobody is there");
    client_authorize(c, order);
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "invalid");
    is_str(reply_text(r, "error/type"),
           "urn:ietf:params:acme:error:connection");
    is_int(reply_count(r, "error/subproblems"), 2);
    is_str(reply_text(r, "error/subproblems/0/identifier/value"), "a.test");
    is_str(reply_text(r, "error/subproblems/0/detail"), "nobody is there");
    is_int(reply_count(r, "authorizations"), 2);
}

static void deactivated_authz(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    client_post(c, reply_text(order, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "invalid");
    ok(strstr(reply_text(r, "error/detail"), "deactivated"));
}

static void expired(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test"), *r;

    c->h->now += c->h->conf->order_lifetime;
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "invalid");
    ok(strstr(reply_text(r, "error/detail"), "expired"));
}

static void expired_authz(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order;

    c->h->conf->authz_lifetime = 3600;
    order = client_ready(c, "a.test");
    c->h->now += 3600;
    is_status(c, order, "invalid");
}

static void valid_stays(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    r = client_finalize(
        c, order, csr_make(key_make("P-256", pool), "a.test", NULL, pool));
    is_str(reply_text(r, "status"), "valid");
    client_post(c, reply_text(order, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    c->h->now += c->h->conf->order_lifetime;
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "valid");
    ok(reply_text(r, "certificate"));
    is_int(reply_count(r, "authorizations"), 1);
    ok(reply_text(r, "expires"));
}

static void processing(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test"), *r;

    c->h->is_idle = 1;
    client_finalize(c, order,
                    csr_make(key_make("P-256", pool), "a.test", NULL, pool));
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "processing");
    is_str(r->retry_after, "1");
    is_int(c->h->wakes, 0);
    /* Unusually long: somebody has a look. */
    c->h->now += 5;
    client_post(c, order->location, "");
    is_int(c->h->wakes, 1);
}

static void list(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *other = client_make(c->h, "P-256");
    const char *url = apr_pstrcat(pool, c->kid, "/orders", NULL);
    reply_t *order, *bad, *r = client_post(c, url, "");

    is_int(r->status, 200);
    is_int(reply_count(r, "orders"), 0);
    client_register(other);
    client_order(other, "x.test");
    order = client_order(c, "a.test");
    c->h->verdict = problem_make(pool, PROBLEM_CONNECTION, "nobody is there");
    bad = client_order(c, "b.test");
    client_authorize(c, bad);
    r = client_post(c, url, "");
    is_int(reply_count(r, "orders"), 1);
    is_str(reply_text(r, "orders/0"), order->location);
    is_int(reply_count(r, ""), 1);
}

/* Every order once, in pages, whatever is added in between. */
static void pages(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = apr_pstrcat(pool, c->kid, "/orders", NULL), *link;
    int i, seen = 0, requests = 0;
    reply_t *r;

    for (i = 0; i < 120; i++) {
        client_order(c, "a.test");
        c->h->now += i % 3;
    }
    while (url && requests < 10) {
        r = client_post(c, url, "");
        is_int(r->status, 200);
        requests++;
        seen += reply_count(r, "orders");
        url = NULL;
        for (i = 0; (link = reply_header(r, "Link", i)); i++)
            if (strstr(link, ";rel=\"next\""))
                url = apr_pstrmemdup(pool, link + 1, strcspn(link, ">") - 1);
        c->h->now++;
        client_order(c, "late.test");
    }
    is_int(seen, 120);
    ok(requests > 1);
}

static void bad_cursor(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = apr_pstrcat(pool, c->kid, "/orders", NULL);

    is_int(
        client_post(c, apr_pstrcat(pool, url, "?cursor=x", NULL), "")->status,
        404);
    is_int(client_post(c, apr_pstrcat(pool, url, "?x=y", NULL), "")->status,
           404);
    is_int(client_post(
               c,
               apr_pstrcat(pool, url, "?cursor=AAAAAAAAAAAAAAAAAAAAAA", NULL),
               "")
               ->status,
           200);
}

const tap_case_t tap_cases[] = {
    {"T52 R10 an order read is the order made, with Location", read_again},
    {"T29 somebody else's order is not found", others},
    {"T53 R16 valid and ready are the same instant", ready_at_once},
    {"T54 a failed authorization makes it invalid, with error", failed_authz},
    {"T54 T68 a deactivated one too", deactivated_authz},
    {"T54 an expired order is invalid", expired},
    {"T54 so is one whose authorization expired", expired_authz},
    {"T54 R36 a valid order stays valid", valid_stays},
    {"R19 processing comes with Retry-After", processing},
    {"T44 the list: own, not invalid, an object", list},
    {"T44 in pages that miss and double nothing", pages},
    {"T44 a cursor is one of ours", bad_cursor},
    {NULL, NULL}};
