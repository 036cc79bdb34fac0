/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_loop.h"

#include <stdatomic.h>

#include <apr_thread_mutex.h>

#include "httpd/httpd_queue.h"
#include "httpd/httpd_thread.h"

#include "base/banned.h"

struct httpd_loop_t {
    const log_t *log;
    apr_thread_mutex_t *lock;   /* for making it */
    dcv_loop_t *made;           /* its thread's */
    _Atomic(dcv_loop_t *) loop; /* everybody's, as soon as it has a thread */
    atomic_int is_stopping, is_running;
};

httpd_loop_t *httpd_loop_create(const log_t *log, apr_pool_t *pool)
{
    httpd_loop_t *loop = apr_pcalloc(pool, sizeof(*loop));

    loop->log = log;
    if (apr_thread_mutex_create(&loop->lock, APR_THREAD_MUTEX_DEFAULT, pool) !=
        APR_SUCCESS)
        return NULL;
    return loop;
}

static void *APR_THREAD_FUNC thread(apr_thread_t *self, void *baton)
{
    httpd_loop_t *loop = baton;

    dcv_loop_run(loop->made);
    httpd_thread_end();
    atomic_store(&loop->is_running, 0);
    return NULL;
}

/* Under the lock: the loop and its thread.  Whoever stops it meanwhile does not
 * see it yet. */
static apr_status_t make(httpd_loop_t *loop)
{
    apr_pool_t *pool = httpd_queue_pool(1);
    apr_status_t rv;

    if (!pool)
        return APR_ENOMEM;
    rv = dcv_loop_create(&loop->made, loop->log, pool);
    if (rv == APR_SUCCESS) {
        atomic_store(&loop->is_running, 1);
        rv = httpd_thread_start(thread, loop, pool);
    }
    if (rv != APR_SUCCESS) {
        atomic_store(&loop->is_running, 0);
        apr_pool_destroy(pool);
        return rv;
    }
    atomic_store(&loop->loop, loop->made);
    if (atomic_load(&loop->is_stopping))
        dcv_loop_stop(loop->made);
    return APR_SUCCESS;
}

static dcv_loop_t *get(httpd_loop_t *loop)
{
    apr_status_t rv = APR_SUCCESS;

    if (atomic_load(&loop->loop))
        return atomic_load(&loop->loop);
    apr_thread_mutex_lock(loop->lock);
    if (!atomic_load(&loop->loop) && !atomic_load(&loop->is_stopping))
        rv = make(loop);
    apr_thread_mutex_unlock(loop->lock);
    if (rv != APR_SUCCESS)
        log_write(loop->log, LOG_LEVEL_CRIT, "AS0411", rv,
                  "the validation loop cannot be started: nothing is validated "
                  "by this child");
    return atomic_load(&loop->loop);
}

apr_status_t httpd_loop_submit(httpd_loop_t *loop, const dcv_conf_t *conf,
                               dcv_job_t *job, dcv_done_fn done, void *baton)
{
    dcv_loop_t *made = get(loop);

    return made ? dcv_loop_submit(made, conf, job, done, baton) : APR_EGENERAL;
}

void httpd_loop_stop(httpd_loop_t *loop)
{
    dcv_loop_t *made;

    atomic_store(&loop->is_stopping, 1);
    made = atomic_load(&loop->loop);
    if (made)
        dcv_loop_stop(made);
}

int httpd_loop_is_running(httpd_loop_t *loop)
{
    return atomic_load(&loop->is_running);
}
