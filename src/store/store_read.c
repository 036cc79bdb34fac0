/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_db.h"

#include <errno.h>

#include "base/clock.h"
#include "store/store_schema.h"

#include "base/banned.h"

/* The driver lets one thread of the process at a time into SQLite, so a few
 * connections serve any number of threads; their caches and statements are
 * worth more than further ones. */
#define READERS_MAX 8
/* How long a thread waits for one of them, and how long at most if it is to
 * wait for somebody's lock with it. */
#define WAIT_LIMIT apr_time_from_sec(2)
#define WAIT_LONG  apr_time_from_msec(400)
/* A reader looks that often whether its file is still the one at the path (a
 * writer, always). */
#define LOOK_EVERY apr_time_from_msec(50)
/* A read that failed slower than this met a lock, and is not tried again. */
#define SLOW apr_time_from_msec(500)

static apr_status_t reader_setup(store_schema_e *schema, store_conn_t *conn)
{
    store_rows_t rows;
    apr_pool_t *pool;
    apr_status_t rv;

    apr_pool_create(&pool, conn->pool);
    rv = store_conn_text(&rows, conn, "PRAGMA query_only = ON", pool);
    if (rv == APR_SUCCESS)
        rv = store_schema_look(schema, conn, pool);
    apr_pool_destroy(pool);
    return rv;
}

/* *conn is made whatever comes out; rv APR_EGENERAL: *conn says why. */
static apr_status_t reader_open(store_schema_e *schema, store_conn_t **conn,
                                const store_t *store)
{
    apr_status_t rv;

    *schema = STORE_SCHEMA_BAD;
    *conn = store_conn_make(store->driver);
    rv = store_conn_open(*conn, store->path);
    if (rv == APR_SUCCESS)
        rv = reader_setup(schema, *conn);
    return rv;
}

static int is_slow(apr_time_t start)
{
    return clock_now(&clock_system) - start > SLOW;
}

/* A writer makes or migrates the database if there is none or an old one.  As
 * long as nothing says that it has been made, it may be in the making just now:
 * whoever reads then would get in the maker's way, and comes behind a writer.
 * *conn NULL: the writer has reported it. */
static apr_status_t reader_prepare(store_conn_t **conn, store_t *store)
{
    apr_time_t start = clock_now(&clock_system);
    int was_there = store_was_there(store);
    store_file_t file;
    store_schema_e schema;
    apr_status_t rv;

    *conn = NULL;
    if (was_there || store_lock_is_marked(&store->lock)) {
        rv = reader_open(&schema, conn, store);
        if (rv == APR_SUCCESS ? schema != STORE_SCHEMA_OLD
                              : was_there || is_slow(start))
            return schema == STORE_SCHEMA_RIGHT ? rv : APR_EGENERAL;
        store_conn_close(*conn);
        *conn = NULL;
    }
    rv = store_commit_prepare(store);
    if (rv != APR_SUCCESS &&
        (is_slow(start) || store_file_find(&file, store->path)))
        return rv;
    rv = reader_open(&schema, conn, store);
    if (rv == APR_SUCCESS && schema == STORE_SCHEMA_OLD)
        return store_conn_fail(*conn, "has an old schema");
    return schema == STORE_SCHEMA_RIGHT ? rv : APR_EGENERAL;
}

static apr_status_t reader_make(store_conn_t **conn, store_t *store)
{
    apr_status_t rv = reader_prepare(conn, store);

    if (rv == APR_SUCCESS) {
        store_is_there(store);
        return rv;
    }
    if (*conn) {
        store_ill(store, STORE_READ_ILL, (*conn)->why);
        store_conn_close(*conn);
        *conn = NULL;
    }
    return APR_EGENERAL;
}

/* Takes an idle one; *conn NULL: a new one may be opened.  The mutex is held.
 */
static apr_status_t idle_claim(store_conn_t **conn, store_t *store,
                               const struct timespec *until)
{
    int rc = 0;

    while (!store->idle && store->reader_count >= READERS_MAX && !rc)
        rc = pthread_cond_timedwait(&store->is_idle, &store->mutex, until);
    *conn = store->idle;
    if (*conn)
        store->idle = (*conn)->next;
    else if (store->reader_count < READERS_MAX)
        store->reader_count++;
    else
        return APR_TIMEUP;
    return APR_SUCCESS;
}

/* conn NULL: none was opened after all. */
static void reader_drop(store_t *store, store_conn_t *conn)
{
    if (conn)
        store_conn_close(conn);
    pthread_mutex_lock(&store->mutex);
    store->reader_count--;
    pthread_cond_signal(&store->is_idle);
    pthread_mutex_unlock(&store->mutex);
}

/* Not kept while writing fails: what SQLite found read-only when it opened it
 * stays so for the whole process as long as any connection has it open. */
static void reader_give(store_t *store, store_conn_t *conn)
{
    int is_kept;

    pthread_mutex_lock(&store->mutex);
    is_kept = !conn->has_failed && !store->is_closed &&
              store->health != STORE_WRITE_ILL;
    if (is_kept) {
        conn->next = store->idle;
        store->idle = conn;
        pthread_cond_signal(&store->is_idle);
    }
    pthread_mutex_unlock(&store->mutex);
    if (!is_kept)
        reader_drop(store, conn);
}

void store_idle_close(store_t *store)
{
    store_conn_t *idle, *next;

    pthread_mutex_lock(&store->mutex);
    idle = store->idle;
    store->idle = NULL;
    pthread_mutex_unlock(&store->mutex);
    for (; idle; idle = next) {
        next = idle->next;
        reader_drop(store, idle);
    }
}

static int is_well(const store_t *store)
{
    return __atomic_load_n(&store->health, __ATOMIC_RELAXED) == STORE_WELL;
}

/* Whoever has waited long while the database is ill would only find that out
 * once more. */
static apr_status_t reader_claim(store_conn_t **conn, store_t *store,
                                 apr_time_t now)
{
    apr_time_t limit = now + WAIT_LIMIT;
    struct timespec until = {apr_time_sec(limit), apr_time_usec(limit) * 1000};
    apr_status_t rv;

    pthread_mutex_lock(&store->mutex);
    rv = idle_claim(conn, store, &until);
    pthread_mutex_unlock(&store->mutex);
    if (rv != APR_SUCCESS) {
        store_ill(store, STORE_READ_ILL, "reading takes too long");
        return rv;
    }
    if (is_well(store) || clock_now(&clock_system) - now < WAIT_LONG)
        return APR_SUCCESS;
    if (*conn)
        reader_give(store, *conn);
    else
        reader_drop(store, NULL);
    return APR_TIMEUP;
}

static int reader_is_current(const store_t *store, store_conn_t *conn,
                             apr_time_t now)
{
    if (now - conn->looked_at < LOOK_EVERY && now >= conn->looked_at &&
        is_well(store))
        return 1;
    conn->looked_at = now;
    return store_is_current(store, conn);
}

/* *is_fresh: opened for this. */
static apr_status_t reader_take(store_conn_t **conn, int *is_fresh,
                                store_t *store, apr_time_t now)
{
    apr_status_t rv = reader_claim(conn, store, now);

    if (rv != APR_SUCCESS)
        return rv;
    *is_fresh = !*conn || !reader_is_current(store, *conn, now);
    if (!*is_fresh)
        return APR_SUCCESS;
    if (*conn)
        store_conn_close(*conn);
    rv = reader_make(conn, store);
    if (rv != APR_SUCCESS)
        reader_drop(store, NULL);
    return rv;
}

static apr_status_t read_once(store_t *store, store_read_fn fn, void *baton,
                              int *may_again)
{
    apr_time_t start = clock_now(&clock_system);
    store_conn_t *conn;
    int is_fresh;
    apr_status_t rv = reader_take(&conn, &is_fresh, store, start);

    *may_again = 0;
    if (rv != APR_SUCCESS)
        return rv;
    rv = fn(conn, baton);
    if (!conn->has_failed)
        store_well(store, STORE_READ_ILL);
    else if (!is_fresh && !is_slow(start))
        *may_again = 1;
    else
        store_ill(store, STORE_READ_ILL, conn->why);
    reader_give(store, conn);
    return rv;
}

apr_status_t store_read_with(store_t *store, store_read_fn fn, void *baton)
{
    apr_status_t rv;
    int may_again;

    store_enter(store);
    rv = read_once(store, fn, baton, &may_again);
    if (may_again) {
        store_idle_close(store); /* they are as stale */
        rv = read_once(store, fn, baton, &may_again);
    }
    store_leave(store);
    return rv;
}

typedef struct {
    store_rows_t *rows;
    const store_sql_t *sql;
    const void **args;
    apr_pool_t *pool;
} select_t;

static apr_status_t select_run(store_conn_t *conn, void *baton)
{
    const select_t *select = baton;

    return store_conn_select(select->rows, conn, select->sql, select->args,
                             select->pool);
}

apr_status_t store_read(store_rows_t *rows, store_t *store,
                        const store_sql_t *sql, const void **args,
                        apr_pool_t *pool)
{
    select_t select = {rows, sql, args, pool};

    return store_read_with(store, select_run, &select);
}

apr_status_t store_read_one(store_rows_t *rows, store_t *store,
                            const store_sql_t *sql, const void **args,
                            apr_pool_t *pool)
{
    apr_status_t rv = store_read(rows, store, sql, args, pool);

    if (rv == APR_SUCCESS && !store_rows_next(rows))
        return APR_ENOENT;
    return rv;
}
