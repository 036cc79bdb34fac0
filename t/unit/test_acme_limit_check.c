/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_limit_check.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_eab.h"
#include "handle_start.h"

#define LINK "https://ca.example/acme/limits.html"

static void limit(client_t *c, acme_limit_e which, apr_int64_t count,
                  apr_int64_t span)
{
    c->h->conf->limits[which].count = count;
    c->h->conf->limits[which].span = span;
}

static void refused(const reply_t *r, const char *name)
{
    is_int(r->status, 429);
    is_str(r->problem, "rateLimited");
    is_str(r->type, "application/problem+json");
    ok(r->retry_after && atoi(r->retry_after) >= 1 &&
           atoi(r->retry_after) <= 600,
       "R19");
    ok(strspn(r->retry_after, "0123456789") == strlen(r->retry_after));
    ok(reply_has_link(r, LINK, "help"));
    ok(r->nonce);
    ok(strstr(r->detail, name), "%s", r->detail);
    ok(strstr(r->detail, "ACMERateLimit"), "%s", r->detail);
}

static void of_account(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");
    reply_t *r;
    int i;

    client_register(other);
    limit(c, ACME_LIMIT_ORDERS_ACCOUNT, 3, 3 * 3600);
    for (i = 0; i < 3; i++)
        is_int(client_order(c, "a.test")->status, 201);
    r = client_order(c, "a.test");
    refused(r, "orders-per-account");
    /* Longer than Retry-After may say: the detail is true. */
    is_str(r->retry_after, "600");
    ok(strstr(r->detail, "3/3h are possible"));
    ok(strstr(r->detail, "from 2026-09-21T15:13:20Z on, in 3600 s"));
    is_int(client_order(other, "a.test")->status, 201);
    c->h->now += 3599;
    is_str(client_order(c, "a.test")->retry_after, "1");
    c->h->now++;
    is_int(client_order(c, "a.test")->status, 201);
    refused(client_order(c, "a.test"), "orders-per-account");
}

static void of_address(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");

    client_register(other);
    limit(c, ACME_LIMIT_ORDERS_ADDRESS, 1, 60);
    is_int(client_order(c, "a.test")->status, 201);
    refused(client_order(other, "b.test"), "orders-per-address");
    other->ip = "::ffff:192.0.2.1";
    refused(client_order(other, "b.test"), "192.0.2.1");
    other->ip = "192.0.2.2";
    is_int(client_order(other, "b.test")->status, 201);
    c->ip = "2001:db8:1:2:3::4";
    is_int(client_order(c, "a.test")->status, 201);
    c->ip = "2001:db8:1:2:ffff::";
    refused(client_order(c, "a.test"), "2001:db8:1:2::/64");
    c->ip = "2001:db8:1:3:3::4";
    is_int(client_order(c, "a.test")->status, 201);
}

static void of_name(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");

    client_register(other);
    limit(c, ACME_LIMIT_ORDERS_NAME, 2, 86400);
    is_int(client_order(c, "a.test b.test")->status, 201);
    is_int(client_order(other, "A.test c.test")->status, 201);
    refused(client_order(c, "c.test a.test"), "a.test");
    /* What was refused is not counted: c.test is had once so far. */
    is_int(client_order(c, "c.test")->status, 201);
    refused(client_order(c, "c.test"), "c.test");
}

/* For what fails later, too. */
static void given_back(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);

    limit(c, ACME_LIMIT_ORDERS_ACCOUNT, 1, 3600);
    is_int(client_order(c, "not/a/name")->status, 400);
    handle_database_away(c->h);
    is_int(client_order(c, "a.test")->status, 503);
    handle_database_back(c->h);
    is_int(client_order(c, "a.test")->status, 201);
    refused(client_order(c, "a.test"), "orders-per-account");
}

static void waiting(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");
    reply_t *first, *r;

    client_register(other);
    limit(c, ACME_LIMIT_PENDING_ORDERS, 2, 0);
    first = client_order(c, "a.test");
    is_int(first->status, 201);
    is_int(client_order(c, "b.test")->status, 201);
    r = client_order(c, "c.test");
    refused(r, "pending-orders");
    ok(strstr(r->detail, "this account has 2 orders"));
    is_int(client_order(other, "c.test")->status, 201);
    /* A ready one waits, too, until it is finalized; an invalid one does not.
     */
    client_authorize(c, first);
    refused(client_order(c, "c.test"), "pending-orders");
    is_int(
        client_finalize(c, client_post(c, first->location, ""),
                        csr_make(key_make("P-256", pool), "a.test", NULL, pool))
            ->status,
        200);
    first = client_order(c, "c.test");
    is_int(first->status, 201);
    client_post(c, reply_text(first, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    is_int(client_order(c, "d.test")->status, 201);
    refused(client_order(c, "e.test"), "pending-orders");
    c->h->now += c->h->conf->order_lifetime;
    is_int(client_order(c, "e.test")->status, 201);

    limit(c, ACME_LIMIT_PENDING_AUTHZS, 3, 0);
    limit(c, ACME_LIMIT_PENDING_ORDERS, 0, 0);
    refused(client_order(c, "f.test g.test h.test"), "pending-authzs");
    is_int(client_order(c, "f.test g.test")->status, 201);
}

static void accounts(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *more = client_make(c->h, "P-256");
    const char *url = handle_url(c->h, "new-account");

    limit(c, ACME_LIMIT_ACCOUNTS, 1, 3600);
    is_int(client_register(client_make(c->h, "P-256"))->status, 201);
    refused(client_post(more, url, "{}"), "accounts-per-address");
    /* Who has an account gets it. */
    c->kid = NULL;
    is_int(client_post(c, url, "{}")->status, 200);
    is_int(client_post(more, url, "{\"onlyReturnExisting\":true}")->status,
           400);
    more->ip = "192.0.2.9";
    is_int(client_post(more, url, "{}")->status, 201);
}

static reply_t *fail(client_t *c, const char *name)
{
    reply_t *order = client_order(c, name);

    c->h->verdict = problem_make(c->h->pool, PROBLEM_CONNECTION, "refused");
    if (order->status == 201)
        client_authorize(c, order);
    c->h->verdict = NULL;
    return order;
}

static void failures(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");
    reply_t *r;

    client_register(other);
    limit(c, ACME_LIMIT_FAILURES, 2, 3600);
    is_int(fail(c, "a.test")->status, 201);
    is_int(fail(c, "a.test")->status, 201);
    r = fail(c, "a.test b.test");
    refused(r, "failures-per-name");
    ok(strstr(r->detail, "for a.test"));
    is_int(fail(c, "b.test")->status, 201);
    is_int(fail(other, "a.test")->status, 201);
    c->h->now += 1800;
    is_int(client_ready(c, "a.test")->status, 200);
    /* What is proven needs no further validation. */
    limit(c, ACME_LIMIT_FAILURES, 1, 3600);
    is_int(fail(c, "c.test")->status, 201);
    refused(client_order(c, "c.test"), "c.test");
    is_int(client_order(c, "a.test")->status, 201);
}

/* What is our own fault counts for nobody. */
static void our_failures(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test");

    limit(c, ACME_LIMIT_FAILURES, 1, 3600);
    c->h->verdict = problem_make(pool, PROBLEM_SERVER_INTERNAL, "ill");
    client_authorize(c, order);
    is_str(reply_text(client_post(c, order->location, ""), "status"),
           "invalid");
    is_int(client_order(c, "a.test")->status, 201);
}

static void audited(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    int i;

    limit(c, ACME_LIMIT_ORDERS_ACCOUNT, 1, 3600);
    client_order(c, "a.test");
    for (i = 0; i < 50; i++)
        client_order(c, "a.test");
    i = event_count(c->h, "request.refuse");
    ok(i > 0 && i <= 20, "%d events", i);
    ok(strstr(event_last(c->h, "request.refuse")->detail, "rateLimited"));
}

static void off(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    int i;

    limit(c, ACME_LIMIT_ORDERS_ACCOUNT, 0, 0);
    limit(c, ACME_LIMIT_ORDERS_NAME, 1, 3600);
    c->h->acme.limits = NULL;
    for (i = 0; i < 5; i++)
        is_int(client_order(c, "a.test")->status, 201);
}

static void page(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = handle_get(h, handle_url(h, "limits.html"), NULL);

    is_int(r->status, 200);
    is_str(r->type, "text/html; charset=utf-8");
    ok(strstr(r->body, "<td><code>orders-per-account</code></td>"
                       "<td>50000/1d</td>"));
    ok(strstr(r->body, "ACMERateLimit"));
    r = handle_get(h, handle_url(h, ""), "text/html");
    ok(strstr(r->body, "href=\"limits.html\""));
}

/* The key's own limit has the same shape. */
static void of_key(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    client_t *c = client_make(h, "P-256");
    acme_profile_t *profile = profile_add(h, "web");
    eab_t *eab;
    reply_t *r;

    profile->external = ACME_EXTERNAL_OPTIONAL;
    eab = eab_make(h, "web");
    eab->row.max_orders_per_day = 1;
    eab_store(eab);
    client_bind(c, "web", eab, NULL);
    is_int(order_in(c, "web", "a.test", "")->status, 201);
    r = order_in(c, "web", "a.test", "");
    is_int(r->status, 429);
    is_str(r->retry_after, "600");
    ok(reply_has_link(r, LINK, "help"));
    ok(strstr(r->detail, "its 1 orders of today"));
    ok(strstr(r->detail, "in 35200 s"), "%s", r->detail);
    h->now = (h->now / 86400 + 1) * 86400 - 5;
    is_str(order_in(c, "web", "a.test", "")->retry_after, "5");
    h->now += 5;
    is_int(order_in(c, "web", "a.test", "")->status, 201);
}

const tap_case_t tap_cases[] = {
    {"T25 orders of one account, with Retry-After, help, and the truth",
     of_account},
    {"T25 orders from one address, of IPv6 from one network", of_address},
    {"T25 orders with one name, whosever they are", of_name},
    {"T25 only what succeeds is counted", given_back},
    {"T25 what waits, of one account", waiting},
    {"T25 accounts from one address", accounts},
    {"T25 failed validations of one name by one account", failures},
    {"T25 failures of our own are not counted", our_failures},
    {"T25 refusals are audited, some of them", audited},
    {"T25 off", off},
    {"T25 the page that help leads to", page},
    {"T25 an external account key's orders of a day", of_key},
    {NULL, NULL},
};
