/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pubkey.h"

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>

#include "base/ed25519.h"
#include "base/own.h"

#include "base/banned.h"

/* An uncompressed point of P-521. */
#define POINT_MAX 133
#define GROUP_MAX 80

/* RFC 8017 A.1.1 */
typedef struct {
    BIGNUM *n, *e;
} rsa_t;

/* clang-format off */
ASN1_SEQUENCE(rsa_t) = {
    ASN1_SIMPLE(rsa_t, n, BIGNUM),
    ASN1_SIMPLE(rsa_t, e, BIGNUM)
} static_ASN1_SEQUENCE_END(rsa_t);
/* clang-format on */

static EVP_PKEY *fromdata(const char *type, OSSL_PARAM *params,
                          apr_pool_t *pool)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return own_pkey(pool, key);
}

EVP_PKEY *pubkey_from_point(const char *curve, const unsigned char *point,
                            apr_size_t len, apr_pool_t *pool)
{
    OSSL_PARAM params[3];

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 (char *)curve, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  (void *)point, len);
    params[2] = OSSL_PARAM_construct_end();
    return fromdata("EC", params, pool);
}

/* A number as OSSL_PARAM wants it, in the machine's order of octets.  0 if it
 * is not positive. */
static int number_param(OSSL_PARAM *param, const char *name,
                        const BIGNUM *number, apr_pool_t *pool)
{
    int len = BN_num_bytes(number);
    unsigned char *native = apr_palloc(pool, (apr_size_t)len + 1);

    if (len == 0 || BN_is_negative(number) ||
        BN_bn2nativepad(number, native, len) < 0)
        return 0;
    *param = OSSL_PARAM_construct_BN(name, native, (apr_size_t)len);
    return 1;
}

EVP_PKEY *pubkey_from_modulus(const BIGNUM *n, const BIGNUM *e,
                              apr_pool_t *pool)
{
    OSSL_PARAM params[3];

    params[2] = OSSL_PARAM_construct_end();
    if (!number_param(&params[0], OSSL_PKEY_PARAM_RSA_N, n, pool) ||
        !number_param(&params[1], OSSL_PKEY_PARAM_RSA_E, e, pool))
        return NULL;
    return fromdata("RSA", params, pool);
}

/* octets[len] become OpenSSL's. */
static int put(X509_PUBKEY *spki, int nid, int param_type, void *param,
               unsigned char *octets, int len)
{
    if (len > 0 && X509_PUBKEY_set0_param(spki, OBJ_nid2obj(nid), param_type,
                                          param, octets, len) == 1)
        return 1;
    OPENSSL_free(octets);
    return 0;
}

static int curve_nid(const EVP_PKEY *key)
{
    char name[GROUP_MAX];

    if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1)
        return NID_undef;
    return OBJ_sn2nid(name);
}

static int put_ec(X509_PUBKEY *spki, EVP_PKEY *key)
{
    unsigned char point[POINT_MAX], *octets;
    int nid = curve_nid(key);
    size_t want, len = 0;

    if (nid != NID_X9_62_prime256v1 && nid != NID_secp384r1 &&
        nid != NID_secp521r1)
        return 0;
    want = 1 + 2 * (((size_t)EVP_PKEY_get_bits(key) + 7) / 8);
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
                                        sizeof(point), &len) != 1 ||
        len != want || point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return 0;
    octets = OPENSSL_memdup(point, len);
    return octets && put(spki, NID_X9_62_id_ecPublicKey, V_ASN1_OBJECT,
                         OBJ_nid2obj(nid), octets, (int)len);
}

static int put_rsa(X509_PUBKEY *spki, EVP_PKEY *key)
{
    rsa_t numbers = {NULL, NULL};
    unsigned char *der = NULL;
    int len = 0;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &numbers.n) == 1 &&
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &numbers.e) == 1)
        len =
            ASN1_item_i2d((ASN1_VALUE *)&numbers, &der, ASN1_ITEM_rptr(rsa_t));
    BN_free(numbers.n);
    BN_free(numbers.e);
    return put(spki, NID_rsaEncryption, V_ASN1_NULL, NULL, der, len);
}

static int put_ed25519(X509_PUBKEY *spki, EVP_PKEY *key)
{
    unsigned char *octets = OPENSSL_malloc(ED25519_LEN);
    size_t len = ED25519_LEN;

    if (!octets || EVP_PKEY_get_raw_public_key(key, octets, &len) != 1)
        len = 0;
    return put(spki, NID_ED25519, V_ASN1_UNDEF, NULL, octets, (int)len);
}

int pubkey_spki_put(X509_PUBKEY *spki, EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "EC"))
        return put_ec(spki, key);
    if (EVP_PKEY_is_a(key, "RSA"))
        return put_rsa(spki, key);
    return EVP_PKEY_is_a(key, "ED25519") && put_ed25519(spki, key);
}
