/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_sign.h"

#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "base/b64url.h"
#include "base/own.h"
#include "jose/jose_jwa.h"

#include "base/banned.h"

const char *jose_sign_alg(EVP_PKEY *key)
{
    const jose_jwa_t *alg = jose_jwa_for_pkey(key);

    return alg ? alg->name : NULL;
}

/* What OpenSSL gives: DER for ECDSA, the final octets for the others. */
static unsigned char *sign(size_t *len, EVP_PKEY *key, const jose_jwa_t *alg,
                           const char *input, apr_pool_t *pool)
{
    EVP_MD_CTX *ctx = own_md_ctx(pool, EVP_MD_CTX_new());
    unsigned char *signature;

    *len = (size_t)EVP_PKEY_get_size(key);
    signature = apr_palloc(pool, *len);
    if (ctx &&
        EVP_DigestSignInit_ex(ctx, NULL, alg->digest, NULL, NULL, key, NULL) ==
            1 &&
        EVP_DigestSign(ctx, signature, len, (const unsigned char *)input,
                       strlen(input)) == 1)
        return signature;
    ERR_clear_error();
    return NULL;
}

/* RFC 7518 3.4: DER to R || S. */
static unsigned char *ecdsa_raw(const unsigned char *der, size_t der_len,
                                int half, apr_pool_t *pool)
{
    ECDSA_SIG *sig =
        own_ecdsa_sig(pool, d2i_ECDSA_SIG(NULL, &der, (long)der_len));
    unsigned char *raw = apr_palloc(pool, 2 * (apr_size_t)half);

    if (sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, half) == half &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, half) == half)
        return raw;
    return NULL;
}

const char *jose_sign(EVP_PKEY *key, const char *protected_json,
                      const char *payload, apr_size_t payload_len,
                      apr_pool_t *pool)
{
    const jose_jwa_t *alg = jose_jwa_for_pkey(key);
    const char *header, *body;
    unsigned char *signature;
    size_t len;

    if (!alg)
        return NULL;
    header = b64url_encode(protected_json, strlen(protected_json), pool);
    body = b64url_encode(payload, payload_len, pool);
    signature =
        sign(&len, key, alg, apr_pstrcat(pool, header, ".", body, NULL), pool);
    if (signature && alg->coordinate_len) {
        signature = ecdsa_raw(signature, len, alg->coordinate_len, pool);
        len = 2 * (size_t)alg->coordinate_len;
    }
    if (!signature)
        return NULL;
    return apr_psprintf(pool,
                        "{\"protected\":\"%s\",\"payload\":\"%s\","
                        "\"signature\":\"%s\"}",
                        header, body, b64url_encode(signature, len, pool));
}
