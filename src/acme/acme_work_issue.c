/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work_job.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_issue.h"
#include "acme/acme_response.h"
#include "store/store_blocked.h"
#include "store/store_cert.h"
#include "store/store_order.h"

#include "base/banned.h"

/* What the DNS did not say may be there in a moment: seven seconds, and the
 * time that it takes to ask. */
#define DNS_TRIES_MAX 4

/* NULL: the job has come to its end, or to a pause. */
static acme_plan_t *plan_get(acme_t *acme, const store_job_t *job,
                             apr_pool_t *pool)
{
    acme_plan_t *plan = acme_plan_parse(job->data, acme->keys, pool);

    if (!plan)
        acme_work_bury(acme, job, "its data is not a plan", pool);
    else if (!acme_work_is_ours(acme, plan->server, plan->issuer)) {
        acme_work_later(acme, job, LOG_LEVEL_WARNING, APR_SUCCESS,
                        apr_pstrcat(pool, "no virtual host here has the CA of ",
                                    plan->server, NULL),
                        pool);
        plan = NULL;
    }
    return plan;
}

/* It will not be issued: now, or ever. */
static void job_refuse(acme_t *acme, const store_job_t *job,
                       const problem_t *prob, apr_pool_t *pool)
{
    if (prob->status >= 500) {
        acme_work_later(acme, job, LOG_LEVEL_WARNING, prob->rv,
                        prob->cause ? prob->cause : prob->detail, pool);
        return;
    }
    log_write(acme->log, LOG_LEVEL_INFO, "AS0306", prob->rv,
              "order %s failed: %s", job->subject, prob->detail);
    acme_work_fail(acme, job, prob, pool);
}

/* The certificate that was planned, or what is to be done about its absence
 * (NULL). */
static store_cert_t *cert_make(acme_t *acme, const store_job_t *job,
                               const acme_plan_t *plan, const char *order_id,
                               apr_pool_t *pool)
{
    store_cert_t *cert;
    problem_t *prob = acme_issue_sign(&cert, acme, plan, order_id, pool);

    if (!prob)
        return cert;
    job_refuse(acme, job, prob, pool);
    return NULL;
}

static store_event_t *event_make(const acme_t *acme, const acme_plan_t *plan,
                                 const store_cert_t *cert, apr_pool_t *pool)
{
    store_event_t *event = acme_work_event(acme, "cert.issue", NULL, pool);
    json_t *detail = json_object();

    event->account_id = cert->account_id;
    event->order_id = cert->order_id;
    event->cert_id = cert->id;
    event->eab_kid = plan->eab_kid;
    event->who = plan->owner;
    event->ip = plan->ip;
    acme_response_set_string(detail, "serial", cert->serial);
    acme_response_set_string(detail, "identifiers", cert->identifiers);
    acme_response_set_string(detail, "profile", cert->profile);
    acme_response_set_string(detail, "issuer", plan->issuer_name);
    acme_response_set_string(detail, "issuerFingerprint", cert->issuer);
    acme_response_set_string(detail, "keySHA256", cert->spki_sha256);
    acme_response_set_time(detail, "notBefore", cert->not_before, pool);
    acme_response_set_time(detail, "notAfter", cert->not_after, pool);
    acme_audit_detail(event, detail, pool);
    return event;
}

/* By a keyCompromise that came after the finalize. */
static problem_t *problem_blocked(const acme_t *acme, const store_cert_t *cert,
                                  apr_pool_t *pool)
{
    store_blocked_t *blocked;
    apr_status_t rv =
        store_blocked_get(&blocked, acme->store, cert->spki_sha256, pool);

    if (rv != APR_SUCCESS)
        return problem_internal(pool, rv, "look for a blocked key");
    return problem_make(pool, PROBLEM_BAD_CSR,
                        "the CSR's key must not be used: %s", blocked->reason);
}

static void issued_tell(acme_t *acme, const store_cert_t *cert,
                        const store_event_t *event, apr_pool_t *pool)
{
    log_write(acme->log, LOG_LEVEL_NOTICE, "AS0307", APR_SUCCESS,
              "issued certificate %s, serial %s, until %s, to account %s by "
              "order %s for %s",
              cert->id, cert->serial, clock_rfc3339(cert->not_after, pool),
              cert->account_id, cert->order_id, cert->identifiers);
    acme_audit_tell(acme, event, pool);
}

static void issue_run(acme_t *acme, const store_job_t *job,
                      const acme_plan_t *plan, apr_pool_t *pool)
{
    store_cert_t *cert = cert_make(acme, job, plan, job->subject, pool);
    store_event_t *event;
    apr_status_t rv;

    if (!cert)
        return;
    event = event_make(acme, plan, cert, pool);
    rv = store_order_complete(acme->store, job->subject, job->id, cert, event,
                              pool);
    if (rv == APR_SUCCESS)
        issued_tell(acme, cert, event, pool);
    else if (rv == STORE_BLOCKED)
        job_refuse(acme, job, problem_blocked(acme, cert, pool), pool);
    else if (APR_STATUS_IS_EEXIST(rv))
        log_write(acme->log, LOG_LEVEL_DEBUG, NULL, APR_SUCCESS,
                  "order %s had been completed or failed before", job->subject);
    else
        acme_work_later(acme, job, LOG_LEVEL_INFO, rv,
                        "the certificate could not be stored", pool);
}

void acme_work_issue_now(void *baton)
{
    acme_work_now_t *now = baton;
    store_event_t *issued;
    store_cert_t *cert;

    now->rv = APR_SUCCESS;
    now->problem =
        acme_issue_sign(&cert, now->acme, now->plan, now->order_id, now->pool);
    if (now->problem)
        return;
    issued = event_make(now->acme, now->plan, cert, now->pool);
    now->rv = store_order_issue(now->acme->store, now->csr_sha256, now->now,
                                cert, now->event, issued, now->pool);
    if (now->rv == STORE_BLOCKED) {
        now->rv = APR_SUCCESS;
        now->problem = problem_blocked(now->acme, cert, now->pool);
    }
    else if (now->rv == APR_SUCCESS) {
        acme_audit_tell(now->acme, now->event, now->pool);
        issued_tell(now->acme, cert, issued, now->pool);
    }
}

/* Names that nobody proves may have to resolve to certain networks first, and
 * CAA records may be long forgotten. */
int acme_work_has_to_ask(const acme_plan_t *plan)
{
    return (plan->bounds && plan->bounds->nelts) || plan->caa;
}

dcv_job_t *acme_work_issue(acme_t *acme, const store_job_t *job,
                           apr_pool_t *pool)
{
    acme_plan_t *plan = plan_get(acme, job, pool);
    dcv_job_t *work;

    if (!plan)
        return NULL;
    if (!acme_work_has_to_ask(plan)) {
        issue_run(acme, job, plan, pool);
        return NULL;
    }
    work = apr_pcalloc(pool, sizeof(*work));
    work->method = DCV_RESOLVE;
    work->domain = plan->identifiers;
    work->bounds = plan->bounds
                       ? plan->bounds
                       : apr_array_make(pool, 1, sizeof(dcv_bound_t *));
    work->caa = plan->caa;
    work->account = plan->account_id ? plan->account_id : "";
    work->pool = pool;
    return work;
}

void acme_work_issue_done(acme_t *acme, const store_job_t *job,
                          const dcv_result_t *result, apr_pool_t *pool)
{
    acme_plan_t *plan = plan_get(acme, job, pool);

    if (!plan)
        return;
    if (result->problem && result->problem->type == PROBLEM_DNS &&
        job->attempts + 1 < DNS_TRIES_MAX)
        acme_work_later(acme, job, LOG_LEVEL_INFO, APR_SUCCESS,
                        result->problem->detail, pool);
    else if (result->problem)
        job_refuse(acme, job, result->problem, pool);
    else if (result->is_retryable)
        acme_work_later(acme, job, LOG_LEVEL_INFO, APR_SUCCESS,
                        "where its names resolve to could not be seen", pool);
    else
        issue_run(acme, job, plan, pool);
}

/* Row and job are two transactions: a process that dies in between leaves a job
 * that finds its serial there. */
void acme_work_vhost(acme_t *acme, const store_job_t *job, apr_pool_t *pool)
{
    acme_plan_t *plan = plan_get(acme, job, pool);
    store_cert_t *cert = plan ? cert_make(acme, job, plan, NULL, pool) : NULL;
    store_event_t *event;
    apr_status_t rv;

    if (!cert)
        return;
    event = event_make(acme, plan, cert, pool);
    rv = store_cert_add(acme->store, cert, event, pool);
    if (rv == APR_SUCCESS) {
        log_write(acme->log, LOG_LEVEL_NOTICE, "AS0308", APR_SUCCESS,
                  "renewed this server's own certificate for %s, serial %s, "
                  "until %s",
                  cert->identifiers, cert->serial,
                  clock_rfc3339(cert->not_after, pool));
        acme_audit_tell(acme, event, pool);
    }
    if (rv == APR_SUCCESS || APR_STATUS_IS_EEXIST(rv))
        rv = store_job_delete(acme->store, job->id, pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        acme_work_later(acme, job, LOG_LEVEL_INFO, rv,
                        "the certificate could not be stored", pool);
}
