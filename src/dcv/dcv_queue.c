/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_queue.h"

#include <string.h>

#include "base/siphash.h"

#include "base/banned.h"

#define BUCKETS 1024
/* Waiting ones per lane, in multiples of what may be in flight.  They have
 * memory; who has to wait longer does so in the database. */
#define WAITING_MAX 1

typedef struct dcv_lane_t dcv_lane_t;

/* One account, or a few whose hashes collide. */
typedef struct {
    dcv_run_t *first, *last;
    int in_flight, waiting;
} bucket_t;

struct dcv_lane_t {
    const dcv_conf_t *conf; /* of another one when nothing is in it */
    dcv_lane_t *next;
    int in_flight, waiting;
    int turn; /* the bucket to be looked at first */
    bucket_t buckets[BUCKETS];
};

struct dcv_queue_t {
    apr_pool_t *pool;
    int limit, in_flight;
    dcv_lane_t *lanes;   /* the one whose turn it is first */
    apr_uint64_t key[2]; /* of the hash */
};

dcv_queue_t *dcv_queue_make(int limit, const apr_uint64_t key[2],
                            apr_pool_t *pool)
{
    dcv_queue_t *queue = apr_pcalloc(pool, sizeof(*queue));

    queue->pool = pool;
    queue->limit = limit;
    memcpy(queue->key, key, sizeof(queue->key));
    return queue;
}

static dcv_lane_t *lane_find(const dcv_queue_t *queue, const dcv_conf_t *conf)
{
    dcv_lane_t *lane, *idle = NULL;

    for (lane = queue->lanes; lane; lane = lane->next) {
        if (lane->conf == conf)
            return lane;
        if (!lane->in_flight && !lane->waiting)
            idle = lane;
    }
    return idle;
}

static dcv_lane_t *lane_take(dcv_queue_t *queue, const dcv_conf_t *conf)
{
    dcv_lane_t *lane = lane_find(queue, conf);

    if (!lane) {
        lane = apr_pcalloc(queue->pool, sizeof(*lane));
        lane->next = queue->lanes;
        queue->lanes = lane;
    }
    lane->conf = conf;
    return lane;
}

static int bucket_of(const dcv_queue_t *queue, const char *account)
{
    const char *text = account ? account : "";

    return (int)(siphash_make(queue->key, text, strlen(text)) % BUCKETS);
}

int dcv_queue_add(dcv_queue_t *queue, dcv_run_t *run)
{
    dcv_lane_t *lane = lane_take(queue, run->conf);
    int max = run->conf->max_in_flight;
    bucket_t *bucket;

    run->lane = lane;
    run->bucket = bucket_of(queue, run->job->account);
    bucket = &lane->buckets[run->bucket];
    if (lane->waiting / WAITING_MAX >= max &&
        bucket->waiting >= 1 + max / BUCKETS)
        return 0;
    run->next = NULL;
    run->prev = bucket->last;
    if (bucket->last)
        bucket->last->next = run;
    else
        bucket->first = run;
    bucket->last = run;
    bucket->waiting++;
    lane->waiting++;
    return 1;
}

void dcv_queue_remove(dcv_queue_t *queue, dcv_run_t *run)
{
    bucket_t *bucket = &run->lane->buckets[run->bucket];

    if (run->prev)
        run->prev->next = run->next;
    else
        bucket->first = run->next;
    if (run->next)
        run->next->prev = run->prev;
    else
        bucket->last = run->prev;
    bucket->waiting--;
    run->lane->waiting--;
}

/* Somebody who has hardly anything in flight may exceed the limit a little, so
 * that those who fill it do not delay him; and who has nothing a little more,
 * for there may be many of the others. */
static int spare_of(const bucket_t *bucket, int max)
{
    if (!bucket->in_flight)
        return 1 + max / 4;
    return bucket->in_flight < 1 + max / 64 ? 1 + max / 8 : 0;
}

static int may_start(const dcv_queue_t *queue, const dcv_lane_t *lane,
                     const bucket_t *bucket)
{
    int max = lane->conf->max_in_flight, spare;

    if (max > queue->limit)
        max = queue->limit;
    spare = spare_of(bucket, max);
    return lane->in_flight < max + spare &&
           queue->in_flight < queue->limit + spare;
}

static dcv_run_t *lane_next(const dcv_queue_t *queue, dcv_lane_t *lane)
{
    int i;

    for (i = 0; lane->waiting && i < BUCKETS; i++) {
        int at = (lane->turn + i) % BUCKETS;
        bucket_t *bucket = &lane->buckets[at];

        if (!bucket->first || !may_start(queue, lane, bucket))
            continue;
        lane->turn = at + 1;
        return bucket->first;
    }
    return NULL;
}

/* To the end of the list: the others' turn. */
static void lane_rotate(dcv_queue_t *queue)
{
    dcv_lane_t *first = queue->lanes, **link;

    queue->lanes = first->next;
    for (link = &queue->lanes; *link; link = &(*link)->next)
        ;
    *link = first;
    first->next = NULL;
}

dcv_run_t *dcv_queue_next(dcv_queue_t *queue)
{
    dcv_run_t *run = NULL;
    dcv_lane_t *lane;

    for (lane = queue->lanes; lane && !run; lane = lane->next)
        run = lane_next(queue, lane);
    if (!run)
        return NULL;
    if (queue->lanes->next)
        lane_rotate(queue);
    dcv_queue_remove(queue, run);
    run->lane->in_flight++;
    run->lane->buckets[run->bucket].in_flight++;
    queue->in_flight++;
    return run;
}

void dcv_queue_done(dcv_queue_t *queue, dcv_run_t *run)
{
    run->lane->in_flight--;
    run->lane->buckets[run->bucket].in_flight--;
    queue->in_flight--;
}

int dcv_queue_in_flight(const dcv_queue_t *queue)
{
    return queue->in_flight;
}

int dcv_queue_is_short(const dcv_queue_t *queue)
{
    dcv_lane_t *lane;

    if (queue->in_flight < queue->limit)
        return 0;
    for (lane = queue->lanes; lane; lane = lane->next) {
        if (lane->waiting && lane->in_flight < lane->conf->max_in_flight)
            return 1;
    }
    return 0;
}

dcv_run_t *dcv_queue_drain(dcv_queue_t *queue)
{
    dcv_lane_t *lane;
    int i;

    for (lane = queue->lanes; lane; lane = lane->next) {
        for (i = 0; lane->waiting && i < BUCKETS; i++) {
            dcv_run_t *run = lane->buckets[i].first;

            if (!run)
                continue;
            dcv_queue_remove(queue, run);
            return run;
        }
    }
    return NULL;
}
