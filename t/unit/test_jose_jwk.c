/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_jwk.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/b64url.h"
#include "base/own.h"
#include "base/pjson.h"
#include "jose_vectors.h"
#include "tap.h"

static problem_t *parse(jose_jwk_t **jwk, const char *text, apr_pool_t *pool)
{
    json_t *json = own_json(pool, json_loads(text, JSON_DECODE_ANY, NULL));

    ok(json, "%s", text);
    *jwk = NULL;
    return jose_jwk_parse(jwk, json, pool);
}

static jose_jwk_t *good(const char *text, apr_pool_t *pool)
{
    jose_jwk_t *jwk;
    problem_t *prob = parse(&jwk, text, pool);

    ok(!prob, "%s: %s", text, prob ? prob->detail : "");
    return jwk;
}

static void refused(problem_type_e type, const char *why, const char *text,
                    apr_pool_t *pool)
{
    jose_jwk_t *jwk;
    problem_t *prob = parse(&jwk, text, pool);

    ok(prob, "%s", text);
    if (!prob)
        return;
    is_str(problem_name(prob->type), problem_name(type));
    ok(strstr(prob->detail, why), "%s", prob->detail);
}

static void bad_key(const char *why, const char *text, apr_pool_t *pool)
{
    refused(PROBLEM_BAD_PUBLIC_KEY, why, text, pool);
}

static const char *ec(const char *crv, const char *x, const char *y,
                      apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\","
                        "\"y\":\"%s\"}",
                        crv, x, y);
}

static const char *rsa(const char *n, const char *e, apr_pool_t *pool)
{
    return apr_psprintf(pool, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", n,
                        e);
}

/* A modulus of this many bits with this last octet; no real key. */
static const char *modulus(int bits, unsigned char last, apr_pool_t *pool)
{
    apr_size_t len = (apr_size_t)(bits + 7) / 8;
    unsigned char *n = apr_palloc(pool, len);

    memset(n, 0x55, len);
    n[0] = (unsigned char)(1 << ((bits - 1) % 8));
    n[len - 1] = last;
    return b64url_encode(n, len, pool);
}

static const char *okp(const unsigned char *x, apr_size_t len, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}",
                        b64url_encode(x, len, pool));
}

static void thumbprints(apr_pool_t *pool)
{
    jose_jwk_t *jwk = good(RFC7638_JWK, pool);

    need(jwk);
    is_str(jwk->kty, "RSA");
    ok(!jwk->crv);
    is_str(jwk->canonical,
           "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\"}");
    is_str(jwk->thumbprint, RFC7638_THUMBPRINT);
    jwk = good(RFC8037_JWK, pool);
    need(jwk);
    is_str(jwk->canonical, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":"
                           "\"" RFC8037_X "\"}");
    is_str(jwk->thumbprint, RFC8037_THUMBPRINT);
    jwk = good(RFC7515_A3_JWK, pool);
    need(jwk);
    is_str(jwk->crv, "P-256");
    is_str(jwk->canonical,
           "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" RFC7515_A3_X
           "\",\"y\":\"" RFC7515_A3_Y "\"}");
    is_int(strlen(jwk->thumbprint), 43);
    ok(good(RFC7515_A2_JWK, pool) && good(RFC7515_A4_JWK, pool));
}

static void round_trip(EVP_PKEY *pkey, apr_pool_t *pool)
{
    jose_jwk_t *jwk = jose_jwk_from_pkey(pkey, pool), *again, *parsed;

    need(jwk);
    again = jose_jwk_from_canonical(jwk->canonical, pool);
    need(again);
    is_str(again->canonical, jwk->canonical);
    is_str(again->thumbprint, jwk->thumbprint);
    is_int(EVP_PKEY_eq(again->pkey, pkey), 1);
    parsed = good(jwk->canonical, pool);
    need(parsed);
    is_int(EVP_PKEY_eq(parsed->pkey, pkey), 1);
}

static void round_trips(apr_pool_t *pool)
{
    int i;

    for (i = 0; i < 300; ++i) /* coordinates with leading zeros among them */
        round_trip(own_pkey(pool, EVP_EC_gen("P-256")), pool);
    round_trip(own_pkey(pool, EVP_EC_gen("P-384")), pool);
    round_trip(own_pkey(pool, EVP_EC_gen("P-521")), pool);
    round_trip(own_pkey(pool, EVP_RSA_gen(2048)), pool);
    round_trip(own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), pool);
    ok(!jose_jwk_from_pkey(own_pkey(pool, EVP_EC_gen("secp256k1")), pool));
}

static void not_canonical(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "",
        "{}",
        "x",
        "[]",
        RFC7515_A3_JWK, /* order of members */
        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" RFC7515_A3_X "\"}",
        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" RFC7515_A3_X
        "\",\"y\":\"" RFC7515_A3_X "\"}",
        "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"AA\"}",
        "{\"e\":\"\",\"kty\":\"RSA\",\"n\":\"\"}",
        NULL};
    int i;

    for (i = 0; bad[i]; ++i)
        ok(!jose_jwk_from_canonical(bad[i], pool), "%s", bad[i]);
}

static void kinds(apr_pool_t *pool)
{
    bad_key("kty \"oct\"", "{\"kty\":\"oct\"}", pool);
    bad_key("private or symmetric", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", pool);
    bad_key("kty \"ec\"", "{\"kty\":\"ec\"}", pool);
    bad_key("curve \"secp256k1\"", ec("secp256k1", "AA", "AA", pool), pool);
    bad_key("curve \"Ed25519\"", ec("Ed25519", "AA", "AA", pool), pool);
    bad_key("curve \"X25519\"", "{\"kty\":\"OKP\",\"crv\":\"X25519\"}", pool);
    bad_key("curve \"Ed448\"", "{\"kty\":\"OKP\",\"crv\":\"Ed448\"}", pool);
    bad_key("\"d\"",
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_A3_X
            "\",\"y\":\"" RFC7515_A3_Y "\",\"d\":\"AA\"}",
            pool);
    bad_key("\"qi\"",
            "{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\","
            "\"qi\":\"AA\"}",
            pool);
}

static void shapes(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "\"x\"",
        "{\"kty\":5}",
        "{\"kty\":\"EC\"}",
        "{\"kty\":\"OKP\",\"crv\":null}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_A3_X "\"}",
        "{\"kty\":\"RSA\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":65537}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "=\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQ+B\",\"e\":\"AQAB\"}",
        NULL};
    int i;

    for (i = 0; bad[i]; ++i)
        refused(PROBLEM_MALFORMED, "", bad[i], pool);
}

static void ec_points(apr_pool_t *pool)
{
    static const char zero[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    /* The prime of P-256 */
    static const unsigned char p[32] = {
        0xff, 0xff, 0xff, 0xff, 0,    0,    0,    1,    0,    0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    bad_key("32 octets", ec("P-256", "AAAA", RFC7515_A3_Y, pool), pool);
    bad_key("32 octets", ec("P-256", RFC7515_A3_X, "", pool), pool);
    bad_key("48 octets", ec("P-384", RFC7515_A3_X, RFC7515_A3_Y, pool), pool);
    bad_key("66 octets", ec("P-521", RFC7515_A3_X, RFC7515_A3_Y, pool), pool);
    bad_key("32 octets",
            ec("P-256", b64url_encode("\0", 1, pool), RFC7515_A3_Y, pool),
            pool);
    bad_key("no point", ec("P-256", RFC7515_A3_Y, RFC7515_A3_X, pool), pool);
    bad_key("no point", ec("P-256", zero, zero, pool), pool);
    bad_key("no point",
            ec("P-256", b64url_encode(p, 32, pool), RFC7515_A3_Y, pool), pool);
    bad_key("no point",
            ec("P-256", RFC7515_A3_X, b64url_encode(p, 32, pool), pool), pool);
}

/* x + p in the same 32 octets names the same point, to a lax reader. */
static void ec_not_reduced(apr_pool_t *pool)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *x = own_bn(pool, BN_new()), *y = own_bn(pool, BN_new());
    BIGNUM *p = own_bn(pool, BN_new());
    unsigned char xs[32], ys[32], lifted[32];
    int small;

    EC_GROUP_get_curve(group, p, NULL, NULL, NULL);
    for (small = 1; small < 100; ++small) {
        BN_set_word(x, (BN_ULONG)small);
        if (EC_POINT_set_compressed_coordinates(group, point, x, 0, NULL) == 1)
            break;
    }
    ok(EC_POINT_get_affine_coordinates(group, point, x, y, NULL) == 1);
    BN_bn2binpad(x, xs, 32);
    BN_bn2binpad(y, ys, 32);
    BN_add(x, x, p);
    ok(BN_bn2binpad(x, lifted, 32) == 32);
    good(ec("P-256", b64url_encode(xs, 32, pool), b64url_encode(ys, 32, pool),
            pool),
         pool);
    bad_key("no point",
            ec("P-256", b64url_encode(lifted, 32, pool),
               b64url_encode(ys, 32, pool), pool),
            pool);
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

static void rsa_numbers(apr_pool_t *pool)
{
    const char *n = modulus(2048, 0x55, pool);

    good(rsa(n, "AQAB", pool), pool);
    good(rsa(n, "Aw", pool), pool);
    good(rsa(modulus(8192, 0x55, pool), "AQAB", pool), pool);
    bad_key("bits", rsa(modulus(2047, 0x55, pool), "AQAB", pool), pool);
    bad_key("bits", rsa(modulus(1024, 0x55, pool), "AQAB", pool), pool);
    bad_key("bits", rsa(modulus(8193, 0x55, pool), "AQAB", pool), pool);
    bad_key("bits", rsa(modulus(65536, 0x55, pool), "AQAB", pool), pool);
    bad_key("bits", rsa("Aw", "AQAB", pool), pool);
    bad_key("n is even", rsa(modulus(2048, 0x54, pool), "AQAB", pool), pool);
    bad_key("leading zeros", rsa(n, "AAEAAQ", pool), pool);
    bad_key("leading zeros",
            rsa(apr_pstrcat(pool, "AAAA", n, NULL), "AQAB", pool), pool);
    bad_key("e is empty", rsa(n, "", pool), pool);
    bad_key("n is empty", rsa("", "AQAB", pool), pool);
    bad_key("e is less", rsa(n, "AQ", pool), pool);
    bad_key("e is even", rsa(n, "Ag", pool), pool);
    bad_key("e is even", rsa(n, "AQAC", pool), pool);
    bad_key("leading zeros", rsa(n, "AA", pool), pool);
    bad_key("64 bits", rsa(n, "AQAAAAAAAAAB", pool), pool);
}

static void ed25519_points(apr_pool_t *pool)
{
    unsigned char x[33] = {0};
    const unsigned char *order8;
    apr_size_t len;

    bad_key("32 octets", okp(x, 31, pool), pool);
    bad_key("32 octets", okp(x, 33, pool), pool);
    bad_key("small order", okp(x, 32, pool), pool);
    x[31] = 0x80;
    bad_key("small order", okp(x, 32, pool), pool);
    x[31] = 0;
    x[0] = 1;
    bad_key("small order", okp(x, 32, pool), pool);
    memset(x, 0xff, 32);
    x[0] = 0xec; /* the prime - 1 */
    bad_key("small order", okp(x, 32, pool), pool);
    x[31] = 0x7f;
    bad_key("small order", okp(x, 32, pool), pool);
    x[0] = 0xed;
    bad_key("small order", okp(x, 32, pool), pool);
    x[0] = 0xee;
    bad_key("small order", okp(x, 32, pool), pool);
    need(b64url_decode(&order8, &len,
                       "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU", 43,
                       pool) == APR_SUCCESS);
    bad_key("small order", okp(order8, len, pool), pool);
    memcpy(x, order8, 32);
    x[31] |= 0x80;
    bad_key("small order", okp(x, 32, pool), pool);
    bad_key("small order",
            "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
            "\"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o\"}",
            pool);
}

/* y = 2 to 22 of which x^2 = (y^2 - 1) / (d y^2 + 1) has no root. */
static void ed25519_no_points(apr_pool_t *pool)
{
    static const char none[] = "\2\7\10\13\14\15\21\24\26";
    unsigned char x[32] = {0};
    int sign;

    for (x[0] = 2; x[0] <= 22; x[0]++) {
        for (sign = 0; sign < 2; sign++) {
            x[31] = sign ? 0x80 : 0;
            if (strchr(none, x[0]))
                bad_key("no point", okp(x, 32, pool), pool);
            else
                good(okp(x, 32, pool), pool);
        }
    }
    memset(x, 0xff, 32); /* the prime + 18 + the sign */
    bad_key("no point", okp(x, 32, pool), pool);
    x[0] = 0xf0; /* + 3, which would be a point */
    bad_key("no point", okp(x, 32, pool), pool);
}

const tap_case_t tap_cases[] = {
    {"RFC 7638 3.1, RFC 8037 A.3 thumbprints", thumbprints},
    {"every kind of key: from OpenSSL, canonical text, JSON", round_trips},
    {"what is not canonical is not taken from the store", not_canonical},
    {"T07 unknown kinds and private members are badPublicKey", kinds},
    {"T07 missing members, wrong types, bad base64url are malformed", shapes},
    {"T07 EC coordinates: length, range, on the curve", ec_points},
    {"T07 EC coordinates beyond the prime are no other name", ec_not_reduced},
    {"T07 RSA: size, leading zeros, even or odd exponents", rsa_numbers},
    {"T07 Ed25519 points of small order", ed25519_points},
    {"T07 Ed25519: on the curve, below the prime", ed25519_no_points},
    {NULL, NULL}};
