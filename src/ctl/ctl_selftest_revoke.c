/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/b64url.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/pjson.h"
#include "jose/jose_jwk.h"

#include "base/banned.h"

/* RFC 8555 7.6, revocation, and RFC 9773, renewal information. */

static X509 *leaf(const ctl_test_t *t)
{
    return APR_ARRAY_IDX(t->chain, 0, X509 *);
}

static const ctl_answer_t *revocation(ctl_test_t *t, const ctl_signer_t *signer,
                                      X509 *cert, const char *more)
{
    const char *payload = ctl_test_revocation(t, cert, more);

    return ctl_test_post(t, signer, ctl_test_resource(t, "revokeCert"),
                         payload ? payload : "{}");
}

static int is_offered(ctl_test_t *t)
{
    if (!ctl_test_resource(t, "revokeCert")) {
        ctl_test_skip(t, "the directory has no revokeCert");
        return 0;
    }
    if (!ctl_need_cert(t))
        return 0;
    if (!t->is_revoked)
        return 1;
    ctl_test_skip(t, "the certificate is revoked already");
    return 0;
}

static void reasons(ctl_test_t *t)
{
    static const char *const bad[] = {"7", "11", "-1", NULL};
    const ctl_answer_t *answer;
    int i;

    if (!is_offered(t))
        return;
    for (i = 0; bad[i] && !t->is_revoked; i++) {
        answer = revocation(t, t->account, leaf(t),
                            apr_pstrcat(t->pool, ",\"reason\":", bad[i], NULL));
        t->is_revoked = answer->status == 200;
        ctl_test_is(t, answer, "400", "badRevocationReason malformed",
                    apr_pstrcat(t->pool, "reason ", bad[i], NULL));
    }
}

static void strangers(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!is_offered(t) || !ctl_need_other(t))
        return;
    answer = revocation(t, t->other, leaf(t), "");
    t->is_revoked = answer->status == 200;
    ctl_test_is(t, answer, "401 403 404", "unauthorized malformed",
                "revocation by an account without authorizations");
    if (t->is_revoked)
        return;
    answer = revocation(t, ctl_test_signer(t, "P-256"), leaf(t), "");
    t->is_revoked = answer->status == 200;
    ctl_test_is(t, answer, "4xx", "unauthorized malformed",
                "revocation by a key that is not the certificate's");
}

/* The leaf with another key's signature: the same serial and issuer. */
static void forged(ctl_test_t *t)
{
    X509 *copy;
    const ctl_answer_t *answer;

    if (!is_offered(t))
        return;
    ctl_test_is(t,
                ctl_test_post(t, t->account, ctl_test_resource(t, "revokeCert"),
                              "{\"certificate\":\"AAAA\"}"),
                "4xx", NULL, "a certificate that is none");
    copy = own_x509(t->pool, X509_dup(leaf(t)));
    if (!copy ||
        X509_sign(copy, ctl_test_signer(t, "P-256")->key, EVP_sha256()) <= 0)
        return;
    answer = revocation(t, t->account, copy, "");
    t->is_revoked = answer->status == 200;
    ctl_test_is(t, answer, "4xx", NULL,
                "a certificate of ours with a forged signature");
}

static void revoked(ctl_test_t *t)
{
    ctl_signer_t own = {0};
    const ctl_answer_t *answer;
    jose_jwk_t *jwk;

    if (!is_offered(t))
        return;
    answer = revocation(t, t->account, leaf(t), "");
    if (!ctl_test_is(t, answer, "200", NULL, "revocation"))
        return;
    t->is_revoked = 1;
    ctl_test_is(t, revocation(t, t->account, leaf(t), ""), "400",
                "alreadyRevoked", "revocation once more");
    /* Its own key is as good, and is told the same. */
    jwk = jose_jwk_from_pkey(t->cert_key, t->pool);
    own.key = t->cert_key;
    own.jwk = jwk ? jwk->canonical : "{}";
    ctl_test_is(t, revocation(t, &own, leaf(t), ",\"reason\":1"), "400",
                "alreadyRevoked", "revocation once more, by its own key");
}

/* RFC 9773 4.1; NULL: it has no AKI. */
static const char *renewal_id(ctl_test_t *t)
{
    const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(leaf(t));
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf(t));
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(serial, &der);
    const char *text;

    if (!aki || len < 3)
        return NULL;
    /* What follows tag and length, which is one octet (RFC 5280 4.1.2.2). */
    text = b64url_encode(der + 2, (apr_size_t)len - 2, t->pool);
    OPENSSL_free(der);
    return apr_pstrcat(t->pool,
                       b64url_encode(ASN1_STRING_get0_data(aki),
                                     (apr_size_t)ASN1_STRING_length(aki),
                                     t->pool),
                       ".", text, NULL);
}

static const ctl_answer_t *renewal_get(ctl_test_t *t, const char *id)
{
    return ctl_test_get(t, apr_pstrcat(t->pool,
                                       ctl_test_resource(t, "renewalInfo"), "/",
                                       id, NULL));
}

static int is_renewal_offered(ctl_test_t *t)
{
    if (ctl_test_resource(t, "renewalInfo"))
        return 1;
    ctl_test_skip(t, "the directory has no renewalInfo");
    return 0;
}

static void renewal_bad(ctl_test_t *t)
{
    if (!is_renewal_offered(t))
        return;
    ctl_test_is(t, renewal_get(t, "AAAAAAAAAAAAAAAAAAAAAAAAAAA.AQAB"), "4xx",
                NULL, "renewalInfo of an unknown certificate");
    ctl_test_is(t, renewal_get(t, "selftest"), "4xx", NULL,
                "renewalInfo of what is no id");
}

static void renewal(ctl_test_t *t)
{
    const ctl_answer_t *answer;
    json_t *window;
    const char *start, *end, *id;
    apr_int64_t from = 0, to = 0;

    if (!is_renewal_offered(t) || !ctl_need_cert(t))
        return;
    id = renewal_id(t);
    if (!id) {
        ctl_test_fail(t, t->cert, "the certificate has no authority key id");
        return;
    }
    answer = renewal_get(t, id);
    if (!ctl_test_is(t, answer, "200", NULL, "renewalInfo"))
        return;
    window = json_object_get(answer->json, "suggestedWindow");
    start = json_string_value(json_object_get(window, "start"));
    end = json_string_value(json_object_get(window, "end"));
    if (!start || !end || clock_rfc3339_parse(&from, start) != APR_SUCCESS ||
        clock_rfc3339_parse(&to, end) != APR_SUCCESS || to <= from)
        ctl_test_fail(t, answer,
                      "no suggestedWindow that ends after its "
                      "start");
    if (!ctl_test_header(answer, "Retry-After"))
        ctl_test_fail(t, answer, "renewalInfo without Retry-After");
}

static void replaced(ctl_test_t *t)
{
    const ctl_answer_t *answer;
    const char *id, *more;

    if (!is_renewal_offered(t) || !ctl_need_cert(t))
        return;
    id = renewal_id(t);
    if (!id) {
        ctl_test_skip(t, "the certificate has no authority key id");
        return;
    }
    more = apr_pstrcat(t->pool, ",\"replaces\":\"", id, "\"", NULL);
    answer = ctl_test_order(t, more);
    if (!ctl_test_is(t, answer, "201", NULL, "newOrder with replaces"))
        return;
    if (strcmp(ctl_test_text(answer, "replaces"), id))
        ctl_test_fail(t, answer, "the order does not show what it replaces");
    if (ctl_test_issue(t, answer))
        ctl_test_is(t, ctl_test_order(t, more), "409", "alreadyReplaced",
                    "newOrder that replaces what is replaced");
    ctl_test_is(t, ctl_test_order(t, ",\"replaces\":\"selftest\""), "4xx", NULL,
                "newOrder that replaces what is no id");
}

const ctl_rule_t ctl_rules_renewal[] = {
    {"T86 R34", "RFC 9773 4.1", "renewalInfo of what is not there is refused",
     renewal_bad},
    {"T86", "RFC 9773 4.2", "renewalInfo: a window, and when to ask again",
     renewal},
    {"T86", "RFC 9773 5", "replaces is shown, and taken once", replaced},
    {NULL, NULL, NULL, NULL},
};

const ctl_rule_t ctl_rules_revoke[] = {
    {"T75", "RFC 8555 7.6", "reasons that are none are badRevocationReason",
     reasons},
    {"T73", "RFC 8555 7.6", "strangers revoke nothing", strangers},
    {"T76", "RFC 8555 7.6", "a certificate is known by all of it", forged},
    {"T74", "RFC 8555 7.6", "revocation: 200, then alreadyRevoked", revoked},
    {NULL, NULL, NULL, NULL},
};
