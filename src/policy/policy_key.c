/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_key.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <string.h>

#include "base/ed25519.h"
#include "base/own.h"
#include "policy/policy_rsa.h"

#include "base/banned.h"

#define GROUP_NAME_MAX 80
/* An uncompressed point of P-521. */
#define POINT_MAX (1 + 2 * 66)

static const struct {
    const char *openssl; /* OpenSSL's name for the group */
    const char *name;
    unsigned int kind;
    size_t point_len;
} curves[] = {
    {"prime256v1", "P-256", POLICY_KEY_P256, 1 + 2 * 32},
    {"secp384r1", "P-384", POLICY_KEY_P384, 1 + 2 * 48},
    {"secp521r1", "P-521", POLICY_KEY_P521, 1 + 2 * 66},
};
#define CURVE_COUNT (sizeof(curves) / sizeof(*curves))

/* "RSA of 2048 to 4096 bits, P-256, P-384" */
static const char *allowed(const policy_t *policy, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 5, sizeof(const char *));
    const char *list = "";
    apr_size_t i;

    if (policy->key_kinds & POLICY_KEY_RSA)
        APR_ARRAY_PUSH(words, const char *) = apr_psprintf(
            pool, "RSA of %d to %d bits", policy->rsa_min, policy->rsa_max);
    for (i = 0; i < CURVE_COUNT; ++i) {
        if (policy->key_kinds & curves[i].kind)
            APR_ARRAY_PUSH(words, const char *) =
                apr_pstrcat(pool, "EC on ", curves[i].name, NULL);
    }
    if (policy->key_kinds & POLICY_KEY_ED25519)
        APR_ARRAY_PUSH(words, const char *) = "Ed25519";
    for (i = 0; i < (apr_size_t)words->nelts; ++i)
        list = apr_pstrcat(pool, list, i ? ", " : "",
                           APR_ARRAY_IDX(words, i, const char *), NULL);
    return list;
}

static const char *kind_fault(const policy_t *policy, const char *kind,
                              apr_pool_t *pool)
{
    return apr_psprintf(pool, "it is %s; allowed are: %s", kind,
                        allowed(policy, pool));
}

static const char *rsa_fault(const policy_t *policy, EVP_PKEY *key,
                             apr_pool_t *pool)
{
    BIGNUM *n = NULL, *e = NULL;
    int bits;

    if (!(policy->key_kinds & POLICY_KEY_RSA))
        return kind_fault(policy, "an RSA key", pool);
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e);
    own_bn(pool, n);
    own_bn(pool, e);
    if (!n || !e)
        return "its numbers cannot be read";
    bits = BN_num_bits(n);
    if (bits < policy->rsa_min || bits > policy->rsa_max)
        return apr_psprintf(pool,
                            "its modulus has %d bits; %d to %d are "
                            "allowed",
                            bits, policy->rsa_min, policy->rsa_max);
    return policy_rsa_fault(n, e, pool);
}

/* OpenSSL has made sure that the point lies on the curve when it read the key,
 * but it takes "infinity" and other encodings than relying parties expect. */
static const char *ec_fault(const policy_t *policy, EVP_PKEY *key,
                            apr_pool_t *pool)
{
    char group[GROUP_NAME_MAX] = "";
    unsigned char point[POINT_MAX];
    int is_explicit = 0;
    OSSL_PARAM params[4];
    apr_size_t i;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 group, sizeof(group));
    params[1] = OSSL_PARAM_construct_int(
        OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit);
    params[2] = OSSL_PARAM_construct_end();
    if (EVP_PKEY_get_params(key, params) != 1 || is_explicit || !*group)
        return kind_fault(policy, "an EC key without a named curve", pool);
    for (i = 0; i < CURVE_COUNT; ++i) {
        if (strcmp(group, curves[i].openssl) == 0)
            break;
    }
    if (i == CURVE_COUNT || !(policy->key_kinds & curves[i].kind))
        return kind_fault(
            policy, apr_pstrcat(pool, "an EC key on the curve ", group, NULL),
            pool);
    params[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  point, sizeof(point));
    params[1] = OSSL_PARAM_construct_end();
    if (EVP_PKEY_get_params(key, params) != 1 ||
        params[0].return_size != curves[i].point_len ||
        point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return "its point is not in the uncompressed form (RFC 5480 2.2)";
    return NULL;
}

static const char *ed25519_fault(const policy_t *policy, EVP_PKEY *key,
                                 apr_pool_t *pool)
{
    unsigned char raw[ED25519_LEN];
    size_t len = sizeof(raw);

    if (!(policy->key_kinds & POLICY_KEY_ED25519))
        return kind_fault(policy, "an Ed25519 key", pool);
    if (EVP_PKEY_get_raw_public_key(key, raw, &len) != 1 ||
        len != sizeof(raw) || ed25519_is_small_order(raw))
        return "its point is of small order";
    return NULL;
}

static const char *key_fault(const policy_t *policy, EVP_PKEY *key,
                             apr_pool_t *pool)
{
    const char *name;

    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return rsa_fault(policy, key, pool);
    case EVP_PKEY_EC:
        return ec_fault(policy, key, pool);
    case EVP_PKEY_ED25519:
        return ed25519_fault(policy, key, pool);
    default:
        name = EVP_PKEY_get0_type_name(key);
        return kind_fault(
            policy,
            apr_pstrcat(pool, "of type ", name ? name : "unknown", NULL), pool);
    }
}

problem_t *policy_key_check(const policy_t *policy, EVP_PKEY *key,
                            const policy_blocklist_t *blocklist,
                            problem_type_e type, apr_pool_t *pool)
{
    const char *fault = key_fault(policy, key, pool);

    if (!fault)
        fault = policy_blocklist_fault(blocklist, key, pool);
    if (!fault)
        return NULL;
    ERR_clear_error();
    return problem_make(pool, type, "The public key is refused: %s", fault);
}
