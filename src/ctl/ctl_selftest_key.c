/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>

#include "jose/jose_sign.h"

#include "base/banned.h"

/* RFC 8555 7.3.4, external accounts, and 7.3.5, key rollover. */

static void binding_none(ctl_test_t *t)
{
    ctl_signer_t *signer = ctl_test_signer(t, "P-256");
    const ctl_answer_t *answer;

    if (!json_is_true(ctl_test_meta(t, "externalAccountRequired"))) {
        ctl_test_skip(t, "no external account is required");
        return;
    }
    answer = ctl_test_post(t, signer, ctl_test_resource(t, "newAccount"),
                           "{\"termsOfServiceAgreed\":true}");
    ctl_test_account_note(t, signer, answer);
    ctl_test_is(t, answer, "4xx", "externalAccountRequired",
                "newAccount without an external account");
}

static void binding_refuse(ctl_test_t *t, const char *key,
                           const ctl_twist_t *twist, const char *what)
{
    ctl_signer_t *signer = ctl_test_signer(t, "P-256");
    const ctl_answer_t *answer = ctl_test_post(
        t, signer, ctl_test_resource(t, "newAccount"),
        apr_pstrcat(t->pool,
                    "{\"termsOfServiceAgreed\":true,"
                    "\"externalAccountBinding\":",
                    ctl_test_binding(t, signer, key, twist), "}", NULL));

    ctl_test_account_note(t, signer, answer);
    ctl_test_is(t, answer, "4xx", "unauthorized malformed", what);
}

static void binding_bad(ctl_test_t *t)
{
    static const ctl_twist_t right = {0}, nonce = {.nonce = "AAAA"};
    static const ctl_twist_t url = {.url = "https://selftest.invalid/"};
    static const ctl_twist_t alg = {.alg = "ES256"};

    if (!t->eab_kid) {
        ctl_test_skip(t, "no --eab-kid and --eab-key");
        return;
    }
    binding_refuse(t, "c2VsZnRlc3Qtc2VsZnRlc3Qtc2VsZnRlc3Qtc2VsZnQ", &right,
                   "a binding with a wrong MAC");
    binding_refuse(t, NULL, &nonce, "a binding with a nonce");
    binding_refuse(t, NULL, &url, "a binding for another URL");
    binding_refuse(t, NULL, &alg, "a binding whose alg is no MAC");
}

/* An inner JWS by key, of this header and payload. */
static const char *inner(ctl_test_t *t, const ctl_signer_t *key,
                         const char *more, const char *account,
                         const char *old_key)
{
    const char *header = apr_pstrcat(
        t->pool, "{\"alg\":\"ES256\",\"jwk\":", key->jwk, ",\"url\":\"",
        ctl_test_resource(t, "keyChange"), "\"", more, "}", NULL);
    const char *payload = apr_pstrcat(t->pool, "{\"account\":\"", account,
                                      "\",\"oldKey\":", old_key, "}", NULL);

    return jose_sign(key->key, header, payload, strlen(payload), t->pool);
}

/* Whatever was said: the key that is good from now on. */
static void key_adopt(ctl_test_t *t, const ctl_signer_t *key)
{
    ctl_signer_t changed = *t->other;

    changed.key = key->key;
    changed.jwk = key->jwk;
    changed.thumbprint = key->thumbprint;
    if (ctl_test_post(t, &changed, changed.kid, "")->status == 200)
        *t->other = changed;
}

static const ctl_answer_t *change(ctl_test_t *t, const ctl_signer_t *key,
                                  const char *jws)
{
    const ctl_answer_t *answer =
        ctl_test_post(t, t->other, ctl_test_resource(t, "keyChange"), jws);

    if (answer->status == 200)
        key_adopt(t, key);
    return answer;
}

static void change_refuse(ctl_test_t *t, const ctl_signer_t *key,
                          const char *jws, const char *what)
{
    ctl_test_is(t, change(t, key, jws), "4xx", "malformed unauthorized", what);
}

static int is_offered(ctl_test_t *t)
{
    if (ctl_test_resource(t, "keyChange"))
        return ctl_need_account(t) && ctl_need_other(t);
    ctl_test_skip(t, "the directory has no keyChange");
    return 0;
}

static void change_bad(ctl_test_t *t)
{
    ctl_signer_t *key = ctl_test_signer(t, "P-256");
    const char *kid;
    const ctl_answer_t *answer;

    if (!is_offered(t))
        return;
    kid = t->other->kid;
    change_refuse(t, key, "{}", "no inner JWS");
    change_refuse(t, key,
                  inner(t, key, ",\"nonce\":\"AAAA\"", kid, t->other->jwk),
                  "an inner JWS with a nonce");
    change_refuse(t, key, inner(t, key, "", t->account->kid, t->other->jwk),
                  "another account's URL");
    change_refuse(t, key, inner(t, key, "", kid, key->jwk),
                  "an oldKey that is not the old key");
    answer =
        change(t, t->account, inner(t, t->account, "", kid, t->other->jwk));
    ctl_test_is(t, answer, "409", NULL, "a new key that an account has");
    if (answer->status == 409 && !ctl_test_header(answer, "Location"))
        ctl_test_fail(t, answer, "409 without the Location of that account");
}

static void change_good(ctl_test_t *t)
{
    ctl_signer_t *key = ctl_test_signer(t, "P-256"), old;
    const ctl_answer_t *answer;

    if (!is_offered(t))
        return;
    old = *t->other;
    answer = change(t, key, inner(t, key, "", old.kid, old.jwk));
    if (!ctl_test_is(t, answer, "200", NULL, "a change of the key"))
        return;
    ctl_test_is(t, ctl_test_post(t, t->other, t->other->kid, ""), "200", NULL,
                "the new key");
    ctl_test_is(t, ctl_test_post(t, &old, old.kid, ""), "4xx", NULL,
                "the old key");
}

const ctl_rule_t ctl_rules_eab[] = {
    {"T41", "RFC 8555 7.3.4",
     "an external account that is required is asked for", binding_none},
    {"T40", "RFC 8555 7.3.4", "a binding that is wrong in any way is refused",
     binding_bad},
    {NULL, NULL, NULL, NULL},
};

const ctl_rule_t ctl_rules_keychange[] = {
    {"T42", "RFC 8555 7.3.5", "a wrong rollover is refused, 409 says whose key",
     change_bad},
    {"T42", "RFC 8555 7.3.5", "a rollover exchanges the keys", change_good},
    {NULL, NULL, NULL, NULL},
};
