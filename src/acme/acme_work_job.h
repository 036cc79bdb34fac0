/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_WORK_JOB_H
#define ACME_WORK_JOB_H

/* What becomes of a job, for acme_work's files only.  A job's data is an object
 * with "server", and with whom it is for: "account", "externalAccountKey",
 * "owner", "address". */

#include "acme/acme_work.h"
#include "base/problem.h"
#include "store/store_event.h"

/* What fails this often, with longer and longer pauses (more than an hour in
 * all), is given up. */
#define ACME_WORK_ATTEMPTS_MAX 20

/* NULL: it is garbage. */
json_t *acme_work_data(const store_job_t *job, apr_pool_t *pool);

int acme_work_is_kind(const store_job_t *job, const char *kind);

/* Server and issuer as the job's data has them; issuer NULL: none needed. */
int acme_work_is_ours(const acme_t *acme, const char *server,
                      const char *issuer);

/* End the job and what it is about.  When even that cannot be written the lease
 * stays, and with it the chance to try again. */
void acme_work_fail(acme_t *acme, const store_job_t *job, const problem_t *prob,
                    apr_pool_t *pool);

/* The same, for our own fault: an operator should know. */
void acme_work_bury(acme_t *acme, const store_job_t *job, const char *reason,
                    apr_pool_t *pool);

/* Not now.  level: warning where nobody else tells the operator, info where the
 * store does. */
void acme_work_later(acme_t *acme, const store_job_t *job, log_level_e level,
                     apr_status_t reason_rv, const char *reason,
                     apr_pool_t *pool);

/* Seconds before the next attempt, at most max. */
apr_int64_t acme_work_pause(int attempts, apr_int64_t max);

/* An event about a job with this data (NULL: unknown). */
store_event_t *acme_work_event(const acme_t *acme, const char *kind,
                               const json_t *data, apr_pool_t *pool);

/* The two halves of the kinds (acme_work_validate.c, acme_work_issue.c). */
dcv_job_t *acme_work_validate(acme_t *acme, const store_job_t *job,
                              apr_pool_t *pool);
void acme_work_validate_done(acme_t *acme, const store_job_t *job,
                             const dcv_result_t *result, apr_pool_t *pool);
dcv_job_t *acme_work_issue(acme_t *acme, const store_job_t *job,
                           apr_pool_t *pool);
void acme_work_issue_done(acme_t *acme, const store_job_t *job,
                          const dcv_result_t *result, apr_pool_t *pool);
void acme_work_vhost(acme_t *acme, const store_job_t *job, apr_pool_t *pool);
void acme_work_prune(acme_t *acme, const store_job_t *job, apr_pool_t *pool);

#endif
