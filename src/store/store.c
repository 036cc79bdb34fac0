/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <apr_strings.h>

#include "store/store_conninfo.h"
#include "store/store_db.h"

#include "base/banned.h"

/* Readers.  SQLite's driver lets one thread of the process at a time into
 * SQLite, so a few connections serve any number of threads; their caches and
 * statements are worth more than further ones, and have 300 KiB each.
 * PostgreSQL's server has a process for each. */
#define SQLITE_MAX 4
#define PGSQL_MAX  8
/* Less than a sync takes: a writer who waits in vain hardly notices. */
#define COMPANY_LIMIT apr_time_from_msec(1)

void store_ill(store_t *store, store_health_e health, const char *why)
{
    log_level_e level = LOG_LEVEL_ERROR;
    int is_first;

    if (health == STORE_WRITE_ILL)
        __atomic_store_n(&store->is_unsure, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&store->mutex);
    is_first = store->health == STORE_WELL;
    if (store->engine == STORE_PGSQL && !store->was_there)
        level = LOG_LEVEL_CRIT; /* it was away when we started */
    if (is_first || store->health < health)
        __atomic_store_n(&store->health, health, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&store->mutex);
    if (is_first)
        log_write(store->log, level, "AS0250", 0, "database %s: %s",
                  store->name, why);
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
                  "database %s is well again", store->name);
}

int store_is_current(const store_t *store, const store_conn_t *conn)
{
    store_file_t file;

    return store_file_find(&file, store->params) == APR_SUCCESS &&
           store_file_is(&file, &conn->file);
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
    if (store->kept)
        store_kept_free(store->kept);
    pthread_cond_destroy(&store->company);
    pthread_mutex_destroy(&store->mutex);
    apr_pool_destroy(store->pool);
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

void store_gate_set(store_t *store, apr_proc_mutex_t *gate)
{
    store->gate = gate;
}

const char *store_conf_name(const store_conf_t *conf, apr_pool_t *pool)
{
    return store_dialect_engine(conf->driver) == STORE_PGSQL
               ? apr_pstrcat(pool, "pgsql ",
                             store_conninfo_public(conf->params, pool), NULL)
               : apr_pstrdup(pool, conf->params);
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
    (*store)->params = apr_pstrdup(own, conf->params);
    (*store)->name = store_conf_name(conf, own);
    (*store)->driver = driver;
    (*store)->engine = store_dialect_engine(conf->driver);
    (*store)->reader_max =
        (*store)->engine == STORE_PGSQL ? PGSQL_MAX : SQLITE_MAX;
    (*store)->queue_end = &(*store)->queue;
    pthread_mutex_init(&(*store)->mutex, NULL);
    pthread_cond_init(&(*store)->company, NULL);
    (*store)->company_limit = COMPANY_LIMIT;
    store_lock_init(&(*store)->lock,
                    apr_pstrcat(own, conf->params, ".lock", NULL));
    if ((*store)->engine == STORE_SQLITE)
        (*store)->kept = store_kept_make((*store)->lock.path, own);
    apr_pool_cleanup_register(pool, *store, store_close, apr_pool_cleanup_null);
    return APR_SUCCESS;
}
