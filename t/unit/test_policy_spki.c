/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_spki.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <string.h>

#include "recipe.h"

static der_t spki_der(EVP_PKEY *key, apr_pool_t *pool)
{
    unsigned char *out = NULL;
    der_t der = {NULL, 0};
    int len = i2d_PUBKEY(key, &out);

    ok(len > 0);
    der.len = (apr_size_t)len;
    der.data = apr_pmemdup(pool, out, der.len);
    OPENSSL_free(out);
    return der;
}

/* der is what i2d_PUBKEY() made. */
static void hash_is(EVP_PKEY *key, der_t der)
{
    unsigned char got[32], want[32];

    is_int(EVP_Digest(der.data, der.len, want, NULL, EVP_sha256(), NULL), 1);
    is_int(policy_spki_sha256(got, key), 1);
    ok(memcmp(got, want, sizeof(want)) == 0, "hash of the whole encoding");
}

static void good(der_t der, EVP_PKEY *want, apr_pool_t *pool)
{
    EVP_PKEY *key;
    const char *fault = policy_spki_fault(&key, der.data, der.len, pool);

    ok(!fault, "%s", fault);
    need(key);
    hash_is(key, der);
    is_int(EVP_PKEY_eq(key, want), 1);
    is_int(EVP_PKEY_get_base_id(key), EVP_PKEY_get_base_id(want));
}

static void bad(const char *why, der_t der, apr_pool_t *pool)
{
    EVP_PKEY *key;
    const char *fault = policy_spki_fault(&key, der.data, der.len, pool);

    ok(!key, "%s", why);
    ok(fault && strstr(fault, why), "want \"%s\" in \"%s\"", why,
       fault ? fault : "");
    ERR_clear_error();
}

static void bad_hex(const char *why, const char *hex, apr_pool_t *pool)
{
    long len;
    unsigned char *data = OPENSSL_hexstr2buf(hex, &len);

    ok(data, "%s", hex);
    if (data)
        bad(why, (der_t){data, (apr_size_t)len}, pool);
    OPENSSL_free(data);
}

static void kinds(apr_pool_t *pool)
{
    static const char *const names[] = {
        "P-256",    "P-384",    "P-521",    "P-224",   "secp256k1",
        "RSA-1024", "RSA-2048", "RSA-4096", "ED25519", NULL};
    EVP_PKEY *key;
    int i;

    for (i = 0; names[i]; ++i) {
        key = recipe_key(names[i], pool);
        good(spki_der(key, pool), key, pool);
    }
}

static void other_kinds(apr_pool_t *pool)
{
    bad("kind X25519", spki_der(recipe_key("X25519", pool), pool), pool);
    bad("kind ED448", spki_der(recipe_key("ED448", pool), pool), pool);
    bad("kind X448", spki_der(recipe_key("X448", pool), pool), pool);
    bad("kind RSASSA-PSS", spki_der(recipe_key("RSA-PSS", pool), pool), pool);
    bad_hex("kind DSA-old", "300c300706052b0e03020c030100", pool);
    bad_hex("kind DSA", "3010300906072a8648ce3804010303000201", pool);
    bad_hex("kind dhKeyAgreement", "3010300b06092a864886f70d010301030100",
            pool);
    bad_hex("kind 1.2.3.4", "300a300506032a0304030100", pool);
}

static void shapes(apr_pool_t *pool)
{
    der_t der = spki_der(recipe_key("P-256", pool), pool), more;
    apr_size_t len;

    for (len = 0; len < der.len; ++len)
        bad("cannot be read", (der_t){der.data, len}, pool);
    more.len = der.len + 1;
    more.data = apr_pcalloc(pool, more.len);
    memcpy(more.data, der.data, der.len);
    bad("cannot be read", more, pool);
    bad_hex("cannot be read", "3000", pool);
    bad_hex("cannot be read", "0500", pool);
    bad_hex("cannot be read", "30023000", pool);
}

static void ec_points(apr_pool_t *pool)
{
    der_t der = spki_der(recipe_key("P-256", pool), pool);
    apr_size_t at = der.len - 65;

    is_int(der.data[at], 4);
    der.data[der.len - 1] ^= 1;
    bad("not on its curve", der, pool);
    der.data[der.len - 1] ^= 1;
    der.data[at] = 6 + (der.data[der.len - 1] & 1); /* hybrid */
    bad("uncompressed", der, pool);
    der.data[at] = 2;
    bad("uncompressed", der, pool);
    der.data[at] = 4;
    memset(der.data + at + 1, 0, 64);
    bad("not on its curve", der, pool);
    memset(der.data + at + 1, 0xff, 64);
    bad("not on its curve", der, pool);
#define EC_P256 "301306072a8648ce3d020106082a8648ce3d030107"
    bad_hex("uncompressed", "3019" EC_P256 "03020000", pool); /* infinity */
    bad_hex("uncompressed", "3018" EC_P256 "030100", pool);
    bad_hex("not on its curve", "3019" EC_P256 "03020004", pool);
    bad_hex("not on its curve", "301b" EC_P256 "030400040101", pool);
}

static void ec_curves(apr_pool_t *pool)
{
    EVP_PKEY *key = recipe_key("P-256", pool);

    ok(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
                                      OSSL_PKEY_EC_ENCODING_EXPLICIT));
    bad("without a named curve", spki_der(key, pool), pool);
    /* no parameters, NULL, an OID that is no curve, an unknown one */
    bad_hex("without a named curve", "300f300906072a8648ce3d020103020004",
            pool);
    bad_hex("without a named curve", "3011300b06072a8648ce3d0201050003020004",
            pool);
    bad_hex("curve is unknown",
            "3018301206072a8648ce3d020106072a8648ce3d020103020004", pool);
    bad_hex("curve is unknown", "3014300e06072a8648ce3d020106032a030403020004",
            pool);
}

#define RSA_ALG "300d06092a864886f70d0101010500"
static void rsa_shapes(apr_pool_t *pool)
{
    EVP_PKEY *key;
    unsigned char small[] = {0x30, 0x1a, 0x30, 0x0d, 0x06, 0x09, 0x2a,
                             0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                             0x01, 0x05, 0x00, 0x03, 0x09, 0x00, 0x30,
                             0x06, 0x02, 0x01, 0x23, 0x02, 0x01, 0x05};

    /* toy numbers are not its business */
    ok(!policy_spki_fault(&key, small, sizeof(small), pool) && key);
    is_int(EVP_PKEY_get_bits(key), 6);
    bad_hex("cannot be read", "301a" RSA_ALG "03090030060201230201fb", pool);
    bad_hex("cannot be read", "301a" RSA_ALG "0309003006020180020105", pool);
    bad_hex("cannot be read", "301a" RSA_ALG "0309003006020100020105", pool);
    bad_hex("cannot be read",
            "301c" RSA_ALG "030b003006020123020105"
            "0500",
            pool);
    bad_hex("cannot be read", "3017" RSA_ALG "0306003003020123", pool);
    bad_hex("cannot be read", "3012" RSA_ALG "030100", pool);
    bad_hex("cannot be read", /* no parameters */
            "3018300b06092a864886f70d0101010309003006020123020105", pool);
}

static void ed25519_shapes(apr_pool_t *pool)
{
    static const char x[] = "0102030405060708090a0b0c0d0e0f10"
                            "1112131415161718191a1b1c1d1e1f";

    bad_hex("cannot be read", /* 31 octets */
            apr_pstrcat(pool, "3029300506032b6570032000", x, NULL), pool);
    bad_hex("cannot be read", /* 33 octets */
            apr_pstrcat(pool, "302b300506032b6570032200", x, "aabb", NULL),
            pool);
    bad_hex("cannot be read", /* parameters */
            apr_pstrcat(pool, "302c300706032b65700500032100", x, "aa", NULL),
            pool);
}

/* A key that is blocked must not come back in other octets. */
static void one_encoding(apr_pool_t *pool)
{
    EVP_PKEY *key = recipe_key("P-256", pool);
    der_t der = spki_der(key, pool), more;
    unsigned char *rsa;

    more.len = der.len + 1;
    more.data = apr_palloc(pool, more.len);
    memcpy(more.data, "\x30\x81", 2);
    memcpy(more.data + 2, der.data + 1, der.len - 1);
    bad("cannot be read", more, pool);
    der.data[der.len - 66] = 1;
    bad("cannot be read", der, pool);
    der = spki_der(recipe_key("RSA-2048", pool), pool);
    /* 30 82 01 22, 30 0d …, 03 82 01 0f 00, 30 82 01 0a: the last one longer */
    more.len = der.len + 1;
    rsa = more.data = apr_palloc(pool, more.len);
    memcpy(rsa, der.data, 24);
    rsa[3] = 0x23;
    rsa[22] = 0x10;
    memcpy(rsa + 24, "\x30\x83\x00\x01\x0a", 5);
    memcpy(rsa + 29, der.data + 28, der.len - 28);
    bad("cannot be read", more, pool);
}

const tap_case_t tap_cases[] = {
    {"the kinds that can be allowed, as OpenSSL reads them", kinds},
    {"other kinds are named and not decoded", other_kinds},
    {"what is cut, has more behind it, is something else", shapes},
    {"T07 EC points", ec_points},
    {"T07 EC curves", ec_curves},
    {"T07 RSA: no negative number, nothing behind", rsa_shapes},
    {"T07 Ed25519: 32 octets, no parameters", ed25519_shapes},
    {"one key has one encoding", one_encoding},
    {NULL, NULL}};
