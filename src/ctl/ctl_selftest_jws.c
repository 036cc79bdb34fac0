/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_ask.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "base/b64url.h"
#include "base/own.h"
#include "base/pjson.h"
#include "ca/ca_hierarchy.h"
#include "jose/jose_jwk.h"
#include "jose/jose_sign.h"

#include "base/banned.h"

#define TRIES 5

ctl_signer_t *ctl_test_signer(ctl_test_t *t, const char *spec)
{
    ctl_signer_t *signer = apr_pcalloc(t->pool, sizeof(*signer));
    jose_jwk_t *jwk;

    signer->key = ca_key_make(spec, t->pool);
    jwk = signer->key ? jose_jwk_from_pkey(signer->key, t->pool) : NULL;
    signer->jwk = jwk ? jwk->canonical : "{}";
    signer->thumbprint = jwk ? jwk->thumbprint : "";
    return signer;
}

const char *ctl_test_nonce(ctl_test_t *t)
{
    const char *nonce = t->nonce;

    if (!nonce) {
        ctl_test_send(t, "HEAD", ctl_test_resource(t, "newNonce"), NULL, NULL,
                      NULL);
        nonce = t->nonce;
    }
    t->nonce = NULL;
    return nonce ? nonce : "";
}

/* ,"name":"value"; nothing of "". */
static const char *member(const char *name, const char *value, apr_pool_t *pool)
{
    json_t *text;

    if (!*value)
        return "";
    text = own_json(pool, json_string(value));
    return apr_pstrcat(pool, ",\"", name,
                       "\":", text ? pjson_text(text, 0, pool) : "\"?\"", NULL);
}

static const char *signer_text(const ctl_signer_t *signer, apr_pool_t *pool)
{
    if (signer->kid)
        return member("kid", signer->kid, pool) + 1;
    return apr_pstrcat(pool, "\"jwk\":", signer->jwk, NULL);
}

static const char *header_make(ctl_test_t *t, const ctl_signer_t *signer,
                               const char *url, const ctl_twist_t *twist)
{
    const char *alg = twist->alg ? twist->alg : jose_sign_alg(signer->key);
    const char *nonce = twist->nonce ? twist->nonce : ctl_test_nonce(t);
    const char *who =
        twist->signer ? twist->signer : signer_text(signer, t->pool);
    const char *text = apr_pstrcat(
        t->pool, member("alg", alg ? alg : "none", t->pool),
        member("nonce", nonce, t->pool),
        member("url", twist->url ? twist->url : url, t->pool), *who ? "," : "",
        who, twist->more ? twist->more : "", "}", NULL);
    char *header = apr_pstrdup(t->pool, text);

    header[0] = '{';
    return header;
}

/* The JWS as it is sent. */
static const char *body_make(const char *jws, const ctl_twist_t *twist,
                             apr_pool_t *pool)
{
    json_t *json;
    const char *body;

    if (!twist->alter)
        return jws;
    json = own_json(pool, json_loads(jws, 0, NULL));
    body = twist->alter(json, pool);
    return body ? body : pjson_text(json, 0, pool);
}

static ctl_answer_t *post_once(ctl_test_t *t, const ctl_signer_t *signer,
                               const char *url, const char *payload,
                               const ctl_twist_t *twist)
{
    const char *header = header_make(t, signer, url, twist);
    const char *jws =
        jose_sign(signer->key, header, payload, strlen(payload), t->pool);
    const char *sent =
        apr_pstrcat(t->pool, header, *payload ? " " : "", payload, NULL);

    return ctl_test_send(t, "POST", url,
                         twist->type ? twist->type : "application/jose+json",
                         body_make(jws ? jws : "{}", twist, t->pool), sent);
}

/* Not refused for what it is: RFC 8555 6.5 and 6.6 ask for another try. */
static int is_for_now(const ctl_answer_t *answer, const ctl_twist_t *twist)
{
    if (answer->problem && !strcmp(answer->problem, "badNonce"))
        return !twist->nonce;
    return (answer->status == 429 || answer->status == 503) &&
           ctl_test_header(answer, "Retry-After");
}

ctl_answer_t *ctl_test_twisted(ctl_test_t *t, const ctl_signer_t *signer,
                               const char *url, const char *payload,
                               const ctl_twist_t *twist)
{
    ctl_answer_t *answer = post_once(t, signer, url, payload, twist);
    int tries;

    for (tries = 1; tries < TRIES && is_for_now(answer, twist); tries++) {
        if (answer->status != 400 && !ctl_test_wait(t, answer))
            break;
        answer = post_once(t, signer, url, payload, twist);
    }
    return answer;
}

ctl_answer_t *ctl_test_post(ctl_test_t *t, const ctl_signer_t *signer,
                            const char *url, const char *payload)
{
    static const ctl_twist_t right = {0};

    return ctl_test_twisted(t, signer, url, payload, &right);
}

/* RFC 8555 7.3.4.  The nonce is one that must not be there. */
const char *ctl_test_binding(ctl_test_t *t, const ctl_signer_t *signer,
                             const char *key, const ctl_twist_t *twist)
{
    const char *url = ctl_test_resource(t, "newAccount");
    const char *header = apr_pstrcat(
        t->pool, "{\"alg\":\"", twist->alg ? twist->alg : "HS256", "\"",
        member("kid", twist->signer ? twist->signer : t->eab_kid, t->pool),
        member("nonce", twist->nonce ? twist->nonce : "", t->pool),
        member("url", twist->url ? twist->url : url, t->pool), "}", NULL);
    const char *input = apr_pstrcat(
        t->pool, b64url_encode(header, strlen(header), t->pool), ".",
        b64url_encode(signer->jwk, strlen(signer->jwk), t->pool), NULL);
    const char *dot = strchr(input, '.');
    const unsigned char *secret;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_len = 0;
    apr_size_t len;

    if (!key)
        key = t->eab_key;
    if (b64url_decode(&secret, &len, key, strcspn(key, "="), t->pool) !=
            APR_SUCCESS ||
        !HMAC(EVP_sha256(), secret, (int)len, (const unsigned char *)input,
              strlen(input), mac, &mac_len))
        return "{}";
    return apr_psprintf(t->pool,
                        "{\"protected\":\"%.*s\",\"payload\":\"%s\","
                        "\"signature\":\"%s\"}",
                        (int)(dot - input), input, dot + 1,
                        b64url_encode(mac, mac_len, t->pool));
}
