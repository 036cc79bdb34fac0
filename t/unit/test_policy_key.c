/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_key.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/own.h"
#include "tap.h"

static void good(EVP_PKEY *key, apr_pool_t *pool)
{
    problem_t *prob;

    ok(key);
    if (!key)
        return;
    prob = policy_key_check(policy_preset_tls_server(pool), key,
                            PROBLEM_BAD_CSR, pool);
    ok(!prob, "%s", prob ? prob->detail : "");
}

static void bad(const char *why, EVP_PKEY *key, apr_pool_t *pool)
{
    problem_t *prob;

    ok(key, "%s", why);
    if (!key)
        return;
    prob = policy_key_check(policy_preset_tls_server(pool), key,
                            PROBLEM_BAD_PUBLIC_KEY, pool);
    ok(prob, "%s", why);
    if (!prob)
        return;
    is_str(problem_name(prob->type), "badPublicKey");
    is_int(prob->status, 400);
    ok(strstr(prob->detail, why), "%s in %s", why, prob->detail);
    ok(ERR_peek_error() == 0);
}

static void kinds(apr_pool_t *pool)
{
    good(own_pkey(pool, EVP_EC_gen("P-256")), pool);
    good(own_pkey(pool, EVP_EC_gen("P-384")), pool);
    good(own_pkey(pool, EVP_EC_gen("P-521")), pool);
    good(own_pkey(pool, EVP_RSA_gen(2048)), pool);
    good(own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), pool);
    bad("secp256k1", own_pkey(pool, EVP_EC_gen("secp256k1")), pool);
    bad("secp224r1", own_pkey(pool, EVP_EC_gen("P-224")), pool);
    bad("ED448", own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "ED448")), pool);
    bad("X25519", own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "X25519")),
        pool);
}

const tap_case_t tap_cases[] = {{"R32 kinds of keys", kinds}, {NULL, NULL}};
