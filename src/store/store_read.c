/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_db.h"

#include "base/clock.h"
#include "store/store_schema.h"

#include "base/banned.h"

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
    rv = store_conn_open(*conn, store->params);
    if (rv == APR_SUCCESS)
        rv = reader_setup(schema, *conn);
    return rv;
}

static int is_slow(apr_time_t start)
{
    return clock_now(&clock_monotonic) - start > SLOW;
}

/* A writer makes or migrates the database if there is none or an old one.  As
 * long as nothing says that it has been made, it may be in the making just now:
 * whoever reads then would get in the maker's way, and comes behind a writer.
 * *conn NULL: the writer has reported it. */
static apr_status_t reader_prepare(store_conn_t **conn, store_t *store)
{
    apr_time_t start = clock_now(&clock_monotonic);
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
        (is_slow(start) || store_file_find(&file, store->params)))
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

static int reader_is_current(const store_t *store, store_conn_t *conn,
                             apr_time_t now)
{
    if (now - conn->looked_at < LOOK_EVERY && now >= conn->looked_at &&
        store_is_well(store))
        return 1;
    conn->looked_at = now;
    return store_is_current(store, conn);
}

/* *is_fresh: opened for this. */
static apr_status_t reader_take(store_conn_t **conn, int *is_fresh,
                                store_t *store, apr_time_t now)
{
    apr_status_t rv = store_pool_claim(conn, store, now);

    if (rv != APR_SUCCESS)
        return rv;
    *is_fresh = !*conn || !reader_is_current(store, *conn, now);
    if (!*is_fresh)
        return APR_SUCCESS;
    if (*conn)
        store_conn_close(*conn);
    rv = reader_make(conn, store);
    if (rv != APR_SUCCESS)
        store_pool_drop(store, NULL);
    return rv;
}

static apr_status_t read_once(store_t *store, store_read_fn fn, void *baton,
                              int *may_again)
{
    apr_time_t start = clock_now(&clock_monotonic);
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
    store_pool_give(store, conn);
    return rv;
}

apr_status_t store_read_with(store_t *store, store_read_fn fn, void *baton)
{
    apr_status_t rv;
    int may_again;

    if (store->engine == STORE_PGSQL)
        return store_server_read(store, fn, baton);
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

apr_status_t store_read_list(apr_array_header_t **list, store_t *store,
                             const store_sql_t *sql, const void **args,
                             store_make_fn make, apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_read(&rows, store, sql, args, pool);

    *list = apr_array_make(pool, 16, sizeof(void *));
    while (rv == APR_SUCCESS && store_rows_next(&rows))
        APR_ARRAY_PUSH(*list, void *) = make(&rows);
    return rv;
}
