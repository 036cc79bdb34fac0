/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_loop.c"

#include <apr_thread_proc.h>

#include "tap.h"

/* Its own httpd_thread_start, for what happens while the thread starts. */
static struct {
    apr_status_t rv;
    httpd_loop_t *stop; /* meanwhile; NULL: nothing */
    int starts;
    apr_pool_t *pool; /* the case's */
} scene;

static atomic_int calls, ends;

apr_pool_t *httpd_queue_pool(int is_shared)
{
    apr_pool_t *pool = NULL;

    apr_pool_create(&pool, scene.pool);
    return pool;
}

apr_status_t httpd_thread_start(apr_thread_start_t run, void *baton,
                                apr_pool_t *pool)
{
    const httpd_loop_t *loop = baton;
    apr_thread_t *started;
    apr_status_t rv = scene.rv;

    scene.starts++;
    ok(!atomic_load(&loop->loop), "nobody has it before it has a thread");
    if (scene.stop)
        httpd_loop_stop(scene.stop);
    if (rv == APR_SUCCESS)
        rv = apr_thread_create(&started, NULL, run, baton, pool);
    if (rv == APR_SUCCESS)
        apr_thread_detach(started);
    return rv;
}

void httpd_thread_end(void)
{
    atomic_fetch_add(&ends, 1);
}

static void done(void *baton, dcv_job_t *job, dcv_result_t *result)
{
    atomic_fetch_add(&calls, 1);
}

static httpd_loop_t *make_loop(apr_pool_t *pool)
{
    scene.rv = APR_SUCCESS;
    scene.stop = NULL;
    scene.starts = 0;
    scene.pool = pool;
    atomic_store(&calls, 0);
    atomic_store(&ends, 0);
    return httpd_loop_create(NULL, pool);
}

static apr_status_t submit(httpd_loop_t *loop, apr_pool_t *pool)
{
    dcv_job_t *job = apr_pcalloc(pool, sizeof(*job));

    job->method = DCV_RESOLVE;
    job->domain = "nothing";
    job->account = "a";
    job->bounds = apr_array_make(pool, 1, sizeof(void *));
    apr_pool_create(&job->pool, pool);
    return httpd_loop_submit(loop, dcv_conf_make(pool), job, done, NULL);
}

/* It is over after a moment: 0. */
static int is_left(httpd_loop_t *loop)
{
    int i;

    for (i = 0; i < 1000 && httpd_loop_is_running(loop); i++)
        apr_sleep(10000);
    return httpd_loop_is_running(loop);
}

static void usual(apr_pool_t *pool)
{
    httpd_loop_t *loop = make_loop(pool);

    ok(!httpd_loop_is_running(loop));
    is_int(submit(loop, pool), APR_SUCCESS);
    is_int(submit(loop, pool), APR_SUCCESS);
    ok(httpd_loop_is_running(loop));
    is_int(scene.starts, 1);
    httpd_loop_stop(loop);
    ok(!is_left(loop));
    is_int(atomic_load(&calls), 2);
    is_int(atomic_load(&ends), 1);
    ok(submit(loop, pool) != APR_SUCCESS);
    is_int(scene.starts, 1);
}

static void threadless(apr_pool_t *pool)
{
    httpd_loop_t *loop = make_loop(pool);

    scene.rv = APR_EGENERAL;
    ok(submit(loop, pool) != APR_SUCCESS);
    ok(!httpd_loop_is_running(loop));
    scene.rv = APR_SUCCESS;
    is_int(submit(loop, pool), APR_SUCCESS);
    httpd_loop_stop(loop);
    ok(!is_left(loop));
    is_int(atomic_load(&calls), 1);
}

static void stopped_early(apr_pool_t *pool)
{
    httpd_loop_t *loop = make_loop(pool);

    scene.stop = loop;
    (void)!submit(loop, pool);
    is_int(scene.starts, 1);
    ok(!is_left(loop));
    loop = make_loop(pool);
    httpd_loop_stop(loop);
    ok(submit(loop, pool) != APR_SUCCESS);
    is_int(scene.starts, 0);
}

const tap_case_t tap_cases[] = {
    {"one thread for all, until it is stopped", usual},
    {"no thread: an error, and the next one tries again", threadless},
    {"H11 stopped while it is made: its thread ends", stopped_early},
    {NULL, NULL}};
