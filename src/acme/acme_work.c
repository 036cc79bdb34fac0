/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_response.h"
#include "acme/acme_crl.h"
#include "acme/acme_work_job.h"
#include "store/store_issuer.h"

#include "base/banned.h"

/* Events in one transaction, some microseconds each. */
#define CHAIN_MAX 500

apr_int64_t acme_work_seconds(apr_interval_time_t time)
{
    return (time + APR_USEC_PER_SEC - 1) / APR_USEC_PER_SEC;
}

apr_int64_t acme_work_lease(const acme_t *acme, apr_int64_t now)
{
    return now + ACME_WORK_LEASE + apr_time_sec(acme->conf->dcv->timeout);
}

/* What nobody else can tell: the store's own event; and acmectl's, which writes
 * to a file, but cannot to a program. */
static apr_status_t event_tell(void *baton, const store_event_t *event,
                               apr_pool_t *pool)
{
    acme_t *acme = baton;
    const char *log = acme->conf->audit_log;
    int is_operator = event->who && !strncmp(event->who, ACME_AUDIT_OPERATOR,
                                             strlen(ACME_AUDIT_OPERATOR));

    if (!strcmp(event->kind, STORE_PRUNE_CUT) ||
        (is_operator && (!log || *log == '|')))
        acme_audit_relay(acme, event, pool);
    return APR_SUCCESS;
}

apr_status_t acme_work_claim(apr_array_header_t **jobs, acme_t *acme, int max,
                             apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    int chained;

    /* In the wake of other work, so that it costs no commit its parallelism.
     * The store has said why, if it could not. */
    if (store_event_chain(&chained, acme->store, CHAIN_MAX, event_tell, acme,
                          pool) != APR_SUCCESS)
        log_write(acme->log, LOG_LEVEL_DEBUG, NULL, APR_SUCCESS,
                  "the audit trail is chained later");
    return store_job_claim(jobs, acme->store, acme->owner,
                           acme_work_lease(acme, now), max, now, pool);
}

static int is_crl(const store_job_t *job)
{
    return acme_work_is_kind(job, ACME_WORK_CRL) ||
           acme_work_is_kind(job, ACME_WORK_CRL_NEXT);
}

int acme_work_is_for(const acme_t *acme, const store_job_t *job)
{
    apr_pool_t *pool;
    json_t *json;
    int is_for = 1;

    if (is_crl(job))
        return acme_crl_is_for(acme, job->subject);
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    json = acme_work_data(job, pool);
    if (json)
        is_for = acme_work_is_ours(
            acme, json_string_value(json_object_get(json, "server")),
            json_string_value(json_object_get(json, "issuer")));
    apr_pool_destroy(pool);
    return is_for;
}

dcv_job_t *acme_work_start(acme_t *acme, const store_job_t *job,
                           apr_pool_t *pool)
{
    /* Whoever runs it dies of it, or never comes to its end. */
    if (job->attempts > ACME_WORK_ATTEMPTS_MAX) {
        acme_work_bury(acme, job, "too many attempts", pool);
        return NULL;
    }
    if (acme_work_is_kind(job, ACME_WORK_VALIDATE))
        return acme_work_validate(acme, job, pool);
    if (acme_work_is_kind(job, ACME_WORK_ISSUE))
        return acme_work_issue(acme, job, pool);
    if (acme_work_is_kind(job, ACME_WORK_VHOST))
        acme_work_vhost(acme, job, pool);
    else if (acme_work_is_kind(job, ACME_WORK_PRUNE))
        acme_work_prune(acme, job, pool);
    else if (is_crl(job))
        acme_crl_run(acme, job, pool);
    else
        acme_work_bury(acme, job, "there is no such kind of job", pool);
    return NULL;
}

void acme_work_done(acme_t *acme, const store_job_t *job,
                    const dcv_result_t *result, apr_pool_t *pool)
{
    if (acme_work_is_kind(job, ACME_WORK_ISSUE))
        acme_work_issue_done(acme, job, result, pool);
    else
        acme_work_validate_done(acme, job, result, pool);
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

/* A generation that this database has not seen yet: somebody made or renewed a
 * CA, or configured it. */
static apr_status_t generation_add(acme_t *acme, const ca_issuer_t *generation,
                                   apr_pool_t *pool)
{
    store_event_t *event = acme_work_event(acme, "issuer.add", NULL, pool);
    json_t *detail = json_object();
    store_issuer_t row = {0};
    apr_status_t rv;

    issuer_row(&row, generation, pool);
    acme_response_set_string(detail, "issuer", row.name);
    json_object_set_new(detail, "generation", json_integer(row.generation));
    acme_response_set_string(detail, "fingerprint", row.fingerprint);
    acme_response_set_time(detail, "notAfter", row.not_after, pool);
    acme_audit_detail(event, detail, pool);
    rv = store_issuer_ensure(acme->store, &row, event, pool);
    if (rv == APR_SUCCESS)
        acme_audit_tell(acme, event, pool);
    return rv;
}

static apr_status_t issuer_setup(acme_t *acme, const ca_set_t *set,
                                 apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; set && i < set->generations->nelts && rv == APR_SUCCESS; i++) {
        const ca_issuer_t *generation =
            APR_ARRAY_IDX(set->generations, i, const ca_issuer_t *);
        store_issuer_t *row;

        rv = store_issuer_get(&row, acme->store, generation->fingerprint, pool);
        if (APR_STATUS_IS_ENOENT(rv))
            rv = generation_add(acme, generation, pool);
    }
    return rv;
}

apr_status_t acme_work_setup(acme_t *acme, apr_pool_t *pool)
{
    const apr_array_header_t *issuers = acme->conf->issuers;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < issuers->nelts && rv == APR_SUCCESS; i++)
        rv = issuer_setup(
            acme, APR_ARRAY_IDX(issuers, i, const acme_issuer_t *)->set, pool);
    return rv == APR_SUCCESS ? acme_crl_setup(acme, pool) : rv;
}
