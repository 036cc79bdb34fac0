/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work_job.h"

#include <apr_strings.h>

#include "base/token.h"

#include "base/banned.h"

#define HOUR (60 * 60)
#define YEAR ((apr_int64_t)36525 * 24 * HOUR / 100)

/* How often, and how soon at the first time. */
#define EVERY (6 * HOUR)
#define FIRST (10 * 60)
/* The lease is renewed long before it ends. */
#define RENEW (ACME_WORK_LEASE / 3)

void acme_work_prune_limits(store_prune_t *prune, const acme_conf_t *conf,
                            apr_int64_t now)
{
    prune->now = now;
    prune->before = now - conf->retention;
    prune->certs_before = now - YEAR;
    prune->events_before = now - YEAR;
}

apr_status_t acme_work_prune_ensure(acme_t *acme, apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    store_job_t job = {0};
    apr_status_t rv;

    job.id = token_id(apr_time_from_sec(now), pool);
    job.kind = ACME_WORK_PRUNE;
    job.subject = "database";
    job.due_at = now + FIRST;
    rv = store_job_add(acme->store, &job, pool);
    return APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv;
}

typedef struct {
    acme_t *acme;
    const store_job_t *job;
    apr_int64_t renewed_at;
    apr_pool_t *pool;
} lease_t;

/* Whoever has lost it has been taken for dead: another one goes on. */
static apr_status_t lease_renew(void *baton)
{
    lease_t *lease = baton;
    acme_t *acme = lease->acme;
    apr_int64_t now = clock_seconds(acme->clock);

    if (now - lease->renewed_at < RENEW)
        return APR_SUCCESS;
    lease->renewed_at = now;
    return store_job_extend(acme->store, lease->job->id, acme->owner,
                            acme_work_lease(acme, now), lease->pool);
}

static void pruned_tell(const acme_t *acme, const store_pruned_t *pruned)
{
    if (pruned->orders || pruned->authzs || pruned->certs || pruned->jobs ||
        pruned->events)
        log_write(acme->log, LOG_LEVEL_NOTICE, "AS0311", APR_SUCCESS,
                  "removed from the database, as they were over: "
                  "%" APR_INT64_T_FMT " orders, %" APR_INT64_T_FMT
                  " authorizations, %" APR_INT64_T_FMT " certificates, "
                  "%" APR_INT64_T_FMT " jobs, %" APR_INT64_T_FMT " events",
                  pruned->orders, pruned->authzs, pruned->certs, pruned->jobs,
                  pruned->events);
}

void acme_work_prune(acme_t *acme, const store_job_t *job, apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    lease_t lease = {acme, job, now, pool};
    store_prune_t prune = {.pause = lease_renew, .baton = &lease};
    store_pruned_t pruned;
    apr_status_t rv;

    acme_work_prune_limits(&prune, acme->conf, now);
    rv = store_prune(&pruned, acme->store, &prune, pool);
    pruned_tell(acme, &pruned);
    if (APR_STATUS_IS_EEXIST(rv))
        return;
    if (rv == APR_SUCCESS)
        rv = store_job_again(acme->store, job->id,
                             clock_seconds(acme->clock) + EVERY, pool);
    if (rv != APR_SUCCESS)
        acme_work_later(acme, job, LOG_LEVEL_INFO, rv,
                        "the database cannot do it now", pool);
}
