/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_spki.h"

#include <apr_strings.h>
#include <openssl/asn1t.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/own.h"
#include "base/pubkey.h"

#include "base/banned.h"

#define OID_MAX 80
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

static EVP_PKEY *numbers_key(const rsa_t *numbers, apr_pool_t *pool)
{
    BIGNUM *n = own_bn(pool, ASN1_INTEGER_to_BN(numbers->n, NULL));
    BIGNUM *e = own_bn(pool, ASN1_INTEGER_to_BN(numbers->e, NULL));

    return n && e ? pubkey_from_modulus(n, e, pool) : NULL;
}

/* RFC 3279 2.3.1 */
static EVP_PKEY *rsa_key(const unsigned char *at, int len, apr_pool_t *pool)
{
    const unsigned char *begin = at, *end = at + len;
    rsa_t *numbers =
        (rsa_t *)ASN1_item_d2i(NULL, &at, len, ASN1_ITEM_rptr(rsa_t));
    EVP_PKEY *key = NULL;

    if (numbers && at == end &&
        is_der(numbers, ASN1_ITEM_rptr(rsa_t), begin, (apr_size_t)len))
        key = numbers_key(numbers, pool);
    ASN1_item_free((ASN1_VALUE *)numbers, ASN1_ITEM_rptr(rsa_t));
    return key;
}

/* RFC 5480 2.1.1 and 2.2 */
static const char *ec_fault(EVP_PKEY **key, int type, const void *curve,
                            const unsigned char *at, int len, apr_pool_t *pool)
{
    if (type != V_ASN1_OBJECT)
        return "it is an EC key without a named curve";
    if (len < 1 || *at != POINT_CONVERSION_UNCOMPRESSED)
        return "its point is not in the uncompressed form (RFC 5480 2.2)";
    *key = pubkey_from_point(OBJ_nid2sn(OBJ_obj2nid(curve)), at,
                             (apr_size_t)len, pool);
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

/* How stock OpenSSL encodes other kinds is good enough. */
static int key_der(unsigned char **der, EVP_PKEY *key)
{
    X509_PUBKEY *spki = X509_PUBKEY_new();
    int len = spki && pubkey_spki_put(spki, key) ? i2d_X509_PUBKEY(spki, der)
                                                 : i2d_PUBKEY(key, der);

    X509_PUBKEY_free(spki);
    return len;
}

int policy_spki_sha256(unsigned char hash[32], EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = key_der(&der, key);
    int done = len > 0 && EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(),
                                     NULL) == 1;

    OPENSSL_free(der);
    return done;
}
