/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_WORK_H
#define ACME_WORK_H

/*
 * The background half.  A job's life in a process:
 *
 *   submitted by a request (acme_host_t.submit), or claimed by acme_work_claim
 *   → acme_work_start: "issue" and "vhost" run to their end there;
 *     "validate" returns a dcv_job_t for the loop
 *   → dcv_loop → acme_work_done.
 *
 * Every function survives every error of one job: it is logged, and postponed
 * or failed.
 */

#include "acme/acme.h"
#include "dcv/dcv_loop.h"

/* Seconds that a lease lasts before other machines may take it. */
#define ACME_WORK_LEASE 30

/* Due jobs whose lease is free, over or held by the dead, now leased to
 * acme->owner (of store_job_t *). */
apr_status_t acme_work_claim(apr_array_header_t **jobs, acme_t *acme, int max,
                             apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* NULL: ran to its end.  pool is the job's own. */
dcv_job_t *acme_work_start(acme_t *acme, const store_job_t *job,
                           apr_pool_t *pool);

/* Record what the loop found. */
void acme_work_done(acme_t *acme, const store_job_t *job,
                    const dcv_result_t *result, apr_pool_t *pool);

/* Once per process and virtual host, after fork: issuer rows. Survives a
 * database that is not there (and is then to be called again). */
apr_status_t acme_work_setup(acme_t *acme, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The vhost's own certificate: *der is the newest one in the store for this key
 * and these names if it is newer than not_before, else NULL; queues a "vhost"
 * job when less than a third of its life is left. */
apr_status_t acme_work_vhost_refresh(const unsigned char **der,
                                     apr_size_t *der_len, acme_t *acme,
                                     X509 *current, EVP_PKEY *key,
                                     apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
