/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_authz_new.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_eab.h"
#include "handle_start.h"
#include "policy/policy_make.h"

/* more: further members of the payload. */
static reply_t *authz_new(client_t *c, const char *directory, const char *name,
                          const char *more)
{
    return client_post(
        c, directory_url(c->h, directory, "new-authz"),
        apr_psprintf(c->h->pool,
                     "{\"identifier\":{\"type\":\"dns\",\"value\":\"%s\"}%s}",
                     name, more));
}

static void validate(client_t *c, const reply_t *authz)
{
    client_post(c, reply_text(authz, "challenges/0/url"), "{}");
}

static void created(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = authz_new(c, "", "A.Test", "");

    is_int(r->status, 201);
    need(r->location);
    ok(strstr(r->location, "/authz/"));
    is_str(reply_text(r, "identifier/type"), "dns");
    is_str(reply_text(r, "identifier/value"), "a.test");
    is_str(reply_text(r, "status"), "pending");
    is_str(reply_text(r, "challenges/0/type"), "http-01");
    is_str(reply_text(r, "challenges/0/status"), "pending");
    ok(reply_text(r, "expires"));
    ok(!reply_text(r, "wildcard"));
    ok(r->nonce);
    is_str(client_post(c, r->location, "")->body, r->body);
    is_int(event_count(c->h, "authz.create"), 1);
    ok(strstr(event_last(c->h, "authz.create")->detail, "a.test"));
}

static void ready_at_once(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");
    reply_t *authz = authz_new(c, "", "a.test", ""), *r;

    client_register(other);
    validate(c, authz);
    is_str(reply_text(client_post(c, authz->location, ""), "status"), "valid");
    r = client_order(c, "a.test");
    is_str(reply_text(r, "status"), "ready");
    is_str(reply_text(r, "authorizations/0"), authz->location);
    r = client_finalize(
        c, r, csr_make(key_make("P-256", pool), "a.test", NULL, pool));
    is_str(reply_text(r, "status"), "valid");
    is_str(reply_text(client_order(other, "a.test"), "status"), "pending");
}

static void reused(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *first = authz_new(c, "", "a.test", ""), *again;

    validate(c, first);
    again = authz_new(c, "", "a.test", "");
    is_int(again->status, 201);
    is_str(again->location, first->location);
    is_str(reply_text(again, "status"), "valid");
    client_post(c, first->location, "{\"status\":\"deactivated\"}");
    again = authz_new(c, "", "a.test", "");
    ok(strcmp(again->location, first->location));
    is_str(reply_text(again, "status"), "pending");
    /* What an order has proven is good for it, too. */
    client_ready(c, "b.test");
    is_str(reply_text(authz_new(c, "", "b.test", ""), "status"), "valid");
    c->h->conf->authz_reuse = 0;
    is_str(reply_text(authz_new(c, "", "b.test", ""), "status"), "pending");
}

static void refused(const reply_t *r, int status, const char *problem)
{
    is_int(r->status, status);
    is_str(r->problem, problem);
    ok(!r->location && !reply_text(r, "identifier/value"), "T28");
    ok(r->nonce);
}

static void wildcard(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);

    refused(authz_new(c, "", "*.a.test", ""), 403, "rejectedIdentifier");
}

static void malformed(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = handle_url(c->h, "new-authz");

    refused(client_post(c, url, "{}"), 400, "malformed");
    refused(client_post(c, url, "{\"identifier\":\"a.test\"}"), 400,
            "malformed");
    refused(client_post(c, url, "{\"identifier\":{\"type\":\"dns\"}}"), 400,
            "malformed");
    refused(
        client_post(c, url,
                    "{\"identifier\":{\"type\":\"email\",\"value\":\"a@b\"}}"),
        400, "unsupportedIdentifier");
    refused(authz_new(c, "", "a..test", ""), 400, "malformed");
    refused(client_post(c, url, ""), 400, "malformed");
    refused(authz_new(c, "", "a.test", ",\"profile\":\"none\""), 400,
            "invalidProfile");
    is_int(handle_request(c->h, "GET", url)->status, 405);
    is_str(reply_header(handle_request(c->h, "GET", url), "Allow", 0), "POST");
}

static void policy(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    policy_t *p = policy_make("tls-server", pool);
    acme_profile_t *profile =
        APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *);
    reply_t *r;

    need(!policy_san_add(p, "dns", "allow", "*.corp.test", pool));
    profile->policy = p;
    is_int(authz_new(c, "", "www.corp.test", "")->status, 201);
    r = authz_new(c, "", "www.other.test", "");
    refused(r, 403, "rejectedIdentifier");
    ok(strstr(r->detail, "www.other.test"));
}

static void external(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    client_t *c = client_make(h, "P-256");
    acme_profile_t *profile = profile_add(h, "web");
    eab_t *eab;

    profile->external = ACME_EXTERNAL_REQUIRED;
    eab = eab_make(h, "web");
    eab->row.allow = "[\"a.test\",\"b.test\"]";
    eab_store(eab);
    is_int(client_bind(c, "web", eab, NULL)->status, 201);
    is_int(authz_new(c, "web", "a.test", "")->status, 201);
    refused(authz_new(c, "web", "c.test", ""), 403, "rejectedIdentifier");
    profile->validation = 0;
    is_str(reply_text(authz_new(c, "web", "b.test", ""), "status"), "valid");
    is_str(reply_text(order_in(c, "web", "b.test", ""), "status"), "ready");
    eab_status(eab, "suspended");
    refused(authz_new(c, "web", "a.test", ""), 403, "unauthorized");
}

static void limited(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_limit_rule_t *rules = c->h->conf->limits;

    rules[ACME_LIMIT_PENDING_AUTHZS].count = 2;
    is_int(authz_new(c, "", "a.test", "")->status, 201);
    is_int(authz_new(c, "", "b.test", "")->status, 201);
    refused(authz_new(c, "", "c.test", ""), 429, "rateLimited");
    rules[ACME_LIMIT_PENDING_AUTHZS].count = 0;
    rules[ACME_LIMIT_ORDERS_NAME].count = 1;
    is_int(authz_new(c, "", "c.test", "")->status, 201);
    refused(authz_new(c, "", "c.test", ""), 429, "rateLimited");
    handle_database_away(c->h);
    is_int(authz_new(c, "", "d.test", "")->status, 503);
}

static void advertised(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = handle_request(h, "GET", handle_url(h, "directory"));

    is_str(reply_text(r, "newAuthz"), handle_url(h, "new-authz"));
}

const tap_case_t tap_cases[] = {
    {"T69 newAuthz: 201, Location, a pending authorization", created},
    {"T69 T17 an order for an authorized name is born ready", ready_at_once},
    {"T69 a valid authorization is the answer, too", reused},
    {"T69 no wildcard", wildcard},
    {"T69 T46 T28 what is no sensible request", malformed},
    {"T69 what the policy refuses", policy},
    {"T69 external accounts: names, validation, status", external},
    {"T69 T25 limits are those of orders", limited},
    {"T69 T31 it is advertised", advertised},
    {NULL, NULL},
};
