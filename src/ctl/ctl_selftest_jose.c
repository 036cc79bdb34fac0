/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "base/b64url.h"
#include "base/own.h"
#include "jose/jose_jwk.h"

#include "base/banned.h"

/* RFC 8555 6.1, 6.2, 6.4: what is signed, with what, for which URL. */

/* Reads the account, as only a good request may. */
static const ctl_answer_t *ask(ctl_test_t *t, const ctl_twist_t *twist)
{
    return ctl_test_twisted(t, t->account, t->account->kid, "", twist);
}

/* This twist must be refused. */
static void refuse(ctl_test_t *t, const ctl_twist_t *twist,
                   const char *statuses, const char *problems, const char *what)
{
    ctl_test_is(t, ask(t, twist), statuses, problems, what);
}

static void content_type(ctl_test_t *t)
{
    static const ctl_twist_t json = {.type = "application/json"};
    static const ctl_twist_t parameter = {
        .type = "Application/JOSE+JSON; charset=utf-8"};

    if (!ctl_need_account(t))
        return;
    refuse(t, &json, "415", NULL, "Content-Type: application/json");
    ctl_test_is(t, ask(t, &parameter), "200", NULL,
                "a media type with a parameter, in capitals");
}

static const char *pad_alter(json_t *jws, apr_pool_t *pool)
{
    const char *text = json_string_value(json_object_get(jws, "signature"));

    json_object_set_new(jws, "signature",
                        json_string(apr_pstrcat(pool, text, "==", NULL)));
    return NULL;
}

static const char *plus_alter(json_t *jws, apr_pool_t *pool)
{
    const char *text = json_string_value(json_object_get(jws, "signature"));

    json_object_set_new(jws, "signature",
                        json_string(apr_pstrcat(pool, text, "+/", NULL)));
    return NULL;
}

static void base64url(ctl_test_t *t)
{
    static const ctl_twist_t padded = {.alter = pad_alter};
    static const ctl_twist_t other = {.alter = plus_alter};

    if (!ctl_need_account(t))
        return;
    refuse(t, &padded, "4xx", "malformed", "base64url with \"=\" behind it");
    refuse(t, &other, "4xx", "malformed", "base64url with \"+\" and \"/\"");
}

static const char *compact_alter(json_t *jws, apr_pool_t *pool)
{
    return apr_pstrcat(
        pool, json_string_value(json_object_get(jws, "protected")), ".",
        json_string_value(json_object_get(jws, "payload")), ".",
        json_string_value(json_object_get(jws, "signature")), NULL);
}

static const char *general_alter(json_t *jws, apr_pool_t *pool)
{
    json_t *one = json_object(), *list = json_array();

    json_object_set_new(one, "protected",
                        json_incref(json_object_get(jws, "protected")));
    json_object_set_new(one, "signature",
                        json_incref(json_object_get(jws, "signature")));
    json_array_append_new(list, one);
    json_object_del(jws, "protected");
    json_object_del(jws, "signature");
    json_object_set_new(jws, "signatures", list);
    return NULL;
}

static const char *header_alter(json_t *jws, apr_pool_t *pool)
{
    json_object_set_new(jws, "header", json_pack("{s:s}", "x", "y"));
    return NULL;
}

static const char *payload_alter(json_t *jws, apr_pool_t *pool)
{
    json_object_del(jws, "payload");
    return NULL;
}

static void shape(ctl_test_t *t)
{
    static const ctl_twist_t compact = {.alter = compact_alter};
    static const ctl_twist_t general = {.alter = general_alter};
    static const ctl_twist_t header = {.alter = header_alter};
    static const ctl_twist_t payload = {.alter = payload_alter};
    static const ctl_twist_t crit = {
        .more = ",\"crit\":[\"selftest\"],\"selftest\":1"};

    if (!ctl_need_account(t))
        return;
    refuse(t, &compact, "4xx", "malformed", "a JWS in compact form");
    refuse(t, &general, "4xx", "malformed", "a JWS with \"signatures\"");
    refuse(t, &header, "4xx", "malformed", "an unprotected header");
    refuse(t, &payload, "4xx", "malformed", "a JWS without payload");
    refuse(t, &crit, "4xx", "malformed", "an unknown critical header");
}

static void members(ctl_test_t *t)
{
    ctl_twist_t both = {0};
    static const ctl_twist_t neither = {.signer = ""}, nowhere = {.url = ""};

    if (!ctl_need_account(t))
        return;
    both.signer = apr_pstrcat(t->pool, "\"kid\":\"", t->account->kid,
                              "\",\"jwk\":", t->account->jwk, NULL);
    refuse(t, &both, "4xx", "malformed", "both jwk and kid");
    refuse(t, &neither, "4xx", "malformed", "neither jwk nor kid");
    refuse(t, &nowhere, "4xx", "malformed unauthorized", "no url");
}

static const char *empty_alter(json_t *jws, apr_pool_t *pool)
{
    json_object_set_new(jws, "signature", json_string(""));
    return NULL;
}

static void algorithms(ctl_test_t *t)
{
    static const ctl_twist_t none = {.alg = "none", .alter = empty_alter};
    static const ctl_twist_t mac = {.alg = "HS256"}, unknown = {.alg = "XS256"};
    const ctl_answer_t *answer;

    if (!ctl_need_account(t))
        return;
    refuse(t, &none, "4xx", "badSignatureAlgorithm malformed", "alg none");
    refuse(t, &mac, "4xx", "badSignatureAlgorithm malformed", "alg HS256");
    answer = ask(t, &unknown);
    if (ctl_test_is(t, answer, "400", "badSignatureAlgorithm",
                    "an unknown alg") &&
        !json_array_size(json_object_get(answer->json, "algorithms")))
        ctl_test_fail(t, answer, "no array \"algorithms\" in the problem");
}

/* A key that nobody knows asks for its account, which makes none. */
static const ctl_answer_t *stranger_ask(ctl_test_t *t,
                                        const ctl_signer_t *signer,
                                        const ctl_twist_t *twist)
{
    return ctl_test_twisted(t, signer, ctl_test_resource(t, "newAccount"),
                            "{\"onlyReturnExisting\":true}", twist);
}

static void key_kinds(ctl_test_t *t)
{
    static const char *const kinds[] = {"P-256", "ED25519", "RSA-2048", NULL};
    static const ctl_twist_t right = {0}, other = {.alg = "ES384"};
    int i;

    for (i = 0; kinds[i]; i++)
        ctl_test_is(t, stranger_ask(t, ctl_test_signer(t, kinds[i]), &right),
                    "400", "accountDoesNotExist",
                    apr_pstrcat(t->pool, kinds[i],
                                ", whose algorithm is to be accepted", NULL));
    ctl_test_is(t, stranger_ask(t, ctl_test_signer(t, "P-256"), &other), "400",
                "badPublicKey badSignatureAlgorithm malformed",
                "ES384 with a key of P-256");
}

static void bad_keys(ctl_test_t *t)
{
    static const ctl_twist_t right = {0};
    ctl_signer_t *good = ctl_test_signer(t, "P-256"), weak = *good;
    jose_jwk_t *jwk;
    const char *y = strstr(good->jwk, ",\"y\"");

    weak.key = own_pkey(t->pool, EVP_RSA_gen(1024));
    jwk = weak.key ? jose_jwk_from_pkey(weak.key, t->pool) : NULL;
    if (jwk) {
        weak.jwk = jwk->canonical;
        ctl_test_is(t, stranger_ask(t, &weak, &right), "400", "badPublicKey",
                    "an RSA key of 1024 bits");
    }
    weak = *good;
    weak.jwk = apr_pstrcat(t->pool,
                           "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"AAAAAAAA"
                           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
                           y, NULL);
    ctl_test_is(t, stranger_ask(t, &weak, &right), "400",
                "badPublicKey malformed", "a point that is not on its curve");
    weak.jwk = apr_pstrcat(
        t->pool, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"AQAB\"", y, NULL);
    ctl_test_is(t, stranger_ask(t, &weak, &right), "400",
                "badPublicKey malformed", "a coordinate that is too short");
}

static void signer(ctl_test_t *t)
{
    ctl_signer_t bare, named;

    if (!ctl_need_account(t))
        return;
    bare = named = *t->account;
    bare.kid = NULL;
    ctl_test_is(t,
                ctl_test_post(t, &bare, ctl_test_resource(t, "newOrder"),
                              "{\"identifiers\":[]}"),
                "4xx", "malformed unauthorized", "newOrder with a jwk");
    ctl_test_is(t,
                ctl_test_post(t, &named, ctl_test_resource(t, "newAccount"),
                              "{\"onlyReturnExisting\":true}"),
                "4xx", "malformed unauthorized", "newAccount with a kid");
}

/* The same id below another URL. */
static void foreign_kid(ctl_test_t *t)
{
    ctl_twist_t twist = {0};

    if (!ctl_need_account(t))
        return;
    twist.signer =
        apr_pstrcat(t->pool, "\"kid\":\"https://selftest.invalid/acct",
                    strrchr(t->account->kid, '/'), "\"", NULL);
    refuse(t, &twist, "4xx", NULL, "a kid of another server with the same id");
}

/* The account's URL with another id that looks like one. */
static const char *unknown_kid(const char *kid, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, kid), *id = strrchr(copy, '/') + 1;
    apr_size_t len = strlen(id), i;

    if (id[strspn(id, "0123456789")] == '\0')
        return apr_pstrcat(pool, copy, "99999", NULL);
    for (i = 0; i < len / 2; i++) {
        char c = id[i];

        id[i] = id[len - 1 - i];
        id[len - 1 - i] = c;
    }
    return copy;
}

static void no_account(ctl_test_t *t)
{
    ctl_twist_t twist = {0};

    if (!ctl_need_account(t))
        return;
    twist.signer =
        apr_pstrcat(t->pool, "\"kid\":\"",
                    unknown_kid(t->account->kid, t->pool), "\"", NULL);
    refuse(t, &twist, "400", "accountDoesNotExist", "a kid that nobody has");
}

/* signature → its octets, and back. */
static const char *signature_alter(json_t *jws, apr_pool_t *pool, int is_der)
{
    const char *text = json_string_value(json_object_get(jws, "signature"));
    unsigned char *der = NULL, *copy;
    const unsigned char *octets;
    apr_size_t len;
    ECDSA_SIG *sig;
    int size;

    if (b64url_decode(&octets, &len, text, strlen(text), pool) != APR_SUCCESS)
        return NULL;
    copy = apr_pmemdup(pool, octets, len);
    copy[len - 1] ^= 1;
    if (is_der) {
        sig = own_ecdsa_sig(pool, ECDSA_SIG_new());
        if (!sig || ECDSA_SIG_set0(
                        sig, BN_bin2bn(octets, (int)len / 2, NULL),
                        BN_bin2bn(octets + len / 2, (int)len / 2, NULL)) != 1)
            return NULL;
        size = i2d_ECDSA_SIG(sig, &der);
        copy = apr_pmemdup(pool, der, (apr_size_t)size);
        len = (apr_size_t)size;
        OPENSSL_free(der);
    }
    json_object_set_new(jws, "signature",
                        json_string(b64url_encode(copy, len, pool)));
    return NULL;
}

static const char *flip_alter(json_t *jws, apr_pool_t *pool)
{
    return signature_alter(jws, pool, 0);
}

static const char *der_alter(json_t *jws, apr_pool_t *pool)
{
    return signature_alter(jws, pool, 1);
}

static void signature(ctl_test_t *t)
{
    static const ctl_twist_t flipped = {.alter = flip_alter};

    if (ctl_need_account(t))
        refuse(t, &flipped, "4xx", "malformed unauthorized",
               "a signature that is wrong");
}

static void signature_form(ctl_test_t *t)
{
    static const ctl_twist_t der = {.alter = der_alter};

    if (ctl_need_account(t))
        refuse(t, &der, "4xx", "malformed unauthorized",
               "an ECDSA signature in DER");
}

static void url(ctl_test_t *t)
{
    ctl_twist_t twist = {0};

    if (!ctl_need_account(t))
        return;
    twist.url = ctl_test_resource(t, "newOrder");
    refuse(t, &twist, "401 403", "unauthorized", "the url of another resource");
    twist.url = "https://selftest.invalid/";
    refuse(t, &twist, "401 403", "unauthorized", "the url of another server");
}

/* Its last character percent-encoded: the same resource, another string. */
static void url_form(ctl_test_t *t)
{
    ctl_twist_t twist = {0};
    const char *kid;
    apr_size_t len;

    if (!ctl_need_account(t))
        return;
    kid = t->account->kid;
    len = strlen(kid);
    twist.url = apr_psprintf(t->pool, "%.*s%%%02X", (int)len - 1, kid,
                             (unsigned)kid[len - 1]);
    refuse(t, &twist, "401 403", "unauthorized",
           "a url that is the same only when decoded");
}

const ctl_rule_t ctl_rules_jws[] = {
    {"T01", "RFC 8555 6.2",
     "another media type than application/jose+json is 415", content_type},
    {"T02", "RFC 8555 6.1", "what is no bare base64url is refused", base64url},
    {"T03", "RFC 8555 6.2",
     "a JWS in another form than flattened JSON is refused", shape},
    {"T04", "RFC 8555 6.2", "the header must have url and one of jwk and kid",
     members},
    {"T05", "RFC 8555 6.2", "none and MACs are refused; algorithms are listed",
     algorithms},
    {"T06", "RFC 8555 6.2",
     "ES256, EdDSA and RS256 are accepted, each with its key", key_kinds},
    {"T07", "RFC 8555 6.7", "weak and impossible keys are badPublicKey",
     bad_keys},
    {"T08", "RFC 8555 6.2", "jwk for newAccount, kid for the rest", signer},
    {"T09", "RFC 8555 6.2", "kid is the whole account URL", foreign_kid},
    {"T10", "RFC 8555 6.7", "an unknown kid is accountDoesNotExist",
     no_account},
    {"T11", "RFC 8555 6.2",
     "a wrong signature is refused as the client's fault", signature},
    {"T12", "RFC 7518 3.4", "an ECDSA signature is R and S", signature_form},
    {"T13", "RFC 8555 6.4", "a url that is not the request's is unauthorized",
     url},
    {"T14", "RFC 8555 6.4", "url is compared as a string", url_form},
    {NULL, NULL, NULL, NULL},
};
