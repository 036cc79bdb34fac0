/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_QUEUE_H
#define HTTPD_QUEUE_H

/*
 * The jobs that are in this process: which wait for a job thread, which are
 * being worked on, and who waits for their end.  Each has a pool with an
 * allocator of its own, for it goes from thread to thread.
 *
 * Threads sleep in httpd_queue_wait until there is something to do: each entry
 * is one post of a semaphore, and so is each nudge.  A semaphore since it may
 * be posted in a signal handler.
 */

#include "acme/acme.h"
#include "dcv/dcv.h"

typedef struct httpd_queue_t httpd_queue_t;

typedef struct httpd_work_t httpd_work_t;
struct httpd_work_t {
    httpd_work_t *next;    /* the queue's */
    httpd_work_t *sibling; /* the queue's */
    void *worker;
    acme_t *acme;
    store_job_t job;
    dcv_result_t *result; /* the loop's; NULL: not started yet */
    apr_pool_t *pool;
    /* Under the queue's lock: a request waits for the result, and nothing is
     * stored; nobody wants it any more; what was stored under its id while it
     * was held. */
    int is_held, is_void;
    httpd_work_t *heir;
    /* What a request wants done, which waits for it; else NULL. */
    void (*run)(void *);
    void *arg;
    int is_done;
};

/* Pools that nobody destroys but us, so that threads which outlive the child's
 * pool still have theirs.  shared: several threads allocate. */
apr_pool_t *httpd_queue_pool(int is_shared);

httpd_queue_t *httpd_queue_create(apr_pool_t *pool);

/* A copy of job, which is in this process from now on; it is not in the queue
 * yet.  NULL: it is here already (its lease was over before it was done), or
 * there is no memory; or one of its id is held, for which nothing was stored:
 * it is begun then when that comes to nothing (httpd_queue_release). */
httpd_work_t *httpd_queue_begin(httpd_queue_t *queue, acme_t *acme,
                                const store_job_t *job, void *worker);

/* To the end of the queue: it is to be started, or its result is there.  What
 * has failed or is to be tried again stands behind everything else, but for
 * every fourth time: thousands of failures at once delay nobody's certificate.
 */
void httpd_queue_add(httpd_queue_t *queue, httpd_work_t *work);

/* Wake one sleeper.  Async-signal-safe. */
void httpd_queue_nudge(httpd_queue_t *queue);

/* Entries and nudges for which nobody has woken yet. */
int httpd_queue_pending(httpd_queue_t *queue);

/* Sleep until there is an entry or a nudge (1); 0 when the timeout in seconds
 * is over (negative: none). */
int httpd_queue_wait(httpd_queue_t *queue, int timeout);

/* After httpd_queue_wait returned 1: the first entry, NULL after a nudge. */
httpd_work_t *httpd_queue_take(httpd_queue_t *queue);

/* It is done, after so long on a job thread; work's pool is gone then. */
void httpd_queue_end(httpd_queue_t *queue, httpd_work_t *work);

/* How long a job was on its thread, for estimates. */
void httpd_queue_took(httpd_queue_t *queue, apr_interval_time_t took);

/* Wait until the job of this id is done: acme_host_t.wait.  Not at all when
 * what is in front takes longer than the caller has, on so many threads, or
 * when so many others wait already. */
apr_status_t httpd_queue_join(httpd_queue_t *queue, const char *job_id,
                              apr_interval_time_t timeout, int threads,
                              int others);

/* acme_host_t.perform: to the end of the queue, unless it is as long as for
 * httpd_queue_join; run by a job thread; and until then.  APR_TIMEUP: it is out
 * of the queue and was not run. */
apr_status_t httpd_queue_perform(httpd_queue_t *queue, httpd_work_t *work,
                                 apr_interval_time_t patience, int threads);
void httpd_queue_run(httpd_queue_t *queue, httpd_work_t *work);
apr_status_t httpd_queue_performed(httpd_queue_t *queue, httpd_work_t *work,
                                   apr_interval_time_t patience);

/* As httpd_queue_begin, for a request that waits for the result of a job that
 * is not stored.  APR_TIMEUP: so many others wait already, nothing will be done
 * any more, or there is no memory; APR_EBUSY: it is here already. */
apr_status_t httpd_queue_begin_held(httpd_work_t **work, httpd_queue_t *queue,
                                    acme_t *acme, const store_job_t *job,
                                    void *worker, int others);
/* Wait until there is a result of it, at most timeout; NULL: there is none, but
 * it may come at any time. */
const dcv_result_t *httpd_queue_hold(httpd_queue_t *queue, httpd_work_t *work,
                                     apr_interval_time_t timeout);
/* The loop has the result.  0: whoever holds the work has it now, else it is
 * the caller's: to add it, or if it is_void to end it. */
int httpd_queue_result(httpd_queue_t *queue, httpd_work_t *work,
                       dcv_result_t *result);
/* It is not held any more; 1: there is a result, and the work is the caller's,
 * as above.  *heir is the caller's, too: to add it (NULL: there is none). */
int httpd_queue_release(httpd_work_t **heir, httpd_queue_t *queue,
                        httpd_work_t *work, acme_held_e how);

/* Nothing will be done any more: whoever joins or has joined goes away. */
void httpd_queue_close(httpd_queue_t *queue);

typedef struct {
    int queued; /* waiting for a thread */
    int active; /* added and not ended, those at the loop included */
    apr_uint64_t done;
    apr_interval_time_t average; /* of a job on its thread */
} httpd_queue_count_t;

void httpd_queue_count(httpd_queue_count_t *count, httpd_queue_t *queue);
int httpd_queue_active(httpd_queue_t *queue);

#endif
