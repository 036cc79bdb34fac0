/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_db.h"

#include <apr_strings.h>
#include <string.h>

#include "base/clock.h"
#include "base/token.h"
#include "store/store_pgsql.h"

#include "base/banned.h"

/* How long a call may last that meets a server that restarts, deadlocks and
 * the like; how often the same may fail before it is no accident. */
#define LIMIT       apr_time_from_sec(5)
#define LIMIT_FIRST apr_time_from_sec(2) /* it was away when we started */
#define TRIES_MAX   6
#define READS_MAX   2
/* A server that is away is asked again after that, by those who found it well
 * when they came, and by one of all who know that it is ill. */
#define NAP     apr_time_from_msec(50)
#define ASK_ILL apr_time_from_msec(250)
/* Readers look that often whether the schema is still ours (writers, always).
 */
#define LOOK_EVERY apr_time_from_sec(1)

/* What a caller wants, and how far it has come. */
typedef struct {
    store_t *store;
    store_write_fn fn;
    void *baton;
    int is_write;
    store_durability_e durability;
    int was_well; /* when it came */
    apr_time_t limit;
    int tries;      /* that failed on a connection that worked */
    int is_again;   /* to be tried once more */
    int is_refused; /* a statement was, not a connection */
    char xid[24];   /* of a transaction whose COMMIT was not answered */
    char why[STORE_WHY_LEN];
} call_t;

static void why_copy(call_t *call, const char *why)
{
    apr_cpystrn(call->why, why, sizeof(call->why));
}

/* May a connection be opened?  While the server is ill one at a time tries. */
static int gate_enter(store_t *store)
{
    int may;

    pthread_mutex_lock(&store->mutex);
    may = store->health == STORE_WELL ||
          (!store->is_asking && clock_now(&clock_monotonic) >= store->ask_at);
    if (may && store->health != STORE_WELL)
        store->is_asking = 1;
    pthread_mutex_unlock(&store->mutex);
    return may;
}

static void gate_leave(store_t *store, int is_open)
{
    pthread_mutex_lock(&store->mutex);
    store->is_asking = 0;
    store->ask_at = is_open ? 0 : clock_now(&clock_monotonic) + ASK_ILL;
    pthread_mutex_unlock(&store->mutex);
}

/* Makes or migrates the database's tables, too. */
static apr_status_t conn_prepare(store_conn_t *conn, store_t *store,
                                 apr_pool_t *pool)
{
    store_schema_e schema;
    apr_status_t rv = store_conn_open(conn, store->params);

    if (rv == APR_SUCCESS)
        rv = store_schema_look(&schema, conn, pool);
    if (rv != APR_SUCCESS)
        return rv;
    conn->looked_at = clock_now(&clock_monotonic);
    return schema == STORE_SCHEMA_RIGHT
               ? APR_SUCCESS
               : store_schema_migrate(conn, !store_was_there(store), store->log,
                                      pool);
}

/* *conn is there, or NULL and the reason noted. */
static apr_status_t conn_make(store_conn_t **conn, call_t *call)
{
    store_t *store = call->store;
    apr_status_t rv;
    apr_pool_t *pool;

    *conn = NULL;
    if (!gate_enter(store)) {
        why_copy(call, "is still away");
        return APR_EGENERAL;
    }
    *conn = store_conn_make(store->driver);
    apr_pool_create(&pool, (*conn)->pool);
    rv = conn_prepare(*conn, store, pool);
    apr_pool_destroy(pool);
    gate_leave(store, rv == APR_SUCCESS);
    if (rv == APR_SUCCESS) {
        store_is_there(store);
        return rv;
    }
    why_copy(call, (*conn)->why);
    store_conn_close(*conn);
    *conn = NULL;
    return rv;
}

/* The schema may have become another one's meanwhile. */
static apr_status_t conn_look(store_conn_t *conn)
{
    apr_time_t now = clock_now(&clock_monotonic);
    int version;
    apr_status_t rv;

    if (now - conn->looked_at < LOOK_EVERY && now >= conn->looked_at)
        return APR_SUCCESS;
    conn->looked_at = now;
    rv = store_pgsql_version(&version, conn, conn->scratch);
    apr_pool_clear(conn->scratch);
    if (rv == APR_SUCCESS && version != store_schema_version())
        return store_conn_fail(conn, "has another schema now");
    return rv;
}

/* *is_fresh: opened for this.  Not APR_SUCCESS: there is none. */
static apr_status_t conn_take(store_conn_t **conn, int *is_fresh, call_t *call)
{
    apr_status_t rv =
        store_pool_claim(conn, call->store, clock_now(&clock_monotonic));

    if (rv != APR_SUCCESS)
        return rv;
    *is_fresh = !*conn;
    if (*conn)
        return APR_SUCCESS;
    rv = conn_make(conn, call);
    if (rv == APR_SUCCESS)
        return rv;
    store_pool_drop(call->store, NULL);
    call->is_again =
        call->was_well && clock_now(&clock_monotonic) < call->limit;
    if (call->is_again)
        apr_sleep(NAP);
    return rv;
}

/* COMMIT was sent: *rv stays what the function said if it was done. */
static void commit(call_t *call, store_conn_t *conn, const char *xid,
                   apr_status_t *rv)
{
    store_rows_t rows;

    if (store_conn_text(&rows, conn, "COMMIT", conn->scratch) == APR_SUCCESS)
        return;
    apr_cpystrn(call->xid, xid, sizeof(call->xid));
    *rv = APR_EGENERAL;
}

/* What was refused leaves a connection that can be used again. */
static void rollback(call_t *call, store_conn_t *conn)
{
    store_rows_t rows;
    int has_failed = conn->has_failed;

    if (store_conn_text(&rows, conn, "ROLLBACK", conn->scratch) != APR_SUCCESS)
        return;
    if (has_failed) {
        call->is_refused = 1;
        why_copy(call, conn->why);
    }
    conn->has_failed = 0;
    conn->why[0] = '\0';
}

static apr_status_t transaction_run(call_t *call, store_conn_t *conn)
{
    const char *found = "";
    char xid[sizeof(call->xid)];
    apr_status_t rv =
        store_pgsql_begin(&found, conn, call->durability, conn->scratch);

    apr_cpystrn(xid, found, sizeof(xid));
    apr_pool_clear(conn->scratch);
    if (rv == APR_SUCCESS)
        rv = call->fn(conn, call->baton);
    if (conn->has_failed && rv == APR_SUCCESS)
        rv = APR_EGENERAL;
    if (rv == APR_SUCCESS)
        commit(call, conn, xid, &rv);
    else
        rollback(call, conn);
    apr_pool_clear(conn->scratch);
    return rv;
}

/* Was the transaction done whose COMMIT was not answered?  1: yes. */
static int doubt_end(call_t *call, store_conn_t *conn)
{
    store_xact_e outcome = STORE_XACT_RUNS;

    while (store_pgsql_outcome(&outcome, conn, call->xid, conn->scratch) ==
               APR_SUCCESS &&
           outcome == STORE_XACT_RUNS &&
           clock_now(&clock_monotonic) < call->limit)
        apr_sleep(NAP);
    apr_pool_clear(conn->scratch);
    if (!conn->has_failed && outcome != STORE_XACT_RUNS)
        call->xid[0] = '\0';
    return outcome == STORE_XACT_DONE;
}

static apr_status_t conn_use(call_t *call, store_conn_t *conn)
{
    if (call->xid[0] && doubt_end(call, conn))
        return APR_SUCCESS;
    if (call->xid[0])
        return APR_EGENERAL;
    if (call->is_write)
        return transaction_run(call, conn);
    if (conn_look(conn) != APR_SUCCESS)
        return APR_EGENERAL;
    return call->fn(conn, call->baton);
}

/* Deadlocks, and two who add the same, are accidents; so is a connection that
 * was not used for some time and turns out to be dead. */
static void again_decide(call_t *call, int is_fresh)
{
    unsigned char random;

    if (clock_now(&clock_monotonic) >= call->limit)
        return;
    if (!is_fresh && !call->is_refused) {
        call->is_again = 1;
        return;
    }
    call->is_again = ++call->tries < (call->is_write ? TRIES_MAX : READS_MAX);
    token_bytes(&random, 1);
    if (call->is_again)
        apr_sleep(call->tries * (100 + 50 * (apr_time_t)random));
}

static apr_status_t call_once(call_t *call)
{
    store_conn_t *conn;
    int is_fresh, has_failed;
    apr_status_t rv;

    call->is_again = call->is_refused = 0;
    rv = conn_take(&conn, &is_fresh, call);
    if (rv != APR_SUCCESS)
        return rv;
    conn->has_failed = 0;
    conn->why[0] = '\0';
    rv = conn_use(call, conn);
    has_failed = conn->has_failed || call->is_refused;
    if (conn->has_failed) {
        why_copy(call, conn->why);
        store_pool_drop(call->store, conn);
        store_idle_close(call->store); /* they are as dead */
    }
    else {
        store_pool_give(call->store, conn);
    }
    if (has_failed)
        again_decide(call, is_fresh);
    else
        call->why[0] = '\0';
    return rv;
}

static apr_status_t call_run(call_t *call)
{
    store_t *store = call->store;
    apr_status_t rv;

    store_enter(store);
    call->was_well = store_is_well(store);
    call->limit = clock_now(&clock_monotonic) +
                  (store_was_there(store) ? LIMIT : LIMIT_FIRST);
    do {
        rv = call_once(call);
    } while (call->is_again);
    if (call->why[0] && call->is_write)
        __atomic_store_n(&store->is_unsure, 1, __ATOMIC_RELAXED);
    if (call->why[0])
        store_ill(store, call->is_refused ? STORE_WRITE_ILL : STORE_READ_ILL,
                  call->why);
    else if (rv != APR_EGENERAL)
        store_well(store, call->is_write ? STORE_WRITE_ILL : STORE_READ_ILL);
    store_leave(store);
    return rv;
}

apr_status_t store_server_read(store_t *store, store_read_fn fn, void *baton)
{
    call_t call = {.store = store, .fn = fn, .baton = baton};

    return call_run(&call);
}

apr_status_t store_server_write(store_t *store, store_durability_e durability,
                                store_write_fn fn, void *baton)
{
    call_t call = {.store = store,
                   .fn = fn,
                   .baton = baton,
                   .is_write = 1,
                   .durability = durability};

    return call_run(&call);
}

static apr_status_t nothing(store_conn_t *conn, void *baton)
{
    return APR_SUCCESS;
}

apr_status_t store_server_prepare(store_t *store)
{
    return store_server_read(store, nothing, NULL);
}
