/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_issue.h"
#include "base/pjson.h"
#include "store/store_authz.h"
#include "store/store_cert.h"
#include "store/store_issuer.h"
#include "store/store_order.h"

#include "base/banned.h"

/* What fails this often, with longer and longer pauses (more than an hour in
 * all), is given up. */
#define ATTEMPTS_MAX 20
#define PAUSE_MAX    300
/* A validation that learned nothing: about two minutes in all. */
#define VALIDATE_ATTEMPTS_MAX 8
#define VALIDATE_PAUSE_MAX    30

apr_int64_t acme_work_lease(const acme_t *acme, apr_int64_t now)
{
    return now + ACME_WORK_LEASE + apr_time_sec(acme->conf->dcv->timeout);
}

apr_status_t acme_work_claim(apr_array_header_t **jobs, acme_t *acme, int max,
                             apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);

    return store_job_claim(jobs, acme->store, acme->owner,
                           acme_work_lease(acme, now), max, now, pool);
}

/* NULL: it is garbage. */
static json_t *data_parse(const store_job_t *job, apr_pool_t *pool)
{
    json_t *json;

    if (!job->data ||
        pjson_parse(&json, job->data, strlen(job->data), "job", pool) ||
        !json_is_string(json_object_get(json, "server")))
        return NULL;
    return json;
}

static int is_kind(const store_job_t *job, const char *kind)
{
    return job->kind && !strcmp(job->kind, kind);
}

/* Server and issuer as the job's data has them; issuer NULL: none needed. */
static int is_ours(const acme_t *acme, const char *server, const char *issuer)
{
    return !strcmp(server, acme->conf->server_name) ||
           (issuer && acme_conf_issuer_of(acme->conf, issuer));
}

int acme_work_is_for(const acme_t *acme, const store_job_t *job)
{
    apr_pool_t *pool;
    json_t *json;
    int is_for = 1;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    json = data_parse(job, pool);
    if (json)
        is_for =
            is_ours(acme, json_string_value(json_object_get(json, "server")),
                    json_string_value(json_object_get(json, "issuer")));
    apr_pool_destroy(pool);
    return is_for;
}

/* End the job and what it is about.  When even that cannot be written the lease
 * stays, and with it the chance to try again. */
static void job_fail(acme_t *acme, const store_job_t *job,
                     const problem_t *prob, apr_pool_t *pool)
{
    const char *text = pjson_text(problem_render(prob, pool), 0, pool);
    apr_status_t rv = APR_ENOENT;

    if (is_kind(job, ACME_WORK_ISSUE))
        rv = store_order_fail(acme->store, job->subject, job->id, text, NULL,
                              pool);
    else if (is_kind(job, ACME_WORK_VALIDATE))
        rv = store_authz_record(acme->store, job->subject, job->id, text, 0,
                                clock_seconds(acme->clock), NULL, pool);
    if (APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_EEXIST(rv))
        rv = store_job_delete(acme->store, job->id, pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        log_write(acme->log, LOG_LEVEL_INFO, "AS0303", rv,
                  "%s job %s (%s): its end could not be recorded; it comes "
                  "back when its lease is over",
                  job->kind, job->id, job->subject);
}

/* Our own fault: an operator should know. */
static void job_bury(acme_t *acme, const store_job_t *job, const char *reason,
                     apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, PROBLEM_SERVER_INTERNAL,
                                   "the server could not do this and has given "
                                   "up; please place a new order");

    log_write(acme->log, LOG_LEVEL_ERROR, "AS0304", APR_SUCCESS,
              "%s job %s (%s) given up after %d attempts: %s", job->kind,
              job->id, job->subject, job->attempts + 1, reason);
    job_fail(acme, job, prob, pool);
}

static apr_int64_t pause_seconds(int attempts, apr_int64_t max)
{
    apr_int64_t pause = attempts < 16 ? (apr_int64_t)1 << attempts : max;

    return pause < max ? pause : max;
}

/* level: warning where nobody else tells the operator, info where the store
 * does. */
static void job_later(acme_t *acme, const store_job_t *job, log_level_e level,
                      apr_status_t reason_rv, const char *reason,
                      apr_pool_t *pool)
{
    apr_int64_t pause = pause_seconds(job->attempts, PAUSE_MAX);
    apr_status_t rv;

    if (job->attempts >= ATTEMPTS_MAX) {
        job_bury(acme, job, reason, pool);
        return;
    }
    log_write(acme->log, level, "AS0305", reason_rv,
              "%s job %s (%s) postponed for %" APR_INT64_T_FMT " s: %s",
              job->kind, job->id, job->subject, pause, reason);
    rv = store_job_postpone(acme->store, job->id,
                            clock_seconds(acme->clock) + pause, pool);
    if (rv != APR_SUCCESS)
        log_write(acme->log, LOG_LEVEL_DEBUG, NULL, rv,
                  "job %s keeps its lease instead", job->id);
}

/* The certificate that was planned, or what is to be done about its absence
 * (NULL). */
static store_cert_t *cert_make(acme_t *acme, const store_job_t *job,
                               const char *order_id, apr_pool_t *pool)
{
    acme_plan_t *plan = acme_plan_parse(job->data, pool);
    store_cert_t *cert;
    problem_t *prob;

    if (!plan) {
        job_bury(acme, job, "its data is not a plan", pool);
        return NULL;
    }
    if (!is_ours(acme, plan->server, plan->issuer)) {
        job_later(acme, job, LOG_LEVEL_WARNING, APR_SUCCESS,
                  apr_pstrcat(pool, "no virtual host here has the CA of ",
                              plan->server, NULL),
                  pool);
        return NULL;
    }
    prob = acme_issue_sign(&cert, acme, plan, order_id, pool);
    if (!prob)
        return cert;
    if (prob->status >= 500)
        job_later(acme, job, LOG_LEVEL_WARNING, prob->rv,
                  prob->cause ? prob->cause : prob->detail, pool);
    else {
        log_write(acme->log, LOG_LEVEL_INFO, "AS0306", prob->rv,
                  "order %s failed: %s", job->subject, prob->detail);
        job_fail(acme, job, prob, pool);
    }
    return NULL;
}

static void issue_run(acme_t *acme, const store_job_t *job, apr_pool_t *pool)
{
    store_cert_t *cert = cert_make(acme, job, job->subject, pool);
    apr_status_t rv;

    if (!cert)
        return;
    rv = store_order_complete(acme->store, job->subject, job->id, cert, NULL,
                              pool);
    if (rv == APR_SUCCESS)
        log_write(acme->log, LOG_LEVEL_NOTICE, "AS0307", APR_SUCCESS,
                  "issued certificate %s, serial %s, until %s, to account %s "
                  "by order %s for %s",
                  cert->id, cert->serial, clock_rfc3339(cert->not_after, pool),
                  cert->account_id, cert->order_id, cert->identifiers);
    else if (APR_STATUS_IS_EEXIST(rv))
        log_write(acme->log, LOG_LEVEL_DEBUG, NULL, APR_SUCCESS,
                  "order %s had been completed or failed before", job->subject);
    else
        job_later(acme, job, LOG_LEVEL_INFO, rv,
                  "the certificate could not be stored", pool);
}

/* Row and job are two transactions: a process that dies in between leaves a job
 * that finds its serial there. */
static void vhost_run(acme_t *acme, const store_job_t *job, apr_pool_t *pool)
{
    store_cert_t *cert = cert_make(acme, job, NULL, pool);
    apr_status_t rv;

    if (!cert)
        return;
    rv = store_cert_add(acme->store, cert, NULL, pool);
    if (rv == APR_SUCCESS)
        log_write(acme->log, LOG_LEVEL_NOTICE, "AS0308", APR_SUCCESS,
                  "renewed this server's own certificate for %s, serial %s, "
                  "until %s",
                  cert->identifiers, cert->serial,
                  clock_rfc3339(cert->not_after, pool));
    if (rv == APR_SUCCESS || APR_STATUS_IS_EEXIST(rv))
        rv = store_job_delete(acme->store, job->id, pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        job_later(acme, job, LOG_LEVEL_INFO, rv,
                  "the certificate could not be stored", pool);
}

/* What acme_challenge wrote; NULL: it is garbage. */
static dcv_job_t *validation_parse(json_t *json, apr_pool_t *pool)
{
    const char *method = json_string_value(json_object_get(json, "method"));
    const char *domain = json_string_value(json_object_get(json, "domain"));
    const char *token = json_string_value(json_object_get(json, "token"));
    const char *print = json_string_value(json_object_get(json, "thumbprint"));
    const char *account = json_string_value(json_object_get(json, "account"));
    dcv_job_t *work;

    if (!method || strcmp(method, "http-01") || !domain || !token || !print ||
        !account)
        return NULL;
    work = apr_pcalloc(pool, sizeof(*work));
    work->method = DCV_HTTP01;
    work->domain = apr_pstrdup(pool, domain);
    work->token = apr_pstrdup(pool, token);
    work->key_authorization = apr_pstrcat(pool, token, ".", print, NULL);
    work->account = apr_pstrdup(pool, account);
    work->pool = pool;
    return work;
}

/* An authorization whose time is over stays invalid, whatever its challenge
 * says by now. */
static problem_t *expiry_problem(json_t *json, apr_int64_t now,
                                 apr_pool_t *pool)
{
    apr_int64_t expires = json_integer_value(json_object_get(json, "expires"));

    if (!expires || expires > now)
        return NULL;
    return problem_make(pool, PROBLEM_UNAUTHORIZED,
                        "the authorization expired at %s, before it was "
                        "validated",
                        clock_rfc3339(expires, pool));
}

static dcv_job_t *validate_start(acme_t *acme, const store_job_t *job,
                                 apr_pool_t *pool)
{
    json_t *json = data_parse(job, pool);
    dcv_job_t *work = json ? validation_parse(json, pool) : NULL;
    const char *server;
    problem_t *prob;

    if (!work) {
        job_bury(acme, job, "its data is not a validation", pool);
        return NULL;
    }
    prob = expiry_problem(json, clock_seconds(acme->clock), pool);
    if (prob) {
        job_fail(acme, job, prob, pool);
        return NULL;
    }
    server = json_string_value(json_object_get(json, "server"));
    if (!is_ours(acme, server, NULL)) {
        job_later(
            acme, job, LOG_LEVEL_WARNING, APR_SUCCESS,
            apr_pstrcat(pool, "this is not the virtual host ", server, NULL),
            pool);
        return NULL;
    }
    return work;
}

dcv_job_t *acme_work_start(acme_t *acme, const store_job_t *job,
                           apr_pool_t *pool)
{
    /* Whoever runs it dies of it, or never comes to its end. */
    if (job->attempts > ATTEMPTS_MAX) {
        job_bury(acme, job, "too many attempts", pool);
        return NULL;
    }
    if (is_kind(job, ACME_WORK_VALIDATE))
        return validate_start(acme, job, pool);
    if (is_kind(job, ACME_WORK_ISSUE))
        issue_run(acme, job, pool);
    else if (is_kind(job, ACME_WORK_VHOST))
        vhost_run(acme, job, pool);
    else
        job_bury(acme, job, "there is no such kind of job", pool);
    return NULL;
}

static void validation_retry(acme_t *acme, const store_job_t *job,
                             apr_pool_t *pool)
{
    apr_int64_t pause = pause_seconds(job->attempts, VALIDATE_PAUSE_MAX);
    apr_status_t rv = store_job_postpone(
        acme->store, job->id, clock_seconds(acme->clock) + pause, pool);

    log_write(acme->log, LOG_LEVEL_DEBUG, NULL, rv,
              "validation of authz %s learned nothing and is tried again in "
              "%" APR_INT64_T_FMT " s",
              job->subject, pause);
}

void acme_work_done(acme_t *acme, const store_job_t *job,
                    const dcv_result_t *result, apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    const problem_t *prob = result->problem;
    const char *text = NULL;
    apr_status_t rv;

    if (result->is_retryable && job->attempts < VALIDATE_ATTEMPTS_MAX) {
        validation_retry(acme, job, pool);
        return;
    }
    /* Without a problem it is proven, but not where nothing was learned. */
    if (!prob && result->is_retryable)
        prob = problem_make(pool, PROBLEM_SERVER_INTERNAL,
                            "the server did not come to validate this; please "
                            "place a new order");
    if (!prob)
        prob = expiry_problem(data_parse(job, pool), now, pool);
    if (prob)
        text = pjson_text(problem_render(prob, pool), 0, pool);
    rv = store_authz_record(acme->store, job->subject, job->id, text,
                            prob ? 0 : now + acme->conf->authz_lifetime, now,
                            NULL, pool);
    if (rv == APR_SUCCESS && prob)
        log_write(acme->log, LOG_LEVEL_INFO, "AS0309", prob->rv,
                  "validation of authz %s failed: %s: %s", job->subject,
                  problem_name(prob->type), prob->detail);
    else if (APR_STATUS_IS_EEXIST(rv))
        log_write(acme->log, LOG_LEVEL_DEBUG, NULL, APR_SUCCESS,
                  "authz %s was decided before its validation ended",
                  job->subject);
    else if (APR_STATUS_IS_ENOENT(rv))
        job_bury(acme, job, "its authorization is gone", pool);
    else if (rv != APR_SUCCESS)
        job_later(acme, job, LOG_LEVEL_INFO, rv,
                  "the validation's result could not be stored", pool);
}

static void issuer_row(store_issuer_t *row, const ca_issuer_t *issuer,
                       apr_pool_t *pool)
{
    row->fingerprint = issuer->fingerprint;
    row->key_id = issuer->key_id;
    row->name = issuer->name;
    row->generation = issuer->generation;
    row->cert_pem = ca_cert_pem(issuer->cert, pool);
    row->chain_pem = issuer->chain_pem;
    row->not_before = issuer->not_before;
    row->not_after = issuer->not_after;
}

static apr_status_t issuer_setup(acme_t *acme, const ca_set_t *set,
                                 apr_pool_t *pool)
{
    int i;

    for (i = 0; set && i < set->generations->nelts; i++) {
        store_issuer_t row = {0};
        apr_status_t rv;

        issuer_row(&row,
                   APR_ARRAY_IDX(set->generations, i, const ca_issuer_t *),
                   pool);
        rv = store_issuer_ensure(acme->store, &row, NULL, pool);
        if (rv != APR_SUCCESS)
            return rv;
    }
    return APR_SUCCESS;
}

apr_status_t acme_work_setup(acme_t *acme, apr_pool_t *pool)
{
    const apr_array_header_t *issuers = acme->conf->issuers;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < issuers->nelts && rv == APR_SUCCESS; i++)
        rv = issuer_setup(
            acme, APR_ARRAY_IDX(issuers, i, const acme_issuer_t *)->set, pool);
    return rv;
}
