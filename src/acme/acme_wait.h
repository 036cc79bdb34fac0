/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_WAIT_H
#define ACME_WAIT_H

/*
 * A request's thread waits for what others do (acme_host_t.wait and hold).  As
 * long as it does, no writer waits for it (store_expect).
 */

#include "acme/acme.h"

apr_status_t acme_wait_job(acme_t *acme, const char *job_id,
                           apr_interval_time_t timeout, int is_brief);
/* acme->host->hold must not be NULL. */
apr_status_t acme_wait_held(void **held, const dcv_result_t **result,
                            acme_t *acme, const store_job_t *job,
                            apr_interval_time_t timeout)
    __attribute__((warn_unused_result));

#endif
