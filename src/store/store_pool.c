/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_db.h"

#include <errno.h>

#include "base/clock.h"

#include "base/banned.h"

/* How long a thread waits for one of them, and how long at most if it is to
 * wait for somebody's lock with it. */
#define WAIT_LIMIT apr_time_from_sec(2)
#define WAIT_LONG  apr_time_from_msec(400)

/* A thread that waits for a connection; lives on its stack.  They get what is
 * given back in the order in which they came: whoever comes later and finds
 * one at once would let them wait for ever. */
struct store_waiter_t {
    store_conn_t *conn; /* handed over; NULL: room for a new one */
    int is_served;
    pthread_cond_t cond;
    store_waiter_t *next;
};

static void waiter_remove(store_t *store, const store_waiter_t *waiter)
{
    store_waiter_t **link = &store->waiters;

    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
}

/* The mutex is held. */
static apr_status_t turn_wait(store_conn_t **conn, store_t *store,
                              const struct timespec *until)
{
    store_waiter_t waiter = {.cond = PTHREAD_COND_INITIALIZER};
    store_waiter_t **end = &store->waiters;
    int rc = 0;

    while (*end)
        end = &(*end)->next;
    *end = &waiter;
    while (!waiter.is_served && !rc)
        rc = pthread_cond_clockwait(&waiter.cond, &store->mutex,
                                    CLOCK_MONOTONIC, until);
    pthread_cond_destroy(&waiter.cond);
    *conn = waiter.conn;
    if (waiter.is_served)
        return APR_SUCCESS;
    waiter_remove(store, &waiter);
    return APR_TIMEUP;
}

/* Hands it, or the room for one, to who waits; 0: nobody does.  The mutex is
 * held. */
static int waiter_serve(store_t *store, store_conn_t *conn)
{
    store_waiter_t *waiter = store->waiters;

    if (!waiter)
        return 0;
    store->waiters = waiter->next;
    waiter->conn = conn;
    waiter->is_served = 1;
    pthread_cond_signal(&waiter->cond);
    return 1;
}

/* Takes an idle one; *conn NULL: a new one may be opened.  The mutex is held.
 */
static apr_status_t idle_claim(store_conn_t **conn, store_t *store,
                               const struct timespec *until)
{
    *conn = store->idle;
    if (*conn)
        store->idle = (*conn)->next;
    else if (store->reader_count < store->reader_max)
        store->reader_count++;
    else
        return turn_wait(conn, store, until);
    return APR_SUCCESS;
}

/* conn NULL: none was opened after all. */
void store_pool_drop(store_t *store, store_conn_t *conn)
{
    if (conn)
        store_conn_close(conn);
    pthread_mutex_lock(&store->mutex);
    if (!waiter_serve(store, NULL))
        store->reader_count--;
    pthread_mutex_unlock(&store->mutex);
}

/* Not kept while writing fails: what SQLite found read-only when it opened it
 * stays so for the whole process as long as any connection has it open. */
void store_pool_give(store_t *store, store_conn_t *conn)
{
    int is_kept;

    pthread_mutex_lock(&store->mutex);
    is_kept =
        !conn->has_failed && !store->is_closed &&
        (store->engine == STORE_PGSQL || store->health != STORE_WRITE_ILL);
    if (is_kept && !waiter_serve(store, conn)) {
        conn->next = store->idle;
        store->idle = conn;
    }
    pthread_mutex_unlock(&store->mutex);
    if (!is_kept)
        store_pool_drop(store, conn);
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
        store_pool_drop(store, idle);
    }
}

int store_is_well(const store_t *store)
{
    return __atomic_load_n(&store->health, __ATOMIC_RELAXED) == STORE_WELL;
}

/* Whoever has waited long while the database is ill would only find that out
 * once more. */
apr_status_t store_pool_claim(store_conn_t **conn, store_t *store,
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
    if (store_is_well(store) || clock_now(&clock_monotonic) - now < WAIT_LONG)
        return APR_SUCCESS;
    if (*conn)
        store_pool_give(store, *conn);
    else
        store_pool_drop(store, NULL);
    return APR_TIMEUP;
}
