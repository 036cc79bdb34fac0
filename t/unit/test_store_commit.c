/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_commit.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store_db.h"
#include "store_help.h"

#define CROWD 8

/* A write of one's own: some SQL, a status, and what was seen on the way. */
typedef struct {
    store_t *store;
    const char *sql;
    apr_status_t wanted, rv;
    store_durability_e durability;
    int queued; /* wait until so many others are in the queue */
    int ran, synchronous;
    apr_pool_t *pool;
    pthread_t thread;
} write_t;

/* Threads in the store beside the leader; the owner counts as one. */
static int queue_length(store_t *store)
{
    return __atomic_load_n(&store->users, __ATOMIC_RELAXED) - 2;
}

static void leader_wait(store_t *store)
{
    int has_leader = 0;

    while (!has_leader) {
        apr_sleep(1000);
        pthread_mutex_lock(&store->mutex);
        has_leader = store->has_leader;
        pthread_mutex_unlock(&store->mutex);
    }
}

static apr_status_t run(store_conn_t *conn, void *baton)
{
    write_t *write = baton;
    store_rows_t rows;
    apr_status_t rv = APR_SUCCESS;

    write->ran++;
    while (queue_length(write->store) <
           __atomic_load_n(&write->queued, __ATOMIC_RELAXED))
        apr_sleep(1000);
    if (store_conn_text(&rows, conn, "PRAGMA synchronous", write->pool) ==
            APR_SUCCESS &&
        store_rows_next(&rows))
        write->synchronous = (int)store_rows_int(&rows, 0);
    if (write->sql)
        rv = store_conn_text(&rows, conn, write->sql, write->pool);
    conn->has_written |= write->sql && rv == APR_SUCCESS;
    return rv == APR_SUCCESS ? write->wanted : rv;
}

static void *write_thread(void *data)
{
    write_t *write = data;

    write->rv = store_write(write->store, write->durability, run, write);
    return NULL;
}

static apr_status_t pool_destroy(void *pool)
{
    apr_pool_destroy(pool);
    return APR_SUCCESS;
}

static write_t *write_make(help_t *help, const char *sql, apr_status_t wanted)
{
    write_t *write = apr_pcalloc(help->pool, sizeof(*write));

    write->store = help->store;
    write->sql = sql;
    write->wanted = wanted;
    write->durability = STORE_RELAXED;
    apr_pool_create_unmanaged_ex(&write->pool, NULL, NULL);
    apr_pool_cleanup_register(help->pool, write->pool, pool_destroy,
                              apr_pool_cleanup_null);
    return write;
}

static const char *job_sql(apr_pool_t *pool, const char *id)
{
    return apr_psprintf(pool,
                        "INSERT INTO jobs VALUES ('%s', 'k', '%s', NULL, 0, "
                        "'', 0, 0, 0, 0)",
                        id, id);
}

static apr_status_t count_run(store_conn_t *conn, void *baton)
{
    store_rows_t *rows = baton;

    return store_conn_text(rows, conn, "SELECT count(*) FROM jobs", rows->pool);
}

static int job_count(help_t *help)
{
    store_rows_t rows = {.pool = help->pool};

    is_int(store_read_with(help->store, count_run, &rows), APR_SUCCESS);
    return store_rows_next(&rows) ? (int)store_rows_int(&rows, 0) : -1;
}

static void statuses(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    write_t *write = write_make(help, job_sql(pool, "a"), APR_EEXIST);

    write_thread(write);
    is_int(write->rv, APR_EEXIST);
    is_int(job_count(help), 0);
    write->wanted = APR_SUCCESS;
    write_thread(write);
    is_int(write->rv, APR_SUCCESS);
    is_int(job_count(help), 1);
    write_thread(write); /* its id is there: the database's own refusal */
    is_int(write->rv, APR_EGENERAL);
    is_int(help_lines(help, "AS0250"), 1);
    ok(strstr(help_last(help), "UNIQUE"), "%s", help_last(help));
    write->sql = job_sql(pool, "b");
    write_thread(write);
    is_int(write->rv, APR_SUCCESS);
    is_int(help_lines(help, "AS0251"), 1);
    is_int(job_count(help), 2);
}

/* One holds the lead until the crowd waits; the crowd is one batch then. */
static void crowd_run(help_t *help, write_t **crowd)
{
    write_t *first = write_make(help, NULL, APR_SUCCESS);
    int i;

    first->queued = CROWD;
    pthread_create(&first->thread, NULL, write_thread, first);
    leader_wait(help->store);
    for (i = 0; i < CROWD; i++) {
        pthread_create(&crowd[i]->thread, NULL, write_thread, crowd[i]);
        while (i < CROWD - 1 && queue_length(help->store) < i + 1)
            apr_sleep(1000);
    }
    pthread_join(first->thread, NULL);
    for (i = 0; i < CROWD; i++)
        pthread_join(crowd[i]->thread, NULL);
    is_int(first->rv, APR_SUCCESS);
}

static void crowd_make(write_t **crowd, help_t *help)
{
    int i;

    for (i = 0; i < CROWD; i++)
        crowd[i] = write_make(
            help, job_sql(help->pool, apr_psprintf(help->pool, "j%d", i)),
            APR_SUCCESS);
}

static void neighbours(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    write_t *crowd[CROWD];
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    crowd_make(crowd, help);
    crowd[2]->wanted = APR_ENOENT;
    crowd[4]->sql = "INSERT INTO jobs VALUES (NULL)";
    crowd[6]->sql = crowd[5]->sql;
    crowd[7]->durability = STORE_DURABLE;
    crowd_run(help, crowd);
    for (i = 0; i < CROWD; i++)
        is_int(crowd[i]->rv, i == 2             ? APR_ENOENT
                             : i == 4 || i == 6 ? APR_EGENERAL
                                                : APR_SUCCESS);
    is_int(crowd[0]->synchronous, 2); /* for one of them, for all */
    is_int(job_count(help), CROWD - 3);
    is_int(help_lines(help, "AS0250"), 1);
}

/* What a full disk does: SQLite rolls everything back by itself. */
static void transaction_lost(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    write_t *crowd[CROWD];
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    crowd_make(crowd, help);
    crowd[3]->sql = "ROLLBACK";
    crowd_run(help, crowd);
    for (i = 0; i < CROWD; i++) {
        ok(crowd[i]->rv != APR_SUCCESS);
        is_int(crowd[i]->ran, i < 4 ? 1 : 0);
    }
    is_int(job_count(help), 0);
    is_int(help_lines(help, "AS0250"), 1);
    write_thread(crowd[0]);
    is_int(crowd[0]->rv, APR_SUCCESS);
    is_int(help_lines(help, "AS0251"), 1);
}

static void durability(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    write_t *write = write_make(help, NULL, APR_SUCCESS);
    int i;

    for (i = 0; i < 4; i++) {
        write->durability = i % 2 ? STORE_DURABLE : STORE_RELAXED;
        write_thread(write);
        is_int(write->rv, APR_SUCCESS);
        is_int(write->synchronous, i % 2 ? 2 : 1);
    }
}

/* Another process changed the schema: prepared statements are stale. */
static void stale(apr_pool_t *pool)
{
    help_t *help = help_make(pool),
           *other = apr_pmemdup(pool, help, sizeof(*help));
    store_account_t *account;
    write_t *write;
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(help_get(&account, help, "a"), APR_SUCCESS);
    apr_array_clear(help->lines);
    other->store = help_open(other);
    for (i = 0; i < 3; i++) {
        write = write_make(other, apr_psprintf(pool, "CREATE TABLE t%d (a)", i),
                           APR_SUCCESS);
        write_thread(write);
        is_int(write->rv, APR_SUCCESS);
        if (i != 1)
            is_int(help_add(help, apr_psprintf(pool, "b%d", i)), APR_SUCCESS);
        is_int(help_get(&account, help, "a"), APR_SUCCESS);
    }
    is_int(help->lines->nelts, 0);
}

/* Who waits for a leader that does not come back gives up in time. */
static void queue_limit(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    write_t *first = write_make(help, NULL, APR_SUCCESS);
    write_t *second = write_make(help, job_sql(pool, "a"), APR_SUCCESS);
    apr_time_t start;

    is_int(help_add(help, "a"), APR_SUCCESS);
    first->queued = 2;
    pthread_create(&first->thread, NULL, write_thread, first);
    leader_wait(help->store);
    start = clock_now(&clock_monotonic);
    write_thread(second);
    is_int(second->rv, APR_TIMEUP);
    ok(clock_now(&clock_monotonic) - start < apr_time_from_sec(15));
    is_int(second->ran, 0);
    is_int(help_lines(help, "AS0250"), 1);
    __atomic_store_n(&first->queued, 0, __ATOMIC_RELAXED);
    pthread_join(first->thread, NULL);
    is_int(first->rv, APR_SUCCESS);
    write_thread(second);
    is_int(second->rv, APR_SUCCESS);
}

static void close_under_way(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    write_t *first = write_make(help, job_sql(pool, "a"), APR_SUCCESS);
    store_t *store = help->store;

    is_int(help_add(help, "a"), APR_SUCCESS);
    first->queued = 1;
    pthread_create(&first->thread, NULL, write_thread, first);
    leader_wait(store);
    help_close(help);
    help->store = store;
    __atomic_store_n(&first->queued, -1,
                     __ATOMIC_RELAXED); /* the owner counts no more */
    pthread_join(first->thread, NULL);
    is_int(first->rv, APR_SUCCESS);
    help->store = help_open(help);
    is_int(job_count(help), 1);
}

const tap_case_t tap_cases[] = {
    {"what a write returns is told, and undoes what it did", statuses},
    {"neighbours of a failure are committed", neighbours},
    {"a transaction that is gone takes all of the batch with it, and no more "
     "is run on it",
     transaction_lost},
    {"relaxed is NORMAL, durable is FULL, each time", durability},
    {"stale statements are prepared again, unnoticed", stale},
    {"nobody waits for ever for a leader", queue_limit},
    {"a process that ends leaves those alone that still write",
     close_under_way},
    {NULL, NULL}};
