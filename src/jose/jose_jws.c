/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_jws.h"

#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "base/b64url.h"
#include "base/own.h"
#include "base/pjson.h"
#include "jose/jose_parts.h"

#include "base/banned.h"

#define ED25519_SIGNATURE_LEN 64

static problem_t *alg_parse(jose_jws_t *jws, json_t *header, apr_pool_t *pool)
{
    const char *alg;
    problem_t *prob = pjson_need_string(&alg, header, "alg", pool);

    if (prob)
        return prob;
    jws->alg = jose_jwa_find(alg);
    if (jws->alg)
        return NULL;
    prob =
        problem_make(pool, PROBLEM_BAD_SIGNATURE_ALGORITHM,
                     "The signature algorithm \"%.32s\" is not supported; "
                     "these are: %s",
                     alg, apr_array_pstrcat(pool, jose_jwa_names(pool), ' '));
    prob->algorithms = jose_jwa_names(pool);
    return prob;
}

static problem_t *nonce_parse(jose_jws_t *jws, json_t *header, apr_pool_t *pool)
{
    const unsigned char *octets;
    apr_size_t len;
    problem_t *prob = pjson_string(&jws->nonce, header, "nonce", pool);

    if (prob || !jws->nonce)
        return prob;
    /* RFC 8555 6.5.2 */
    if (b64url_decode(&octets, &len, jws->nonce, strlen(jws->nonce), pool) !=
            APR_SUCCESS ||
        len == 0)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The nonce is not base64url without padding; send "
                            "the Replay-Nonce header's value as it came");
    return NULL;
}

static problem_t *key_parse(jose_jws_t *jws, json_t *header, apr_pool_t *pool)
{
    problem_t *prob = pjson_string(&jws->kid, header, "kid", pool);

    if (prob)
        return prob;
    prob = pjson_object(&jws->jwk, header, "jwk", pool);
    if (prob)
        return prob;
    if (!jws->kid == !jws->jwk)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The protected header must have exactly one of "
                            "\"kid\" and \"jwk\"; it has %s",
                            jws->kid ? "both" : "neither");
    return NULL;
}

/* RFC 8555 6.2: which members the protected header must and must not have. */
static problem_t *header_parse(jose_jws_t *jws, json_t *header,
                               apr_pool_t *pool)
{
    problem_t *prob = alg_parse(jws, header, pool);

    if (prob)
        return prob;
    prob = pjson_need_string(&jws->url, header, "url", pool);
    if (prob)
        return prob;
    prob = nonce_parse(jws, header, pool);
    if (prob)
        return prob;
    return key_parse(jws, header, pool);
}

problem_t *jose_jws_read(jose_jws_t **jws, json_t *json, apr_pool_t *pool)
{
    jose_jws_t *made = apr_pcalloc(pool, sizeof(*made));
    problem_t *prob = jose_parts_parse(&made->parts, json, "JWS", pool);

    if (prob)
        return prob;
    prob = header_parse(made, made->parts.header, pool);
    if (prob)
        return prob;
    *jws = made;
    return NULL;
}

problem_t *jose_jws_parse(jose_jws_t **jws, const char *body,
                          apr_size_t body_len, apr_pool_t *pool)
{
    json_t *json;
    problem_t *prob = pjson_parse(&json, body, body_len, "JWS", pool);

    return prob ? prob : jose_jws_read(jws, json, pool);
}

static problem_t *fit_check(const jose_jws_t *jws, const jose_jwk_t *key,
                            apr_pool_t *pool)
{
    const jose_jwa_t *alg = jws->alg;

    if (alg == jose_jwa_for_kind(key->kty, key->crv))
        return NULL;
    return problem_make(pool, PROBLEM_BAD_PUBLIC_KEY,
                        "The algorithm %s needs a key of kty %s%s%s; the key "
                        "is of kty %s%s%s",
                        alg->name, alg->kty, alg->crv ? " on " : "",
                        alg->crv ? alg->crv : "", key->kty,
                        key->crv ? " on " : "", key->crv ? key->crv : "");
}

static problem_t *length_check(const jose_jws_t *jws, const jose_jwk_t *key,
                               apr_pool_t *pool)
{
    apr_size_t want;

    if (jws->alg->coordinate_len)
        want = 2 * (apr_size_t)jws->alg->coordinate_len;
    else if (jws->alg->digest)
        want = (apr_size_t)EVP_PKEY_get_size(key->pkey);
    else
        want = ED25519_SIGNATURE_LEN;
    if (jws->parts.signature_len == want)
        return NULL;
    return problem_make(pool, PROBLEM_MALFORMED,
                        "The %s signature has %" APR_SIZE_T_FMT
                        " octets; it must have %" APR_SIZE_T_FMT "%s",
                        jws->alg->name, jws->parts.signature_len, want,
                        jws->alg->coordinate_len
                            ? " (R and S, as RFC 7518 3.4 says, not DER)"
                            : "");
}

/* RFC 7518 3.4: R || S, each of the curve's size, to the DER that OpenSSL
 * takes.  NULL when memory ran out. */
static const unsigned char *ecdsa_der(int *der_len, const jose_jws_t *jws,
                                      apr_pool_t *pool)
{
    int half = jws->alg->coordinate_len;
    ECDSA_SIG *sig = own_ecdsa_sig(pool, ECDSA_SIG_new());
    BIGNUM *r = BN_bin2bn(jws->parts.signature, half, NULL);
    BIGNUM *s = BN_bin2bn(jws->parts.signature + half, half, NULL);
    unsigned char *der, *end;

    *der_len = 0;
    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return NULL;
    }
    *der_len = i2d_ECDSA_SIG(sig, NULL);
    if (*der_len <= 0)
        return NULL;
    der = apr_palloc(pool, (apr_size_t)*der_len);
    end = der;
    i2d_ECDSA_SIG(sig, &end);
    return der;
}

static int is_right(const jose_jws_t *jws, const jose_jwk_t *key,
                    apr_pool_t *pool)
{
    EVP_MD_CTX *ctx = own_md_ctx(pool, EVP_MD_CTX_new());
    const unsigned char *signature = jws->parts.signature;
    apr_size_t len = jws->parts.signature_len;
    int der_len, right;

    if (jws->alg->coordinate_len) {
        signature = ecdsa_der(&der_len, jws, pool);
        len = (apr_size_t)der_len;
    }
    right = ctx && signature &&
            EVP_DigestVerifyInit_ex(ctx, NULL, jws->alg->digest, NULL, NULL,
                                    key->pkey, NULL) == 1 &&
            EVP_DigestVerify(ctx, signature, len,
                             (const unsigned char *)jws->parts.signing_input,
                             jws->parts.signing_input_len) == 1;
    if (!right)
        ERR_clear_error();
    return right;
}

problem_t *jose_jws_verify(const jose_jws_t *jws, const jose_jwk_t *key,
                           apr_pool_t *pool)
{
    problem_t *prob = fit_check(jws, key, pool);

    if (prob)
        return prob;
    prob = length_check(jws, key, pool);
    if (prob)
        return prob;
    if (!is_right(jws, key, pool))
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The JWS signature does not verify with the "
                            "account's key or the jwk");
    return NULL;
}
