/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_queue.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

#include <apr_allocator.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "base/banned.h"

#define BUCKETS 64
/* Pools kept for the next jobs, since making one maps pages and destroying it
 * unmaps them, and what each may keep. */
#define SPARES    16
#define SPARE_MAX 65536

/* How often one goes that stands behind the others. */
#define PATIENT_EVERY 4

typedef struct {
    httpd_work_t *head, **tail;
    int length;
} line_t;

struct httpd_queue_t {
    sem_t pending; /* entries and nudges */
    pthread_mutex_t lock;
    /* Under the lock. */
    line_t usual, patient;
    unsigned int turn;
    httpd_work_t *bucket[BUCKETS]; /* all that are in the process */
    pthread_cond_t ended[BUCKETS]; /* one of this bucket has ended */
    int joiners, is_closed;
    httpd_queue_count_t count;
    apr_pool_t *spare[SPARES]; /* cleared pools for the next jobs */
    int spares;
};

apr_pool_t *httpd_queue_pool(int is_shared)
{
    apr_allocator_t *allocator;
    apr_thread_mutex_t *mutex;
    apr_pool_t *pool;

    if (apr_allocator_create(&allocator) != APR_SUCCESS)
        return NULL;
    if (apr_pool_create_unmanaged_ex(&pool, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    apr_allocator_max_free_set(allocator, SPARE_MAX);
    if (is_shared && apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT,
                                             pool) == APR_SUCCESS)
        apr_allocator_mutex_set(allocator, mutex);
    return pool;
}

httpd_queue_t *httpd_queue_create(apr_pool_t *pool)
{
    httpd_queue_t *queue = apr_pcalloc(pool, sizeof(*queue));
    int i;

    queue->usual.tail = &queue->usual.head;
    queue->patient.tail = &queue->patient.head;
    if (sem_init(&queue->pending, 0, 0) ||
        pthread_mutex_init(&queue->lock, NULL))
        return NULL;
    for (i = 0; i < BUCKETS; i++)
        if (pthread_cond_init(&queue->ended[i], NULL))
            return NULL;
    return queue;
}

static unsigned int bucket_of(const char *id)
{
    apr_ssize_t len = APR_HASH_KEY_STRING;

    return apr_hashfunc_default(id, &len) % BUCKETS;
}

static httpd_work_t *find(httpd_queue_t *queue, const char *id)
{
    httpd_work_t *work = queue->bucket[bucket_of(id)];

    while (work && strcmp(work->job.id, id))
        work = work->sibling;
    return work;
}

static apr_pool_t *pool_take(httpd_queue_t *queue)
{
    apr_pool_t *pool = NULL;

    pthread_mutex_lock(&queue->lock);
    if (queue->spares > 0)
        pool = queue->spare[--queue->spares];
    pthread_mutex_unlock(&queue->lock);
    return pool ? pool : httpd_queue_pool(0);
}

static void pool_give(httpd_queue_t *queue, apr_pool_t *pool)
{
    apr_pool_clear(pool);
    pthread_mutex_lock(&queue->lock);
    if (queue->spares < SPARES) {
        queue->spare[queue->spares++] = pool;
        pool = NULL;
    }
    pthread_mutex_unlock(&queue->lock);
    if (pool)
        apr_pool_destroy(pool);
}

static httpd_work_t *work_make(httpd_queue_t *queue, acme_t *acme,
                               const store_job_t *job, void *worker)
{
    apr_pool_t *pool = pool_take(queue);
    httpd_work_t *work;

    if (!pool)
        return NULL;
    work = apr_pcalloc(pool, sizeof(*work));
    work->worker = worker;
    work->acme = acme;
    work->pool = pool;
    work->job = *job;
    work->job.id = apr_pstrdup(pool, job->id);
    work->job.kind = apr_pstrdup(pool, job->kind);
    work->job.subject = apr_pstrdup(pool, job->subject);
    work->job.data = apr_pstrdup(pool, job->data);
    work->job.lease_owner = apr_pstrdup(pool, job->lease_owner);
    return work;
}

static void push(httpd_queue_t *queue, line_t *line, httpd_work_t *work)
{
    work->next = NULL;
    *line->tail = work;
    line->tail = &work->next;
    line->length++;
    queue->count.queued++;
}

static httpd_work_t *pull(httpd_queue_t *queue)
{
    int is_patient = !queue->usual.head ||
                     (queue->patient.head && !(queue->turn++ % PATIENT_EVERY));
    line_t *line = is_patient ? &queue->patient : &queue->usual;
    httpd_work_t *work = line->head;

    if (!work)
        return NULL;
    line->head = work->next;
    if (!line->head)
        line->tail = &line->head;
    line->length--;
    queue->count.queued--;
    return work;
}

/* Under the lock. */
static void enter(httpd_queue_t *queue, httpd_work_t *work)
{
    unsigned int bucket = bucket_of(work->job.id);

    work->sibling = queue->bucket[bucket];
    queue->bucket[bucket] = work;
    queue->count.active++;
}

/* Under the lock: its id is free. */
static void leave(httpd_queue_t *queue, httpd_work_t *work)
{
    unsigned int bucket = bucket_of(work->job.id);
    httpd_work_t **at = &queue->bucket[bucket];

    while (*at != work)
        at = &(*at)->sibling;
    *at = work->sibling;
    if (queue->joiners)
        pthread_cond_broadcast(&queue->ended[bucket]);
}

httpd_work_t *httpd_queue_begin(httpd_queue_t *queue, acme_t *acme,
                                const store_job_t *job, void *worker)
{
    httpd_work_t *work = work_make(queue, acme, job, worker), *other;
    int is_heir;

    if (!work)
        return NULL;
    pthread_mutex_lock(&queue->lock);
    other = find(queue, job->id);
    is_heir = other && other->is_held && !other->heir;
    if (!other)
        enter(queue, work);
    if (is_heir)
        other->heir = work;
    pthread_mutex_unlock(&queue->lock);
    if (other && !is_heir)
        pool_give(queue, work->pool);
    return other ? NULL : work;
}

void httpd_queue_add(httpd_queue_t *queue, httpd_work_t *work)
{
    const dcv_result_t *result = work->result;
    int is_good = !result || (!result->problem && !result->is_retryable);

    pthread_mutex_lock(&queue->lock);
    push(queue, is_good ? &queue->usual : &queue->patient, work);
    pthread_mutex_unlock(&queue->lock);
    sem_post(&queue->pending);
}

void httpd_queue_nudge(httpd_queue_t *queue)
{
    sem_post(&queue->pending);
}

int httpd_queue_pending(httpd_queue_t *queue)
{
    int value = 0;

    sem_getvalue(&queue->pending, &value);
    return value;
}

int httpd_queue_wait(httpd_queue_t *queue, int timeout)
{
    struct timespec until;

    if (timeout < 0)
        return sem_wait(&queue->pending) == 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout;
    return sem_clockwait(&queue->pending, CLOCK_MONOTONIC, &until) == 0;
}

httpd_work_t *httpd_queue_take(httpd_queue_t *queue)
{
    httpd_work_t *work;

    pthread_mutex_lock(&queue->lock);
    work = pull(queue);
    pthread_mutex_unlock(&queue->lock);
    return work;
}

void httpd_queue_end(httpd_queue_t *queue, httpd_work_t *work)
{
    pthread_mutex_lock(&queue->lock);
    if (!work->is_void)
        leave(queue, work);
    queue->count.active--;
    queue->count.done++;
    pthread_mutex_unlock(&queue->lock);
    pool_give(queue, work->pool);
}

void httpd_queue_took(httpd_queue_t *queue, apr_interval_time_t took)
{
    apr_interval_time_t *average = &queue->count.average;

    pthread_mutex_lock(&queue->lock);
    *average = *average ? (7 * *average + took) / 8 : took;
    pthread_mutex_unlock(&queue->lock);
}

/* How many are done before what is added now. */
static int in_front(const httpd_queue_t *queue)
{
    int usual = queue->usual.length, more = usual / (PATIENT_EVERY - 1);

    return usual +
           (more < queue->patient.length ? more : queue->patient.length);
}

/* Under the lock: sleep, at most until end.  0: it is over.  (APR's conditions
 * go by the machine's clock, which may be set.) */
static int nap(httpd_queue_t *queue, pthread_cond_t *cond, apr_time_t end)
{
    struct timespec until = {apr_time_sec(end), apr_time_usec(end) * 1000};

    if (clock_now(&clock_monotonic) >= end || queue->is_closed)
        return 0;
    pthread_cond_clockwait(cond, &queue->lock, CLOCK_MONOTONIC, &until);
    return 1;
}

/* What is in front takes longer than this. */
static int is_long(const httpd_queue_t *queue, apr_interval_time_t patience,
                   int threads)
{
    return in_front(queue) * queue->count.average / threads > patience;
}

apr_status_t httpd_queue_join(httpd_queue_t *queue, const char *job_id,
                              apr_interval_time_t timeout, int threads,
                              int others)
{
    apr_time_t end = clock_now(&clock_monotonic) + timeout;
    pthread_cond_t *ended = &queue->ended[bucket_of(job_id)];
    apr_status_t rv = APR_SUCCESS;

    pthread_mutex_lock(&queue->lock);
    if (queue->joiners >= others || is_long(queue, timeout, threads))
        rv = APR_TIMEUP;
    queue->joiners++;
    while (rv == APR_SUCCESS && find(queue, job_id))
        if (!nap(queue, ended, end))
            rv = APR_TIMEUP;
    queue->joiners--;
    pthread_mutex_unlock(&queue->lock);
    return rv;
}

/* Where the works without an id wait. */
static pthread_cond_t *done_of(httpd_queue_t *queue, const httpd_work_t *work)
{
    return &queue->ended[((apr_uintptr_t)work / 64) % BUCKETS];
}

/* Under the lock.  0: it is not in the line any more. */
static int withdraw(httpd_queue_t *queue, httpd_work_t *work)
{
    httpd_work_t **at = &queue->usual.head;

    while (*at && *at != work)
        at = &(*at)->next;
    if (!*at)
        return 0;
    *at = work->next;
    if (queue->usual.tail == &work->next)
        queue->usual.tail = at;
    queue->usual.length--;
    queue->count.queued--;
    queue->count.active--;
    return 1;
}

apr_status_t httpd_queue_perform(httpd_queue_t *queue, httpd_work_t *work,
                                 apr_interval_time_t patience, int threads)
{
    apr_status_t rv = APR_TIMEUP;

    pthread_mutex_lock(&queue->lock);
    if (!queue->is_closed && !is_long(queue, patience, threads)) {
        push(queue, &queue->usual, work);
        queue->count.active++;
        rv = APR_SUCCESS;
    }
    pthread_mutex_unlock(&queue->lock);
    if (rv == APR_SUCCESS)
        sem_post(&queue->pending);
    return rv;
}

apr_status_t httpd_queue_performed(httpd_queue_t *queue, httpd_work_t *work,
                                   apr_interval_time_t patience)
{
    apr_time_t end = clock_now(&clock_monotonic) + patience;
    apr_status_t rv = APR_SUCCESS;

    pthread_mutex_lock(&queue->lock);
    while (rv == APR_SUCCESS && !work->is_done) {
        if (nap(queue, done_of(queue, work), end))
            continue;
        if (withdraw(queue, work))
            rv = APR_TIMEUP;
        else /* it is being run, and waited for, whatever comes */
            pthread_cond_wait(done_of(queue, work), &queue->lock);
    }
    pthread_mutex_unlock(&queue->lock);
    return rv;
}

void httpd_queue_run(httpd_queue_t *queue, httpd_work_t *work)
{
    work->run(work->arg);
    pthread_mutex_lock(&queue->lock);
    work->is_done = 1; /* who waits for it may free it from now on */
    queue->count.active--;
    queue->count.done++;
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_broadcast(done_of(queue, work));
}

apr_status_t httpd_queue_begin_held(httpd_work_t **work, httpd_queue_t *queue,
                                    acme_t *acme, const store_job_t *job,
                                    void *worker, int others)
{
    apr_status_t rv = APR_SUCCESS;

    *work = work_make(queue, acme, job, worker);
    if (!*work)
        return APR_TIMEUP;
    pthread_mutex_lock(&queue->lock);
    if (find(queue, job->id))
        rv = APR_EBUSY;
    else if (queue->joiners >= others || queue->is_closed)
        rv = APR_TIMEUP;
    else {
        (*work)->is_held = 1;
        enter(queue, *work);
        queue->joiners++;
    }
    pthread_mutex_unlock(&queue->lock);
    if (rv != APR_SUCCESS)
        pool_give(queue, (*work)->pool);
    return rv;
}

const dcv_result_t *httpd_queue_hold(httpd_queue_t *queue, httpd_work_t *work,
                                     apr_interval_time_t timeout)
{
    apr_time_t end = clock_now(&clock_monotonic) + timeout;
    const dcv_result_t *result;

    pthread_mutex_lock(&queue->lock);
    while (!work->result && nap(queue, done_of(queue, work), end))
        ;
    result = work->result;
    queue->joiners--;
    pthread_mutex_unlock(&queue->lock);
    return result;
}

int httpd_queue_result(httpd_queue_t *queue, httpd_work_t *work,
                       dcv_result_t *result)
{
    int is_held;

    pthread_mutex_lock(&queue->lock);
    work->result = result;
    is_held = work->is_held;
    pthread_mutex_unlock(&queue->lock);
    if (is_held)
        pthread_cond_broadcast(done_of(queue, work));
    return !is_held;
}

int httpd_queue_release(httpd_work_t **heir, httpd_queue_t *queue,
                        httpd_work_t *work, acme_held_e how)
{
    int has_result;

    pthread_mutex_lock(&queue->lock);
    *heir = work->heir;
    work->is_held = 0;
    work->is_void = how != ACME_HELD_STORED;
    has_result = !!work->result;
    if (work->is_void)
        leave(queue, work);
    if (*heir && how == ACME_HELD_LOST)
        enter(queue, *heir);
    pthread_mutex_unlock(&queue->lock);
    if (*heir && how != ACME_HELD_LOST) {
        pool_give(queue, (*heir)->pool);
        *heir = NULL;
    }
    return has_result;
}

void httpd_queue_close(httpd_queue_t *queue)
{
    int i;

    pthread_mutex_lock(&queue->lock);
    queue->is_closed = 1;
    for (i = 0; i < BUCKETS; i++)
        pthread_cond_broadcast(&queue->ended[i]);
    pthread_mutex_unlock(&queue->lock);
}

void httpd_queue_count(httpd_queue_count_t *count, httpd_queue_t *queue)
{
    pthread_mutex_lock(&queue->lock);
    *count = queue->count;
    pthread_mutex_unlock(&queue->lock);
}

int httpd_queue_active(httpd_queue_t *queue)
{
    httpd_queue_count_t count;

    httpd_queue_count(&count, queue);
    return count.active;
}
