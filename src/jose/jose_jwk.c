/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_jwk.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "base/b64url.h"
#include "base/ed25519.h"
#include "base/own.h"
#include "base/pjson.h"
#include "base/pubkey.h"
#include "jose/jose_jwa.h"

#include "base/banned.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
/* An exponent of more than 64 bits only makes verifying slow. */
#define RSA_E_MAX_LEN 8
#define EC_LEN_MAX    66

typedef struct {
    const unsigned char *data;
    apr_size_t len;
} octets_t;

/* The numbers of a public key, big-endian: x and y, x alone, or n and e. */
typedef struct {
    const jose_jwa_t *jwa;
    octets_t x, y;
    octets_t n, e;
} numbers_t;

/* RFC 7518 6.2.2 and 6.3.2, RFC 8037 2, RFC 7518 6.4: who sends one of these
 * has given a secret away. */
static const char *const private_members[] = {"d",  "p",   "q", "dp", "dq",
                                              "qi", "oth", "k", NULL};

/* OpenSSL looks whether the point is on the curve; the curves of the table have
 * cofactor 1, so that is enough. */
static EVP_PKEY *ec_pkey(const numbers_t *nums, apr_pool_t *pool)
{
    unsigned char point[1 + 2 * EC_LEN_MAX];
    apr_size_t len = (apr_size_t)nums->jwa->coordinate_len;

    if (nums->x.len != len || nums->y.len != len)
        return NULL;
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, nums->x.data, len);
    memcpy(point + 1 + len, nums->y.data, len);
    return pubkey_from_point(nums->jwa->crv, point, 1 + 2 * len, pool);
}

static BIGNUM *number(const octets_t *octets, apr_pool_t *pool)
{
    return own_bn(pool, BN_bin2bn(octets->data, (int)octets->len, NULL));
}

static EVP_PKEY *rsa_pkey(const numbers_t *nums, apr_pool_t *pool)
{
    BIGNUM *n = number(&nums->n, pool), *e = number(&nums->e, pool);

    return n && e ? pubkey_from_modulus(n, e, pool) : NULL;
}

static EVP_PKEY *numbers_pkey(const numbers_t *nums, apr_pool_t *pool)
{
    switch (nums->jwa->pkey_id) {
    case EVP_PKEY_EC:
        return ec_pkey(nums, pool);
    case EVP_PKEY_RSA:
        return rsa_pkey(nums, pool);
    default:
        return own_pkey(pool,
                        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                                    nums->x.data, nums->x.len));
    }
}

/* RFC 7638 3.1 to 3.3 */
static const char *numbers_canonical(const numbers_t *nums, apr_pool_t *pool)
{
    const jose_jwa_t *jwa = nums->jwa;

    switch (jwa->pkey_id) {
    case EVP_PKEY_EC:
        return apr_pstrcat(
            pool, "{\"crv\":\"", jwa->crv, "\",\"kty\":\"EC\",\"x\":\"",
            b64url_encode(nums->x.data, nums->x.len, pool), "\",\"y\":\"",
            b64url_encode(nums->y.data, nums->y.len, pool), "\"}", NULL);
    case EVP_PKEY_RSA:
        return apr_pstrcat(
            pool, "{\"e\":\"", b64url_encode(nums->e.data, nums->e.len, pool),
            "\",\"kty\":\"RSA\",\"n\":\"",
            b64url_encode(nums->n.data, nums->n.len, pool), "\"}", NULL);
    default:
        return apr_pstrcat(
            pool, "{\"crv\":\"", jwa->crv, "\",\"kty\":\"OKP\",\"x\":\"",
            b64url_encode(nums->x.data, nums->x.len, pool), "\"}", NULL);
    }
}

const char *jose_jwk_thumbprint(const char *canonical, apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len;

    if (EVP_Digest(canonical, strlen(canonical), digest, &len, EVP_sha256(),
                   NULL) != 1)
        return NULL;
    return b64url_encode(digest, len, pool);
}

/* NULL if there is no such key. */
static jose_jwk_t *make(const numbers_t *nums, EVP_PKEY *pkey, apr_pool_t *pool)
{
    jose_jwk_t *jwk = apr_pcalloc(pool, sizeof(*jwk));

    if (!pkey) {
        ERR_clear_error();
        return NULL;
    }
    jwk->kty = nums->jwa->kty;
    jwk->crv = nums->jwa->crv;
    jwk->pkey = pkey;
    jwk->canonical = numbers_canonical(nums, pool);
    jwk->thumbprint = jose_jwk_thumbprint(jwk->canonical, pool);
    return jwk->thumbprint ? jwk : NULL;
}

static problem_t *octets_parse(octets_t *octets, json_t *json, const char *name,
                               apr_pool_t *pool)
{
    const char *text;
    problem_t *prob = pjson_need_string(&text, json, name, pool);

    if (prob)
        return prob;
    if (b64url_decode(&octets->data, &octets->len, text, strlen(text), pool) !=
        APR_SUCCESS)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The member \"%s\" of the jwk is not base64url "
                            "without padding",
                            name);
    return NULL;
}

static problem_t *numbers_parse(numbers_t *nums, json_t *json, apr_pool_t *pool)
{
    problem_t *prob;

    switch (nums->jwa->pkey_id) {
    case EVP_PKEY_EC:
        prob = octets_parse(&nums->x, json, "x", pool);
        return prob ? prob : octets_parse(&nums->y, json, "y", pool);
    case EVP_PKEY_RSA:
        prob = octets_parse(&nums->n, json, "n", pool);
        return prob ? prob : octets_parse(&nums->e, json, "e", pool);
    default:
        return octets_parse(&nums->x, json, "x", pool);
    }
}

/* RFC 7518 6.3.1: "Base64urlUInt", the fewest octets.  NULL if all is well,
 * else what is not. */
static const char *rsa_fault(const numbers_t *nums, apr_pool_t *pool)
{
    const octets_t *n = &nums->n, *e = &nums->e;
    BIGNUM *bn;
    int bits;

    if (n->len == 0 || n->data[0] == 0)
        return "n is empty or has leading zeros";
    if (e->len == 0 || e->data[0] == 0)
        return "e is empty or has leading zeros";
    bn = own_bn(pool, n->len <= RSA_BITS_MAX / 8 + 1
                          ? BN_bin2bn(n->data, (int)n->len, NULL)
                          : NULL);
    bits = bn ? BN_num_bits(bn) : RSA_BITS_MAX + 1;
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return apr_psprintf(pool, "n must have %d to %d bits", RSA_BITS_MIN,
                            RSA_BITS_MAX);
    if (!(n->data[n->len - 1] & 1))
        return "n is even";
    if (!(e->data[e->len - 1] & 1))
        return "e is even";
    if (e->len > RSA_E_MAX_LEN)
        return "e has more than 64 bits";
    if (e->len == 1 && e->data[0] < 3)
        return "e is less than 3";
    return NULL;
}

static const char *ed25519_fault(const octets_t *x)
{
    if (x->len != ED25519_LEN)
        return "x must be 32 octets";
    if (ed25519_is_small_order(x->data))
        return "x is a point of small order";
    if (!ed25519_is_point(x->data))
        return "x is no point of the curve";
    return NULL;
}

static const char *ec_fault(const numbers_t *nums, apr_pool_t *pool)
{
    apr_size_t len = (apr_size_t)nums->jwa->coordinate_len;

    if (nums->x.len == len && nums->y.len == len)
        return NULL;
    return apr_psprintf(pool, "x and y must be %d octets each",
                        nums->jwa->coordinate_len);
}

static const char *numbers_fault(const numbers_t *nums, apr_pool_t *pool)
{
    switch (nums->jwa->pkey_id) {
    case EVP_PKEY_EC:
        return ec_fault(nums, pool);
    case EVP_PKEY_RSA:
        return rsa_fault(nums, pool);
    default:
        return ed25519_fault(&nums->x);
    }
}

static problem_t *kind_parse(numbers_t *nums, json_t *json, apr_pool_t *pool)
{
    const char *kty, *crv;
    problem_t *prob;
    int i;

    prob = pjson_need_string(&kty, json, "kty", pool);
    if (prob)
        return prob;
    for (i = 0; private_members[i]; ++i) {
        if (json_object_get(json, private_members[i]))
            return problem_make(pool, PROBLEM_BAD_PUBLIC_KEY,
                                "The jwk has the member \"%s\" of a private or "
                                "symmetric key; send the public key only, and "
                                "take this key out of use",
                                private_members[i]);
    }
    if (strcmp(kty, "RSA") == 0) {
        nums->jwa = jose_jwa_for_kind(kty, NULL);
        return NULL;
    }
    if (strcmp(kty, "EC") != 0 && strcmp(kty, "OKP") != 0)
        return problem_make(pool, PROBLEM_BAD_PUBLIC_KEY,
                            "Keys of kty \"%.32s\" are not supported; EC, RSA "
                            "and OKP are",
                            kty);
    prob = pjson_need_string(&crv, json, "crv", pool);
    if (prob)
        return prob;
    nums->jwa = jose_jwa_for_kind(kty, crv);
    if (!nums->jwa)
        return problem_make(pool, PROBLEM_BAD_PUBLIC_KEY,
                            "The curve \"%.32s\" is not supported for kty %s; "
                            "P-256, P-384, P-521 (EC) and Ed25519 (OKP) are",
                            crv, kty);
    return NULL;
}

problem_t *jose_jwk_parse(jose_jwk_t **jwk, json_t *json, apr_pool_t *pool)
{
    numbers_t nums = {0};
    const char *fault;
    problem_t *prob;

    prob = pjson_object_check(json, "jwk", pool);
    if (prob)
        return prob;
    prob = kind_parse(&nums, json, pool);
    if (prob)
        return prob;
    prob = numbers_parse(&nums, json, pool);
    if (prob)
        return prob;
    fault = numbers_fault(&nums, pool);
    if (fault)
        return problem_make(pool, PROBLEM_BAD_PUBLIC_KEY,
                            "The %s key in the jwk is bad: %s", nums.jwa->kty,
                            fault);
    *jwk = make(&nums, numbers_pkey(&nums, pool), pool);
    if (!*jwk)
        return problem_make(pool, PROBLEM_BAD_PUBLIC_KEY,
                            "The %s key in the jwk is bad: %s", nums.jwa->kty,
                            nums.jwa->coordinate_len
                                ? "(x, y) is no point of the curve"
                                : "OpenSSL does not take it");
    return NULL;
}

jose_jwk_t *jose_jwk_from_canonical(const char *canonical, apr_pool_t *pool)
{
    numbers_t nums = {0};
    jose_jwk_t *jwk;
    json_t *json;

    if (pjson_parse(&json, canonical, strlen(canonical), "jwk", pool) ||
        kind_parse(&nums, json, pool) || numbers_parse(&nums, json, pool))
        return NULL;
    jwk = make(&nums, numbers_pkey(&nums, pool), pool);
    return jwk && strcmp(jwk->canonical, canonical) == 0 ? jwk : NULL;
}

/* A number of pkey, in as many octets as it needs. */
static int number_get(octets_t *octets, EVP_PKEY *pkey, const char *name,
                      apr_pool_t *pool)
{
    BIGNUM *bn = NULL;
    unsigned char *data;
    int len;

    if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1)
        return 0;
    own_bn(pool, bn);
    len = BN_num_bytes(bn);
    data = apr_palloc(pool, (apr_size_t)len + 1);
    if (BN_bn2binpad(bn, data, len) != len)
        return 0;
    octets->data = data;
    octets->len = (apr_size_t)len;
    return 1;
}

/* x and y of a point (SEC 1 2.3.3): one question instead of two. */
static int point_get(numbers_t *nums, EVP_PKEY *pkey, apr_pool_t *pool)
{
    apr_size_t len = (apr_size_t)nums->jwa->coordinate_len;
    unsigned char *point = apr_palloc(pool, 1 + 2 * len);
    size_t got = 0;

    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
                                        1 + 2 * len, &got) != 1 ||
        got != 1 + 2 * len || *point != POINT_CONVERSION_UNCOMPRESSED)
        return 0;
    nums->x.data = point + 1;
    nums->y.data = point + 1 + len;
    nums->x.len = nums->y.len = len;
    return 1;
}

static int numbers_get(numbers_t *nums, EVP_PKEY *pkey, apr_pool_t *pool)
{
    unsigned char *raw;
    size_t raw_len = ED25519_LEN;

    switch (nums->jwa->pkey_id) {
    case EVP_PKEY_EC:
        return point_get(nums, pkey, pool);
    case EVP_PKEY_RSA:
        return number_get(&nums->n, pkey, OSSL_PKEY_PARAM_RSA_N, pool) &&
               number_get(&nums->e, pkey, OSSL_PKEY_PARAM_RSA_E, pool);
    default:
        raw = apr_palloc(pool, raw_len);
        nums->x.data = raw;
        nums->x.len = raw_len;
        return EVP_PKEY_get_raw_public_key(pkey, raw, &raw_len) == 1;
    }
}

jose_jwk_t *jose_jwk_from_pkey(EVP_PKEY *pkey, apr_pool_t *pool)
{
    numbers_t nums = {0};

    nums.jwa = jose_jwa_for_pkey(pkey);
    if (!nums.jwa || !numbers_get(&nums, pkey, pool) ||
        EVP_PKEY_up_ref(pkey) != 1) {
        ERR_clear_error();
        return NULL;
    }
    return make(&nums, own_pkey(pool, pkey), pool);
}
