/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_WORK_H
#define ACME_WORK_H

/*
 * The background half.  A job's life in a process:
 *
 *   submitted by a request (acme_host_t.submit), or claimed by acme_work_claim
 *   and given to an acme_t for which it is (acme_work_is_for)
 *   → acme_work_start: "vhost", "crl" and most "issue" run to their end there;
 *     "validate", and "issue" where the policy binds names to networks that
 *     nobody proves, return a dcv_job_t for the loop
 *   → dcv_loop → acme_work_done.
 *
 * What ends while its client waits was never a job in the database:
 * acme_work_issue_now, acme_work_prove.
 *
 * Every function survives every error of one job: it is logged, and the job is
 * postponed, or failed for good together with what it is about.  While the
 * database is away nothing can be written at all; the job's row keeps its lease
 * then, and comes back when that is over.
 */

#include "acme/acme_plan.h"
#include "dcv/dcv_loop.h"
#include "store/store_authz.h"
#include "store/store_prune.h"

/* Kinds of jobs. */
#define ACME_WORK_VALIDATE "validate" /* subject: an authorization */
#define ACME_WORK_ISSUE    "issue"    /* subject: an order; data: acme_plan */
#define ACME_WORK_VHOST    "vhost"    /* subject: key; data: acme_plan */
#define ACME_WORK_PRUNE    "prune"    /* subject: "database"; once in a while */

#define ACME_WORK_CRL      "crl"      /* subject: an issuer's fingerprint */
#define ACME_WORK_CRL_NEXT "crl-next" /* the same (acme_crl.h) */

/* Until when a lease taken now lasts, so that it is longer than any job runs:
 * ACME_WORK_LEASE seconds more than a validation may take. */
#define ACME_WORK_LEASE 30
/* Whole seconds, of times rounded up. */
apr_int64_t acme_work_seconds(apr_interval_time_t time);
apr_int64_t acme_work_lease(const acme_t *acme, apr_int64_t now);

/* Due jobs whose lease is free, over or held by the dead, now leased to
 * acme->owner (of store_job_t *).  They may be of other virtual hosts that
 * share the database. */
apr_status_t acme_work_claim(apr_array_header_t **jobs, acme_t *acme, int max,
                             apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Is this acme_t to run the job: it is its virtual host's own, or an issuance
 * by a CA that it has, or such a CA's list, or garbage that anybody may bury?
 * When it is nobody's (its virtual host is gone from the configuration), give
 * it to any acme_t: acme_work_start postpones it, a limited number of times. */
int acme_work_is_for(const acme_t *acme, const store_job_t *job);

/* NULL: ran to its end.  pool is the job's own. */
dcv_job_t *acme_work_start(acme_t *acme, const store_job_t *job,
                           apr_pool_t *pool);

/* Record what the loop found.  What could not learn anything, and what may be
 * otherwise in some seconds, is tried again as long as there is time (RFC 8555
 * 8.2); everything else is final at once (R20). */
void acme_work_done(acme_t *acme, const store_job_t *job,
                    const dcv_result_t *result, apr_pool_t *pool);

/* Who has to be asked once more before this plan can be carried out? */
int acme_work_has_to_ask(const acme_plan_t *plan);

/* What a finalize wants that has claimed nothing yet (acme_claim.h), and what
 * came of it. */
typedef struct {
    acme_t *acme;
    const acme_plan_t *plan;
    const char *order_id, *csr_sha256;
    apr_int64_t now;
    const store_event_t *event; /* of the finalize */
    apr_pool_t *pool;
    /* APR_SUCCESS: issued, unless there is a problem.  Else as
     * store_order_issue. */
    apr_status_t rv;
    problem_t *problem;
} acme_work_now_t;

/* acme_host_t.perform's: baton is an acme_work_now_t. */
void acme_work_issue_now(void *baton);

/* A proof that came while its job was not stored: authz, whose attempted,
 * attempted_at and thumbprint are set, becomes valid.  APR_INCOMPLETE: it is no
 * proof; else as store_authz_prove. */
apr_status_t acme_work_prove(store_authz_t *authz, acme_t *acme,
                             const store_job_t *job, const dcv_result_t *result,
                             apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Once per process and virtual host, after fork: issuer rows, and the jobs of
 * their lists of revoked certificates.  Survives a
 * database that is not there (and is then to be called again). */
apr_status_t acme_work_setup(acme_t *acme, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Once per process and virtual host, too: see to it that what is over goes
 * (store_prune.h), one job for each database. */
apr_status_t acme_work_prune_ensure(acme_t *acme, apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* What is over at now, by ACMERetention. */
void acme_work_prune_limits(store_prune_t *prune, const acme_conf_t *conf,
                            apr_int64_t now);

/* The vhost's own certificate: *der is the newest one in the store for this key
 * and these names if it is younger than current, else NULL; current gets a row
 * if it has none (acme_work_setup comes before); queues a "vhost" job when less
 * than a third of its life is left, or it is revoked. */
apr_status_t acme_work_vhost_refresh(const unsigned char **der,
                                     apr_size_t *der_len, acme_t *acme,
                                     X509 *current, EVP_PKEY *key,
                                     apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
