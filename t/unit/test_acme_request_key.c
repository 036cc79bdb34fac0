/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_request.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_start.h"

static reply_t *read_account(client_t *c, const twist_t *twist)
{
    return client_twisted(c, c->kid, "", twist);
}

static void both_or_neither(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    twist_t twist = {0};

    twist.signer =
        apr_pstrcat(pool, "\"kid\":\"", c->kid, "\",\"jwk\":", c->jwk, NULL);
    is_str(read_account(c, &twist)->problem, "malformed");
    twist.signer = "";
    is_str(read_account(c, &twist)->problem, "malformed");
}

static void bad_alg(apr_pool_t *pool)
{
    static const char *const algs[] = {"none",   "HS256", "RS1",
                                       "ES256K", "",      "es256"};
    client_t *c = client_start("P-256", pool);
    twist_t twist = {0};
    apr_size_t i;

    for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        reply_t *r;

        twist.alg = algs[i];
        r = read_account(c, &twist);
        is_int(r->status, 400);
        is_str(r->problem, "badSignatureAlgorithm");
        is_str(reply_text(r, "algorithms/0"), "ES256");
        is_int(reply_count(r, "algorithms"), 5);
    }
}

static void alg_and_key(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    twist_t twist = {.alg = "ES384"};
    reply_t *r = read_account(c, &twist);

    is_int(r->status, 400);
    is_str(r->problem, "badPublicKey");
    twist.alg = "RS256";
    is_str(read_account(c, &twist)->problem, "badPublicKey");
}

static void every_alg(apr_pool_t *pool)
{
    static const char *const specs[] = {"P-256", "P-384", "P-521", "RSA-2048",
                                        "ED25519"};
    handle_t *h = handle_make(tap_tmpdir(), pool);
    apr_size_t i;

    for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        client_t *c = client_make(h, specs[i]);

        is_int(client_register(c)->status, 201);
        is_int(client_post(c, c->kid, "")->status, 200);
    }
}

static void bad_keys(apr_pool_t *pool)
{
    static const char *const jwks[] = {
        /* off the curve, too short, small RSA, a private key, strange kinds */
        "{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
    };
    client_t *c = client_make(handle_make(tap_tmpdir(), pool), "P-256");
    twist_t twist = {0};
    apr_size_t i;

    for (i = 0; i < sizeof(jwks) / sizeof(jwks[0]); i++) {
        reply_t *r;

        twist.signer = apr_pstrcat(pool, "\"jwk\":", jwks[i], NULL);
        r = client_twisted(c, handle_url(c->h, "new-account"), "{}", &twist);
        is_int(r->status, 400);
        is_str(r->problem, "badPublicKey");
        ok(*r->detail, "%s", jwks[i]);
    }
}

static void weak_rsa(apr_pool_t *pool)
{
    client_t *c = client_make(handle_make(tap_tmpdir(), pool), "RSA-1024");
    reply_t *r = client_post(c, handle_url(c->h, "new-account"), "{}");

    is_int(r->status, 400);
    is_str(r->problem, "badPublicKey");
}

static void kind_of_signer(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    twist_t twist = {0};

    is_str(client_post(c, handle_url(c->h, "new-account"), "{}")->problem,
           "malformed");
    twist.signer = apr_pstrcat(pool, "\"jwk\":", c->jwk, NULL);
    is_str(read_account(c, &twist)->problem, "malformed");
    is_str(
        client_twisted(c, handle_url(c->h, "new-order"), "{}", &twist)->problem,
        "malformed");
}

static void kid_of_this_directory(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *id = strrchr(c->kid, '/') + 1;
    const char *kids[] = {
        id,
        apr_pstrcat(pool, "/acme/acct/", id, NULL),
        apr_pstrcat(pool, "https://evil.example/acme/acct/", id, NULL),
        apr_pstrcat(pool, HANDLE_BASE "/other/acct/", id, NULL),
        apr_pstrcat(pool, HANDLE_BASE "/acme/web/acct/", id, NULL),
        apr_pstrcat(pool, HANDLE_BASE "/acme/acct/", id, "/", NULL),
        apr_pstrcat(pool, HANDLE_BASE "/acme/acct/", id, "?x", NULL),
        apr_pstrcat(pool, HANDLE_BASE "/acme/acct/x", id, NULL),
        apr_pstrcat(pool, HANDLE_BASE "/acme/order/", id, NULL),
        HANDLE_BASE "/acme/acct/AAAAAAAAAAAAAAAAAAAAAA",
    };
    twist_t twist = {0};
    apr_size_t i;

    for (i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
        reply_t *r;

        twist.signer = apr_pstrcat(pool, "\"kid\":\"", kids[i], "\"", NULL);
        r = read_account(c, &twist);
        is_int(r->status, 400);
        is_str(r->problem, "accountDoesNotExist");
    }
}

static void kid_of_another_profile(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_profile_t *web = apr_pmemdup(
        pool, APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *),
        sizeof(*web));
    client_t *other = client_make(c->h, "P-256");
    reply_t *r;

    web->name = web->directory = "web";
    APR_ARRAY_PUSH(c->h->conf->profiles, acme_profile_t *) = web;
    r = client_post(c, handle_url(c->h, "web/new-order"), "{}");
    is_str(r->problem, "accountDoesNotExist");
    /* The same key may have an account of its own there. */
    other->key = c->key;
    other->jwk = c->jwk;
    r = client_post(other, handle_url(c->h, "web/new-account"), "{}");
    is_int(r->status, 201);
    ok(strstr(r->location, "/acme/web/acct/"));
}

static void another_realm(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);

    c->h->conf->realm = "other";
    is_str(read_account(c, NULL)->problem, "accountDoesNotExist");
}

static void wrong_signature(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *thief = client_make(c->h, "P-256");
    reply_t *r;

    thief->kid = c->kid;
    r = read_account(thief, NULL);
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
    ok(r->nonce);
}

static void der_signature(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    twist_t twist = {0};
    char *body = apr_pstrdup(pool, client_sign(c, c->kid, "", NULL));
    char *signature = strstr(body, "\"signature\":\"") + 13;

    *signature = '\0';
    twist.body = apr_pstrcat(pool, body, "MEQCIAAA\"}", NULL);
    is_str(read_account(c, &twist)->problem, "malformed");
}

const tap_case_t tap_cases[] = {
    {"T04 exactly one of jwk and kid", both_or_neither},
    {"T05 none, HMAC and unknown algorithms: badSignatureAlgorithm", bad_alg},
    {"T06 the algorithm fits the key", alg_and_key},
    {"T06 ES256 ES384 ES512 RS256 EdDSA", every_alg},
    {"T07 invalid keys are badPublicKey, with a reason", bad_keys},
    {"T07 RSA of 1024 bits", weak_rsa},
    {"T08 jwk for newAccount, kid for everything else", kind_of_signer},
    {"T09 the kid is the whole URL of an account here", kid_of_this_directory},
    {"T09 an account of one directory is none of another",
     kid_of_another_profile},
    {"T10 an account of another realm does not exist", another_realm},
    {"T11 a wrong signature is malformed", wrong_signature},
    {"T12 a DER signature is refused", der_signature},
    {NULL, NULL}};
