/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_jws.h"

#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "base/b64url.h"
#include "base/own.h"
#include "base/pjson.h"
#include "jose/jose_sign.h"
#include "jose_vectors.h"
#include "tap.h"

#define KID "\"kid\":\"https://ca.example/acme/account/1\""
#define URL "\"url\":\"https://ca.example/acme/new-order\""

static const char *body(const char *header, const char *payload,
                        const char *signature, apr_pool_t *pool)
{
    return apr_psprintf(
        pool, "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
        b64url_encode(header, strlen(header), pool), payload, signature);
}

static problem_t *parse(jose_jws_t **jws, const char *text, apr_pool_t *pool)
{
    *jws = NULL;
    return jose_jws_parse(jws, text, strlen(text), pool);
}

static problem_t *refused(problem_type_e type, const char *why,
                          const char *text, apr_pool_t *pool)
{
    jose_jws_t *jws;
    problem_t *prob = parse(&jws, text, pool);

    ok(prob, "%s", text);
    if (!prob)
        return NULL;
    is_str(problem_name(prob->type), problem_name(type));
    ok(strstr(prob->detail, why), "%s", prob->detail);
    return prob;
}

static void malformed(const char *why, const char *text, apr_pool_t *pool)
{
    refused(PROBLEM_MALFORMED, why, text, pool);
}

static void bad_header(const char *why, const char *header, apr_pool_t *pool)
{
    malformed(why, body(header, "e30", "AAAA", pool), pool);
}

static void parts(apr_pool_t *pool)
{
    jose_jws_t *jws;
    problem_t *prob =
        parse(&jws,
              body("{\"alg\":\"ES256\"," KID "," URL ",\"nonce\":\"abcd\","
                   "\"typ\":\"JWS\"}",
                   "eyJhIjoxfQ", "AAAA", pool),
              pool);

    ok(!prob, "%s", prob ? prob->detail : "");
    need(jws);
    is_str(jws->alg->name, "ES256");
    is_str(jws->url, "https://ca.example/acme/new-order");
    is_str(jws->kid, "https://ca.example/acme/account/1");
    is_str(jws->nonce, "abcd");
    ok(!jws->jwk);
    is_str(jws->parts.payload, "{\"a\":1}");
    is_int(jws->parts.payload_len, 7);
    is_int(jws->parts.signature_len, 3);
    is_int(jws->parts.signing_input_len, strlen(jws->parts.signing_input));
    ok(strstr(jws->parts.signing_input, ".eyJhIjoxfQ"));
}

static void empty_payload(apr_pool_t *pool)
{
    jose_jws_t *jws;
    problem_t *prob =
        parse(&jws,
              body("{\"alg\":\"EdDSA\",\"jwk\":" RFC8037_JWK "," URL "}", "",
                   "", pool),
              pool);

    ok(!prob, "%s", prob ? prob->detail : "");
    need(jws);
    is_int(jws->parts.payload_len, 0);
    is_str(jws->parts.payload, "");
    ok(!jws->nonce && !jws->kid && jws->jwk);
}

static void shape(apr_pool_t *pool)
{
    malformed("not valid JSON", "", pool);
    malformed("not valid JSON", "eyJh.e30.AAAA", pool);
    malformed("object", "[]", pool);
    malformed("\"protected\"", "{}", pool);
    malformed("\"payload\"", "{\"protected\":\"e30\",\"signature\":\"\"}",
              pool);
    malformed("\"signature\"", "{\"protected\":\"e30\",\"payload\":\"\"}",
              pool);
    malformed("\"header\"",
              "{\"protected\":\"e30\",\"payload\":\"\",\"signature\":\"\","
              "\"header\":{}}",
              pool);
    malformed("\"signatures\"",
              "{\"payload\":\"\",\"signatures\":[{\"protected\":\"e30\","
              "\"signature\":\"\"}]}",
              pool);
    malformed("duplicate",
              "{\"protected\":\"e30\",\"payload\":\"\",\"payload\":\"\","
              "\"signature\":\"\"}",
              pool);
    malformed("a string",
              "{\"protected\":{},\"payload\":\"\",\"signature\":\"\"}", pool);
    malformed("a string",
              "{\"protected\":\"e30\",\"payload\":null,\"signature\":\"\"}",
              pool);
}

static void base64url(apr_pool_t *pool)
{
    const char *header = "{\"alg\":\"ES256\"," KID "," URL "}";

    malformed("payload is not base64url", body(header, "e30=", "AAAA", pool),
              pool);
    malformed("payload is not base64url", body(header, "e31", "AAAA", pool),
              pool);
    malformed("signature is not base64url", body(header, "e30", "AA+A", pool),
              pool);
    malformed("signature is not base64url", body(header, "e30", "A", pool),
              pool);
    malformed("header is not base64url",
              "{\"protected\":\"e30=\",\"payload\":\"\",\"signature\":\"\"}",
              pool);
}

static void header(apr_pool_t *pool)
{
    bad_header("not valid JSON", "x", pool);
    bad_header("object", "[]", pool);
    bad_header("duplicate",
               "{\"alg\":\"ES256\",\"alg\":\"ES256\"," KID "," URL "}", pool);
    bad_header("crit", "{\"alg\":\"ES256\"," KID "," URL ",\"crit\":[\"b64\"]}",
               pool);
    bad_header("b64", "{\"alg\":\"ES256\"," KID "," URL ",\"b64\":false}",
               pool);
    bad_header("\"alg\"", "{" KID "," URL "}", pool);
    bad_header("\"alg\"", "{\"alg\":[\"ES256\"]," KID "," URL "}", pool);
    bad_header("\"url\"", "{\"alg\":\"ES256\"," KID "}", pool);
    bad_header("\"url\"", "{\"alg\":\"ES256\"," KID ",\"url\":null}", pool);
    bad_header("\"kid\"", "{\"alg\":\"ES256\",\"kid\":5," URL "}", pool);
    bad_header("\"jwk\"", "{\"alg\":\"ES256\",\"jwk\":\"x\"," URL "}", pool);
    bad_header("both", "{\"alg\":\"ES256\"," KID ",\"jwk\":{}," URL "}", pool);
    bad_header("neither", "{\"alg\":\"ES256\"," URL "}", pool);
}

static void nonces(apr_pool_t *pool)
{
    bad_header("nonce", "{\"alg\":\"ES256\"," KID "," URL ",\"nonce\":\"a=\"}",
               pool);
    bad_header("nonce", "{\"alg\":\"ES256\"," KID "," URL ",\"nonce\":\"\"}",
               pool);
    bad_header("nonce",
               "{\"alg\":\"ES256\"," KID "," URL ",\"nonce\":\"a b c d\"}",
               pool);
    bad_header("nonce", "{\"alg\":\"ES256\"," KID "," URL ",\"nonce\":7}",
               pool);
}

static void algorithms(apr_pool_t *pool)
{
    static const char *const bad[] = {"none", "None",  "HS256",  "HS512",
                                      "",     "PS256", "ES256K", NULL};
    problem_t *prob;
    int i;

    for (i = 0; bad[i]; ++i) {
        prob = refused(
            PROBLEM_BAD_SIGNATURE_ALGORITHM, "ES256",
            body(apr_psprintf(pool, "{\"alg\":\"%s\"," KID "," URL "}", bad[i]),
                 "", "", pool),
            pool);
        need(prob && prob->algorithms);
        is_int(prob->algorithms->nelts, 5);
        is_int(prob->status, 400);
    }
}

static jose_jws_t *vector(const char *alg, const char *input,
                          const char *signature, apr_pool_t *pool)
{
    jose_jws_t *jws = apr_pcalloc(pool, sizeof(*jws));

    jws->alg = jose_jwa_find(alg);
    jws->parts.signing_input = input;
    jws->parts.signing_input_len = strlen(input);
    ok(b64url_decode(&jws->parts.signature, &jws->parts.signature_len,
                     signature, strlen(signature), pool) == APR_SUCCESS);
    return jws;
}

static jose_jwk_t *key(const char *text, apr_pool_t *pool)
{
    json_t *json = own_json(pool, json_loads(text, 0, NULL));
    jose_jwk_t *jwk = NULL;
    problem_t *prob = jose_jwk_parse(&jwk, json, pool);

    return prob ? NULL : jwk;
}

static void verify_vector(const char *alg, const char *jwk, const char *input,
                          const char *signature, apr_pool_t *pool)
{
    jose_jws_t *jws = vector(alg, input, signature, pool);
    jose_jwk_t *k = key(jwk, pool);
    unsigned char *bent;
    problem_t *prob;
    apr_size_t i;

    need(k);
    prob = jose_jws_verify(jws, k, pool);
    ok(!prob, "%s: %s", alg, prob ? prob->detail : "");
    bent = apr_pmemdup(pool, jws->parts.signature, jws->parts.signature_len);
    jws->parts.signature = bent;
    for (i = 0; i < jws->parts.signature_len; i += 13) {
        bent[i] ^= 4;
        prob = jose_jws_verify(jws, k, pool);
        ok(prob && prob->type == PROBLEM_MALFORMED);
        bent[i] ^= 4;
    }
    jws->parts.signing_input = apr_pstrcat(pool, input, "A", NULL);
    ++jws->parts.signing_input_len;
    prob = jose_jws_verify(jws, k, pool);
    ok(prob && prob->type == PROBLEM_MALFORMED && prob->status == 400);
    is_int(ERR_peek_error(), 0);
}

static void vectors(apr_pool_t *pool)
{
    verify_vector("RS256", RFC7515_A2_JWK, RFC7515_A2_INPUT,
                  RFC7515_A2_SIGNATURE, pool);
    verify_vector("ES256", RFC7515_A3_JWK, RFC7515_A3_INPUT,
                  RFC7515_A3_SIGNATURE, pool);
    verify_vector("ES512", RFC7515_A4_JWK, RFC7515_A4_INPUT,
                  RFC7515_A4_SIGNATURE, pool);
    verify_vector("EdDSA", RFC8037_JWK, RFC8037_INPUT, RFC8037_SIGNATURE, pool);
}

static void fit(apr_pool_t *pool)
{
    static const char *const algs[] = {"ES256", "ES384", "ES512", "RS256",
                                       "EdDSA"};
    static const char *const keys[] = {RFC7515_A3_JWK, NULL, RFC7515_A4_JWK,
                                       RFC7515_A2_JWK, RFC8037_JWK};
    jose_jws_t *jws;
    problem_t *prob;
    int a, k;

    for (a = 0; a < 5; ++a) {
        jws = vector(algs[a], RFC7515_A3_INPUT, RFC7515_A3_SIGNATURE, pool);
        for (k = 0; k < 5; ++k) {
            if (k == a || !keys[k])
                continue;
            prob = jose_jws_verify(jws, key(keys[k], pool), pool);
            need(prob);
            is_int(prob->type, PROBLEM_BAD_PUBLIC_KEY);
            ok(strstr(prob->detail, algs[a]));
        }
    }
}

static void lengths(apr_pool_t *pool)
{
    jose_jws_t *jws =
        vector("ES256", RFC7515_A3_INPUT, RFC7515_A3_SIGNATURE, pool);
    jose_jwk_t *k = key(RFC7515_A3_JWK, pool);
    const unsigned char *raw = jws->parts.signature;
    unsigned char longer[66] = {0};
    unsigned char zeros[64] = {0};
    ECDSA_SIG *sig = own_ecdsa_sig(pool, ECDSA_SIG_new());
    unsigned char *der = NULL;
    problem_t *prob;
    int len;

    need(k);
    ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL),
                   BN_bin2bn(raw + 32, 32, NULL));
    len = i2d_ECDSA_SIG(sig, &der);
    jws->parts.signature = der;
    jws->parts.signature_len = (apr_size_t)len;
    prob = jose_jws_verify(jws, k, pool);
    ok(prob && prob->type == PROBLEM_MALFORMED && strstr(prob->detail, "DER"));
    OPENSSL_free(der);

    jws->parts.signature = raw;
    jws->parts.signature_len = 63;
    ok(jose_jws_verify(jws, k, pool) != NULL);
    jws->parts.signature_len = 0;
    ok(jose_jws_verify(jws, k, pool) != NULL);
    memcpy(longer + 1, raw, 32);
    memcpy(longer + 34, raw + 32, 32);
    jws->parts.signature = longer;
    jws->parts.signature_len = 66;
    ok(jose_jws_verify(jws, k, pool) != NULL);
    jws->parts.signature = zeros;
    jws->parts.signature_len = 64;
    ok(jose_jws_verify(jws, k, pool) != NULL, "r = s = 0");
    jws = vector("RS256", RFC7515_A2_INPUT, RFC7515_A2_SIGNATURE, pool);
    --jws->parts.signature_len;
    ok(jose_jws_verify(jws, key(RFC7515_A2_JWK, pool), pool) != NULL);
}

const tap_case_t tap_cases[] = {
    {"T03 a flattened JWS comes apart", parts},
    {"T17 an empty payload is one", empty_payload},
    {"T03 anything but protected, payload, signature is malformed", shape},
    {"T02 padding and leftover bits are malformed", base64url},
    {"T04 the protected header's members", header},
    {"T20 a nonce that is no base64url is malformed", nonces},
    {"T05 badSignatureAlgorithm lists the algorithms", algorithms},
    {"T11 RFC 7515 A.2 A.3 A.4 and RFC 8037 A.4, and bent ones", vectors},
    {"T06 the algorithm must fit the key", fit},
    {"T12 ECDSA signatures are raw and of exact length", lengths},
    {NULL, NULL}};
