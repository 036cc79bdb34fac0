/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "base/own.h"
#include "base/quote.h"
#include "base/words.h"

#include "base/banned.h"

#define TEXT_MAX 400

typedef struct {
    const char *what;
    const ctl_answer_t *answer; /* NULL: none shows it */
} failure_t;

struct ctl_result_t {
    const ctl_rule_t *rule;
    const char *skipped;          /* why; NULL: it was not */
    apr_array_header_t *failures; /* of failure_t */
    int from, to;                 /* its requests, of t->answers */
};

void ctl_test_fail(ctl_test_t *t, const ctl_answer_t *answer, const char *fmt,
                   ...)
{
    failure_t *failure;
    va_list ap;

    if (answer && (answer->status == 429 || answer->status == 503) &&
        ctl_test_header(answer, "Retry-After")) {
        ctl_test_skip(t, "the server is busy or limits us: %d, Retry-After %s",
                      answer->status, ctl_test_header(answer, "Retry-After"));
        return;
    }
    failure = apr_array_push(t->result->failures);
    va_start(ap, fmt);
    failure->what = apr_pvsprintf(t->pool, fmt, ap);
    va_end(ap);
    failure->answer = answer;
}

void ctl_test_skip(ctl_test_t *t, const char *fmt, ...)
{
    va_list ap;

    if (t->result->skipped)
        return;
    va_start(ap, fmt);
    t->result->skipped = apr_pvsprintf(t->pool, fmt, ap);
    va_end(ap);
}

/* "4xx" is any of them. */
static int is_status(int status, const char *statuses, apr_pool_t *pool)
{
    return words_text_has(statuses, apr_itoa(pool, status)) ||
           words_text_has(statuses, apr_psprintf(pool, "%dxx", status / 100));
}

int ctl_test_is(ctl_test_t *t, const ctl_answer_t *answer, const char *statuses,
                const char *problems, const char *what)
{
    if (is_status(answer->status, statuses, t->pool) &&
        (!problems ||
         (answer->problem && words_text_has(problems, answer->problem))))
        return 1;
    ctl_test_fail(t, answer, "%s: %s%s%s is right", what, statuses,
                  problems ? " " : "", problems ? problems : "");
    return 0;
}

void ctl_test_run(ctl_test_t *t, const ctl_rule_t *rule)
{
    ctl_result_t *result = apr_pcalloc(t->pool, sizeof(*result));

    result->rule = rule;
    result->failures = apr_array_make(t->pool, 2, sizeof(failure_t));
    result->from = t->answers->nelts;
    APR_ARRAY_PUSH(t->results, ctl_result_t *) = result;
    t->result = result;
    rule->run(t);
    result->to = t->answers->nelts;
}

static const char *verdict(const ctl_result_t *result)
{
    if (result->failures->nelts)
        return "FAIL";
    return result->skipped ? "skip" : "pass";
}

/* For a terminal; JSON stays readable. */
static const char *quoted(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrmemdup(pool, text, strlen(text)), *c;

    for (c = copy; *c; c++) {
        if (*c == '"')
            *c = '\'';
        else if (*c == '\n' || *c == '\r')
            *c = ' ';
    }
    return quote_make(copy, strlen(copy), TEXT_MAX, pool);
}

static const char *sent_text(const ctl_answer_t *answer, apr_pool_t *pool)
{
    return apr_pstrcat(pool, answer->method, " ", quoted(answer->url, pool),
                       answer->sent ? " " : "",
                       answer->sent ? quoted(answer->sent, pool) : "", NULL);
}

static const char *seen_text(const ctl_answer_t *answer, apr_pool_t *pool)
{
    if (!answer->status)
        return apr_pstrcat(pool, "no answer: ", quoted(answer->failure, pool),
                           NULL);
    if (answer->problem)
        return apr_psprintf(
            pool, "%d %s %s: %s", answer->status, quoted(answer->type, pool),
            quoted(answer->problem, pool), quoted(answer->detail, pool));
    return apr_psprintf(pool, "%d %s %s", answer->status,
                        quoted(answer->type, pool), quoted(answer->body, pool));
}

static json_t *exchange_json(const ctl_answer_t *answer, apr_pool_t *pool)
{
    return json_pack("{s:s,s:s}", "sent", sent_text(answer, pool), "seen",
                     seen_text(answer, pool));
}

static json_t *result_json(const ctl_test_t *t, const ctl_result_t *result)
{
    json_t *json = json_object(), *failures = json_array();
    json_t *requests = json_array(), *one;
    int i;

    json_object_set_new(json, "rule", json_string(result->rule->ids));
    json_object_set_new(json, "section", json_string(result->rule->section));
    json_object_set_new(json, "sentence", json_string(result->rule->sentence));
    json_object_set_new(json, "verdict", json_string(verdict(result)));
    json_object_set_new(json, "reason", ctl_print_text(result->skipped));
    for (i = 0; i < result->failures->nelts; i++) {
        const failure_t *failure =
            &APR_ARRAY_IDX(result->failures, i, failure_t);

        one = failure->answer ? exchange_json(failure->answer, t->pool)
                              : json_object();
        json_object_set_new(one, "what", json_string(failure->what));
        json_array_append_new(failures, one);
    }
    for (i = result->from; i < result->to; i++)
        json_array_append_new(
            requests,
            exchange_json(APR_ARRAY_IDX(t->answers, i, ctl_answer_t *),
                          t->pool));
    json_object_set_new(json, "failures", failures);
    json_object_set_new(json, "requests", requests);
    return json;
}

static void exchange_print(const ctl_answer_t *answer, apr_pool_t *pool)
{
    printf("        sent  %s\n        seen  %s\n", sent_text(answer, pool),
           seen_text(answer, pool));
}

static void result_print(const ctl_test_t *t, const ctl_result_t *result,
                         int is_verbose)
{
    const ctl_rule_t *rule = result->rule;
    int i;

    printf("%s  %-11s %-16s %s\n", verdict(result), rule->ids, rule->section,
           rule->sentence);
    if (result->skipped)
        printf("      %s\n", quoted(result->skipped, t->pool));
    for (i = 0; i < result->failures->nelts; i++) {
        const failure_t *failure =
            &APR_ARRAY_IDX(result->failures, i, failure_t);

        printf("      %s\n", quoted(failure->what, t->pool));
        if (failure->answer)
            exchange_print(failure->answer, t->pool);
    }
    for (i = result->from; is_verbose && i < result->to; i++)
        exchange_print(APR_ARRAY_IDX(t->answers, i, ctl_answer_t *), t->pool);
}

static int count(const ctl_test_t *t, const char *word)
{
    int i, n = 0;

    for (i = 0; i < t->results->nelts; i++)
        n += !strcmp(verdict(APR_ARRAY_IDX(t->results, i, ctl_result_t *)),
                     word);
    return n;
}

static int left_open(const ctl_test_t *t)
{
    int i, n = 0;

    for (i = 0; i < t->accounts->nelts; i++)
        n += !APR_ARRAY_IDX(t->accounts, i, ctl_signer_t *)->is_gone;
    return n;
}

static void report_json(const ctl_test_t *t)
{
    json_t *rules = json_array(), *json;
    int i;

    for (i = 0; i < t->results->nelts; i++)
        json_array_append_new(
            rules,
            result_json(t, APR_ARRAY_IDX(t->results, i, ctl_result_t *)));
    json = own_json(t->pool,
                    json_pack("{s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:o}", "directory",
                              t->url, "passed", count(t, "pass"), "failed",
                              count(t, "FAIL"), "skipped", count(t, "skip"),
                              "requests", t->answers->nelts, "accounts",
                              t->accounts->nelts, "accountsLeft", left_open(t),
                              "rules", rules));
    ctl_print_object(t->ctl, json);
}

/* The answer without which most rules had nothing to look at; NULL: none, or
 * only because nobody gave us an external account key. */
static const ctl_answer_t *hindrance(const ctl_test_t *t)
{
    const ctl_answer_t *made = t->registered;

    if (made && !t->account &&
        (t->eab_kid || !made->problem ||
         strcmp(made->problem, "externalAccountRequired") != 0))
        return made;
    made = t->order;
    return made && (made->status == 0 || made->status == 429 ||
                    made->status >= 500)
               ? made
               : NULL;
}

/* A monitor must not take a server that does nothing for a good one. */
static ctl_exit_e judge(const ctl_test_t *t)
{
    const ctl_answer_t *answer = hindrance(t);

    if (count(t, "FAIL"))
        return CTL_FINDINGS;
    if (!answer)
        return CTL_OK;
    ctl_print_error("%s was answered with %d, so most rules could not be "
                    "looked at",
                    answer->url, answer->status);
    return CTL_FAILED;
}

ctl_exit_e ctl_test_report(ctl_test_t *t, int is_verbose)
{
    int i;

    if (t->ctl->is_json)
        report_json(t);
    else {
        for (i = 0; i < t->results->nelts; i++)
            result_print(t, APR_ARRAY_IDX(t->results, i, ctl_result_t *),
                         is_verbose);
        printf("%d passed, %d failed, %d skipped; %d requests, %d accounts "
               "made, %d of them deactivated\n",
               count(t, "pass"), count(t, "FAIL"), count(t, "skip"),
               t->answers->nelts, t->accounts->nelts,
               t->accounts->nelts - left_open(t));
    }
    return judge(t);
}
