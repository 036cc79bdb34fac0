/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_loop.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "base/clock.h"
#include "base/token.h"
#include "base/trim.h"
#include "dcv/dcv_climb.h"
#include "dcv/dcv_dns01.h"
#include "dcv/dcv_http01.h"
#include "dcv/dcv_queue.h"
#include "dcv/dcv_resolve.h"
#include "dcv/dcv_run.h"
#include "dcv/dcv_tlsalpn01.h"

#include "base/banned.h"

/* The wake-up descriptor counts: jobs below, stops above. */
#define WAKE 1ULL
#define STOP (1ULL << 32)

/* A job that waits longer than so many of its time limits is handed back; or
 * than that time, so that nobody takes its lease meanwhile (ACME_WORK_LEASE).
 */
#define WAIT_LIMITS    2
#define WAIT_MAX       apr_time_from_sec(20)
#define COMPLAIN_EVERY apr_time_from_sec(60)
/* Validations at a time, whatever the configurations say. */
#define LIMIT_MAX 16384
/* Octets that are kept for pools to come. */
#define FREE_MAX (1024 * 1024)
/* When so much was under way, and half of it is over, memory is given back. */
#define MANY 256

struct dcv_loop_t {
    const log_t *log;
    apr_pool_t *pool; /* with an allocator of its own */
    int wake_fd;
    /* Jobs that came in, the last one first; &closed when none may. */
    _Atomic(dcv_run_t *) incoming;
    dcv_run_t closed;

    /* of the loop's thread */
    apr_pool_t *run_pool; /* of the following, gone when it ends */
    dcv_event_t *event;
    dcv_fetch_t *fetch;
    dcv_tls_t *tls;
    dcv_dns_t *dns;
    dcv_asker_t *asker;
    dcv_queue_t *queue;
    dcv_run_t *running;
    int is_stopping;
    int limit;              /* validations at a time, for want of descriptors */
    int peak;               /* most of what was under way lately */
    apr_time_t quiet_until; /* no more complaints of overload */
};

static const dcv_method_t *const methods[] = {
    [DCV_HTTP01] = &dcv_http01,       [DCV_DNS01] = &dcv_dns01,
    [DCV_TLSALPN01] = &dcv_tlsalpn01, [DCV_DNS_ACCOUNT01] = &dcv_dns01,
    [DCV_DNS_PERSIST01] = &dcv_dns01, [DCV_RESOLVE] = &dcv_resolve,
};

static apr_status_t loop_close(void *data)
{
    dcv_loop_t *loop = data;

    close(loop->wake_fd);
    return APR_SUCCESS;
}

static apr_status_t pool_own(apr_pool_t **pool, apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_status_t rv;

    rv = apr_allocator_create(&allocator);
    if (rv != APR_SUCCESS)
        return rv;
    rv = apr_pool_create_ex(pool, parent, NULL, allocator);
    apr_allocator_max_free_set(allocator, FREE_MAX);
    if (rv == APR_SUCCESS)
        apr_allocator_owner_set(allocator, *pool);
    else
        apr_allocator_destroy(allocator);
    return rv;
}

apr_status_t dcv_loop_create(dcv_loop_t **loop, const log_t *log,
                             apr_pool_t *pool)
{
    dcv_loop_t *made;
    apr_pool_t *own;
    apr_status_t rv;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return APR_ENOMEM;
    rv = pool_own(&own, pool);
    if (rv != APR_SUCCESS)
        return rv;
    made = apr_pcalloc(own, sizeof(*made));
    made->log = log;
    made->pool = own;
    made->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->wake_fd < 0) {
        rv = APR_FROM_OS_ERROR(errno);
        apr_pool_destroy(own);
        return rv;
    }
    apr_pool_cleanup_register(own, made, loop_close, apr_pool_cleanup_null);
    *loop = made;
    return APR_SUCCESS;
}

static void wake(const dcv_loop_t *loop, uint64_t what)
{
    ssize_t written = write(loop->wake_fd, &what, sizeof(what));

    (void)written; /* it can only be full, and is readable then */
}

void dcv_loop_stop(dcv_loop_t *loop)
{
    wake(loop, STOP);
}

apr_status_t dcv_loop_submit(dcv_loop_t *loop, const dcv_conf_t *conf,
                             dcv_job_t *job, dcv_done_fn done, void *baton)
{
    dcv_run_t *run = apr_pcalloc(job->pool, sizeof(*run)), *last;

    run->job = job;
    run->conf = conf;
    run->loop = loop;
    run->done = done;
    run->baton = baton;
    run->method = methods[job->method];
    run->submitted = clock_now(&clock_monotonic);
    last = atomic_load(&loop->incoming);
    do {
        if (last == &loop->closed)
            return APR_EGENERAL;
        run->next = last;
    } while (!atomic_compare_exchange_weak(&loop->incoming, &last, run));
    if (!last)
        wake(loop, WAKE);
    return APR_SUCCESS;
}

/* Tell the submitter; run and its pool are gone afterwards. */
static void hand_back(dcv_run_t *run, problem_t *problem, const char *address,
                      int is_retryable)
{
    dcv_result_t *result = apr_pcalloc(run->job->pool, sizeof(*result));

    result->problem = problem;
    result->is_retryable = is_retryable;
    result->lifetime = run->lifetime;
    result->until = run->until;
    result->is_reached = run->is_reached;
    result->status = run->status;
    result->address = apr_pstrdup(run->job->pool, address);
    result->took = clock_now(&clock_monotonic) - run->submitted;
    run->done(run->baton, run->job, result);
}

static void hand_back_untried(dcv_run_t *run, const char *why)
{
    hand_back(run,
              problem_internal(run->job->pool, APR_EGENERAL, "validate %s: %s",
                               run->job->domain, why),
              NULL, 1);
}

static void running_remove(dcv_run_t *run)
{
    dcv_loop_t *loop = run->loop;

    if (run->prev)
        run->prev->next = run->next;
    else
        loop->running = run->next;
    if (run->next)
        run->next->prev = run->prev;
    dcv_event_timer_clear(loop->event, &run->timer);
    dcv_queue_done(loop->queue, run);
}

void dcv_run_end(dcv_run_t *run, problem_t *problem, const char *address,
                 int is_retryable)
{
    dcv_climb_cancel(run);
    running_remove(run);
    hand_back(run, problem, address, is_retryable);
}

void dcv_run_finish(dcv_run_t *run, problem_t *problem, const char *address,
                    int is_retryable)
{
    if (problem || is_retryable || !run->climb) {
        dcv_run_end(run, problem, address, is_retryable);
        return;
    }
    run->address = apr_pstrdup(run->job->pool, address);
    dcv_climb_wait(run);
}

static void run_expired(void *baton)
{
    dcv_run_t *run = baton;

    run->is_late = 1;
    run->method->expire(run);
}

static void run_start(dcv_loop_t *loop, dcv_run_t *run)
{
    apr_time_t now = dcv_event_now(loop->event);

    run->event = loop->event;
    run->fetch = loop->fetch;
    run->tls = loop->tls;
    run->dns = loop->dns;
    run->asker = loop->asker;
    run->deadline =
        now + (run->job->time_left ? run->job->time_left : run->conf->timeout);
    run->prev = NULL;
    run->next = loop->running;
    if (run->next)
        run->next->prev = run;
    loop->running = run;
    run->timer.fire = run_expired;
    dcv_event_timer_set(loop->event, &run->timer, run->deadline);
    if (run->job->caa)
        dcv_climb_start(run);
    run->method->start(run);
}

/* Once in a while: it is one state, not one event per job. */
static int may_complain(dcv_loop_t *loop)
{
    apr_time_t now = dcv_event_now(loop->event);

    if (now < loop->quiet_until)
        return 0;
    loop->quiet_until = now + COMPLAIN_EVERY;
    return 1;
}

static void overloaded(dcv_run_t *run)
{
    if (may_complain(run->loop))
        log_write(run->loop->log, LOG_LEVEL_WARNING, "AS0205", APR_SUCCESS,
                  "so many validations wait that some are put off; "
                  "ACMEValidationMax is %d",
                  run->conf->max_in_flight);
    hand_back_untried(run, "too many validations are waiting");
}

static void run_tired(void *baton)
{
    dcv_run_t *run = baton;

    dcv_queue_remove(run->loop->queue, run);
    overloaded(run);
}

static void run_enqueue(dcv_loop_t *loop, dcv_run_t *run)
{
    apr_interval_time_t wait = WAIT_LIMITS * run->conf->timeout;

    if (wait > WAIT_MAX)
        wait = WAIT_MAX;
    if (!dcv_queue_add(loop->queue, run)) {
        overloaded(run);
        return;
    }
    run->timer.fire = run_tired;
    run->timer.baton = run;
    dcv_event_timer_set(loop->event, &run->timer,
                        dcv_event_now(loop->event) + wait);
}

/* Take what came in, the first one first; and leave this in its place. */
static dcv_run_t *incoming_take(dcv_loop_t *loop, dcv_run_t *leave)
{
    dcv_run_t *run = atomic_exchange(&loop->incoming, leave);
    dcv_run_t *list = NULL, *next;

    for (; run; run = next) {
        next = run->next;
        run->next = list;
        list = run;
    }
    return list;
}

static void woken(void *baton, int fd, unsigned int events)
{
    dcv_loop_t *loop = baton;
    dcv_run_t *run, *next;
    uint64_t what = 0;

    if (read(fd, &what, sizeof(what)) == sizeof(what) && what >= STOP)
        loop->is_stopping = 1;
    for (run = incoming_take(loop, NULL); run; run = next) {
        next = run->next;
        run_enqueue(loop, run);
    }
}

/* Descriptors are shared with the server's connections: half of them are ours,
 * and a validation may need two at a time (questions for A and AAAA). */
static int limit_find(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur / 4 > LIMIT_MAX)
        return LIMIT_MAX;
    return 1 + (int)files.rlim_cur / 4;
}

static apr_status_t loop_setup(dcv_loop_t *loop)
{
    apr_pool_t *pool;
    apr_status_t rv;
    apr_uint64_t key[2];

    loop->limit = limit_find();
    token_bytes((unsigned char *)key, sizeof(key));
    apr_pool_create(&pool, loop->pool);
    loop->run_pool = pool;
    rv = dcv_event_create(&loop->event, pool);
    if (rv == APR_SUCCESS)
        rv = dcv_fetch_create(&loop->fetch, loop->event, pool);
    if (rv == APR_SUCCESS)
        rv = dcv_tls_create(&loop->tls, loop->event, pool);
    if (rv != APR_SUCCESS)
        return rv;
    loop->dns = dcv_dns_make(loop->event, 2 * loop->limit, loop->log, pool);
    loop->asker = dcv_asker_make(loop->event, pool);
    loop->queue = dcv_queue_make(loop->limit, key, pool);
    dcv_event_handle(loop->event, DCV_EVENT_WAKE, woken, loop);
    return dcv_event_watch(loop->event, DCV_EVENT_WAKE, loop->wake_fd, EPOLLIN);
}

/* Everybody gets his job back. */
static void loop_end(dcv_loop_t *loop)
{
    dcv_run_t *run, *next;

    for (run = incoming_take(loop, &loop->closed); run; run = next) {
        next = run->next;
        hand_back_untried(run, "the server is stopping");
    }
    while (loop->running) {
        run = loop->running;
        run->method->cancel(run);
        dcv_climb_cancel(run);
        running_remove(run);
        hand_back_untried(run, "the server is stopping");
    }
    for (run = loop->queue ? dcv_queue_drain(loop->queue) : NULL; run;
         run = dcv_queue_drain(loop->queue)) {
        dcv_event_timer_clear(loop->event, &run->timer);
        hand_back_untried(run, "the server is stopping");
    }
}

/* malloc keeps what thousands needed, for years perhaps.  Questions, some 10 KB
 * each in libunbound, end long before the hosts that hang. */
static void memory_return(dcv_loop_t *loop)
{
    int busy = dcv_queue_in_flight(loop->queue) + dcv_dns_open(loop->dns);

    if (loop->peak < busy)
        loop->peak = busy;
    if (loop->peak < MANY || busy > loop->peak / 2)
        return;
    loop->peak = busy;
    trim_memory();
}

void dcv_loop_run(dcv_loop_t *loop)
{
    apr_status_t rv = loop_setup(loop);
    dcv_run_t *run;

    if (rv != APR_SUCCESS)
        log_write(loop->log, LOG_LEVEL_CRIT, "AS0201", rv,
                  "validation cannot be set up in this process");
    while (rv == APR_SUCCESS && !loop->is_stopping) {
        dcv_event_turn(loop->event);
        for (run = dcv_queue_next(loop->queue); run;
             run = dcv_queue_next(loop->queue))
            run_start(loop, run);
        memory_return(loop);
        if (dcv_queue_is_short(loop->queue) && may_complain(loop))
            log_write(loop->log, LOG_LEVEL_WARNING, "AS0206", APR_SUCCESS,
                      "validations wait: this process may open too few files "
                      "for more than %d at a time; raise its limit (ulimit -n)",
                      loop->limit);
    }
    loop_end(loop);
    apr_pool_destroy(loop->run_pool);
}
