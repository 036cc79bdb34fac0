/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/pjson.h"
#include "jose/jose_parts.h"

#include "base/banned.h"

#define KID_MAX 256

/* RFC 7518 3.2 */
static const struct {
    const char *alg, *digest;
} algorithms[] = {
    {"HS256", "SHA256"}, {"HS384", "SHA384"}, {"HS512", "SHA512"}};

static const char *digest_find(const char *alg)
{
    apr_size_t i;

    for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (!strcmp(algorithms[i].alg, alg))
            return algorithms[i].digest;
    return NULL;
}

static problem_t *alg_parse(jose_mac_t *mac, json_t *header, apr_pool_t *pool)
{
    problem_t *prob = pjson_need_string(&mac->alg, header, "alg", pool);

    if (prob)
        return prob;
    mac->digest = digest_find(mac->alg);
    if (mac->digest)
        return NULL;
    return problem_make(pool, PROBLEM_MALFORMED,
                        "The binding's algorithm \"%.32s\" is none of HS256, "
                        "HS384 and HS512 (RFC 8555 7.3.4)",
                        mac->alg);
}

/* RFC 8555 7.3.4: kid is an ASCII string. */
static int is_ascii(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            return 0;
    return 1;
}

static problem_t *kid_parse(jose_mac_t *mac, json_t *header, apr_pool_t *pool)
{
    problem_t *prob = pjson_need_string(&mac->kid, header, "kid", pool);

    if (prob)
        return prob;
    if (*mac->kid && strlen(mac->kid) <= KID_MAX && is_ascii(mac->kid))
        return NULL;
    return problem_make(pool, PROBLEM_MALFORMED,
                        "The binding's \"kid\" is not the key identifier that "
                        "was handed out");
}

static problem_t *header_parse(jose_mac_t *mac, json_t *header,
                               apr_pool_t *pool)
{
    problem_t *prob = alg_parse(mac, header, pool);

    if (prob)
        return prob;
    prob = kid_parse(mac, header, pool);
    if (prob)
        return prob;
    prob = pjson_need_string(&mac->url, header, "url", pool);
    if (prob)
        return prob;
    if (json_object_get(header, "nonce") || json_object_get(header, "jwk"))
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The binding's protected header must have neither "
                            "\"nonce\" nor \"jwk\" (RFC 8555 7.3.4)");
    return NULL;
}

problem_t *jose_mac_parse(jose_mac_t **mac, json_t *json, const char *what,
                          apr_pool_t *pool)
{
    jose_mac_t *made = apr_pcalloc(pool, sizeof(*made));
    problem_t *prob = jose_parts_parse(&made->parts, json, what, pool);

    if (prob)
        return prob;
    prob = header_parse(made, made->parts.header, pool);
    if (prob)
        return prob;
    *mac = made;
    return NULL;
}

/* 0 octets when OpenSSL cannot. */
static apr_size_t mac_compute(unsigned char *out, const char *digest,
                              const unsigned char *key, apr_size_t key_len,
                              const char *text, apr_size_t text_len)
{
    size_t len = 0;

    if (!EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key, key_len,
                   (const unsigned char *)text, text_len, out, EVP_MAX_MD_SIZE,
                   &len))
        return 0;
    return len;
}

int jose_mac_is_right(const jose_mac_t *mac, const unsigned char *key,
                      apr_size_t key_len)
{
    unsigned char want[EVP_MAX_MD_SIZE];
    apr_size_t len =
        mac_compute(want, mac->digest, key, key_len, mac->parts.signing_input,
                    mac->parts.signing_input_len);

    return len && len == mac->parts.signature_len &&
           !CRYPTO_memcmp(want, mac->parts.signature, len);
}
