/* SPDX-License-Identifier: Apache-2.0 */
#include "handle_quick.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static handle_t *handle_of(void *baton)
{
    return baton;
}

static quick_t *quick_of(void *baton)
{
    void *quick = NULL;

    apr_pool_userdata_get(&quick, "quick", handle_of(baton)->pool);
    return quick;
}

static void before_run(quick_t *quick)
{
    if (quick->before)
        quick->before(quick->baton);
}

static apr_status_t host_perform(void *baton, acme_t *acme, void (*run)(void *),
                                 void *arg, apr_interval_time_t patience)
{
    quick_t *quick = quick_of(baton);

    if (quick->is_full)
        return APR_TIMEUP;
    quick->performed++;
    before_run(quick);
    run(arg);
    return APR_SUCCESS;
}

static apr_status_t host_hold(void **held, const dcv_result_t **result,
                              void *baton, acme_t *acme, const store_job_t *job,
                              apr_interval_time_t timeout)
{
    quick_t *quick = quick_of(baton);
    handle_t *h = quick->h;

    if (quick->is_full || quick->is_taken)
        return quick->is_full ? APR_TIMEUP : APR_EBUSY;
    if (!acme_work_start(acme, job, h->pool))
        abort();
    quick->held++;
    quick->job = job;
    memset(&quick->result, 0, sizeof(quick->result));
    quick->result.problem = h->verdict;
    quick->result.is_retryable = h->is_retryable;
    before_run(quick);
    *held = quick;
    *result = quick->is_slow ? NULL : &quick->result;
    return APR_SUCCESS;
}

static void host_release(void *baton, void *held, acme_held_e how)
{
    quick_t *quick = held;
    handle_t *h = quick->h;

    if (held != quick_of(baton))
        abort();
    quick->released[how]++;
    if (how != ACME_HELD_STORED)
        return;
    if (quick->is_slow)
        h->acme.host->submit(h, &h->acme, quick->job);
    else
        acme_work_done(&h->acme, quick->job, &quick->result, h->pool);
}

quick_t *handle_quick(handle_t *h)
{
    acme_host_t *host = apr_pmemdup(h->pool, h->acme.host, sizeof(*host));
    quick_t *quick = apr_pcalloc(h->pool, sizeof(*quick));

    quick->h = h;
    apr_pool_userdata_setn(quick, "quick", NULL, h->pool);
    host->perform = host_perform;
    host->hold = host_hold;
    host->release = host_release;
    h->acme.host = host;
    return quick;
}
