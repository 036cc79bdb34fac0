/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "base/clock.h"

#include "base/banned.h"

/* Accounts and orders; ctl_selftest_issue.c has what comes behind them. */

const char *ctl_test_account_payload(ctl_test_t *t, const ctl_signer_t *signer,
                                     const char *more)
{
    static const ctl_twist_t right = {0};
    const char *binding =
        t->eab_kid
            ? apr_pstrcat(t->pool, ",\"externalAccountBinding\":",
                          ctl_test_binding(t, signer, NULL, &right), NULL)
            : "";

    return apr_pstrcat(t->pool, "{\"termsOfServiceAgreed\":true", binding, more,
                       "}", NULL);
}

void ctl_test_account_note(ctl_test_t *t, ctl_signer_t *signer,
                           const ctl_answer_t *answer)
{
    if (answer->status != 201 && answer->status != 200)
        return;
    signer->kid = ctl_test_header(answer, "Location");
    if (signer->kid && strncmp(signer->kid, "http", 4))
        signer->kid = NULL; /* no account URL */
    if (signer->kid)
        APR_ARRAY_PUSH(t->accounts, ctl_signer_t *) = signer;
}

/* A new account, NULL: none.  more: further members. */
static ctl_signer_t *account_make(const ctl_answer_t **answer, ctl_test_t *t,
                                  const char *more)
{
    ctl_signer_t *signer = ctl_test_signer(t, "P-256");

    *answer = ctl_test_post(t, signer, ctl_test_resource(t, "newAccount"),
                            ctl_test_account_payload(t, signer, more));
    ctl_test_account_note(t, signer, *answer);
    return signer->kid ? signer : NULL;
}

int ctl_need_account(ctl_test_t *t)
{
    if (!t->account && !t->registered)
        t->account = account_make(&t->registered, t, "");
    if (t->account)
        return 1;
    ctl_test_skip(t, "no account could be made: %d %s %s",
                  t->registered->status,
                  t->registered->problem ? t->registered->problem : "",
                  t->registered->detail);
    return 0;
}

/* With members that no server knows, or heeds (T35). */
int ctl_need_other(ctl_test_t *t)
{
    if (!t->other && !t->other_registered)
        t->other = account_make(&t->other_registered, t,
                                ",\"selftest\":{\"a\":[1]},\"status\":"
                                "\"revoked\",\"orders\":"
                                "\"https://selftest.invalid/\"");
    if (t->other && !t->other->is_gone)
        return 1;
    ctl_test_skip(t, "no second account could be made: %d %s %s",
                  t->other_registered->status,
                  t->other_registered->problem ? t->other_registered->problem
                                               : "",
                  t->other_registered->detail);
    return 0;
}

const ctl_answer_t *ctl_test_order_of(ctl_test_t *t, const char *members)
{
    return ctl_test_post(t, t->account, ctl_test_resource(t, "newOrder"),
                         apr_pstrcat(t->pool, "{", members, "}", NULL));
}

const ctl_answer_t *ctl_test_order(ctl_test_t *t, const char *more)
{
    return ctl_test_order_of(
        t,
        apr_pstrcat(t->pool, "\"identifiers\":[{\"type\":\"dns\",\"value\":\"",
                    t->name, "\"}]", more, NULL));
}

const char *ctl_test_authz_url(const ctl_answer_t *order, int i)
{
    return json_string_value(json_array_get(
        json_object_get(order->json, "authorizations"), (size_t)i));
}

json_t *ctl_test_challenge(const ctl_answer_t *authz, const char *type)
{
    json_t *list = json_object_get(authz->json, "challenges"), *one;
    const char *text;
    size_t i;

    json_array_foreach(list, i, one)
    {
        text = json_string_value(json_object_get(one, "type"));
        if (!type || (text && !strcmp(text, type)))
            return one;
    }
    return NULL;
}

static int order_skip(ctl_test_t *t, const ctl_answer_t *order)
{
    if (order->status == 201 && ctl_test_header(order, "Location"))
        return 0;
    ctl_test_skip(t, "no order for %s: %d %s %s%s", t->name, order->status,
                  order->problem ? order->problem : "", order->detail,
                  ctl_option(t->ctl, "name") ? ""
                                             : "; name another with --name");
    return 1;
}

int ctl_need_order(ctl_test_t *t)
{
    const char *url;

    if (!ctl_need_account(t))
        return 0;
    if (!t->order)
        t->order = ctl_test_order(t, "");
    if (order_skip(t, t->order))
        return 0;
    url = ctl_test_authz_url(t->order, 0);
    if (!t->authz && url)
        t->authz = ctl_test_post(t, t->account, url, "");
    if (t->authz)
        return 1;
    ctl_test_skip(t, "the order has no authorizations");
    return 0;
}

/* What nobody looks at any more is left as we would want to find it. */
static void certificates_revoke(ctl_test_t *t)
{
    const char *url = ctl_test_resource(t, "revokeCert"), *payload;
    int i;

    for (i = t->is_revoked; url && i < t->issued->nelts; i++) {
        payload = ctl_test_revocation(t, APR_ARRAY_IDX(t->issued, i, X509 *),
                                      ",\"reason\":5");
        if (payload)
            ctl_test_post(t, t->account, url, payload);
    }
}

void ctl_test_tidy(ctl_test_t *t)
{
    int i;

    certificates_revoke(t);
    for (i = 0; i < t->accounts->nelts; i++) {
        ctl_signer_t *signer = APR_ARRAY_IDX(t->accounts, i, ctl_signer_t *);

        if (!signer->is_gone)
            signer->is_gone = ctl_test_post(t, signer, signer->kid,
                                            "{\"status\":\"deactivated\"}")
                                  ->status == 200;
        if (!signer->is_gone)
            ctl_print_error("%s: this account could not be deactivated",
                            signer->kid);
    }
    if (t->proof)
        ctl_proof_end(t->proof);
}
