/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pubkey.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "base/own.h"
#include "tap.h"

static X509_PUBKEY *spki_of(EVP_PKEY *key)
{
    X509_PUBKEY *spki = X509_PUBKEY_new();

    if (spki && pubkey_spki_put(spki, key))
        return spki;
    X509_PUBKEY_free(spki);
    return NULL;
}

/* As OpenSSL's encoder has it. */
static void encoded(EVP_PKEY *key)
{
    unsigned char *want = NULL, *got = NULL;
    X509_PUBKEY *spki = spki_of(key);
    int want_len = i2d_PUBKEY(key, &want), got_len;

    need(spki && want_len > 0);
    got_len = i2d_X509_PUBKEY(spki, &got);
    is_int(got_len, want_len);
    ok(memcmp(got, want, (size_t)want_len) == 0, "%s",
       EVP_PKEY_get0_type_name(key));
    OPENSSL_free(want);
    OPENSSL_free(got);
    X509_PUBKEY_free(spki);
}

static void kinds(apr_pool_t *pool)
{
    int i;

    encoded(own_pkey(pool, EVP_EC_gen("P-384")));
    encoded(own_pkey(pool, EVP_EC_gen("P-521")));
    encoded(own_pkey(pool, EVP_RSA_gen(2048)));
    encoded(own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")));
    for (i = 0; i < 600; ++i) /* coordinates with leading zeros among them */
        encoded(own_pkey(pool, EVP_EC_gen("P-256")));
}

static void not_encoded(apr_pool_t *pool)
{
    ok(!spki_of(own_pkey(pool, EVP_EC_gen("secp256k1"))));
    ok(!spki_of(own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"))));
    ok(!spki_of(own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "ED448"))));
}

static void points(apr_pool_t *pool)
{
    EVP_PKEY *key = own_pkey(pool, EVP_EC_gen("P-256"));
    unsigned char point[65];
    size_t len = 0;

    is_int(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
                                           sizeof(point), &len),
           1);
    is_int(EVP_PKEY_eq(pubkey_from_point("P-256", point, len, pool), key), 1);
    ok(!pubkey_from_point("P-256", point, len - 1, pool), "one octet short");
    ok(!pubkey_from_point("P-384", point, len, pool), "another curve");
    ok(!pubkey_from_point("none", point, len, pool), "no curve");
    point[len - 1] ^= 1;
    ok(!pubkey_from_point("P-256", point, len, pool), "beside the curve");
    memset(point + 1, 0xff, 32);
    ok(!pubkey_from_point("P-256", point, len, pool), "above the prime");
    ERR_clear_error();
}

static void moduli(apr_pool_t *pool)
{
    EVP_PKEY *key = own_pkey(pool, EVP_RSA_gen(2048));
    BIGNUM *n = NULL, *e = NULL;
    BIGNUM *zero = own_bn(pool, BN_new());

    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e);
    need(own_bn(pool, n) && own_bn(pool, e) && zero);
    is_int(EVP_PKEY_eq(pubkey_from_modulus(n, e, pool), key), 1);
    BN_zero(zero);
    ok(!pubkey_from_modulus(zero, e, pool), "no modulus");
    ok(!pubkey_from_modulus(n, zero, pool), "no exponent");
    BN_set_negative(n, 1);
    ok(!pubkey_from_modulus(n, e, pool), "a negative modulus");
}

const tap_case_t tap_cases[] = {
    {"keys are encoded as OpenSSL encodes them", kinds},
    {"other kinds are not", not_encoded},
    {"T07 EC points", points},
    {"T07 RSA numbers", moduli},
    {NULL, NULL}};
