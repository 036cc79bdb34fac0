/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_queue.c"

#include <stdatomic.h>

#include <apr_thread_proc.h>

#include "tap.h"

/* What goes from thread to thread, often enough for ThreadSanitizer; it needs
 * nothing of httpd. */

#define ROUNDS 300
#define ASKERS 4

static httpd_queue_t *queue;
static atomic_int runs, ends, is_over;

static apr_thread_t *start(apr_thread_start_t run, void *baton,
                           apr_pool_t *pool)
{
    apr_thread_t *thread = NULL;

    ok(apr_thread_create(&thread, NULL, run, baton, pool) == APR_SUCCESS);
    return thread;
}

static void join(apr_thread_t *thread)
{
    apr_status_t rv;

    apr_thread_join(&rv, thread);
}

static void open_queue(apr_pool_t *pool)
{
    queue = httpd_queue_create(pool);
    ok(queue != NULL);
    atomic_store(&runs, 0);
    atomic_store(&ends, 0);
    atomic_store(&is_over, 0);
}

static void close_queue(void)
{
    while (queue->spares > 0)
        apr_pool_destroy(queue->spare[--queue->spares]);
}

static httpd_work_t *begin(const char *id)
{
    store_job_t job = {.id = id, .kind = "validate", .subject = id};

    return httpd_queue_begin(queue, NULL, &job, NULL);
}

static void end(httpd_work_t *work)
{
    atomic_fetch_add(&ends, 1);
    httpd_queue_end(queue, work);
}

/* Until works of its own are wanted no more. */
static void *APR_THREAD_FUNC job_thread(apr_thread_t *self, void *baton)
{
    while (!atomic_load(&is_over)) {
        httpd_work_t *work = NULL;

        if (httpd_queue_wait(queue, 1))
            work = httpd_queue_take(queue);
        if (work && work->run)
            httpd_queue_run(queue, work);
        else if (work)
            end(work);
    }
    return NULL;
}

static void jobs_run(apr_thread_t **threads, int count, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < count; i++)
        threads[i] = start(job_thread, NULL, pool);
}

static void jobs_stop(apr_thread_t **threads, int count)
{
    int i;

    atomic_store(&is_over, 1);
    for (i = 0; i < count; i++)
        httpd_queue_nudge(queue);
    for (i = 0; i < count; i++)
        join(threads[i]);
}

typedef struct {
    httpd_work_t *work;
    int round;
} task_t;

/* The loop: its result comes at about the time when nobody waits any more. */
static void *APR_THREAD_FUNC loop_thread(apr_thread_t *self, void *baton)
{
    const task_t *task = baton;
    httpd_work_t *work = task->work;
    dcv_result_t *result = apr_pcalloc(work->pool, sizeof(*result));

    result->status = task->round;
    apr_sleep(task->round * 37 % 400);
    if (!httpd_queue_result(queue, work, result))
        return NULL;
    if (work->is_void)
        end(work);
    else
        httpd_queue_add(queue, work);
    return NULL;
}

static void released(httpd_work_t *work, acme_held_e how)
{
    httpd_work_t *heir;

    if (httpd_queue_release(&heir, queue, work, how)) {
        if (how == ACME_HELD_STORED)
            httpd_queue_add(queue, work);
        else
            end(work);
    }
    is_int(!!heir, how == ACME_HELD_LOST);
    if (heir)
        httpd_queue_add(queue, heir);
}

static apr_status_t begin_held(httpd_work_t **work, const char *id)
{
    store_job_t job = {.id = id, .kind = "validate", .subject = id};

    return httpd_queue_begin_held(work, queue, NULL, &job, NULL, 1);
}

static int hold_once(int round, apr_pool_t *pool)
{
    task_t task = {NULL, round};
    const dcv_result_t *result;
    httpd_work_t *other;
    apr_thread_t *loop;

    is_int(begin_held(&task.work, "held"), APR_SUCCESS);
    is_int(begin_held(&other, "held"), APR_EBUSY);
    is_int(begin_held(&other, "another"), APR_TIMEUP);
    loop = start(loop_thread, &task, pool);
    ok(!begin("held")); /* it is stored by somebody else: the heir */
    ok(!begin("held"));
    result = httpd_queue_hold(queue, task.work, round * 53 % 500);
    if (result)
        is_int(result->status, round);
    apr_sleep(200); /* the job is being stored */
    released(task.work, (acme_held_e)(round % 3));
    join(loop);
    while (httpd_queue_active(queue))
        apr_sleep(100);
    is_int(queue->joiners, 0);
    return !!result;
}

static void held(apr_pool_t *pool)
{
    apr_thread_t *thread;
    apr_pool_t *each;
    int i, had = 0;

    open_queue(pool);
    jobs_run(&thread, 1, pool);
    apr_pool_create(&each, pool);
    for (i = 0; i < ROUNDS; i++) {
        had += hold_once(i, each);
        apr_pool_clear(each);
    }
    jobs_stop(&thread, 1);
    is_int(atomic_load(&ends), ROUNDS + ROUNDS / 3);
    tap_diag("%d of %d had a result", had, ROUNDS);
    close_queue();
}

static void count_run(void *arg)
{
    ++*(int *)arg;
    atomic_fetch_add(&runs, 1);
}

static void *APR_THREAD_FUNC asker(apr_thread_t *self, void *baton)
{
    int i, *wrong = baton;

    for (i = 0; i < ROUNDS; i++) {
        int ran = 0;
        httpd_work_t work = {.run = count_run, .arg = &ran};
        apr_status_t rv = httpd_queue_perform(queue, &work, 1000000, 2);

        if (rv == APR_SUCCESS)
            rv = httpd_queue_performed(queue, &work, i * 7 % 100);
        *wrong += rv == APR_SUCCESS ? ran != 1 : ran;
        atomic_fetch_add(&ends, rv == APR_SUCCESS);
    }
    return NULL;
}

static void performed(apr_pool_t *pool)
{
    apr_thread_t *threads[2], *askers[ASKERS];
    int i, wrong[ASKERS] = {0};

    open_queue(pool);
    jobs_run(threads, 2, pool);
    for (i = 0; i < ASKERS; i++)
        askers[i] = start(asker, &wrong[i], pool);
    for (i = 0; i < ASKERS; i++) {
        join(askers[i]);
        is_int(wrong[i], 0);
    }
    jobs_stop(threads, 2);
    is_int(atomic_load(&ends), atomic_load(&runs));
    is_int(queue->count.queued, 0);
    is_int(queue->count.active, 0);
    is_int(queue->usual.length, 0);
    ok(queue->usual.tail == &queue->usual.head);
    tap_diag("%d of %d were run", atomic_load(&runs), ASKERS * ROUNDS);
}

static void *APR_THREAD_FUNC joiner(apr_thread_t *self, void *baton)
{
    apr_status_t *rv = baton;

    *rv = httpd_queue_join(queue, "joined", apr_time_from_sec(30), 1, ASKERS);
    return NULL;
}

static int joiners(void)
{
    int count;

    pthread_mutex_lock(&queue->lock);
    count = queue->joiners;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

/* As soon as all of them wait, what ends it is done. */
static void joined(int is_end, apr_status_t want, apr_pool_t *pool)
{
    apr_thread_t *threads[ASKERS];
    apr_status_t rv[ASKERS];
    httpd_work_t *work;
    int i;

    open_queue(pool);
    work = begin("joined");
    need(work);
    ok(!begin("joined"));
    for (i = 0; i < ASKERS; i++)
        threads[i] = start(joiner, &rv[i], pool);
    while (joiners() < ASKERS)
        apr_sleep(100);
    is_int(httpd_queue_join(queue, "joined", 1000000, 1, ASKERS), APR_TIMEUP);
    if (is_end)
        end(work);
    else
        httpd_queue_close(queue);
    for (i = 0; i < ASKERS; i++) {
        join(threads[i]);
        is_int(rv[i], want);
    }
    if (!is_end)
        end(work);
    close_queue();
}

static void joined_end(apr_pool_t *pool)
{
    joined(1, APR_SUCCESS, pool);
    is_int(httpd_queue_join(queue, "joined", 0, 1, ASKERS), APR_SUCCESS);
}

static void closed(apr_pool_t *pool)
{
    httpd_work_t work = {.run = count_run}, *held;

    joined(0, APR_TIMEUP, pool);
    is_int(httpd_queue_perform(queue, &work, 1000000, 1), APR_TIMEUP);
    is_int(begin_held(&held, "closed"), APR_TIMEUP);
    close_queue();
}

/* The machine's clock is set back by so much as soon as somebody has read it.
 */
static apr_time_t set_back;

apr_time_t apr_time_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000 + set_back;
}

static void clock_set(apr_pool_t *pool)
{
    apr_time_t start = clock_now(&clock_monotonic);
    httpd_work_t *work, perform = {.run = count_run};

    open_queue(pool);
    set_back = apr_time_from_sec(3);
    work = begin("long");
    need(work);
    is_int(httpd_queue_join(queue, "long", 20000, 1, ASKERS), APR_TIMEUP);
    is_int(httpd_queue_perform(queue, &perform, 20000, 1), APR_SUCCESS);
    is_int(httpd_queue_performed(queue, &perform, 20000), APR_TIMEUP);
    ok(clock_now(&clock_monotonic) - start < apr_time_from_sec(2));
    set_back = 0;
    end(work);
    close_queue();
}

const tap_case_t tap_cases[] = {
    {"T63 T65 held: a result is had, or it comes later, and one ends it; "
     "whoever "
     "was stored meanwhile is next",
     held},
    {"R12 performed: run once, or not at all", performed},
    {"H9 joined: until its end", joined_end},
    {"H11 closed: nobody waits any more", closed},
    {"nor for longer when the clock is set back", clock_set},
    {NULL, NULL}};
