/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_commit.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <errno.h>

#include "base/clock.h"
#include "store/store_queue.h"
#include "store/store_schema.h"

#include "base/banned.h"

/* A failure that took longer than this was somebody else's lock. */
#define SLOW apr_time_from_msec(500)

static const store_sql_t begin = {STORE_SQL_BEGIN, "BEGIN IMMEDIATE"};
static const store_sql_t commit = {STORE_SQL_COMMIT, "COMMIT"};
static const store_sql_t rollback = {STORE_SQL_ROLLBACK, "ROLLBACK"};
static const store_sql_t savepoint = {STORE_SQL_SAVEPOINT, "SAVEPOINT entry"};
static const store_sql_t release = {STORE_SQL_RELEASE, "RELEASE entry"};
static const store_sql_t rollback_to = {STORE_SQL_ROLLBACK_TO,
                                        "ROLLBACK TO entry"};

static void writer_close(store_t *store)
{
    if (store->writer)
        store_conn_close(store->writer);
    store->writer = NULL;
}

/* Not on disk at once what a power cut may undo; SQLite syncs the log before
 * it moves pages to the database anyway. */
static apr_status_t synchronous_set(store_conn_t *conn,
                                    store_durability_e durability)
{
    store_rows_t rows;
    apr_pool_t *pool;
    apr_status_t rv;

    if (conn->synchronous == (int)durability)
        return APR_SUCCESS;
    apr_pool_create(&pool, conn->pool);
    rv = store_conn_text(&rows, conn,
                         durability == STORE_DURABLE
                             ? "PRAGMA synchronous = FULL"
                             : "PRAGMA synchronous = NORMAL",
                         pool);
    apr_pool_destroy(pool);
    conn->synchronous = (int)durability;
    return rv;
}

static apr_status_t writer_setup(store_t *store, int may_make, apr_pool_t *pool)
{
    /* A checkpoint costs two syncs and holds everybody up, so it is neither
     * frequent nor large; journal_size_limit cuts a log that grew beyond that
     * while a long read held it open. */
    static const char *const pragmas[] = {
        "PRAGMA foreign_keys = ON", "PRAGMA wal_autocheckpoint = 1000",
        "PRAGMA journal_size_limit = 33554432", "PRAGMA secure_delete = OFF",
        "PRAGMA temp_store = MEMORY"};
    store_conn_t *conn = store->writer;
    store_rows_t rows;
    apr_size_t i;
    apr_status_t rv;

    rv = store_schema_migrate(conn, may_make, store->log, pool);
    for (i = 0; rv == APR_SUCCESS && i < sizeof(pragmas) / sizeof(*pragmas);
         i++)
        rv = store_conn_text(&rows, conn, pragmas[i], pool);
    return rv;
}

/* The file is made only if there has never been a database. */
static apr_status_t file_need(store_t *store, int may_make)
{
    store_file_t file;
    char buf[80];
    apr_status_t rv = store_file_find(&file, store->params);

    if (!APR_STATUS_IS_ENOENT(rv) || !may_make)
        return APR_SUCCESS; /* whatever it is, opening will say it */
    rv = store_file_create(store->params);
    if (rv == APR_SUCCESS || APR_STATUS_IS_EEXIST(rv))
        return APR_SUCCESS;
    return store_conn_fail(store->writer, "cannot be made: %s",
                           apr_strerror(rv, buf, sizeof(buf)));
}

static apr_status_t writer_open(store_t *store)
{
    apr_pool_t *pool;
    int may_make =
        store->lock.state == STORE_LOCK_NEW && !store_was_there(store);
    apr_status_t rv;

    writer_close(store);
    store->writer = store_conn_make(store->driver);
    rv = file_need(store, may_make);
    if (rv == APR_SUCCESS)
        rv = store_conn_open(store->writer, store->params);
    if (rv != APR_SUCCESS)
        return rv;
    apr_pool_create(&pool, store->writer->pool);
    rv = writer_setup(store, may_make, pool);
    apr_pool_destroy(pool);
    if (rv != APR_SUCCESS)
        return rv;
    store_is_there(store);
    store_lock_mark(&store->lock, STORE_LOCK_WELL);
    return APR_SUCCESS;
}

static void entry_call(store_conn_t *conn, store_entry_t *entry)
{
    conn->has_failed = 0;
    entry->rv = entry->fn ? entry->fn(conn, entry->baton) : APR_SUCCESS;
    entry->has_failed = conn->has_failed;
    if (entry->has_failed && entry->rv == APR_SUCCESS)
        entry->rv = APR_EGENERAL;
}

/* Runs one in its savepoint.  Not APR_SUCCESS: the whole transaction is gone.
 * (SQLite rolls all back when the disk is full; a later SAVEPOINT and RELEASE
 * would commit alone.) */
static apr_status_t entry_run(store_conn_t *conn, store_entry_t *entry)
{
    apr_status_t rv = store_conn_run(NULL, conn, &savepoint, NULL);

    if (rv != APR_SUCCESS)
        return rv;
    entry_call(conn, entry);
    if (entry->rv != APR_SUCCESS) {
        rv = store_conn_run(NULL, conn, &rollback_to, NULL);
        if (rv != APR_SUCCESS)
            return rv;
    }
    return store_conn_run(NULL, conn, &release, NULL);
}

static void batch_fail(store_entry_t *batch, apr_status_t rv)
{
    for (; batch; batch = batch->next) {
        batch->rv = rv;
        batch->has_failed = 1;
    }
}

static apr_status_t all_run(store_conn_t *conn, store_entry_t *batch)
{
    apr_status_t rv = APR_SUCCESS;

    for (; batch && rv == APR_SUCCESS; batch = batch->next)
        rv = entry_run(conn, batch);
    return rv == APR_SUCCESS ? store_conn_run(NULL, conn, &commit, NULL) : rv;
}

/* The usual case, without savepoint. */
static apr_status_t one_run(store_conn_t *conn, store_entry_t *entry)
{
    entry_call(conn, entry);
    return store_conn_run(NULL, conn, entry->rv ? &rollback : &commit, NULL);
}

/* All of the batch in one transaction. */
static apr_status_t transaction_run(store_conn_t *conn, store_entry_t *batch)
{
    apr_status_t rv = store_conn_run(NULL, conn, &begin, NULL);

    if (rv != APR_SUCCESS)
        return rv;
    return batch->next ? all_run(conn, batch) : one_run(conn, batch);
}

static store_durability_e batch_durability(const store_entry_t *batch)
{
    for (; batch; batch = batch->next)
        if (batch->durability == STORE_DURABLE)
            return STORE_DURABLE;
    return STORE_RELAXED;
}

/* Not APR_SUCCESS: nothing was committed.  Otherwise some may have failed
 * nevertheless. */
static apr_status_t batch_run(store_t *store, store_entry_t *batch)
{
    apr_status_t rv = APR_SUCCESS;

    if (!store->writer)
        rv = writer_open(store);
    store->writer->has_written = store->writer->is_noted = 0;
    if (rv == APR_SUCCESS)
        rv = synchronous_set(store->writer, batch_durability(batch));
    if (rv == APR_SUCCESS)
        rv = transaction_run(store->writer, batch);
    if (store->writer->is_noted)
        store_mark_replace(&store->lock);
    if (rv != APR_SUCCESS)
        batch_fail(batch, rv);
    return rv;
}

/* Takes those that failed out of *batch. */
static store_entry_t *failed_take(store_entry_t **batch)
{
    store_entry_t *failed = NULL, **failed_end = &failed;

    while (*batch) {
        store_entry_t *entry = *batch;

        if (entry->has_failed) {
            *batch = entry->next;
            entry->next = NULL;
            *failed_end = entry;
            failed_end = &entry->next;
        }
        else {
            batch = &entry->next;
        }
    }
    return failed;
}

/* Statements of a connection that has been open for some time are stale when
 * somebody has changed the schema meanwhile: what failed by itself is run once
 * more, on a fresh one. */
static void batch_run_twice(store_t *store, store_entry_t **batch)
{
    store_entry_t *failed, **end = batch;
    int was_open;

    if (store->writer && !store_is_current(store, store->writer)) {
        writer_close(store);
        store_idle_close(store);
    }
    was_open = store->writer != NULL;
    if (batch_run(store, *batch) != APR_SUCCESS || !was_open)
        return;
    failed = failed_take(batch);
    if (failed) {
        writer_close(store);
        batch_run(store, failed);
    }
    while (*end)
        end = &(*end)->next;
    *end = failed;
}

/* The lock is held. */
static void batch_do(store_t *store, store_entry_t **batch)
{
    const store_entry_t *entry;
    store_health_e health = STORE_READ_ILL;
    int has_failed = 0;

    batch_run_twice(store, batch);
    for (entry = *batch; entry; entry = entry->next) {
        has_failed |= entry->has_failed;
        if (entry->fn)
            health = STORE_WRITE_ILL;
    }
    if (has_failed) {
        store_ill(store, health, store->writer->why);
        store_lock_mark(&store->lock, STORE_LOCK_ILL);
        writer_close(store);
        /* A reader that was opened while the files could not be written keeps
         * SQLite's shared memory read-only for the whole process. */
        store_idle_close(store);
    }
    else if (store->writer->has_written) {
        store_well(store, STORE_WRITE_ILL);
        store_lock_mark(&store->lock, STORE_LOCK_WELL);
    }
}

/* Others held the database for as long as one may wait: whoever has come
 * meanwhile shares the failure, since a try of his own would last as long. */
static void latecomers_fail(store_t *store, store_entry_t **batch)
{
    while (*batch)
        batch = &(*batch)->next;
    *batch = store_queue_take(store);
    batch_fail(*batch, APR_TIMEUP);
}

static void lead_locked(store_t *store, store_entry_t **batch)
{
    apr_time_t start = clock_now(&clock_monotonic);

    if (store->lock.waited_long && store->lock.state == STORE_LOCK_ILL) {
        store_ill(store, STORE_WRITE_ILL,
                  "another process cannot write either, and says why");
        batch_fail(*batch, APR_TIMEUP);
        return;
    }
    batch_do(store, batch);
    if (!store->writer && clock_now(&clock_monotonic) - start > SLOW)
        latecomers_fail(store, batch);
}

/* The mutex goes by the wall's clock, which may be put forward. */
static apr_status_t gate_wait(store_t *store, apr_time_t until)
{
    apr_status_t rv = APR_ENOTIMPL;
    apr_time_t left;

    for (left = STORE_QUEUE_LIMIT; store->gate && left > 0;
         left = until - clock_now(&clock_monotonic)) {
        rv = apr_proc_mutex_timedlock(store->gate, left);
        if (!APR_STATUS_IS_TIMEUP(rv))
            break;
    }
    return rv;
}

/* A gate that does not work is none: the lock is what counts.  Both together
 * are waited for as long as either. */
static apr_status_t turn_take(store_t *store, int *has_gate)
{
    apr_time_t start = clock_now(&clock_monotonic);
    apr_time_t until = start + STORE_QUEUE_LIMIT;
    apr_status_t rv = gate_wait(store, until);

    *has_gate = rv == APR_SUCCESS;
    if (APR_STATUS_IS_TIMEUP(rv))
        return rv;
    rv = store_lock_take(&store->lock, until - clock_now(&clock_monotonic));
    if (rv == APR_SUCCESS)
        store->lock.waited_long |= clock_now(&clock_monotonic) - start > SLOW;
    else if (*has_gate)
        apr_proc_mutex_unlock(store->gate);
    return rv;
}

static void turn_give(store_t *store, int has_gate)
{
    apr_status_t rv = APR_SUCCESS;

    store_lock_release(&store->lock);
    if (has_gate)
        rv = apr_proc_mutex_unlock(store->gate);
    if (rv != APR_SUCCESS)
        log_write(store->log, LOG_LEVEL_ERROR, "AS0254", rv,
                  "the queue of the processes that write is gone: who stands "
                  "in it waits until this one ends");
}

static void lead(store_t *store)
{
    char why[STORE_WHY_LEN], buf[80];
    int has_gate;
    apr_status_t rv = turn_take(store, &has_gate);
    store_entry_t *batch = store_queue_take(store);

    if (rv == APR_SUCCESS) {
        lead_locked(store, &batch);
        turn_give(store, has_gate);
    }
    else {
        apr_snprintf(
            why, sizeof(why), "its lock file %s%s: %s", store->lock.path,
            APR_STATUS_IS_TIMEUP(rv) ? " is held by another process" : "",
            apr_strerror(rv, buf, sizeof(buf)));
        store_ill(store, STORE_WRITE_ILL, why);
        batch_fail(batch, rv);
    }
    store_queue_done(batch);
}

static apr_status_t entry_submit(store_t *store, store_entry_t *entry)
{
    store_enter(store);
    if (store_queue_join(store, entry, lead) == ENTRY_WAITS) {
        entry->rv = APR_TIMEUP;
        store_ill(store, STORE_WRITE_ILL, "writing takes too long");
    }
    store_leave(store);
    return entry->rv;
}

apr_status_t store_write(store_t *store, store_durability_e durability,
                         store_write_fn fn, void *baton)
{
    store_entry_t entry = {.fn = fn, .baton = baton, .durability = durability};

    if (store->engine == STORE_PGSQL)
        return store_server_write(store, durability, fn, baton);
    return entry_submit(store, &entry);
}

apr_status_t store_commit_prepare(store_t *store)
{
    store_entry_t entry = {.durability = STORE_RELAXED};

    if (store->engine == STORE_PGSQL)
        return store_server_prepare(store);
    return entry_submit(store, &entry);
}
