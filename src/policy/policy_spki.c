/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_spki.h"

#include <apr_strings.h>
#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/own.h"

#include "base/banned.h"

#define OID_MAX   80
#define GROUP_MAX 80
/* How many bits of the last octet a bit string has not. */
#define UNUSED_BITS 0x07

typedef struct {
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *key;
} spki_t;

/* RFC 8017 A.1.1 */
typedef struct {
    ASN1_INTEGER *n, *e;
} rsa_t;

/* clang-format off */
ASN1_SEQUENCE(spki_t) = {
    ASN1_SIMPLE(spki_t, algorithm, X509_ALGOR),
    ASN1_SIMPLE(spki_t, key, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(spki_t)

ASN1_SEQUENCE(rsa_t) = {
    ASN1_SIMPLE(rsa_t, n, ASN1_INTEGER),
    ASN1_SIMPLE(rsa_t, e, ASN1_INTEGER)
} static_ASN1_SEQUENCE_END(rsa_t);
/* clang-format on */

static const char unreadable[] = "it cannot be read";

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

/* 0 if number is not positive. */
static int number_param(OSSL_PARAM *param, const char *name,
                        const ASN1_INTEGER *number, apr_pool_t *pool)
{
    BIGNUM *bn = own_bn(pool, ASN1_INTEGER_to_BN(number, NULL));
    int len = bn ? BN_num_bytes(bn) : 0;
    unsigned char *native = apr_palloc(pool, (apr_size_t)len + 1);

    if (len == 0 || BN_is_negative(bn) || BN_bn2nativepad(bn, native, len) < 0)
        return 0;
    *param = OSSL_PARAM_construct_BN(name, native, (apr_size_t)len);
    return 1;
}

/* Is value's DER exactly der[len]? */
static int is_der(const void *value, const ASN1_ITEM *item,
                  const unsigned char *der, apr_size_t len)
{
    unsigned char *again = NULL;
    int again_len = ASN1_item_i2d(value, &again, item);
    int is_same = again_len > 0 && (apr_size_t)again_len == len &&
                  memcmp(again, der, len) == 0;

    OPENSSL_free(again);
    return is_same;
}

/* RFC 3279 2.3.1 */
static EVP_PKEY *rsa_key(const unsigned char *at, int len, apr_pool_t *pool)
{
    const unsigned char *begin = at, *end = at + len;
    rsa_t *numbers =
        (rsa_t *)ASN1_item_d2i(NULL, &at, len, ASN1_ITEM_rptr(rsa_t));
    OSSL_PARAM params[3];
    EVP_PKEY *key = NULL;

    params[2] = OSSL_PARAM_construct_end();
    if (numbers && at == end &&
        is_der(numbers, ASN1_ITEM_rptr(rsa_t), begin, (apr_size_t)len) &&
        number_param(&params[0], OSSL_PKEY_PARAM_RSA_N, numbers->n, pool) &&
        number_param(&params[1], OSSL_PKEY_PARAM_RSA_E, numbers->e, pool))
        key = fromdata("RSA", params, pool);
    ASN1_item_free((ASN1_VALUE *)numbers, ASN1_ITEM_rptr(rsa_t));
    return key;
}

/* OpenSSL takes only coordinates below the prime that lie on the curve. */
static EVP_PKEY *ec_key(int curve, const unsigned char *at, int len,
                        apr_pool_t *pool)
{
    OSSL_PARAM params[3];

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 (char *)OBJ_nid2sn(curve), 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  (void *)at, (apr_size_t)len);
    params[2] = OSSL_PARAM_construct_end();
    return fromdata("EC", params, pool);
}

/* RFC 5480 2.1.1 and 2.2 */
static const char *ec_fault(EVP_PKEY **key, int type, const void *curve,
                            const unsigned char *at, int len, apr_pool_t *pool)
{
    if (type != V_ASN1_OBJECT)
        return "it is an EC key without a named curve";
    if (len < 1 || *at != POINT_CONVERSION_UNCOMPRESSED)
        return "its point is not in the uncompressed form (RFC 5480 2.2)";
    *key = ec_key(OBJ_obj2nid(curve), at, len, pool);
    return *key ? NULL
                : "its point is not on its curve, or the curve is unknown";
}

static const char *kind_fault(const ASN1_OBJECT *kind, apr_pool_t *pool)
{
    char oid[OID_MAX];
    int nid = OBJ_obj2nid(kind);

    if (nid == NID_undef && OBJ_obj2txt(oid, sizeof(oid), kind, 1) <= 0)
        return unreadable;
    return apr_psprintf(pool,
                        "it is of the kind %s; RSA, EC and Ed25519 are "
                        "supported",
                        nid ? OBJ_nid2sn(nid) : oid);
}

static const char *key_fault(EVP_PKEY **key, const spki_t *spki,
                             apr_pool_t *pool)
{
    const unsigned char *at = ASN1_STRING_get0_data(spki->key);
    int type, len = ASN1_STRING_length(spki->key);
    const ASN1_OBJECT *kind;
    const void *value;

    X509_ALGOR_get0(&kind, &type, &value, spki->algorithm);
    switch (OBJ_obj2nid(kind)) {
    case NID_rsaEncryption:
        if (type == V_ASN1_NULL)
            *key = rsa_key(at, len, pool);
        return *key ? NULL : unreadable;
    case NID_X9_62_id_ecPublicKey:
        return ec_fault(key, type, value, at, len, pool);
    case NID_ED25519: /* RFC 8410 3, 4 */
        if (type == V_ASN1_UNDEF)
            *key = own_pkey(pool, EVP_PKEY_new_raw_public_key(
                                      EVP_PKEY_ED25519, NULL, at, (size_t)len));
        return *key ? NULL : unreadable;
    default:
        return kind_fault(kind, pool);
    }
}

const char *policy_spki_fault(EVP_PKEY **key, const unsigned char *der,
                              apr_size_t der_len, apr_pool_t *pool)
{
    const unsigned char *at = der;
    spki_t *spki = (spki_t *)ASN1_item_d2i(NULL, &at, (long)der_len,
                                           ASN1_ITEM_rptr(spki_t));
    const char *fault = unreadable;

    *key = NULL;
    if (spki && at == der + der_len && !(spki->key->flags & UNUSED_BITS) &&
        is_der(spki, ASN1_ITEM_rptr(spki_t), der, der_len))
        fault = key_fault(key, spki, pool);
    ASN1_item_free((ASN1_VALUE *)spki, ASN1_ITEM_rptr(spki_t));
    return fault;
}

/* RFC 5480 2.  The point must be uncompressed, as everywhere. */
static int ec_spki(X509_PUBKEY *spki, EVP_PKEY *key)
{
    char group[GROUP_MAX];
    unsigned char *point = NULL;
    size_t len = EVP_PKEY_get1_encoded_public_key(key, &point);
    int curve = NID_undef, done;

    if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
        curve = OBJ_sn2nid(group);
    done = len > 0 && *point == POINT_CONVERSION_UNCOMPRESSED &&
           curve != NID_undef &&
           X509_PUBKEY_set0_param(spki, OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
                                  V_ASN1_OBJECT, OBJ_nid2obj(curve), point,
                                  (int)len) == 1;
    if (!done)
        OPENSSL_free(point);
    return done;
}

/* i2d_PUBKEY() would look for an encoder first: 40 us. */
static int ec_der(unsigned char **der, EVP_PKEY *key)
{
    X509_PUBKEY *spki = X509_PUBKEY_new();
    int len = spki && ec_spki(spki, key) ? i2d_X509_PUBKEY(spki, der) : 0;

    X509_PUBKEY_free(spki);
    return len;
}

int policy_spki_sha256(unsigned char hash[32], EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = 0, done;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        len = ec_der(&der, key);
    if (len <= 0)
        len = i2d_PUBKEY(key, &der);
    done = len > 0 &&
           EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return done;
}
