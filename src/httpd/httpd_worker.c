/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_worker.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <ap_mpm.h>
#include <apr_thread_mutex.h>

#include "acme/acme_crl.h"
#include "acme/acme_work.h"
#include "httpd/httpd_audit.h"
#include "httpd/httpd_loop.h"
#include "httpd/httpd_thread.h"
#include "httpd/httpd_tls.h"
#include "httpd/httpd_vhosts.h"

#include "base/banned.h"

/* More than one, so that their commits share an fsync (store_commit.h). */
#define THREADS_MAX 4
/* So many at a time; with so many active ones, once a second only. */
#define CLAIM_MAX  50
#define ACTIVE_MAX 4000
/* How long a child that was used goes on looking for the jobs of dead ones, and
 * how often, in seconds. */
#define ALERT      60
#define LOOK_EVERY 1
/* How long it does so for an event that waits to be chained. */
#define ALERT_EVENT 5
/* The same for one that was not, where lists of revoked certificates are to be
 * renewed, and acmectl revokes. */
#define LOOK_SELDOM 15

struct httpd_worker_t {
    acme_host_t host;
    const apr_array_header_t *vhosts; /* of httpd_conf_t * */
    const log_t *log;
    apr_pool_t *pool; /* lives as long as the process */
    httpd_queue_t *queue;
    httpd_loop_t *loop;
    atomic_int is_stopping, is_wake, is_refresh;
    int has_lists;                    /* an issuer has a list */
    atomic_int running;               /* job threads that have not ended */
    atomic_int threads, idle;         /* job threads */
    int request_threads;              /* the MPM's, in this process */
    _Atomic(apr_int64_t) alert_until; /* monotonic seconds */
    _Atomic(apr_int64_t) next_look;   /* monotonic seconds */
    apr_thread_mutex_t *lock;         /* for starting threads */
    apr_thread_mutex_t *setup_lock;
    int *is_setup; /* by virtual host: acme_work_setup; under setup_lock */
    _Atomic(apr_int64_t) *seen; /* the same: acme_crl_follow */
};

static apr_int64_t monotonic(void)
{
    return clock_seconds(&clock_monotonic);
}

static apr_status_t thread_start(httpd_worker_t *w, apr_thread_start_t run)
{
    apr_status_t rv;

    atomic_fetch_add(&w->running, 1);
    rv = httpd_thread_start(run, w, w->pool);
    if (rv != APR_SUCCESS)
        atomic_fetch_sub(&w->running, 1);
    return rv;
}

static void *APR_THREAD_FUNC job_thread(apr_thread_t *thread, void *baton);

static int is_thread_needed(httpd_worker_t *w)
{
    return atomic_load(&w->threads) < THREADS_MAX &&
           atomic_load(&w->idle) < httpd_queue_pending(w->queue);
}

/* There is something to do, and everybody may be busy. */
static void thread_ensure(httpd_worker_t *w)
{
    apr_status_t rv;

    if (!is_thread_needed(w))
        return;
    apr_thread_mutex_lock(w->lock);
    rv = is_thread_needed(w) ? thread_start(w, job_thread) : APR_EEXIST;
    if (rv == APR_SUCCESS) {
        atomic_fetch_add(&w->threads, 1);
        atomic_fetch_add(&w->idle, 1);
    }
    apr_thread_mutex_unlock(w->lock);
    if (rv != APR_SUCCESS && !atomic_load(&w->threads))
        log_write(w->log, LOG_LEVEL_CRIT, "AS0410", rv,
                  "no background thread can be started: nothing is validated "
                  "or issued by this child");
}

static void alert(httpd_worker_t *w)
{
    atomic_store(&w->alert_until, monotonic() + ALERT);
    thread_ensure(w);
}

static void flag_raise(httpd_worker_t *w, atomic_int *flag)
{
    if (atomic_load(&w->is_stopping) || atomic_exchange(flag, 1))
        return;
    httpd_queue_nudge(w->queue);
    alert(w);
}

static void host_wake(void *baton)
{
    httpd_worker_t *w = baton;

    flag_raise(w, &w->is_wake);
}

void httpd_worker_refresh(httpd_worker_t *w)
{
    flag_raise(w, &w->is_refresh);
}

/* The next look chains it.  A thread that sleeps for good is woken for that,
 * one that looks around is not, so that events are chained in batches. */
static void host_wrote(void *baton)
{
    httpd_worker_t *w = baton;
    apr_int64_t now = monotonic(), until = atomic_load(&w->alert_until);

    if (atomic_load(&w->is_stopping))
        return;
    while (until < now + ALERT_EVENT &&
           !atomic_compare_exchange_weak(&w->alert_until, &until,
                                         now + ALERT_EVENT))
        ;
    if (until < now + 2 * LOOK_EVERY)
        httpd_queue_nudge(w->queue);
    thread_ensure(w);
}

void httpd_worker_begin(httpd_worker_t *w)
{
    atomic_store(&w->is_wake, 1);
    httpd_queue_nudge(w->queue);
    thread_ensure(w);
}

static apr_status_t host_wait(void *baton, const char *job_id,
                              apr_interval_time_t timeout, int is_brief)
{
    httpd_worker_t *w = baton;
    int others = is_brief ? w->request_threads / 4 : w->request_threads;

    return httpd_queue_join(w->queue, job_id, timeout, THREADS_MAX, others);
}

static void host_audit(void *baton, acme_t *acme, const char *line)
{
    httpd_worker_t *w = baton;

    httpd_audit_event(w->vhosts, acme, line);
}

/* There is a result that nobody waits for. */
static void released(httpd_worker_t *w, httpd_work_t *work)
{
    if (work->is_void) {
        httpd_queue_end(w->queue, work);
        return;
    }
    httpd_queue_add(w->queue, work);
    thread_ensure(w);
}

/* dcv_done_fn, on the loop's thread.  When the process ends its pools end with
 * it, and its leases are the dead's. */
static void validation_done(void *baton, dcv_job_t *job, dcv_result_t *result)
{
    httpd_work_t *work = baton;
    httpd_worker_t *w = work->worker;

    if (atomic_load(&w->is_stopping))
        return;
    if (!httpd_queue_result(w->queue, work, result))
        return;
    released(w, work);
}

static apr_status_t loop_submit(httpd_worker_t *w, httpd_work_t *work,
                                dcv_job_t *job)
{
    return httpd_loop_submit(w->loop, work->acme->conf->dcv, job,
                             validation_done, work);
}

static void validation_start(httpd_worker_t *w, httpd_work_t *work,
                             dcv_job_t *job)
{
    dcv_result_t nothing = {.is_retryable = 1};

    if (loop_submit(w, work, job) == APR_SUCCESS ||
        atomic_load(&w->is_stopping))
        return;
    acme_work_done(work->acme, &work->job, &nothing, work->pool);
    httpd_queue_end(w->queue, work);
}

/* The issuers' rows, before the first certificate that names one; the jobs of
 * their lists. */
static void setup_ensure(httpd_worker_t *w, acme_t *acme, apr_pool_t *pool)
{
    int i = httpd_vhosts_find(w->vhosts, acme);

    apr_thread_mutex_lock(w->setup_lock);
    if (i < w->vhosts->nelts && !w->is_setup[i])
        w->is_setup[i] = acme_work_setup(acme, pool) == APR_SUCCESS &&
                         acme_work_prune_ensure(acme, pool) == APR_SUCCESS;
    apr_thread_mutex_unlock(w->setup_lock);
}

static void job_run(httpd_worker_t *w, httpd_work_t *work)
{
    dcv_job_t *job = NULL;

    if (work->result)
        acme_work_done(work->acme, &work->job, work->result, work->pool);
    else
        job = acme_work_start(work->acme, &work->job, work->pool);
    if (job)
        validation_start(w, work, job);
    else
        httpd_queue_end(w->queue, work);
}

static void work_run(httpd_worker_t *w, httpd_work_t *work, apr_pool_t *pool)
{
    apr_time_t start = clock_now(&clock_monotonic);

    setup_ensure(w, work->acme, pool);
    if (work->run)
        httpd_queue_run(w->queue, work);
    else
        job_run(w, work);
    httpd_queue_took(w->queue, clock_now(&clock_monotonic) - start);
}

/* A validation is the loop's affair: to hand it over needs no job thread.  0:
 * the job is here already. */
static int submit(httpd_worker_t *w, acme_t *acme, const store_job_t *job)
{
    httpd_work_t *work = NULL;

    if (!atomic_load(&w->is_stopping))
        work = httpd_queue_begin(w->queue, acme, job, w);
    if (!work)
        return 0;
    if (strcmp(job->kind, ACME_WORK_VALIDATE))
        httpd_queue_add(w->queue, work);
    else
        job_run(w, work);
    alert(w);
    return 1;
}

static void host_submit(void *baton, acme_t *acme, const store_job_t *job)
{
    (void)submit(baton, acme, job);
}

static apr_status_t host_perform(void *baton, acme_t *acme, void (*run)(void *),
                                 void *arg, apr_interval_time_t patience)
{
    httpd_worker_t *w = baton;
    httpd_work_t work = {.acme = acme, .run = run, .arg = arg};
    apr_status_t rv = APR_TIMEUP;

    if (!atomic_load(&w->is_stopping))
        rv = httpd_queue_perform(w->queue, &work, patience, THREADS_MAX);
    if (rv != APR_SUCCESS)
        return rv;
    alert(w);
    return httpd_queue_performed(w->queue, &work, patience);
}

static int held_start(httpd_worker_t *w, httpd_work_t *work)
{
    dcv_job_t *job = acme_work_start(work->acme, &work->job, work->pool);

    return job && loop_submit(w, work, job) == APR_SUCCESS;
}

static void host_release(void *baton, void *held, acme_held_e how)
{
    httpd_worker_t *w = baton;
    httpd_work_t *heir;

    if (httpd_queue_release(&heir, w->queue, held, how))
        released(w, held);
    if (!heir)
        return;
    httpd_queue_add(w->queue, heir);
    thread_ensure(w);
}

/* A quarter of the threads may wait for validations. */
static apr_status_t host_hold(void **held, const dcv_result_t **result,
                              void *baton, acme_t *acme, const store_job_t *job,
                              apr_interval_time_t timeout)
{
    httpd_worker_t *w = baton;
    httpd_work_t *work;
    int is_started;
    apr_status_t rv = APR_TIMEUP;

    if (!atomic_load(&w->is_stopping))
        rv = httpd_queue_begin_held(&work, w->queue, acme, job, w,
                                    w->request_threads / 4);
    if (rv != APR_SUCCESS)
        return rv;
    alert(w);
    is_started = held_start(w, work);
    *result = httpd_queue_hold(w->queue, work, is_started ? timeout : 0);
    *held = work;
    if (is_started)
        return APR_SUCCESS;
    host_release(w, work, ACME_HELD_LOST);
    httpd_queue_end(w->queue, work);
    return APR_TIMEUP;
}

static void claim(httpd_worker_t *w, acme_t *any, apr_pool_t *pool)
{
    apr_array_header_t *jobs;
    int i, is_new = 0;

    /* The store has said why, if it could not. */
    if (acme_work_claim(&jobs, any, CLAIM_MAX, pool) != APR_SUCCESS)
        return;
    for (i = 0; i < jobs->nelts; i++) {
        const store_job_t *job = APR_ARRAY_IDX(jobs, i, const store_job_t *);

        is_new |= submit(w, httpd_vhosts_for_job(w->vhosts, any, job), job);
    }
    /* There are more than fit. */
    if (jobs->nelts == CLAIM_MAX && is_new &&
        httpd_queue_active(w->queue) < ACTIVE_MAX)
        host_wake(w);
}

/* A look is due, and it is this thread's. */
static int look_take(httpd_worker_t *w)
{
    apr_int64_t now = monotonic(), due = atomic_load(&w->next_look);

    return due <= now && atomic_compare_exchange_strong(&w->next_look, &due,
                                                        now + LOOK_EVERY);
}

/* What is not in the queue: the jobs of the dead, our own certificates. */
static void chores_run(httpd_worker_t *w, apr_pool_t *pool)
{
    int is_look = look_take(w), is_refresh = atomic_exchange(&w->is_refresh, 0);
    int i;

    is_look |= atomic_exchange(&w->is_wake, 0);
    for (i = 0; i < w->vhosts->nelts; i++) {
        httpd_conf_t *conf = APR_ARRAY_IDX(w->vhosts, i, httpd_conf_t *);

        if (conf->handle && (is_refresh || (w->has_lists && is_look)))
            setup_ensure(w, conf->handle, pool);
        if (conf->handle && w->has_lists && is_look)
            w->seen[i] = acme_crl_follow(conf->handle, w->seen[i], pool);
        if (is_refresh)
            httpd_tls_refresh(conf, pool);
    }
    for (i = 0; is_look && i < w->vhosts->nelts; i++)
        if (httpd_vhosts_is_first(w->vhosts, i))
            claim(w, APR_ARRAY_IDX(w->vhosts, i, httpd_conf_t *)->handle, pool);
}

static void *APR_THREAD_FUNC job_thread(apr_thread_t *thread, void *baton)
{
    httpd_worker_t *w = baton;
    apr_pool_t *pool = httpd_queue_pool(0);

    while (pool && !atomic_load(&w->is_stopping)) {
        int is_alert = monotonic() < atomic_load(&w->alert_until);
        int pause = w->has_lists ? LOOK_SELDOM : -1;
        int is_token =
            httpd_queue_wait(w->queue, is_alert ? LOOK_EVERY : pause);
        httpd_work_t *work = NULL;

        atomic_fetch_sub(&w->idle, 1);
        if (is_token && !atomic_load(&w->is_stopping))
            work = httpd_queue_take(w->queue);
        if (work)
            work_run(w, work, pool);
        if (!atomic_load(&w->is_stopping))
            chores_run(w, pool);
        apr_pool_clear(pool);
        atomic_fetch_add(&w->idle, 1);
    }
    httpd_queue_close(w->queue);
    httpd_thread_end();
    atomic_fetch_sub(&w->running, 1);
    return NULL;
}

httpd_worker_t *httpd_worker_create(const apr_array_header_t *vhosts,
                                    const log_t *log)
{
    apr_pool_t *pool = httpd_queue_pool(1);
    httpd_worker_t *w;

    if (!pool)
        return NULL;
    w = apr_pcalloc(pool, sizeof(*w));
    w->pool = pool;
    w->vhosts = vhosts;
    w->is_setup = apr_pcalloc(pool, sizeof(int) * (apr_size_t)vhosts->nelts);
    w->seen = apr_pcalloc(pool, sizeof(*w->seen) * (apr_size_t)vhosts->nelts);
    w->log = log;
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &w->request_threads);
    w->has_lists = httpd_vhosts_have_lists(vhosts);
    w->is_refresh = 1;
    w->host.submit = host_submit;
    w->host.wake = host_wake;
    w->host.wait = host_wait;
    w->host.audit = host_audit;
    w->host.wrote = host_wrote;
    w->host.perform = host_perform;
    w->host.hold = host_hold;
    w->host.release = host_release;
    w->host.baton = w;
    w->queue = httpd_queue_create(pool);
    w->loop = httpd_loop_create(log, pool);
    if (!w->queue || !w->loop ||
        apr_thread_mutex_create(&w->lock, APR_THREAD_MUTEX_DEFAULT, pool) !=
            APR_SUCCESS ||
        apr_thread_mutex_create(&w->setup_lock, APR_THREAD_MUTEX_DEFAULT,
                                pool) != APR_SUCCESS)
        return NULL;
    return w;
}

const acme_host_t *httpd_worker_host(const httpd_worker_t *w)
{
    return &w->host;
}

void httpd_worker_stop(httpd_worker_t *w)
{
    int i;

    if (atomic_exchange(&w->is_stopping, 1))
        return;
    for (i = 0; i < THREADS_MAX; i++)
        httpd_queue_nudge(w->queue);
    httpd_loop_stop(w->loop);
}

int httpd_worker_is_running(httpd_worker_t *w)
{
    return atomic_load(&w->running) || httpd_loop_is_running(w->loop);
}

void httpd_worker_join(httpd_worker_t *w)
{
    struct timespec pause = {0, 10 * 1000 * 1000};
    int i;

    for (i = 0; i < 200 && httpd_worker_is_running(w); i++)
        nanosleep(&pause, NULL);
}

int httpd_worker_count(httpd_queue_count_t *count, httpd_worker_t *w)
{
    httpd_queue_count(count, w->queue);
    return atomic_load(&w->threads);
}
