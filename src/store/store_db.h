/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_DB_H
#define STORE_DB_H

/* What the store is made of: a few idle connections to read with, one to write
 * with, the writers' queue, and how the database is.  For store/ only. */

#include <pthread.h>

#include "store/store_conn.h"
#include "store/store_kept.h"

typedef struct store_entry_t store_entry_t;   /* store_queue.h */
typedef struct store_waiter_t store_waiter_t; /* store_pool.c */

/* The first failure of a series is logged, and the end of the series: a write
 * that succeeds, or a read if only reads have failed. */
typedef enum { STORE_WELL, STORE_READ_ILL, STORE_WRITE_ILL } store_health_e;

struct store_t {
    apr_pool_t *pool; /* unmanaged; nothing is allocated in it after open */
    const log_t *log;
    const char
        *params;      /* the file's path, or a conninfo, which may be secret */
    const char *name; /* what may be printed of it */
    const apr_dbd_driver_t *driver;
    store_engine_e engine;

    int users;               /* threads in here, and the owner; atomic */
    pthread_mutex_t mutex;   /* guards what follows, held for moments only */
    store_conn_t *idle;      /* readers nobody uses, last used first */
    int reader_count;        /* idle or in use */
    int reader_max;          /* so many there may be; set once */
    store_waiter_t *waiters; /* for a reader, or room for a new one */
    int was_there;           /* this process has seen the database */
    int is_closed;
    store_health_e health;
    int is_unsure; /* a write has failed since store_job_claim looked; atomic */
    store_entry_t *queue, **queue_end; /* writes that wait */
    int queued;                        /* how many */
    int has_leader;
    int expected;     /* who may write soon; atomic */
    int is_gathering; /* the leader waits for them; atomic */
    pthread_cond_t company;
    apr_interval_time_t company_limit; /* for so long */
    int is_asking;     /* somebody tries whether an ill server is there again */
    apr_time_t ask_at; /* and when the next one may */

    store_kept_t *kept; /* NULL: nothing is; has a mutex of its own */

    apr_proc_mutex_t *gate; /* before the lock; NULL: none */

    /* The leader's alone. */
    store_conn_t *writer;
    store_lock_t lock;
};

/* One SELECT on a connection that is not the writer's.  Rows live in pool.  A
 * connection that fails at once is replaced by a fresh one, once: prepared
 * statements go stale when another process changes the schema. */
apr_status_t store_read(store_rows_t *rows, store_t *store,
                        const store_sql_t *sql, const void **args,
                        apr_pool_t *pool) __attribute__((warn_unused_result));
/* The same, and its first row is the current one; APR_ENOENT if there is
 * none. */
apr_status_t store_read_one(store_rows_t *rows, store_t *store,
                            const store_sql_t *sql, const void **args,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* All rows, each as make has it (in rows->pool). */
typedef void *(*store_make_fn)(const store_rows_t *rows);
apr_status_t store_read_list(apr_array_header_t **list, store_t *store,
                             const store_sql_t *sql, const void **args,
                             store_make_fn make, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Several statements on one connection; fn may run twice. */
typedef apr_status_t (*store_read_fn)(store_conn_t *conn, void *baton);
apr_status_t store_read_with(store_t *store, store_read_fn fn, void *baton)
    __attribute__((warn_unused_result));

/* "seq < …": rows older than the one with this id (an argument, and twice
 * more), or all if it is NULL.  If that row has been removed, its place is
 * known to a few seconds by the time in ids (token.h), so a list goes on, and
 * some rows may come twice. */
#define STORE_SQL_OLDER(table)                                                 \
    "seq < CASE WHEN %s IS NULL THEN 9223372036854775807 "                     \
    "ELSE COALESCE((SELECT seq FROM " table " WHERE id = %s), "                \
    "(SELECT seq FROM " table " WHERE id > substr(%s, 1, 5) || '~' "           \
    "ORDER BY id LIMIT 1), 9223372036854775807) END "

/* Connections that nobody uses, for readers, and with PostgreSQL for writers,
 * too.  *conn NULL: the caller may open one, or must say that he did not by
 * dropping NULL.  Given back, one that has failed is closed. */
apr_status_t store_pool_claim(store_conn_t **conn, store_t *store,
                              apr_time_t now)
    __attribute__((warn_unused_result));
void store_pool_give(store_t *store, store_conn_t *conn);
void store_pool_drop(store_t *store, store_conn_t *conn);

/* store_server.c: PostgreSQL commits in groups by itself, so everybody has a
 * connection of his own.  A server that restarts, a deadlock and the like cost
 * a few tries; fn may run several times. */
apr_status_t store_server_read(store_t *store, store_read_fn fn, void *baton)
    __attribute__((warn_unused_result));
apr_status_t store_server_write(store_t *store, store_durability_e durability,
                                store_write_fn fn, void *baton)
    __attribute__((warn_unused_result));
apr_status_t store_server_prepare(store_t *store)
    __attribute__((warn_unused_result));

/* Readers are to be opened anew. */
void store_idle_close(store_t *store);
/* Around all that a caller's thread does in here. */
void store_enter(store_t *store);
void store_leave(store_t *store);

/* Is the file at the path still what this connection is open on? */
int store_is_current(const store_t *store, const store_conn_t *conn);

/* Has this process seen the database?  Then it is never made again. */
int store_was_there(store_t *store);
void store_is_there(store_t *store);

int store_is_well(const store_t *store);
void store_ill(store_t *store, store_health_e health, const char *why);
void store_well(store_t *store, store_health_e health);

/* Make or migrate the database, as every writer does, for a reader that found
 * none or an old one. */
apr_status_t store_commit_prepare(store_t *store)
    __attribute__((warn_unused_result));

#endif
