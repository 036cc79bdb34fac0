/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work_job.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "base/pjson.h"
#include "store/store_authz.h"
#include "store/store_order.h"

#include "base/banned.h"

#define PAUSE_MAX 300

json_t *acme_work_data(const store_job_t *job, apr_pool_t *pool)
{
    json_t *json;

    if (!job->data ||
        pjson_parse(&json, job->data, strlen(job->data), "job", pool) ||
        !json_is_string(json_object_get(json, "server")))
        return NULL;
    return json;
}

int acme_work_is_kind(const store_job_t *job, const char *kind)
{
    return job->kind && !strcmp(job->kind, kind);
}

int acme_work_is_ours(const acme_t *acme, const char *server,
                      const char *issuer)
{
    return !strcmp(server, acme->conf->server_name) ||
           (issuer && acme_conf_issuer_of(acme->conf, issuer));
}

store_event_t *acme_work_event(const acme_t *acme, const char *kind,
                               const json_t *data, apr_pool_t *pool)
{
    store_event_t *event = apr_pcalloc(pool, sizeof(*event));

    event->at = clock_seconds(acme->clock);
    event->kind = kind;
    event->account_id = json_string_value(json_object_get(data, "account"));
    event->eab_kid =
        json_string_value(json_object_get(data, "externalAccountKey"));
    event->who = json_string_value(json_object_get(data, "owner"));
    event->ip = json_string_value(json_object_get(data, "address"));
    return event;
}

void acme_work_fail(acme_t *acme, const store_job_t *job, const problem_t *prob,
                    apr_pool_t *pool)
{
    const char *text = pjson_text(problem_render(prob, pool), 0, pool);
    int is_issue = acme_work_is_kind(job, ACME_WORK_ISSUE);
    store_event_t *event =
        acme_work_event(acme, is_issue ? "order.fail" : "authz.invalid",
                        acme_work_data(job, pool), pool);
    apr_status_t rv = APR_ENOENT;

    acme_audit_detail(event, acme_audit_problem(prob), pool);
    if (is_issue) {
        event->order_id = job->subject;
        rv = store_order_fail(acme->store, job->subject, job->id, text, event,
                              pool);
    }
    else if (acme_work_is_kind(job, ACME_WORK_VALIDATE)) {
        event->authz_id = job->subject;
        rv = store_authz_record(acme->store, job->subject, job->id, text, 0,
                                event->at, event, pool);
    }
    if (rv == APR_SUCCESS)
        acme_audit_tell(acme, event, pool);
    if (APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_EEXIST(rv))
        rv = store_job_delete(acme->store, job->id, pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        log_write(acme->log, LOG_LEVEL_INFO, "AS0303", rv,
                  "%s job %s (%s): its end could not be recorded; it comes "
                  "back when its lease is over",
                  job->kind, job->id, job->subject);
}

void acme_work_bury(acme_t *acme, const store_job_t *job, const char *reason,
                    apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, PROBLEM_SERVER_INTERNAL,
                                   "the server could not do this and has given "
                                   "up; please place a new order");

    log_write(acme->log, LOG_LEVEL_ERROR, "AS0304", APR_SUCCESS,
              "%s job %s (%s) given up after %d attempts: %s", job->kind,
              job->id, job->subject, job->attempts + 1, reason);
    acme_work_fail(acme, job, prob, pool);
}

apr_int64_t acme_work_pause(int attempts, apr_int64_t max)
{
    apr_int64_t pause = attempts < 16 ? (apr_int64_t)1 << attempts : max;

    return pause < max ? pause : max;
}

void acme_work_later(acme_t *acme, const store_job_t *job, log_level_e level,
                     apr_status_t reason_rv, const char *reason,
                     apr_pool_t *pool)
{
    apr_int64_t pause = acme_work_pause(job->attempts, PAUSE_MAX);
    apr_status_t rv;

    if (job->attempts >= ACME_WORK_ATTEMPTS_MAX) {
        acme_work_bury(acme, job, reason, pool);
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
