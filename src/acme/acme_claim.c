/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_claim.h"

#include <string.h>

#include "acme/acme_audit.h"
#include "acme/acme_response.h"
#include "acme/acme_wait.h"
#include "acme/acme_work.h"
#include "base/token.h"

#include "base/banned.h"

static store_event_t *event_make(const store_order_t *row,
                                 const acme_plan_t *plan,
                                 const acme_verified_t *v)
{
    store_event_t *event = acme_audit_event(v, "order.finalize");
    json_t *detail = json_object();

    event->order_id = row->id;
    acme_response_set_string(detail, "profile", plan->profile);
    acme_response_set_string(detail, "issuer", plan->issuer_name);
    acme_response_set_string(detail, "identifiers", plan->identifiers);
    acme_response_set_string(detail, "serial", plan->serial);
    acme_audit_detail(event, detail, v->pool);
    return event;
}

/* What a claimed order looks like, without asking the database again. */
static void claimed_set(acme_order_t *order, const acme_verified_t *v,
                        const char *sha256, const char *cert_id)
{
    order->row->processing_since = v->now;
    order->row->csr_sha256 = sha256;
    order->row->cert_id = cert_id;
    order->status = cert_id ? ACME_ORDER_VALID : ACME_ORDER_PROCESSING;
}

static int is_lost_by(apr_status_t rv)
{
    return APR_STATUS_IS_EEXIST(rv) || APR_STATUS_IS_ENOENT(rv);
}

/* 0: there is no time for it, or somebody has to be asked first.  Else *rv, or
 * *prob, says what came of it. */
static int issue_at_once(apr_status_t *rv, problem_t **prob,
                         acme_order_t *order, acme_t *acme,
                         const acme_verified_t *v, const acme_plan_t *plan,
                         const char *sha256)
{
    acme_work_now_t now = {.acme = acme,
                           .plan = plan,
                           .order_id = order->row->id,
                           .csr_sha256 = sha256,
                           .now = v->now,
                           .pool = v->pool};

    if (!acme->host->perform || !acme->conf->finalize_wait ||
        acme_work_has_to_ask(plan))
        return 0;
    now.event = event_make(order->row, plan, v);
    if (acme->host->perform(acme->host->baton, acme, acme_work_issue_now, &now,
                            acme->conf->finalize_wait) != APR_SUCCESS)
        return 0;
    if (now.rv == APR_SUCCESS && !now.problem)
        claimed_set(order, v, sha256, plan->cert_id);
    *prob = now.problem;
    *rv = now.rv;
    return 1;
}

/* The worker has all that is needed from here on.  When the order cannot be
 * read again it is processing for all we know: the claim is on disk. */
static void issue_wait(acme_order_t *order, acme_t *acme,
                       const acme_verified_t *v, const store_job_t *job,
                       apr_interval_time_t patience)
{
    acme_order_t again;
    problem_t *prob;

    acme->host->submit(acme->host->baton, acme, job);
    if (acme_wait_job(acme, job->id, patience > 0 ? patience : 0, 0) !=
        APR_SUCCESS)
        return;
    prob = acme_order_load(&again, acme, v);
    if (!prob && again.status != ACME_ORDER_READY)
        *order = again;
}

static void job_make(store_job_t *job, const acme_t *acme,
                     const acme_verified_t *v, const store_order_t *row,
                     const acme_plan_t *plan)
{
    memset(job, 0, sizeof(*job));
    job->id = token_id(apr_time_from_sec(v->now), v->pool);
    job->kind = ACME_WORK_ISSUE;
    job->subject = row->id;
    job->data = acme_plan_text(plan, v->pool);
    job->due_at = v->now;
    job->lease_owner = acme->owner;
    job->lease_until = acme_work_lease(acme, v->now);
}

static apr_status_t issue_by_job(acme_order_t *order, acme_t *acme,
                                 const acme_verified_t *v,
                                 const acme_plan_t *plan, const char *sha256,
                                 apr_time_t end)
{
    store_event_t *event = event_make(order->row, plan, v);
    store_job_t job;
    apr_status_t rv;

    job_make(&job, acme, v, order->row, plan);
    jose_cache_put(acme->keys, plan->key); /* for whoever reads the plan */
    rv = store_order_claim(acme->store, order->row->id, sha256, v->now, &job,
                           event, v->pool);
    if (rv != APR_SUCCESS)
        return rv;
    acme_audit_tell(acme, event, v->pool);
    claimed_set(order, v, sha256, NULL);
    issue_wait(order, acme, v, &job, end - clock_now(&clock_monotonic));
    return APR_SUCCESS;
}

problem_t *acme_claim_run(int *is_lost, acme_order_t *order, acme_t *acme,
                          const acme_verified_t *v, const acme_plan_t *plan,
                          const char *csr_sha256)
{
    apr_time_t end = clock_now(&clock_monotonic) + acme->conf->finalize_wait;
    problem_t *prob = NULL;
    apr_status_t rv;

    if (!issue_at_once(&rv, &prob, order, acme, v, plan, csr_sha256))
        rv = issue_by_job(order, acme, v, plan, csr_sha256, end);
    *is_lost = is_lost_by(rv);
    if (prob || rv == APR_SUCCESS || *is_lost)
        return prob;
    return problem_internal(v->pool, rv, "claim order %s", order->row->id);
}
