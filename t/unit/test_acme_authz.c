/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_authz.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_start.h"

static const char *authz_url(client_t *c, const char *name)
{
    return reply_text(client_order(c, name), "authorizations/0");
}

static void pending(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = authz_url(c, "a.test");
    reply_t *r = client_post(c, url, "");

    is_int(r->status, 200);
    is_str(reply_text(r, "identifier/type"), "dns");
    is_str(reply_text(r, "identifier/value"), "a.test");
    is_str(reply_text(r, "status"), "pending");
    is_str(reply_text(r, "expires"), "2026-09-28T14:13:20Z");
    is_int(reply_count(r, "challenges"), 3);
    is_str(reply_text(r, "challenges/0/type"), "http-01");
    is_str(reply_text(r, "challenges/1/type"), "dns-01");
    is_str(reply_text(r, "challenges/2/type"), "tls-alpn-01");
    is_str(reply_text(r, "challenges/0/status"), "pending");
    ok(strlen(reply_text(r, "challenges/0/token")) >= 22);
    ok(!reply_text(r, "wildcard"));
    ok(!r->retry_after && !r->location);
    /* acme.sh counts "value". */
    ok(!strstr(strstr(r->body, "\"value\"") + 7, "\"value\""));
}

static void others(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *other = client_make(c->h, "P-256");
    const char *url = authz_url(c, "a.test");
    reply_t *theirs, *none;

    client_register(other);
    theirs = client_post(other, url, "");
    none = client_post(other, handle_url(c->h, "authz/AAAAAAAAAAAAAAAAAAAAAA"),
                       "");
    is_int(theirs->status, 404);
    is_str(theirs->body, none->body);
    theirs = client_post(other, url, "{\"status\":\"deactivated\"}");
    is_int(theirs->status, 404);
    is_str(reply_text(client_post(c, url, ""), "status"), "pending");
}

static void valid(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = reply_text(client_ready(c, "a.test"), "authorizations/0");
    reply_t *r = client_post(c, url, "");

    is_str(reply_text(r, "status"), "valid");
    is_str(reply_text(r, "expires"), "2026-10-21T14:13:20Z");
    is_int(reply_count(r, "challenges"), 1);
    is_str(reply_text(r, "challenges/0/status"), "valid");
    is_str(reply_text(r, "challenges/0/validated"), "2026-09-21T14:13:20Z");
    ok(!strstr(r->body, "invalid") && !strstr(r->body, "error"));
    ok(!r->retry_after);
}

static void only_the_decided(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = authz_url(c, "a.test");
    reply_t *r = client_post(c, url, "");

    is_int(reply_count(r, "challenges"), 3);
    c->h->is_idle = 1;
    client_post(c, reply_text(r, "challenges/0/url"), "{}");
    r = client_post(c, url, "");
    /* Still pending: nothing in it is valid or invalid. */
    is_int(reply_count(r, "challenges"), 3);
    is_str(reply_text(r, "challenges/0/status"), "processing");
    is_str(reply_text(r, "challenges/1/status"), "pending");
    ok(!strstr(r->body, "valid\""));
    is_str(r->retry_after, "1");
    handle_run(c->h, handle_job(c->h));
    r = client_post(c, url, "");
    is_int(reply_count(r, "challenges"), 1);
    is_str(reply_text(r, "challenges/0/status"), "valid");
}

static void invalid(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test"), *r;

    c->h->verdict = problem_make(pool, PROBLEM_DNS, "no such name");
    client_authorize(c, order);
    r = client_post(c, reply_text(order, "authorizations/0"), "");
    is_str(reply_text(r, "status"), "invalid");
    is_int(reply_count(r, "challenges"), 1);
    is_str(reply_text(r, "challenges/0/status"), "invalid");
    is_str(reply_text(r, "challenges/0/error/type"),
           "urn:ietf:params:acme:error:dns");
    is_str(reply_text(r, "challenges/0/error/detail"), "no such name");
    ok(!reply_text(r, "challenges/0/validated"));
}

static void deactivate(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_ready(c, "a.test");
    const char *url = reply_text(order, "authorizations/0");
    reply_t *r = client_post(c, url, "{\"status\":\"deactivated\"}");

    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "deactivated");
    is_str(reply_text(client_post(c, order->location, ""), "status"),
           "invalid");
    is_str(reply_text(client_order(c, "a.test"), "status"), "pending");
    is_int(client_post(c, url, "{\"status\":\"deactivated\"}")->status, 200);
    /* A pending one as well. */
    url = authz_url(c, "b.test");
    r = client_post(c, url, "{\"status\":\"deactivated\"}");
    is_str(reply_text(r, "status"), "deactivated");
}

static void other_values(apr_pool_t *pool)
{
    static const char *const bad[] = {"{}",
                                      "{\"status\":\"valid\"}",
                                      "{\"status\":\"pending\"}",
                                      "{\"status\":\"Deactivated\"}",
                                      "{\"status\":true}",
                                      "{\"status\":null}"};
    client_t *c = client_start("P-256", pool);
    const char *url = authz_url(c, "a.test");
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reply_t *r = client_post(c, url, bad[i]);

        is_int(r->status, 400);
        is_str(r->problem, "malformed");
    }
    is_str(reply_text(client_post(c, url, ""), "status"), "pending");
}

static void deactivate_invalid(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test"), *r;

    c->h->verdict = problem_make(pool, PROBLEM_DNS, "no such name");
    client_authorize(c, order);
    r = client_post(c, reply_text(order, "authorizations/0"),
                    "{\"status\":\"deactivated\"}");
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
}

static void deactivate_under_way(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test"), *r;
    const char *url = reply_text(order, "authorizations/0");

    c->h->is_idle = 1;
    client_authorize(c, order);
    is_int(client_post(c, url, "{\"status\":\"deactivated\"}")->status, 200);
    handle_run(c->h, handle_job(c->h));
    r = client_post(c, url, "");
    is_str(reply_text(r, "status"), "deactivated");
}

static void expired(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *never = authz_url(c, "a.test");
    const char *done =
        reply_text(client_ready(c, "b.test"), "authorizations/0");

    c->h->now += c->h->conf->authz_lifetime;
    is_str(reply_text(client_post(c, never, ""), "status"), "invalid");
    is_str(reply_text(client_post(c, done, ""), "status"), "expired");
}

const tap_case_t tap_cases[] = {
    {"T48 T51 R7 R8 a pending authorization", pending},
    {"T29 somebody else's is not found", others},
    {"T62 T66 T67 a valid one: validated, expires", valid},
    {"T62 R9 others' challenges stay pending, then go", only_the_decided},
    {"T62 T66 a failed one shows its error", invalid},
    {"T68 deactivated: 200, not reused, order invalid", deactivate},
    {"T68 other values of status are malformed", other_values},
    {"T68 an invalid one cannot be deactivated", deactivate_invalid},
    {"T68 nor does a validation under way bring it back", deactivate_under_way},
    {"T51 what expired is invalid, or expired", expired},
    {NULL, NULL}};
