/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CONN_H
#define STORE_CONN_H

/*
 * One connection: opening, statements prepared once, rows.  For store/ only.
 *
 * A connection is used by one thread at a time and lives in pools of its own.
 * After a failure it is to be closed, since the driver says neither what went
 * wrong nor whether it will last.
 *
 * Arguments go by pointer (apr_dbd_pbquery): %s takes a const char * (NULL is
 * NULL), %lld a pointer to apr_int64_t, %pDb four: octets, pointer to
 * apr_size_t, NULL, NULL; its octets must not be NULL.  So numbers are
 * compared as numbers.
 */

#include <apr_dbd.h>

#include "store/store_commit.h"
#include "store/store_dialect.h"
#include "store/store_file.h"
#include "store/store_sql.h"

#define STORE_WHY_LEN 300

struct store_conn_t {
    apr_pool_t *pool;
    apr_pool_t *statements; /* dies before the connection */
    apr_pool_t *scratch;    /* of one statement that gives no rows */
    const apr_dbd_driver_t *driver;
    store_engine_e engine;
    apr_dbd_t *dbd;
    apr_dbd_prepared_t *prepared[STORE_SQL_COUNT];
    store_file_t file;       /* what it is open on (SQLite) */
    int has_failed;          /* a statement did; why says how */
    int has_written;         /* a statement changed a row */
    int is_noted;            /* and it was one that is kept (store_kept.h) */
    int synchronous;         /* what the PRAGMA was set to last */
    char why[STORE_WHY_LEN]; /* the driver's words, or ours */
    apr_time_t looked_at;    /* when its file or schema was last looked at */
    store_conn_t *next;      /* among the idle ones */
};

/* What a SELECT found, and the current row. */
typedef struct {
    const apr_dbd_driver_t *driver;
    apr_dbd_results_t *results;
    apr_dbd_row_t *row;
    store_engine_e engine;
    int left; /* rows behind the current one; -1: not known */
    apr_pool_t *pool;
} store_rows_t;

/* Never NULL; closed whatever open said. */
store_conn_t *store_conn_make(const apr_dbd_driver_t *driver);
/* params: the path of a file that must be there, or a conninfo. */
apr_status_t store_conn_open(store_conn_t *conn, const char *params)
    __attribute__((warn_unused_result));
void store_conn_close(store_conn_t *conn);
/* Note why it cannot be used (the first reason stays); returns APR_EGENERAL. */
apr_status_t store_conn_fail(store_conn_t *conn, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* args may be NULL when the text has none; changed (may be NULL) gets the
 * number of rows. */
apr_status_t store_conn_run(int *changed, store_conn_t *conn,
                            const store_sql_t *sql, const void **args)
    __attribute__((warn_unused_result));
/* The same; APR_EEXIST if that has changed no row. */
apr_status_t store_conn_claim(store_conn_t *conn, const store_sql_t *sql,
                              const void **args)
    __attribute__((warn_unused_result));
apr_status_t store_conn_select(store_rows_t *rows, store_conn_t *conn,
                               const store_sql_t *sql, const void **args,
                               apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* PRAGMAs, DDL and the like: not prepared, through select, since query takes a
 * result row for an error. */
apr_status_t store_conn_text(store_rows_t *rows, store_conn_t *conn,
                             const char *text, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Until this transaction ends nobody else gets through here with the same
 * name, a word or two: for write functions that decide by what they read.
 * SQLite's writers come one by one anyway. */
apr_status_t store_conn_alone(store_conn_t *conn, const char *name)
    __attribute__((warn_unused_result));

/* 0 when there is no further one. */
int store_rows_next(store_rows_t *rows);
/* Of a column that is NOT NULL (a damaged file may break that: then ""). */
const char *store_rows_text(const store_rows_t *rows, int column);
const char *store_rows_maybe(const store_rows_t *rows, int column);
apr_int64_t store_rows_int(const store_rows_t *rows, int column);
const unsigned char *store_rows_blob(apr_size_t *len, const store_rows_t *rows,
                                     int column);

#endif
