/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/b64url.h"
#include "base/problem.h"
#include "base/words.h"

#include "base/banned.h"

/* So many answers are enough to judge by. */
#define SOME 50

/* RFC 8555 6.1, 6.3, 6.5 to 6.7, 7.2: requests, nonces and problems. */

static void methods(ctl_test_t *t)
{
    const char *urls[4] = {NULL};
    const ctl_answer_t *answer;
    const char *allow;
    int i;

    if (!ctl_need_account(t))
        return;
    urls[0] = ctl_test_resource(t, "newAccount");
    urls[1] = ctl_test_resource(t, "newOrder");
    urls[2] = t->account->kid;
    for (i = 0; urls[i]; i++) {
        answer = ctl_test_get(t, urls[i]);
        allow = ctl_test_header(answer, "Allow");
        if (ctl_test_is(t, answer, "405", "malformed", "GET") &&
            (!allow || !strstr(allow, "POST")))
            ctl_test_fail(t, answer, "no \"Allow: POST\" with 405");
    }
}

static void post_as_get(ctl_test_t *t)
{
    if (!ctl_need_account(t))
        return;
    ctl_test_is(t, ctl_test_post(t, t->account, t->url, ""), "200", NULL,
                "POST-as-GET of the directory");
    ctl_test_is(
        t, ctl_test_post(t, t->account, ctl_test_resource(t, "newNonce"), ""),
        "200 204", NULL, "POST-as-GET of newNonce");
}

static void payloads(ctl_test_t *t)
{
    const char *url;

    if (!ctl_need_order(t))
        return;
    url = ctl_test_header(t->order, "Location");
    ctl_test_is(t, ctl_test_post(t, t->account, url, ""), "200", NULL,
                "POST-as-GET of an order");
    ctl_test_is(t, ctl_test_post(t, t->account, url, "{}"), "4xx", "malformed",
                "\"{}\" to an order");
    ctl_test_is(t, ctl_test_post(t, t->account, url, "{\"a\":\"b\"}"), "4xx",
                "malformed", "a payload to an order");
}

static void cors(ctl_test_t *t)
{
    static const char *const exposed[] = {"Location", "Link", "Replay-Nonce",
                                          NULL};
    const ctl_answer_t *answer = ctl_test_get(t, t->url);
    const char *origin = ctl_test_header(answer, "Access-Control-Allow-Origin");
    const char *expose =
        ctl_test_header(answer, "Access-Control-Expose-Headers");
    int i;

    if (!origin)
        ctl_test_fail(t, answer, "no Access-Control-Allow-Origin");
    for (i = 0; exposed[i]; i++)
        if (!expose || !strcasestr(expose, exposed[i]))
            ctl_test_fail(t, answer, "Access-Control-Expose-Headers without %s",
                          exposed[i]);
}

/* Refusals of each kind, so that there is something to be judged where a rule
 * runs alone. */
static void some_make(ctl_test_t *t)
{
    static const ctl_twist_t type = {.type = "text/plain"};
    static const ctl_twist_t nonce = {.nonce = "AAAA"};
    static const ctl_twist_t alg = {.alg = "XS256"};
    const char *orders = ctl_test_resource(t, "newOrder");

    if (t->answers->nelts > SOME || !ctl_need_account(t))
        return;
    ctl_test_twisted(t, t->account, t->account->kid, "", &type);
    ctl_test_twisted(t, t->account, t->account->kid, "", &nonce);
    ctl_test_twisted(t, t->account, t->account->kid, "", &alg);
    ctl_test_get(t, orders);
    ctl_test_post(t, t->account, orders, "{\"identifiers\":[]}");
    ctl_test_post(t, t->account,
                  apr_pstrcat(t->pool, t->account->kid, "AAA", NULL), "");
}

/* Judges every answer that came; once is enough of a kind of fault. */
static void each(ctl_test_t *t,
                 const char *(*fault)(ctl_test_t *t, const ctl_answer_t *))
{
    const char *what;
    int i, n = 0;

    some_make(t);
    for (i = 0; i < t->answers->nelts && n < 3; i++) {
        const ctl_answer_t *answer =
            APR_ARRAY_IDX(t->answers, i, ctl_answer_t *);

        what = answer->status && !answer->is_apart ? fault(t, answer) : NULL;
        if (!what)
            continue;
        ctl_test_fail(t, answer, "%s", what);
        n++;
    }
}

static const char *nonce_fault(ctl_test_t *t, const ctl_answer_t *answer)
{
    if (strcmp(answer->method, "POST") ||
        ctl_test_header(answer, "Replay-Nonce"))
        return NULL;
    return "an answer to a POST without Replay-Nonce";
}

static void nonces(ctl_test_t *t)
{
    each(t, nonce_fault);
}

static const char *nonce_form_fault(ctl_test_t *t, const ctl_answer_t *answer)
{
    const char *nonce = ctl_test_header(answer, "Replay-Nonce");
    const unsigned char *data;
    apr_size_t len;

    if (!nonce)
        return NULL;
    if (ctl_test_headers(answer, "Replay-Nonce") > 1)
        return "more than one Replay-Nonce";
    return b64url_decode(&data, &len, nonce, strlen(nonce), t->pool) ==
                   APR_SUCCESS
               ? NULL
               : apr_psprintf(t->pool, "the nonce %s is no canonical base64url",
                              nonce);
}

static void nonce_form(ctl_test_t *t)
{
    ctl_test_nonce(t);
    each(t, nonce_form_fault);
}

static const char *index_fault(ctl_test_t *t, const ctl_answer_t *answer)
{
    apr_array_header_t *links = ctl_test_links(answer, "index", t->pool);

    if (strcmp(answer->url, t->url) == 0 ||
        json_object_get(answer->json, "suggestedWindow"))
        return NULL;
    if (links->nelts == 1 &&
        !strcmp(APR_ARRAY_IDX(links, 0, const char *), t->url))
        return NULL;
    return "no Link to the directory with rel=\"index\"";
}

static void index_links(ctl_test_t *t)
{
    each(t, index_fault);
}

/* IANA's list, and what drafts that are served have added. */
static int is_known(const char *problem)
{
    static const char *const more[] = {"alreadyReplaced",
                                       "autoRenewalCanceled",
                                       "autoRenewalExpired",
                                       "autoRenewalCancellationInvalid",
                                       "autoRenewalRevocationNotSupported",
                                       "unknownDelegation",
                                       "onionCAARequired",
                                       NULL};
    int i;

    for (i = 0; i < PROBLEM_TYPE_COUNT; i++)
        if (!strcmp(problem_name((problem_type_e)i), problem))
            return 1;
    for (i = 0; more[i]; i++)
        if (!strcmp(more[i], problem))
            return 1;
    return 0;
}

static const char *problem_fault(ctl_test_t *t, const ctl_answer_t *answer)
{
    if (answer->status < 400)
        return NULL;
    if (strcmp(answer->type, "application/problem+json") &&
        strcmp(answer->method, "HEAD"))
        return "an error that is no application/problem+json";
    if (!strcmp(answer->method, "HEAD"))
        return NULL;
    if (!answer->problem || !is_known(answer->problem))
        return "an error type that IANA does not list";
    if (json_integer_value(json_object_get(answer->json, "status")) !=
        answer->status)
        return "an error whose document has not its status";
    return *answer->detail ? NULL : "an error without detail";
}

static void problems(ctl_test_t *t)
{
    each(t, problem_fault);
}

static const char *sub_fault(ctl_test_t *t, const ctl_answer_t *answer)
{
    if (answer->status >= 400 && json_object_get(answer->json, "identifier"))
        return "an identifier outside of subproblems";
    return NULL;
}

static void subproblems(ctl_test_t *t)
{
    json_t *subs, *sub;
    const ctl_answer_t *answer;
    size_t i;

    if (!ctl_need_account(t))
        return;
    answer = ctl_test_order_of(
        t, "\"identifiers\":[{\"type\":\"dns\",\"value\":\"a..invalid\"},"
           "{\"type\":\"selftest\",\"value\":\"x\"}]");
    ctl_test_is(t, answer, "4xx", NULL, "two bad identifiers");
    subs = json_object_get(answer->json, "subproblems");
    json_array_foreach(subs, i, sub)
    {
        if (!json_is_string(json_object_get(sub, "type")))
            ctl_test_fail(t, answer, "a subproblem without type");
    }
    each(t, sub_fault);
}

static const char *limit_fault(ctl_test_t *t, const ctl_answer_t *answer)
{
    const char *after = ctl_test_header(answer, "Retry-After");

    if (answer->status != 429 &&
        (!answer->problem || strcmp(answer->problem, "rateLimited")))
        return NULL;
    if (answer->status != 429)
        return "a rate limit is status 429";
    if (!answer->problem || strcmp(answer->problem, "rateLimited"))
        return "429 is rateLimited";
    return after ? NULL : "a rate limit without Retry-After";
}

static void limits(ctl_test_t *t)
{
    int i, n = 0;

    some_make(t);
    for (i = 0; i < t->answers->nelts; i++) {
        const ctl_answer_t *a = APR_ARRAY_IDX(t->answers, i, ctl_answer_t *);

        n += a->status == 429 ||
             (a->problem && !strcmp(a->problem, "rateLimited"));
    }
    if (!n)
        ctl_test_skip(t, "no rate limit was met, and none is looked for");
    each(t, limit_fault);
}

/* Of orders and challenges that are final there is nothing to wait for. */
static const char *retry_fault(ctl_test_t *t, const ctl_answer_t *answer)
{
    const char *after = ctl_test_header(answer, "Retry-After");
    const char *status = ctl_test_text(answer, "status");

    if (!after || json_object_get(answer->json, "suggestedWindow"))
        return NULL;
    if (!*after || after[strspn(after, "0123456789")])
        return "Retry-After that is no whole number of seconds";
    if (strlen(after) > 4 || strtol(after, NULL, 10) > 600)
        return "Retry-After of more than 600 seconds";
    return words_text_has("valid invalid deactivated revoked", status)
               ? "Retry-After where nothing changes any more"
               : NULL;
}

static void retry_after(ctl_test_t *t)
{
    each(t, retry_fault);
}

static const char *conflict_fault(ctl_test_t *t, const ctl_answer_t *answer)
{
    const char *change = ctl_test_resource(t, "keyChange");

    if (answer->status != 409 || (change && !strcmp(answer->url, change)) ||
        (answer->problem && !strcmp(answer->problem, "alreadyReplaced")))
        return NULL;
    return "409 where no key and no replacement is in conflict";
}

static void conflicts(ctl_test_t *t)
{
    each(t, conflict_fault);
}

const ctl_rule_t ctl_rules_transport[] = {
    {"T15", "RFC 8555 6.3", "GET of what needs POST is 405 with Allow",
     methods},
    {"T16", "RFC 8555 6.3", "directory and newNonce take POST-as-GET, too",
     post_as_get},
    {"T17", "RFC 8555 6.3", "POST-as-GET has an empty payload", payloads},
    {"T26", "RFC 8555 6.1", "scripts of any origin may read the answers", cors},
    {"T28", "RFC 8555 6.7.1", "identifiers of errors are in subproblems",
     subproblems},
    {NULL, NULL, NULL, NULL},
};

/* Looks at all answers of all rules, so it is the last but one. */
const ctl_rule_t ctl_rules_all[] = {
    {"T18 R2", "RFC 8555 6.5", "every answer to a POST has a Replay-Nonce",
     nonces},
    {"R3", "RFC 8555 6.5.1", "nonces are canonical base64url, one at a time",
     nonce_form},
    {"T25", "RFC 8555 6.6", "a rate limit is 429 rateLimited with Retry-After",
     limits},
    {"T27 R6", "RFC 8555 6.7", "errors are problem documents of IANA's types",
     problems},
    {"T30 R11", "RFC 8555 7.1", "every answer has a Link to the directory",
     index_links},
    {"R19", "RFC 8555 7.5.1",
     "Retry-After: whole seconds, 600 at most, until final", retry_after},
    {"R21", "RFC 8555 7.3.5", "409 for conflicts of keys and replacements only",
     conflicts},
    {NULL, NULL, NULL, NULL},
};
