/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_wait.h"

#include "base/banned.h"

apr_status_t acme_wait_job(acme_t *acme, const char *job_id,
                           apr_interval_time_t timeout, int is_brief)
{
    apr_status_t rv;

    store_expect(acme->store, -1);
    rv = acme->host->wait(acme->host->baton, job_id, timeout, is_brief);
    store_expect(acme->store, 1);
    return rv;
}

apr_status_t acme_wait_held(void **held, const dcv_result_t **result,
                            acme_t *acme, const store_job_t *job,
                            apr_interval_time_t timeout)
{
    apr_status_t rv;

    store_expect(acme->store, -1);
    rv = acme->host->hold(held, result, acme->host->baton, acme, job, timeout);
    store_expect(acme->store, 1);
    return rv;
}
