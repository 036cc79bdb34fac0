/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_request.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_start.h"

static reply_t *read_account(client_t *c, const twist_t *twist)
{
    return client_twisted(c, c->kid, "", twist);
}

static void content_type(apr_pool_t *pool)
{
    static const char *const good[] = {
        "application/jose+json", "application/JOSE+JSON",
        "application/jose+json; charset=utf-8", "application/jose+json ;x=y"};
    static const char *const bad[] = {
        "application/json", "text/plain", "application/jose+jsonx",
        "application/jose", "",           "x application/jose+json"};
    client_t *c = client_start("P-256", pool);
    twist_t twist = {0};
    apr_size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        twist.content_type = good[i];
        is_int(read_account(c, &twist)->status, 200);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reply_t *r;

        twist.content_type = bad[i];
        r = read_account(c, &twist);
        is_int(r->status, 415);
        is_str(r->problem, "malformed");
        ok(r->nonce);
    }
}

static void content_type_missing(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_request_t req = {0};

    req.method = "POST";
    req.path = "/acme/new-order";
    req.body = client_sign(c, handle_url(c->h, "new-order"), "{}", NULL);
    req.body_len = strlen(req.body);
    req.pool = pool;
    is_int(handle_raw(c->h, &req)->status, 415);
}

static void body_size(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_request_t req = {0};
    reply_t *r;

    req.method = "POST";
    req.path = "/acme/new-order";
    req.content_type = "application/jose+json";
    req.is_body_too_large = 1;
    req.pool = pool;
    r = handle_raw(c->h, &req);
    is_int(r->status, 413);
    is_str(r->problem, "malformed");
    ok(r->nonce);
    req.is_body_too_large = 0;
    is_int(handle_raw(c->h, &req)->status, 400);
}

static void padding(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *body = client_sign(c, c->kid, "", NULL);
    char *end = strrchr(body, '"');
    twist_t twist = {0};
    reply_t *r;

    /* A 64-octet signature has 86 characters: "==" would complete it. */
    twist.body = apr_pstrcat(pool, apr_pstrmemdup(pool, body, end - body),
                             "==", end, NULL);
    r = read_account(c, &twist);
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
}

static void shapes(apr_pool_t *pool)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "null",
        "e30.e30.AAAA",
        "{\"payload\":\"\",\"signature\":\"\"}",
        "{\"protected\":\"e30\",\"signature\":\"AAAA\"}",
        "{\"protected\":\"e30\",\"payload\":\"\",\"signatures\":[]}",
        "{\"protected\":1,\"payload\":\"\",\"signature\":\"\"}",
        "{\"protected\":\"e30\",\"payload\":\"\",\"signature\":\"AAAA\","
        "\"header\":{}}",
        "{\"protected\":\"e30\",\"protected\":\"e30\",\"payload\":\"\","
        "\"signature\":\"AAAA\"}",
        "{\"protected\":\"\xff\",\"payload\":\"\",\"signature\":\"AAAA\"}",
    };
    client_t *c = client_start("P-256", pool);
    twist_t twist = {0};
    apr_size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        reply_t *r;

        twist.body = bodies[i];
        r = read_account(c, &twist);
        is_int(r->status, 400);
        is_str(r->problem, "malformed");
        ok(*r->detail && r->nonce, "%s", bodies[i]);
    }
}

static void crit(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    twist_t twist = {.more = ",\"crit\":[\"exp\"],\"exp\":1"};

    is_str(read_account(c, &twist)->problem, "malformed");
    twist.more = ",\"b64\":false";
    is_str(read_account(c, &twist)->problem, "malformed");
}

static void url_mismatch(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *path = strstr(c->kid, "/acme/");
    const char *urls[] = {
        apr_pstrcat(pool, "https://ca.example:443", path, NULL),
        apr_pstrcat(pool, "http://ca.example", path, NULL),
        apr_pstrcat(pool, "https://CA.example", path, NULL),
        apr_pstrcat(pool, "https://evil.example", path, NULL),
        apr_pstrcat(pool, c->kid, "/", NULL),
        handle_url(c->h, "new-order"),
        path,
    };
    twist_t twist = {0};
    apr_size_t i;

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        reply_t *r;

        twist.url = urls[i];
        r = read_account(c, &twist);
        is_int(r->status, 403);
        is_str(r->problem, "unauthorized");
        /* Both values are told. */
        ok(strstr(r->detail, urls[i]) && strstr(r->detail, c->kid));
    }
    twist.url = "";
    is_str(read_account(c, &twist)->problem, "malformed");
}

static void url_alias(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *path = strstr(c->kid, "/acme/");
    twist_t twist = {0};

    APR_ARRAY_PUSH(c->h->conf->base_url_aliases, const char *) =
        "https://alias.example:8443";
    twist.url = apr_pstrcat(pool, "https://alias.example:8443", path, NULL);
    twist.signer = apr_pstrcat(pool, "\"kid\":\"", twist.url, "\"", NULL);
    is_int(read_account(c, &twist)->status, 200);
}

static void read_only(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = client_order(c, "a.test");

    is_int(client_post(c, order->location, "")->status, 200);
    is_str(client_post(c, order->location, "{}")->problem, "malformed");
    is_str(client_post(c, handle_url(c->h, "directory"), "{}")->problem,
           "malformed");
    is_str(client_post(c, handle_url(c->h, "new-order"), "")->problem,
           "malformed");
}

static void payloads(apr_pool_t *pool)
{
    static const char *const bad[] = {"[]",
                                      "1",
                                      "\"x\"",
                                      "null",
                                      "{",
                                      "{}x",
                                      "{\"a\"",
                                      "{\"a\":1,\"a\":2}",
                                      "\xff",
                                      "{\"a\":\"\xc3\x28\"}",
                                      "{\"a\":\"\\u0000\"}"};
    client_t *c = client_start("P-256", pool);
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reply_t *r = client_post(c, handle_url(c->h, "new-order"), bad[i]);

        is_int(r->status, 400);
        is_str(r->problem, "malformed");
    }
}

static void deep_payload(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    char *deep = apr_pcalloc(pool, 40001);
    reply_t *r;

    memset(deep, '[', 20000);
    memset(deep + 20000, ']', 20000);
    r = client_post(c, handle_url(c->h, "new-order"), deep);
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
}

static void bad_nonce(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    twist_t twist = {.nonce = "AAAAAAAAAAAAAAAA"};
    reply_t *r = read_account(c, &twist);

    is_int(r->status, 400);
    is_str(r->problem, "badNonce");
    is_str(reply_text(r, "type"), "urn:ietf:params:acme:error:badNonce");
    ok(strstr(r->detail, "JWS has an invalid anti-replay nonce"));
    ok(r->nonce && strcmp(r->nonce, twist.nonce));
    twist.nonce = r->nonce;
    is_int(read_account(c, &twist)->status, 200);
}

static void no_nonce(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    twist_t twist = {.nonce = ""};
    reply_t *r = read_account(c, &twist);

    is_int(r->status, 400);
    is_str(r->problem, "badNonce");
    ok(r->nonce);
}

static void nonce_shape(apr_pool_t *pool)
{
    static const char *const bad[] = {"not base64!", "AAA=", "A", "AB"};
    client_t *c = client_start("P-256", pool);
    twist_t twist = {0};
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        twist.nonce = bad[i];
        is_str(read_account(c, &twist)->problem, "malformed");
    }
}

static void nonce_spent(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    twist_t twist = {.nonce = handle_nonce(c->h)};

    is_int(read_account(c, &twist)->status, 200);
    is_str(read_account(c, &twist)->problem, "badNonce");
    /* Spent although the request fails for its payload. */
    twist.nonce = handle_nonce(c->h);
    is_str(
        client_twisted(c, handle_url(c->h, "new-order"), "[]", &twist)->problem,
        "malformed");
    is_str(read_account(c, &twist)->problem, "badNonce");
}

static void nonce_kept(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *thief = client_make(c->h, "P-256");
    twist_t twist = {.nonce = handle_nonce(c->h)};
    twist_t url = {.nonce = twist.nonce, .url = "https://ca.example/"};

    /* A stranger cannot burn it, nor does a request for another URL. */
    thief->kid = c->kid;
    is_str(read_account(thief, &twist)->problem, "malformed");
    is_str(read_account(c, &url)->problem, "unauthorized");
    is_int(read_account(c, &twist)->status, 200);
}

static void nonce_reject(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);

    c->h->conf->nonce_reject = 100;
    is_str(read_account(c, NULL)->problem, "badNonce");
    c->h->conf->nonce_reject = 0;
    is_int(read_account(c, NULL)->status, 200);
}

static void database_away(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r;

    handle_database_away(c->h);
    r = read_account(c, NULL);
    is_int(r->status, 503);
    is_str(r->problem, "serverInternal");
    ok(r->retry_after && r->nonce);
    ok(!strstr(r->body, "sqlite"));
    handle_database_back(c->h);
    is_int(read_account(c, NULL)->status, 200);
}

const tap_case_t tap_cases[] = {
    {"T01 the content type is application/jose+json, or 415", content_type},
    {"T01 no content type at all", content_type_missing},
    {"H5 a body too large is 413, an empty one malformed", body_size},
    {"T02 padded base64url is malformed", padding},
    {"T03 T04 only flattened JSON with all members", shapes},
    {"T03 crit and b64 are refused", crit},
    {"T13 T14 the url is ours, as a string", url_mismatch},
    {"R23 an alias of the base URL is ours too", url_alias},
    {"T17 POST-as-GET has an empty payload, {} is none", read_only},
    {"T17 every other payload is a JSON object", payloads},
    {"a payload nested too deep is malformed", deep_payload},
    {"T19 R4 badNonce: 400, a fresh one, acme.sh's words", bad_nonce},
    {"T19 a missing nonce is badNonce", no_nonce},
    {"T20 a nonce that is no base64url is malformed", nonce_shape},
    {"T21 a nonce is spent once, even by a request that fails", nonce_spent},
    {"T21 but not by a stranger or for another URL", nonce_kept},
    {"ACMETestNonceReject refuses good nonces", nonce_reject},
    {"a database that is away is 503 with Retry-After", database_away},
    {NULL, NULL}};
