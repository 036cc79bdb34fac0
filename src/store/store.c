/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <apr_strings.h>

#include "base/clock.h"
#include "store/store_db.h"
#include "store/store_schema.h"

#include "base/banned.h"

/* The driver lets one thread of the process at a time into SQLite, so a few
 * connections are enough; further ones are closed after use. */
#define IDLE_MAX 8
/* A reader looks that often whether its file is still the one at the path (a
 * writer, always). */
#define LOOK_EVERY apr_time_from_msec(50)
/* A read that failed slower than this met a lock, and is not tried again. */
#define SLOW apr_time_from_msec(500)

void store_ill(store_t *store, store_health_e health, const char *why)
{
    int is_first;

    pthread_mutex_lock(&store->mutex);
    is_first = store->health == STORE_WELL;
    if (is_first || store->health < health)
        __atomic_store_n(&store->health, health, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&store->mutex);
    if (is_first)
        log_write(store->log, LOG_LEVEL_ERROR, "AS0250", 0, "database %s: %s",
                  store->path, why);
}

void store_well(store_t *store, store_health_e health)
{
    int is_over;

    if (__atomic_load_n(&store->health, __ATOMIC_RELAXED) == STORE_WELL)
        return;
    pthread_mutex_lock(&store->mutex);
    is_over = store->health != STORE_WELL && store->health <= health;
    if (is_over)
        __atomic_store_n(&store->health, STORE_WELL, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&store->mutex);
    if (is_over)
        log_write(store->log, LOG_LEVEL_NOTICE, "AS0251", 0,
                  "database %s is well again", store->path);
}

int store_is_current(const store_t *store, const store_conn_t *conn)
{
    store_file_t file;

    return store_file_find(&file, store->path) == APR_SUCCESS &&
           store_file_is(&file, &conn->file);
}

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

int store_was_there(store_t *store)
{
    int answer;

    pthread_mutex_lock(&store->mutex);
    answer = store->was_there;
    pthread_mutex_unlock(&store->mutex);
    return answer;
}

void store_is_there(store_t *store)
{
    pthread_mutex_lock(&store->mutex);
    store->was_there = 1;
    pthread_mutex_unlock(&store->mutex);
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

static store_conn_t *idle_take(store_t *store)
{
    store_conn_t *conn;

    pthread_mutex_lock(&store->mutex);
    conn = store->idle;
    if (conn) {
        store->idle = conn->next;
        store->idle_count--;
    }
    pthread_mutex_unlock(&store->mutex);
    return conn;
}

static int reader_is_current(const store_t *store, store_conn_t *conn,
                             apr_time_t now)
{
    if (now - conn->looked_at < LOOK_EVERY && now >= conn->looked_at &&
        __atomic_load_n(&store->health, __ATOMIC_RELAXED) == STORE_WELL)
        return 1;
    conn->looked_at = now;
    return store_is_current(store, conn);
}

/* *is_fresh: opened for this. */
static apr_status_t reader_take(store_conn_t **conn, int *is_fresh,
                                store_t *store, apr_time_t now)
{
    *is_fresh = 0;
    for (*conn = idle_take(store); *conn; *conn = idle_take(store)) {
        if (reader_is_current(store, *conn, now))
            return APR_SUCCESS;
        store_conn_close(*conn);
    }
    *is_fresh = 1;
    return reader_make(conn, store);
}

static void reader_give(store_t *store, store_conn_t *conn)
{
    int is_kept;

    pthread_mutex_lock(&store->mutex);
    is_kept =
        !conn->has_failed && !store->is_closed && store->idle_count < IDLE_MAX;
    if (is_kept) {
        conn->next = store->idle;
        store->idle = conn;
        store->idle_count++;
    }
    pthread_mutex_unlock(&store->mutex);
    if (!is_kept)
        store_conn_close(conn);
}

void store_idle_close(store_t *store)
{
    store_conn_t *conn;

    for (conn = idle_take(store); conn; conn = idle_take(store))
        store_conn_close(conn);
}

void store_enter(store_t *store)
{
    __atomic_add_fetch(&store->users, 1, __ATOMIC_RELAXED);
}

void store_leave(store_t *store)
{
    if (__atomic_sub_fetch(&store->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    store_idle_close(store);
    if (store->writer)
        store_conn_close(store->writer);
    store_lock_close(&store->lock);
    pthread_mutex_destroy(&store->mutex);
    apr_pool_destroy(store->pool);
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

/* A thread that is still in here when the process ends is the last one out. */
static apr_status_t store_close(void *data)
{
    store_t *store = data;

    pthread_mutex_lock(&store->mutex);
    store->is_closed = 1;
    pthread_mutex_unlock(&store->mutex);
    store_idle_close(store);
    store_leave(store);
    return APR_SUCCESS;
}

apr_status_t store_open(store_t **store, const store_conf_t *conf,
                        const log_t *log, apr_pool_t *pool)
{
    const apr_dbd_driver_t *driver;
    apr_pool_t *own;
    apr_status_t rv = apr_dbd_init(pool);

    if (rv == APR_SUCCESS)
        rv = apr_dbd_get_driver(pool, conf->driver, &driver);
    if (rv != APR_SUCCESS) {
        log_write(log, LOG_LEVEL_CRIT, "AS0253", rv,
                  "the database driver %s cannot be loaded (Debian: "
                  "libaprutil1-dbd-%s)",
                  conf->driver, conf->driver);
        return rv;
    }
    apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    *store = apr_pcalloc(own, sizeof(**store));
    (*store)->pool = own;
    (*store)->users = 1;
    (*store)->log = log;
    (*store)->path = apr_pstrdup(own, conf->params);
    (*store)->driver = driver;
    (*store)->queue_end = &(*store)->queue;
    pthread_mutex_init(&(*store)->mutex, NULL);
    store_lock_init(&(*store)->lock,
                    apr_pstrcat(own, conf->params, ".lock", NULL));
    apr_pool_cleanup_register(pool, *store, store_close, apr_pool_cleanup_null);
    return APR_SUCCESS;
}
