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
#include "store/store_file.h"

/* Every statement: the index of its prepared form in a connection. */
typedef enum {
    STORE_SQL_BEGIN,
    STORE_SQL_COMMIT,
    STORE_SQL_ROLLBACK,
    STORE_SQL_SAVEPOINT,
    STORE_SQL_RELEASE,
    STORE_SQL_ROLLBACK_TO,
    STORE_SQL_ACCOUNT_INSERT,
    STORE_SQL_ACCOUNT_GET,
    STORE_SQL_ACCOUNT_GET_BY_KEY,
    STORE_SQL_ACCOUNT_KEY_KNOWN,
    STORE_SQL_ACCOUNT_CONTACT_SET,
    STORE_SQL_ACCOUNT_DEACTIVATE,
    STORE_SQL_ACCOUNT_AUTHZS_DEACTIVATE,
    STORE_SQL_ACCOUNT_LIST,
    STORE_SQL_ACCOUNT_LIST_OF_EAB,
    STORE_SQL_AUTHZ_INSERT,
    STORE_SQL_AUTHZ_GET,
    STORE_SQL_AUTHZ_GET_REUSABLE,
    STORE_SQL_AUTHZ_ATTEMPT,
    STORE_SQL_AUTHZ_RECORD,
    STORE_SQL_AUTHZ_DEACTIVATE,
    STORE_SQL_BLOCKED_INSERT,
    STORE_SQL_BLOCKED_GET,
    STORE_SQL_CERT_INSERT,
    STORE_SQL_CERT_GET,
    STORE_SQL_CERT_GET_BY_SERIAL,
    STORE_SQL_CERT_GET_VHOST,
    STORE_SQL_CERT_LIST,
    STORE_SQL_CERT_LIST_ALL,
    STORE_SQL_EAB_INSERT,
    STORE_SQL_EAB_GET,
    STORE_SQL_EAB_LIST,
    STORE_SQL_EAB_STATUS_SET,
    STORE_SQL_EAB_SECRET_SET,
    STORE_SQL_EAB_BIND,
    STORE_SQL_EAB_ORDER,
    STORE_SQL_EVENT_INSERT,
    STORE_SQL_EVENT_PAGE,
    STORE_SQL_EVENT_PREV,
    STORE_SQL_EVENT_FROM,
    STORE_SQL_EVENT_BOUNDS,
    STORE_SQL_EVENT_HEAD,
    STORE_SQL_EVENT_MOVE,
    STORE_SQL_EVENT_HASH,
    STORE_SQL_ISSUER_INSERT,
    STORE_SQL_ISSUER_GET,
    STORE_SQL_JOB_INSERT,
    STORE_SQL_JOB_OWNERS,
    STORE_SQL_JOB_CLAIM,
    STORE_SQL_JOB_POSTPONE,
    STORE_SQL_JOB_EXTEND,
    STORE_SQL_JOB_DELETE,
    STORE_SQL_ORDER_INSERT,
    STORE_SQL_ORDER_GET,
    STORE_SQL_ORDER_CLAIM,
    STORE_SQL_ORDER_COMPLETE,
    STORE_SQL_ORDER_FAIL,
    STORE_SQL_ORDER_LIST,
    STORE_SQL_ORDER_LIST_ALL,
    STORE_SQL_COUNT
} store_sql_e;

typedef struct {
    store_sql_e index;
    const char *text;
} store_sql_t;

#define STORE_WHY_LEN 300

struct store_conn_t {
    apr_pool_t *pool;
    apr_pool_t *statements; /* dies before the connection */
    const apr_dbd_driver_t *driver;
    apr_dbd_t *dbd;
    apr_dbd_prepared_t *prepared[STORE_SQL_COUNT];
    store_file_t file;       /* what it is open on */
    int has_failed;          /* a statement did; why says how */
    int has_written;         /* a statement changed a row */
    int synchronous;         /* what the PRAGMA was set to last */
    char why[STORE_WHY_LEN]; /* the driver's words, or ours */
    apr_time_t looked_at;    /* when a reader last looked at its file */
    store_conn_t *next;      /* among the idle ones */
};

/* What a SELECT found, and the current row. */
typedef struct {
    const apr_dbd_driver_t *driver;
    apr_dbd_results_t *results;
    apr_dbd_row_t *row;
    apr_pool_t *pool;
} store_rows_t;

/* Never NULL; closed whatever open said. */
store_conn_t *store_conn_make(const apr_dbd_driver_t *driver);
/* The file must be there. */
apr_status_t store_conn_open(store_conn_t *conn, const char *path)
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
apr_status_t store_conn_select(store_rows_t *rows, store_conn_t *conn,
                               const store_sql_t *sql, const void **args,
                               apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* PRAGMAs, DDL and the like: not prepared, through select, since query takes a
 * result row for an error. */
apr_status_t store_conn_text(store_rows_t *rows, store_conn_t *conn,
                             const char *text, apr_pool_t *pool)
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
