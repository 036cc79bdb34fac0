/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_eab.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/acme_eab_secret.h"
#include "handle_eab.h"
#include "tap.h"

/* A server whose profile "web" requires an external account. */
static handle_t *start(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);

    profile_add(h, "web")->external = ACME_EXTERNAL_REQUIRED;
    return h;
}

static eab_t *key(handle_t *h)
{
    eab_t *eab = eab_make(h, "web");

    eab_store(eab);
    return eab;
}

static void refused(const reply_t *r, int status, const char *problem,
                    const char *words)
{
    is_int(r->status, status);
    is_str(r->problem, problem);
    ok(strstr(r->detail, words), "no \"%s\" in: %s", words, r->detail);
}

static void bound(apr_pool_t *pool)
{
    static const char *const algs[] = {"HS256", "HS384", "HS512", NULL};
    handle_t *h = start(pool);
    eab_t *eab = key(h);
    store_eab_t *row;
    int i;

    for (i = 0; algs[i]; i++) {
        binding_t twist = {.alg = algs[i]};
        client_t *c = client_make(h, i ? "P-256" : "RSA-2048");
        reply_t *r = client_bind(c, "web", eab, &twist);

        is_int(r->status, 201);
        is_str(reply_text(r, "status"), "valid");
        /* RFC 8555 7.3.4: the same value, once it was verified. */
        ok(reply_text(r, "externalAccountBinding/protected"));
        r = client_post(c, c->kid, "");
        is_int(r->status, 200);
        ok(!reply_text(r, "externalAccountBinding/protected"));
    }
    need(store_eab_get(&row, h->acme.store, eab->row.kid, pool) == APR_SUCCESS);
    is_int(row->used_accounts, 3);
    is_str(event_last(h, "account.create")->eab_kid, eab->row.kid);
}

/* R28: some write the members of the key in another order. */
static void by_thumbprint(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256"), *other = client_make(h, "P-256");
    json_t *json = json_loads(c->jwk, 0, NULL);
    binding_t twist = {0};

    twist.payload = apr_psprintf(
        pool,
        " {\"y\":\"%s\",\"use\":\"sig\", \"x\":\"%s\",\"crv\":\"P-256\","
        "\"kty\":\"EC\"}",
        json_string_value(json_object_get(json, "y")),
        json_string_value(json_object_get(json, "x")));
    json_decref(json);
    is_int(client_bind(c, "web", key(h), &twist)->status, 201);
    /* Another key's binding, stolen. */
    refused(client_bind(other, "web", key(h), &twist), 400, "malformed",
            "another key");
}

static void required(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");

    refused(client_bind(c, "web", NULL, NULL), 403, "externalAccountRequired",
            "external account");
    /* Where nobody wants it, it is not looked at, and not reflected. */
    is_int(client_bind(c, "", key(h), &(binding_t){.mac = "AAAA"})->status,
           201);
}

/* T34 */
static void only_existing(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");
    const char *url = directory_url(h, "web", "new-account");
    reply_t *r = client_post(c, url, "{\"onlyReturnExisting\":true}");

    refused(r, 400, "accountDoesNotExist", "no account");
    is_int(client_bind(c, "web", key(h), NULL)->status, 201);
    c->kid = NULL;
    r = client_post(c, url, "{\"onlyReturnExisting\":true}");
    is_int(r->status, 200);
    ok(r->location);
}

/* T33: whatever happened to the key's budget, and whatever the request says. */
static void known_again(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256"), *late = client_make(h, "P-256");
    eab_t *eab = eab_make(h, "web");
    const char *kid;
    reply_t *r;

    eab->row.max_accounts = 1;
    eab->row.expires_at = h->now + 60;
    eab_store(eab);
    is_int(client_bind(c, "web", eab, NULL)->status, 201);
    kid = c->kid;
    refused(client_bind(late, "web", eab, NULL), 403, "unauthorized",
            "all the accounts");
    is_int(client_bind(c, "web", eab, NULL)->status, 200);
    h->now += 3600;
    is_int(client_bind(c, "web", eab, NULL)->status, 200);
    is_str(c->kid, kid);
    r = client_bind(c, "web", eab, &(binding_t){.mac = "AAAA"});
    is_int(r->status, 200);
    is_int(client_bind(c, "web", NULL, NULL)->status, 200);
    refused(client_bind(late, "web", eab, NULL), 403, "unauthorized",
            "expired at");
}

static void wrong(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");
    const char *url = directory_url(h, "web", "new-account");
    eab_t *eab = key(h), *other = key(h);

#define WRONG(status, problem, words, ...)                                     \
    refused(client_bind(c, "web", eab, &(binding_t){__VA_ARGS__}), status,     \
            problem, words)
    WRONG(403, "unauthorized", "MAC", .secret = other->secret);
    WRONG(403, "unauthorized", "MAC", .mac = "AAAA");
    WRONG(403, "unauthorized", "MAC", .mac = "");
    WRONG(403, "unauthorized", "not known", .kid = "nobody");
    WRONG(403, "unauthorized", "MAC", .kid = other->row.kid);
    WRONG(400, "malformed", "url", .url = handle_url(h, "new-account"));
    WRONG(400, "malformed", "payload", .payload = "rubbish");
    WRONG(400, "malformed", "payload", .payload = "[]");
    WRONG(400, "malformed", "kty", .payload = "{}");
    WRONG(400, "malformed", "HS256", .alg = "RS256");
    WRONG(400, "malformed", "HS256", .alg = "none");
    WRONG(400, "malformed", "nonce",
          .header = apr_psprintf(pool,
                                 "{\"alg\":\"HS256\",\"kid\":\"%s\","
                                 "\"nonce\":\"AAAA\",\"url\":\"%s\"}",
                                 eab->row.kid, url));
    WRONG(400, "malformed", "kid",
          .header =
              apr_psprintf(pool, "{\"alg\":\"HS256\",\"url\":\"%s\"}", url));
    WRONG(400, "malformed", "base64url", .mac = "not base64url");
    refused(client_post(c, url, "{\"externalAccountBinding\":\"x\"}"), 400,
            "malformed", "externalAccountBinding");
    refused(client_post(c, url, "{\"externalAccountBinding\":{}}"), 400,
            "malformed", "protected");
    is_int(event_count(h, "account.create"), 0);
    is_int(event_count(h, "request.refuse"), 5);
}

/* A secret that was rotated is good until a date. */
static void rotated(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    eab_t *eab = eab_make(h, "web"), was = *eab;

    eab->secret = acme_eab_secret_make(pool);
    eab->row.previous_secret = eab->row.secret;
    eab->row.previous_until = h->now + 60;
    eab->row.secret = acme_eab_secret_seal(h->conf->eab_keys, eab->row.kid,
                                           eab->secret, pool);
    eab_store(eab);
    is_int(client_bind(client_make(h, "P-256"), "web", eab, NULL)->status, 201);
    is_int(client_bind(client_make(h, "P-256"), "web", &was, NULL)->status,
           201);
    h->now += 60;
    is_int(client_bind(client_make(h, "P-256"), "web", eab, NULL)->status, 201);
    refused(client_bind(client_make(h, "P-256"), "web", &was, NULL), 403,
            "unauthorized", "MAC");
}

/* The key file is gone, or another one. */
static void unreadable(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");
    eab_t *eab = key(h);
    reply_t *r;

    h->conf->eab_keys = eab_keys(h, "other.key");
    r = client_bind(c, "web", eab, NULL);
    is_int(r->status, 503);
    ok(r->retry_after);
    h->conf->eab_keys = NULL;
    h->conf->eab_problem = "the key file cannot be read";
    r = client_bind(c, "web", eab, NULL);
    is_int(r->status, 503);
    ok(r->retry_after);
    ok(strstr(h->log_text, "cannot be read"));
}

/* Its accounts can do nothing meanwhile. */
static void suspended(apr_pool_t *pool)
{
    static const char *const states[] = {"suspended", "revoked", NULL};
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256"), *late = client_make(h, "P-256");
    eab_t *eab = key(h);
    reply_t *order;
    const char *kid;
    int i;

    need(client_bind(c, "web", eab, NULL)->status == 201);
    kid = c->kid;
    order = order_in(c, "web", "a.test", NULL);
    is_int(order->status, 201);
    for (i = 0; states[i]; i++) {
        eab_status(eab, states[i]);
        refused(order_in(c, "web", "b.test", NULL), 403, "unauthorized",
                states[i]);
        refused(client_post(c, order->location, ""), 403, "unauthorized",
                states[i]);
        refused(client_post(c, c->kid, ""), 403, "unauthorized", states[i]);
        refused(client_post(c, c->kid, "{\"contact\":[]}"), 403, "unauthorized",
                states[i]);
        refused(client_post(c, reply_text(order, "authorizations/0"), ""), 403,
                "unauthorized", states[i]);
        refused(client_bind(c, "web", eab, NULL), 403, "unauthorized",
                states[i]);
        refused(client_bind(late, "web", eab, NULL), 403, "unauthorized",
                states[i]);
        if (i)
            break;
        eab_status(eab, "valid");
        c->kid = kid;
        is_int(client_post(c, order->location, "")->status, 200);
    }
}

/* --from */
static void networks(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");
    eab_t *eab = eab_make(h, "web");
    reply_t *order;

    eab->row.sources = "[\"10.1.0.0/16\",\"2001:db8::/32\"]";
    eab_store(eab);
    refused(client_bind(c, "web", eab, NULL), 403, "unauthorized",
            "from 192.0.2.1");
    c->ip = "10.1.2.3";
    is_int(client_bind(c, "web", eab, NULL)->status, 201);
    order = order_in(c, "web", "a.test", NULL);
    is_int(order->status, 201);
    c->ip = "2001:db8::1";
    client_authorize(c, order);
    c->ip = "192.0.2.1";
    refused(order_in(c, "web", "b.test", NULL), 403, "unauthorized",
            "only from 10.1.0.0/16");
    refused(
        client_finalize(
            c, order, csr_make(key_make("P-256", pool), "a.test", NULL, pool)),
        403, "unauthorized", "192.0.2.1");
    c->ip = "10.1.255.255";
    order = client_finalize(
        c, order, csr_make(key_make("P-256", pool), "a.test", NULL, pool));
    is_str(reply_text(order, "status"), "valid");
}

static void orders_a_day(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");
    eab_t *eab = eab_make(h, "web");
    reply_t *r;

    eab->row.max_orders_per_day = 2;
    eab_store(eab);
    need(client_bind(c, "web", eab, NULL)->status == 201);
    is_int(order_in(c, "web", "a.test", NULL)->status, 201);
    is_int(order_in(c, "web", "b.test", NULL)->status, 201);
    r = order_in(c, "web", "c.test", NULL);
    refused(r, 429, "rateLimited", "2 orders of today");
    is_str(r->retry_after, "600");
    h->now += 86400;
    is_int(order_in(c, "web", "c.test", NULL)->status, 201);
}

/* A row that somebody wrote by hand refuses, and does not crash. */
static void rubbish(apr_pool_t *pool)
{
    static const char *const texts[] = {"",       "rubbish",   "{}",   "[1]",
                                        "[\"\"]", "[\"a b\"]", "null", NULL};
    handle_t *h = start(pool);
    int i;

    for (i = 0; texts[i]; i++) {
        client_t *c = client_make(h, "P-256");
        eab_t *eab = eab_make(h, "web");

        eab->row.allow = texts[i];
        eab_store(eab);
        need(client_bind(c, "web", eab, NULL)->status == 201);
        is_int(order_in(c, "web", "a.test", NULL)->status, 500);
        eab = eab_make(h, "web");
        eab->row.sources = texts[i];
        eab_store(eab);
        is_int(client_bind(client_make(h, "P-256"), "web", eab, NULL)->status,
               500);
    }
}

const tap_case_t tap_cases[] = {
    {"T40 R28 a binding by HS256, HS384 and HS512", bound},
    {"T40 R28 the key is compared by its thumbprint", by_thumbprint},
    {"T41 a binding is required, or nobody's business", required},
    {"T34 onlyReturnExisting needs none", only_existing},
    {"T33 a known key gets its account, the budget is one new account's",
     known_again},
    {"T40 T41 wrong bindings", wrong},
    {"a rotated secret is good for a while", rotated},
    {"no secret can be read", unreadable},
    {"T61 accounts of suspended and revoked keys can do nothing", suspended},
    {"a key's networks", networks},
    {"T25 a key's orders of a day", orders_a_day},
    {"rows that make no sense", rubbish},
    {NULL, NULL}};
