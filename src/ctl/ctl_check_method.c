/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <string.h>

#include <apr_strings.h>

#include "dcv/dcv_loop.h"
#include "policy/policy_challenge.h"

#include "base/banned.h"

typedef struct {
    ctl_check_t *check;
    dcv_loop_t *loop;
    int pending;
} try_t;

/* Whose result it is. */
typedef struct {
    try_t *all;
    const dcv_result_t **place;
} baton_t;

static void done(void *data, dcv_job_t *job, dcv_result_t *result)
{
    baton_t *baton = data;

    *baton->place = result;
    if (--baton->all->pending == 0)
        dcv_loop_stop(baton->all->loop);
}

static apr_status_t submit(try_t *all, dcv_job_t *job,
                           const dcv_result_t **place)
{
    baton_t *baton = apr_palloc(job->pool, sizeof(*baton));
    apr_status_t rv;

    baton->all = all;
    baton->place = place;
    rv = dcv_loop_submit(all->loop, all->check->ctl->conf->dcv, job, done,
                         baton);
    if (rv == APR_SUCCESS)
        all->pending++;
    return rv;
}

/* A file that is not there, or another one in its place, is what a web server
 * has before a client has begun. */
static int status_is_fine(int status)
{
    return status == 200 || status == 404 || status == 410;
}

/* What is found by DNS, but proves nothing. */
static const char *records_words(const ctl_tried_t *tried)
{
    if (strcmp(tried->type, POLICY_CHALLENGE_PERSIST))
        return tried->survey->is_found
                   ? "name servers answer: there are TXT records of others; a "
                     "client's would be looked for beside them"
                   : "name servers answer: there is no TXT record yet, which "
                     "is normal before an order; a client's would be looked "
                     "for here";
    return tried->survey->is_found
               ? "name servers answer, but no TXT record there allows this "
                 "account to have it"
               : "name servers answer, but there is no TXT record; it must be "
                 "there before an order";
}

static const char *reached_words(const ctl_tried_t *tried, apr_pool_t *pool)
{
    int status = tried->proof->status;

    if (tried->survey)
        return records_words(tried);
    if (!strcmp(tried->type, "tls-alpn-01"))
        return "reached, it speaks TLS: a client's certificate would be asked "
               "for here";
    return apr_psprintf(
        pool,
        status_is_fine(status)
            ? "reached, answered %d: a client's file would be asked for here"
            : "reached, but answered %d where a client's file would be asked "
              "for",
        status);
}

/* Is the name not where the policy wants it, whatever a record proves? */
static const problem_t *bound_problem(const ctl_tried_t *tried)
{
    return tried->bound && tried->proof->is_reached ? tried->bound->problem
                                                    : NULL;
}

static const char *bound_words(const problem_t *prob)
{
    return prob->type == PROBLEM_REJECTED_IDENTIFIER
               ? "name servers answer, but the policy wants other addresses"
               : "name servers answer, but the policy wants addresses, and "
                 "there are no addresses";
}

static const char *words(const ctl_tried_t *tried, apr_pool_t *pool)
{
    const problem_t *prob = tried->proof->problem;

    if (!prob)
        return "proven: what is there answers for this account";
    if (tried->is_hopeless)
        return "name servers answer, but none of them has such a zone";
    if (bound_problem(tried))
        return bound_words(bound_problem(tried));
    if (tried->proof->is_reached)
        return reached_words(tried, pool);
    switch (prob->type) {
    case PROBLEM_DNS:
        return "not reached: the DNS has no answer";
    case PROBLEM_REJECTED_IDENTIFIER:
        return "not reached: the policy wants other addresses";
    case PROBLEM_TLS:
        return "connected, but there is no TLS";
    case PROBLEM_SERVER_INTERNAL:
        return "could not be tried on this machine";
    default:
        return "not reached";
    }
}

/* What a client puts there only when it has an order need not be there; a
 * record that stays must be. */
static int works(const ctl_tried_t *tried)
{
    const dcv_result_t *proof = tried->proof;

    if ((tried->caa && tried->caa->problem) || bound_problem(tried))
        return 0;
    if (!proof->problem)
        return 1;
    return proof->is_reached && !tried->is_hopeless &&
           strcmp(tried->type, POLICY_CHALLENGE_PERSIST) != 0 &&
           (!proof->status || status_is_fine(proof->status));
}

static const char *detail_of(const problem_t *prob)
{
    return !prob ? NULL : prob->cause ? prob->cause : prob->detail;
}

static const char *caa_words(const ctl_tried_t *tried, apr_pool_t *pool)
{
    const problem_t *prob = tried->caa ? tried->caa->problem : NULL;

    if (!tried->caa)
        return "not looked at";
    if (!prob)
        return "nothing forbids it";
    return apr_pstrcat(
        pool, prob->type == PROBLEM_CAA ? "forbidden: " : "not known: ",
        detail_of(prob), NULL);
}

static json_t *untried_render(const ctl_tried_t *tried)
{
    return json_pack("{s:s, s:b, s:b, s:s}", "method", tried->type, "works", 0,
                     "reached", 0, "says", tried->untried);
}

static json_t *result_render(ctl_check_t *check, const ctl_tried_t *tried)
{
    apr_pool_t *pool = check->ctl->pool;
    const dcv_result_t *proof = tried->proof;
    const problem_t *prob =
        bound_problem(tried) ? bound_problem(tried) : proof->problem;
    int is_good = works(tried);
    json_t *part =
        json_pack("{s:s, s:b, s:b, s:s, s:i, s:s?, s:s?, s:s, s:s?}", "method",
                  tried->type, "works", is_good, "reached",
                  !proof->problem || proof->is_reached, "says",
                  words(tried, pool), "status", proof->status, "address",
                  proof->address, "seen", detail_of(prob), "caa",
                  caa_words(tried, pool), "finding", tried->finding);

    if (tried->survey)
        ctl_check_dns_render(part, tried);
    check->works += is_good && !tried->finding;
    check->doubtful += is_good && tried->finding;
    return part;
}

/* Why it cannot be tried; NULL: it can. */
static const char *untried_find(const ctl_check_t *check, const char *type)
{
    if (!acme_conf_has_challenge(check->ctl->conf, type))
        return "not tried: it is switched off on this server";
    return ctl_check_is_account(type) && !check->account
               ? "not tried: it is about an account; see --account"
               : NULL;
}

static apr_status_t try_one(try_t *all, ctl_tried_t *tried)
{
    ctl_check_t *check = all->check;
    dcv_job_t *job, *caa, *bound;
    apr_status_t rv;

    tried->untried = untried_find(check, tried->type);
    if (tried->untried)
        return APR_SUCCESS;
    job = ctl_check_job(check, tried->type);
    caa = ctl_check_job_caa(check, tried->type);
    bound = ctl_check_job_bound(check, tried->type);
    tried->survey = job->survey;
    rv = submit(all, job, &tried->proof);
    if (rv == APR_SUCCESS && caa)
        rv = submit(all, caa, &tried->caa);
    if (rv == APR_SUCCESS && bound)
        rv = submit(all, bound, &tried->bound);
    return rv;
}

/* All at once. */
static apr_status_t try_all(try_t *all, ctl_tried_t *tried)
{
    ctl_check_t *check = all->check;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < check->methods->nelts && rv == APR_SUCCESS; i++) {
        tried[i].type = APR_ARRAY_IDX(check->methods, i, const char *);
        rv = try_one(all, &tried[i]);
    }
    if (rv == APR_SUCCESS && all->pending)
        dcv_loop_run(all->loop);
    return rv;
}

ctl_exit_e ctl_check_methods(ctl_check_t *check)
{
    ctl_t *ctl = check->ctl;
    try_t all = {.check = check};
    int count = check->methods->nelts, i;
    ctl_tried_t *tried =
        apr_pcalloc(ctl->pool, ((size_t)count + 1) * sizeof(*tried));
    json_t *list = json_array();
    apr_status_t rv = dcv_loop_create(&all.loop, ctl->log, ctl->pool);
    ctl_exit_e code = CTL_OK;

    json_object_set_new(check->answer, "methods", list);
    if (rv == APR_SUCCESS)
        rv = try_all(&all, tried);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "validation of", check->domain);
    for (i = 0; i < count && code == CTL_OK; i++) {
        if (tried[i].survey)
            code = ctl_check_dns(&tried[i], check);
        json_array_append_new(list, tried[i].untried
                                        ? untried_render(&tried[i])
                                        : result_render(check, &tried[i]));
    }
    return code;
}
