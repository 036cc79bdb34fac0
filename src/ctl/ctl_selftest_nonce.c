/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

/* RFC 8555 6.5, 7.2. */

static const ctl_answer_t *ask(ctl_test_t *t, const char *nonce)
{
    const ctl_twist_t twist = {.nonce = nonce};

    return ctl_test_twisted(t, t->account, t->account->kid, "", &twist);
}

static const char *fresh(ctl_test_t *t)
{
    t->nonce = NULL;
    return ctl_test_nonce(t);
}

/* The first answer of these that is refused for a nonce that was used. */
static const ctl_answer_t *used_ask(ctl_test_t *t)
{
    const char *nonce = fresh(t);
    const ctl_answer_t *answer = ask(t, nonce);
    int tries;

    /* A server may refuse good nonces, too, as Pebble does on purpose. */
    for (tries = 0; tries < 5 && answer->status == 400; tries++) {
        nonce = fresh(t);
        answer = ask(t, nonce);
    }
    ctl_test_is(t, answer, "200", NULL, "a fresh nonce");
    return ask(t, nonce);
}

static void bad_nonce(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!ctl_need_account(t))
        return;
    answer = used_ask(t);
    ctl_test_is(t, answer, "400", "badNonce", "a nonce for the second time");
    if (!ctl_test_header(answer, "Replay-Nonce"))
        ctl_test_fail(t, answer, "badNonce without a fresh Replay-Nonce");
    answer = ask(t, "");
    ctl_test_is(t, answer, "400", "badNonce malformed", "no nonce");
    answer = ask(t, "c2VsZnRlc3Qtc2VsZnRlc3Q");
    ctl_test_is(t, answer, "400", "badNonce", "a nonce that nobody gave");
    if (!ctl_test_header(answer, "Replay-Nonce"))
        ctl_test_fail(t, answer, "badNonce without a fresh Replay-Nonce");
}

static void bad_nonce_text(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!ctl_need_account(t))
        return;
    answer = used_ask(t);
    if (answer->problem && !strstr(answer->detail, "invalid anti-replay nonce"))
        ctl_test_fail(t, answer,
                      "the detail has not \"JWS has an invalid anti-replay "
                      "nonce\", by which acme.sh knows to try again");
}

static void no_nonce(ctl_test_t *t)
{
    if (!ctl_need_account(t))
        return;
    ctl_test_is(t, ask(t, "not!base64"), "400", "malformed",
                "a nonce that is no base64url");
}

/* A request that fails for its payload has spent its nonce. */
static void spent(ctl_test_t *t)
{
    ctl_twist_t twist = {0};
    const ctl_answer_t *answer;

    if (!ctl_need_account(t))
        return;
    twist.nonce = fresh(t);
    answer = ctl_test_twisted(t, t->account, ctl_test_resource(t, "newOrder"),
                              "[", &twist);
    ctl_test_is(t, answer, "4xx", "malformed badNonce",
                "a payload that is no JSON");
    ctl_test_is(t, ask(t, twist.nonce), "400", "badNonce",
                "the nonce of a request that failed");
}

static void long_lived(ctl_test_t *t)
{
    const char *nonce = t->first_nonce;

    if (!ctl_need_account(t))
        return;
    t->first_nonce = NULL;
    if (!nonce)
        nonce = fresh(t);
    fresh(t);
    ctl_test_post(t, t->account, t->account->kid, "");
    ctl_test_is(t, ask(t, nonce), "200", NULL,
                "the first nonce, after many others");
}

static void nonce_headers(ctl_test_t *t, const ctl_answer_t *answer)
{
    const char *control = ctl_test_header(answer, "Cache-Control");

    if (!ctl_test_header(answer, "Replay-Nonce"))
        ctl_test_fail(t, answer, "newNonce without Replay-Nonce");
    if (!control || !strstr(control, "no-store"))
        ctl_test_fail(t, answer, "no \"Cache-Control: no-store\"");
}

static void new_nonce(ctl_test_t *t)
{
    const char *url = ctl_test_resource(t, "newNonce");
    const ctl_answer_t *answer =
        ctl_test_send(t, "HEAD", url, NULL, NULL, NULL);

    ctl_test_is(t, answer, "200", NULL, "HEAD newNonce");
    nonce_headers(t, answer);
    answer = ctl_test_get(t, url);
    ctl_test_is(t, answer, "204", NULL, "GET newNonce");
    nonce_headers(t, answer);
}

const ctl_rule_t ctl_rules_nonce[] = {
    {"T19", "RFC 8555 6.5", "a nonce is good once; badNonce brings a fresh one",
     bad_nonce},
    {"R4", "RFC 8555 6.5", "badNonce is said in words that acme.sh knows",
     bad_nonce_text},
    {"T20", "RFC 8555 6.5.2", "a nonce that is no base64url is malformed",
     no_nonce},
    {"T21", "RFC 8555 6.5", "a request that fails spends its nonce", spent},
    {"T24 R1", "RFC 8555 7.2", "newNonce: HEAD 200, GET 204, never stored",
     new_nonce},
    {NULL, NULL, NULL, NULL},
};

/* What is behind all others. */
const ctl_rule_t ctl_rules_late[] = {
    {"R5", "RFC 8555 6.5", "a nonce stays good while others are used",
     long_lived},
    {NULL, NULL, NULL, NULL},
};
