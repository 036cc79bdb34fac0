/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_sign.h"

#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/own.h"
#include "jose/jose_jws.h"
#include "tap.h"

static void sign_and_verify(EVP_PKEY *pkey, const char *alg, apr_pool_t *pool)
{
    jose_jwk_t *jwk, *key = jose_jwk_from_pkey(pkey, pool);
    const char *text;
    jose_jws_t *jws;
    problem_t *prob;

    need(pkey && key);
    is_str(jose_sign_alg(pkey), alg);
    text = jose_sign(pkey,
                     apr_psprintf(pool,
                                  "{\"alg\":\"%s\",\"jwk\":%s,"
                                  "\"url\":\"https://ca.example/\"}",
                                  alg, key->canonical),
                     "{\"a\":1}", 7, pool);
    need(text);
    prob = jose_jws_parse(&jws, text, strlen(text), pool);
    ok(!prob, "%s", prob ? prob->detail : "");
    need(!prob);
    prob = jose_jwk_parse(&jwk, jws->jwk, pool);
    need(!prob);
    is_str(jwk->thumbprint, key->thumbprint);
    prob = jose_jws_verify(jws, jwk, pool);
    ok(!prob, "%s", prob ? prob->detail : "");
    is_str(jws->parts.payload, "{\"a\":1}");
}

static void every_alg(apr_pool_t *pool)
{
    EVP_PKEY *key = own_pkey(pool, EVP_EC_gen("P-256"));
    int i;

    for (i = 0; i < 300; ++i) /* r and s with leading zeros among them */
        sign_and_verify(key, "ES256", pool);
    sign_and_verify(own_pkey(pool, EVP_EC_gen("P-384")), "ES384", pool);
    sign_and_verify(own_pkey(pool, EVP_EC_gen("P-521")), "ES512", pool);
    sign_and_verify(own_pkey(pool, EVP_RSA_gen(2048)), "RS256", pool);
    sign_and_verify(own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")),
                    "EdDSA", pool);
}

static void empty_payload(apr_pool_t *pool)
{
    const char *text =
        jose_sign(own_pkey(pool, EVP_EC_gen("P-256")), "{}", "", 0, pool);

    need(text);
    ok(strstr(text, "\"payload\":\"\""));
}

static void no_row(apr_pool_t *pool)
{
    EVP_PKEY *key = own_pkey(pool, EVP_EC_gen("secp256k1"));

    ok(!jose_sign_alg(key));
    ok(!jose_sign(key, "{}", "", 0, pool));
}

const tap_case_t tap_cases[] = {
    {"what is signed verifies, with every algorithm", every_alg},
    {"T17 POST-as-GET has an empty payload", empty_payload},
    {"a key without algorithm signs nothing", no_row},
    {NULL, NULL}};
