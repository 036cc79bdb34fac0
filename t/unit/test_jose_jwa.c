/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_jwa.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "base/own.h"
#include "tap.h"

static void names(apr_pool_t *pool)
{
    static const char *const bad[] = {"none",  "HS256",  "RS384", "PS256",
                                      "es256", "ES256K", "",      NULL};
    apr_array_header_t *list = jose_jwa_names(pool);
    const char *name;
    int i;

    is_int(list->nelts, 5);
    for (i = 0; i < list->nelts; ++i) {
        name = APR_ARRAY_IDX(list, i, const char *);
        need(jose_jwa_find(name));
        is_str(jose_jwa_find(name)->name, name);
    }
    for (i = 0; bad[i]; ++i)
        ok(!jose_jwa_find(bad[i]), "%s", bad[i]);
}

static void kinds(apr_pool_t *pool)
{
    is_str(jose_jwa_for_kind("EC", "P-256")->name, "ES256");
    is_str(jose_jwa_for_kind("EC", "P-384")->name, "ES384");
    is_str(jose_jwa_for_kind("EC", "P-521")->name, "ES512");
    is_str(jose_jwa_for_kind("RSA", NULL)->name, "RS256");
    is_str(jose_jwa_for_kind("OKP", "Ed25519")->name, "EdDSA");
    ok(!jose_jwa_for_kind("EC", "secp256k1"));
    ok(!jose_jwa_for_kind("EC", NULL));
    ok(!jose_jwa_for_kind("OKP", "X25519"));
    ok(!jose_jwa_for_kind("oct", NULL));
}

static void pkeys(apr_pool_t *pool)
{
    EVP_PKEY *key;

    is_str(jose_jwa_for_pkey(own_pkey(pool, EVP_EC_gen("P-384")))->name,
           "ES384");
    is_str(jose_jwa_for_pkey(own_pkey(pool, EVP_EC_gen("prime256v1")))->name,
           "ES256");
    ok(!jose_jwa_for_pkey(own_pkey(pool, EVP_EC_gen("secp256k1"))));
    key = own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    is_str(jose_jwa_for_pkey(key)->name, "EdDSA");
    key = own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
    ok(!jose_jwa_for_pkey(key));
    is_str(jose_jwa_for_pkey(own_pkey(pool, EVP_RSA_gen(1024)))->name, "RS256");
}

const tap_case_t tap_cases[] = {
    {"T05 the table knows no none, no HMAC and no other case", names},
    {"T06 one algorithm for each kind of key", kinds},
    {"T06 the algorithm of an OpenSSL key", pkeys},
    {NULL, NULL}};
