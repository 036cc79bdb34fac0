/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_key.h"
#include "policy/policy_make.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <string.h>

#include "base/own.h"
#include "recipe.h"

static void good_for(const policy_t *policy, EVP_PKEY *key, apr_pool_t *pool)
{
    problem_t *prob =
        policy_key_check(policy, key, NULL, PROBLEM_BAD_CSR, pool);

    ok(!prob, "%s", prob ? prob->detail : "");
    ok(ERR_peek_error() == 0);
}

static void bad_for(const policy_t *policy, const char *why, EVP_PKEY *key,
                    apr_pool_t *pool)
{
    problem_t *prob =
        policy_key_check(policy, key, NULL, PROBLEM_BAD_PUBLIC_KEY, pool);

    ok(prob, "%s", why);
    if (!prob)
        return;
    is_str(problem_name(prob->type), "badPublicKey");
    is_int(prob->status, 400);
    ok(strstr(prob->detail, why), "want \"%s\" in \"%s\"", why, prob->detail);
    ok(ERR_peek_error() == 0);
}

static void good(EVP_PKEY *key, apr_pool_t *pool)
{
    good_for(policy_make("tls-server", pool), key, pool);
}

static void bad(const char *why, EVP_PKEY *key, apr_pool_t *pool)
{
    bad_for(policy_make("tls-server", pool), why, key, pool);
}

static void kinds(apr_pool_t *pool)
{
    static const char *const fine[] = {"P-256",    "P-384",   "P-521",
                                       "RSA-2048", "ED25519", NULL};
    int i;

    for (i = 0; fine[i]; ++i)
        good(recipe_key(fine[i], pool), pool);
}

static void curves_refused(apr_pool_t *pool)
{
    static const char *const names[] = {"secp192k1", "secp224k1", "secp224r1",
                                        "secp256k1", "sect283r1", NULL};
    int i;

    for (i = 0; names[i]; ++i)
        bad(names[i], recipe_key(names[i], pool), pool);
    bad("prime192v1", recipe_key("P-192", pool), pool);
    bad("secp224r1", recipe_key("P-224", pool), pool);
    bad("brainpoolP256r1", own_pkey(pool, EVP_EC_gen("brainpoolP256r1")), pool);
    bad("sect571k1", own_pkey(pool, EVP_EC_gen("K-571")), pool);
}

static void kinds_refused(apr_pool_t *pool)
{
    bad("of type X25519", recipe_key("X25519", pool), pool);
    bad("of type X448", recipe_key("X448", pool), pool);
    bad("of type ED448", recipe_key("ED448", pool), pool);
    bad("of type RSA-PSS", recipe_key("RSA-PSS", pool), pool);
    bad("on the curve SM2", recipe_key("SM2", pool), pool);
}

/* SubjectPublicKeyInfo of a DSA key with small, wrong numbers; OpenSSL does
 * not mind. */
static void dsa(apr_pool_t *pool)
{
    static const unsigned char der[] = {
        0x30, 0x1c, 0x30, 0x14, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
        0x38, 0x04, 0x01, 0x30, 0x09, 0x02, 0x01, 0x17, 0x02, 0x01,
        0x0b, 0x02, 0x01, 0x02, 0x03, 0x04, 0x00, 0x02, 0x01, 0x04};
    const unsigned char *at = der;
    EVP_PKEY *key = own_pkey(pool, d2i_PUBKEY(NULL, &at, sizeof(der)));

    need(key);
    bad("of type DSA", key, pool);
}

/* The key as it is read from a SubjectPublicKeyInfo whose point (the last
 * octets) was exchanged. */
static EVP_PKEY *with_point(EVP_PKEY *key, apr_size_t len,
                            const unsigned char *point, apr_size_t point_len,
                            apr_pool_t *pool)
{
    unsigned char *out = NULL, *der;
    const unsigned char *at;
    int der_len = i2d_PUBKEY(key, &out);
    apr_size_t cut = len - point_len;

    ok(der_len > 0 && point_len <= len);
    der = apr_pmemdup(pool, out, (apr_size_t)der_len);
    OPENSSL_free(out);
    memcpy(der + der_len - len, point, point_len);
    der[1] = (unsigned char)(der[1] - cut);
    der[der_len - len - 2] = (unsigned char)(der[der_len - len - 2] - cut);
    at = der;
    key = own_pkey(pool, d2i_PUBKEY(NULL, &at, der_len - (long)cut));
    ERR_clear_error();
    return key;
}

static void point_forms(apr_pool_t *pool)
{
    EVP_PKEY *key = recipe_key("P-256", pool), *other;
    unsigned char point[65], form[65];
    size_t len;

    ok(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
                                       sizeof(point), &len) == 1);
    is_int(len, 65);
    other = with_point(key, 65, point, 65, pool);
    need(other);
    good(other, pool);
    memcpy(form, point, 65);
    form[0] = (unsigned char)(2 | (point[64] & 1));
    other = with_point(key, 65, form, 33, pool);
    need(other);
    bad("uncompressed", other, pool);
    form[0] = (unsigned char)(6 | (point[64] & 1));
    other = with_point(key, 65, form, 65, pool);
    need(other);
    bad("uncompressed", other, pool);
    form[0] = 0; /* the point at infinity */
    other = with_point(key, 65, form, 1, pool);
    if (other)
        bad("uncompressed", other, pool);
    /* OpenSSL takes no point beside the curve */
    memcpy(form, point, 65);
    form[64] ^= 1;
    ok(!with_point(key, 65, form, 65, pool));
    memset(form + 1, 0, 64);
    ok(!with_point(key, 65, form, 65, pool));
}

/* The same curve, spelled out. */
static void explicit_curve(apr_pool_t *pool)
{
    EVP_PKEY *key = recipe_key("P-256", pool);
    unsigned char *der = NULL;
    const unsigned char *at;
    int len;

    ok(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
                                      OSSL_PKEY_EC_ENCODING_EXPLICIT));
    len = i2d_PUBKEY(key, &der);
    ok(len > 200);
    at = der;
    key = own_pkey(pool, d2i_PUBKEY(NULL, &at, len));
    OPENSSL_free(der);
    need(key);
    bad("without a named curve", key, pool);
}

/* A public RSA key of these numbers. */
static EVP_PKEY *rsa(const BIGNUM *n, unsigned int e, apr_pool_t *pool)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    unsigned char *native = apr_palloc(pool, (apr_size_t)BN_num_bytes(n));
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[3];

    BN_bn2nativepad(n, native, BN_num_bytes(n));
    params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native,
                                        (size_t)BN_num_bytes(n));
    params[1] = OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &e);
    params[2] = OSSL_PARAM_construct_end();
    ok(EVP_PKEY_fromdata_init(ctx) == 1);
    ok(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    EVP_PKEY_CTX_free(ctx);
    return own_pkey(pool, key);
}

/* A product of primes, the last of which fills up to bits. */
static BIGNUM *modulus(int bits, apr_pool_t *pool)
{
    BIGNUM *n = own_bn(pool, BN_new()), *p = own_bn(pool, BN_new());
    BN_CTX *ctx = BN_CTX_new();

    BN_one(n);
    do {
        ok(BN_generate_prime_ex(p, 256, 0, NULL, NULL, NULL));
        ok(BN_mul(n, n, p, ctx));
    } while (BN_num_bits(n) + 300 < bits);
    do {
        ok(BN_generate_prime_ex(p, bits - BN_num_bits(n), 0, NULL, NULL, NULL));
    } while (BN_num_bits(n) + BN_num_bits(p) > bits + 1);
    ok(BN_mul(n, n, p, ctx));
    BN_CTX_free(ctx);
    return n;
}

static void rsa_sizes(apr_pool_t *pool)
{
    static const int sizes[] = {1024, 2040, 2052, 3072, 4090, 4100, 0};
    policy_t *policy = policy_make("tls-server", pool);
    BIGNUM *n;
    int i, bits;

    for (i = 0; sizes[i]; ++i) {
        n = modulus(sizes[i], pool);
        bits = BN_num_bits(n);
        policy->rsa_min = bits;
        policy->rsa_max = bits;
        good_for(policy, rsa(n, 65537, pool), pool);
        policy->rsa_min = bits + 1;
        policy->rsa_max = bits + 10;
        bad_for(policy,
                apr_psprintf(pool, "has %d bits; %d to %d", bits, bits + 1,
                             bits + 10),
                rsa(n, 65537, pool), pool);
        policy->rsa_min = bits - 10;
        policy->rsa_max = bits - 1;
        bad_for(policy, "bits", rsa(n, 65537, pool), pool);
        if (bits < 2048 || bits > 4096)
            bad("2048 to 4096", rsa(n, 65537, pool), pool);
        else
            good(rsa(n, 65537, pool), pool);
    }
}

/* That the numbers are looked at; which, is test_policy_rsa's matter. */
static void rsa_numbers(apr_pool_t *pool)
{
    BIGNUM *n = modulus(2060, pool), *more = own_bn(pool, BN_new());

    good(rsa(n, 65537, pool), pool);
    bad("exponent is 3", rsa(n, 3, pool), pool);
    bad("exponent is 3", rsa(n, 1, pool), pool);
    bad("exponent is even", rsa(n, 65536, pool), pool);
    BN_copy(more, n);
    BN_mul_word(more, 2);
    bad("even", rsa(more, 65537, pool), pool);
    BN_copy(more, n);
    BN_mul_word(more, 757);
    bad("divisible by 757", rsa(more, 65537, pool), pool);
}

static void ed25519_points(apr_pool_t *pool)
{
    unsigned char raw[32] = {0};
    EVP_PKEY *key;
    int i;

    for (i = 0; i < 4; i++) { /* y = 0, y = 1, with either sign of x */
        raw[0] = i & 1;
        raw[31] = i & 2 ? 0x80 : 0;
        key = own_pkey(pool, EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                                         raw, sizeof(raw)));
        need(key);
        bad("small order", key, pool);
    }
}

static void lists(apr_pool_t *pool)
{
    static const struct {
        unsigned int kind;
        const char *name, *allowed;
    } all[] = {{POLICY_KEY_P256, "P-256", "allowed are: EC on P-256"},
               {POLICY_KEY_P384, "P-384", "allowed are: EC on P-384"},
               {POLICY_KEY_P521, "P-521", "allowed are: EC on P-521"},
               {POLICY_KEY_RSA, "RSA-2048", "allowed are: RSA of 2048 to"},
               {POLICY_KEY_ED25519, "ED25519", "allowed are: Ed25519"},
               {0, NULL, NULL}};
    policy_t *policy = policy_make("tls-server", pool);
    EVP_PKEY *key;
    int i, j;

    for (i = 0; all[i].kind; ++i) {
        key = recipe_key(all[i].name, pool);
        for (j = 0; all[j].kind; ++j) {
            policy->key_kinds = all[j].kind;
            if (i == j)
                good_for(policy, key, pool);
            else
                bad_for(policy, all[j].allowed, key, pool);
        }
    }
    policy->key_kinds = POLICY_KEY_RSA | POLICY_KEY_P384 | POLICY_KEY_ED25519;
    bad_for(policy, "RSA of 2048 to 4096 bits, EC on P-384, Ed25519",
            recipe_key("P-256", pool), pool);
}

const tap_case_t tap_cases[] = {
    {"R32 kinds of keys", kinds},
    {"T07 curves that are not on the list", curves_refused},
    {"T07 other kinds of keys", kinds_refused},
    {"T07 DSA", dsa},
    {"T07 points: infinity, compressed, hybrid, beside the curve", point_forms},
    {"T07 a curve by its parameters", explicit_curve},
    {"T07 RSA sizes", rsa_sizes},
    {"T07 RSA numbers", rsa_numbers},
    {"T07 Ed25519 points of small order", ed25519_points},
    {"the policy's list of kinds", lists},
    {NULL, NULL}};
