/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_caa.h"
#include "acme/acme_profile.h"
#include "base/token.h"
#include "dcv/dcv_loop.h"

#include "base/banned.h"

#define TOKEN_OCTETS 24
#define PRINT_OCTETS 32 /* of a key's thumbprint */

static const struct {
    const char *type;
    dcv_method_e method;
} methods[] = {
    {"http-01", DCV_HTTP01},
    {"dns-01", DCV_DNS01},
    {"tls-alpn-01", DCV_TLSALPN01},
};

typedef struct {
    const char *type;
    const dcv_result_t *proof, *caa; /* caa NULL: not looked at */
} tried_t;

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

/* The thumbprint is nobody's, or the account's: what answers by itself for it
 * is then even right. */
static dcv_job_t *job_make(const ctl_check_t *check, const char *type)
{
    apr_pool_t *pool = check->ctl->pool;
    dcv_job_t *job = apr_pcalloc(pool, sizeof(*job));
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(identifier_t *));
    size_t i;

    APR_ARRAY_PUSH(list, const identifier_t *) = check->identifier;
    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (!strcmp(methods[i].type, type))
            job->method = methods[i].method;
    job->domain = check->domain;
    job->token = token_make(TOKEN_OCTETS, pool);
    job->key_authorization =
        apr_pstrcat(pool, job->token, ".",
                    check->account ? check->account->thumbprint
                                   : token_make(PRINT_OCTETS, pool),
                    NULL);
    job->bounds = acme_profile_bounds(check->profile, list, pool);
    job->account = check->account ? check->account->id : "";
    job->is_wildcard = identifier_is_wildcard(check->identifier);
    job->pool = pool;
    return job;
}

/* On the server it comes after the proof.  NULL: it does not. */
static dcv_job_t *caa_make(const ctl_check_t *check, const char *type)
{
    const store_account_t *account = check->account;
    apr_pool_t *pool = check->ctl->pool;
    store_authz_t authz = {0};
    dcv_job_t *job = apr_pcalloc(pool, sizeof(*job));

    authz.account_id = account ? account->id : "";
    authz.directory = account ? account->directory : check->profile->directory;
    authz.profile = check->profile->name;
    authz.type = identifier_type_name(check->identifier->type);
    authz.value = check->domain;
    authz.wildcard = identifier_is_wildcard(check->identifier);
    job->method = DCV_RESOLVE; /* of nothing: what remains is CAA */
    job->bounds = apr_array_make(pool, 1, sizeof(dcv_bound_t *));
    job->domain = check->domain;
    job->caa = acme_caa_of_authz(check->ctl->conf, &authz, type, pool);
    job->account = authz.account_id;
    job->pool = pool;
    return job->caa ? job : NULL;
}

/* A file that is not there, or another one in its place, is what a web server
 * has before a client has begun. */
static int status_is_fine(int status)
{
    return status == 200 || status == 404 || status == 410;
}

static const char *reached_words(const tried_t *tried, apr_pool_t *pool)
{
    int status = tried->proof->status;

    if (!strcmp(tried->type, "dns-01"))
        return "name servers answer: a client's TXT record would be looked "
               "for here";
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

static const char *words(const tried_t *tried, apr_pool_t *pool)
{
    const problem_t *prob = tried->proof->problem;

    if (!prob)
        return "proven: what is there answers for this account";
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

static int works(const tried_t *tried)
{
    const dcv_result_t *proof = tried->proof;

    if (tried->caa && tried->caa->problem)
        return 0;
    return !proof->problem ||
           (proof->is_reached &&
            (!proof->status || status_is_fine(proof->status)));
}

static const char *detail_of(const problem_t *prob)
{
    return !prob ? NULL : prob->cause ? prob->cause : prob->detail;
}

static const char *caa_words(const tried_t *tried, apr_pool_t *pool)
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

static void result_add(ctl_check_t *check, json_t *list, const tried_t *tried)
{
    apr_pool_t *pool = check->ctl->pool;
    const dcv_result_t *proof = tried->proof;
    int is_good = works(tried);

    check->works += is_good;
    json_array_append_new(
        list, json_pack("{s:s, s:b, s:b, s:s, s:i, s:s?, s:s?, s:s}", "method",
                        tried->type, "works", is_good, "reached",
                        !proof->problem || proof->is_reached, "says",
                        words(tried, pool), "status", proof->status, "address",
                        proof->address, "seen", detail_of(proof->problem),
                        "caa", caa_words(tried, pool)));
}

/* All at once. */
static apr_status_t try_all(try_t *all, tried_t *tried)
{
    ctl_check_t *check = all->check;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < check->methods->nelts && rv == APR_SUCCESS; i++) {
        dcv_job_t *caa;

        tried[i].type = APR_ARRAY_IDX(check->methods, i, const char *);
        caa = caa_make(check, tried[i].type);
        rv = submit(all, job_make(check, tried[i].type), &tried[i].proof);
        if (rv == APR_SUCCESS && caa)
            rv = submit(all, caa, &tried[i].caa);
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
    tried_t *tried =
        apr_pcalloc(ctl->pool, ((size_t)count + 1) * sizeof(*tried));
    json_t *list = json_array();
    apr_status_t rv = dcv_loop_create(&all.loop, ctl->log, ctl->pool);

    json_object_set_new(check->answer, "methods", list);
    if (rv == APR_SUCCESS)
        rv = try_all(&all, tried);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "validation of", check->domain);
    for (i = 0; i < count; i++)
        result_add(check, list, &tried[i]);
    return CTL_OK;
}
