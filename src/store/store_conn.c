/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_conn.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <stdarg.h>

#include "base/banned.h"

store_conn_t *store_conn_make(const apr_dbd_driver_t *driver)
{
    apr_pool_t *pool;
    store_conn_t *conn;

    /* Unmanaged: made and destroyed by any thread, so no parent is touched. */
    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    conn = apr_pcalloc(pool, sizeof(*conn));
    conn->pool = pool;
    conn->driver = driver;
    conn->synchronous = -1;
    apr_pool_create(&conn->statements, pool);
    return conn;
}

void store_conn_close(store_conn_t *conn)
{
    apr_pool_destroy(conn->statements);
    if (conn->dbd)
        apr_dbd_close(conn->driver, conn->dbd);
    apr_pool_destroy(conn->pool);
}

apr_status_t store_conn_fail(store_conn_t *conn, const char *fmt, ...)
{
    va_list args;

    if (!conn->why[0]) {
        va_start(args, fmt);
        apr_vsnprintf(conn->why, sizeof(conn->why), fmt, args);
        va_end(args);
    }
    conn->has_failed = 1;
    return APR_EGENERAL;
}

/* That path names one and the same file before and after says which one the
 * driver opened. */
apr_status_t store_conn_open(store_conn_t *conn, const char *path)
{
    store_file_t after;
    const char *error = NULL;
    char buf[80];
    apr_status_t rv = store_file_find(&conn->file, path);

    if (APR_STATUS_IS_ENOENT(rv))
        return store_conn_fail(conn, "is gone, and is not made again");
    if (rv != APR_SUCCESS)
        return store_conn_fail(conn, "%s", apr_strerror(rv, buf, sizeof(buf)));
    rv = apr_dbd_open_ex(conn->driver, conn->pool, path, &conn->dbd, &error);
    if (rv != APR_SUCCESS) {
        conn->dbd = NULL;
        return store_conn_fail(conn, "%s", error ? error : "cannot be opened");
    }
    rv = store_file_find(&after, path);
    if (rv != APR_SUCCESS || !store_file_is(&after, &conn->file))
        return store_conn_fail(conn, "was replaced just now");
    return APR_SUCCESS;
}

static apr_status_t driver_fail(store_conn_t *conn, int code)
{
    const char *error = apr_dbd_error(conn->driver, conn->dbd, code);

    return store_conn_fail(conn, "%s", error ? error : "unknown error");
}

/* NULL: it has failed. */
static apr_dbd_prepared_t *prepared(store_conn_t *conn, const store_sql_t *sql)
{
    apr_dbd_prepared_t *statement = conn->prepared[sql->index];
    int code;

    if (statement)
        return statement;
    code = apr_dbd_prepare(conn->driver, conn->statements, conn->dbd, sql->text,
                           NULL, &statement);
    if (code) {
        driver_fail(conn, code);
        return NULL;
    }
    conn->prepared[sql->index] = statement;
    return statement;
}

apr_status_t store_conn_run(int *changed, store_conn_t *conn,
                            const store_sql_t *sql, const void **args)
{
    apr_dbd_prepared_t *statement = prepared(conn, sql);
    int code, rows = 0;

    if (!statement)
        return APR_EGENERAL;
    code = apr_dbd_pbquery(conn->driver, conn->statements, conn->dbd, &rows,
                           statement, args);
    if (code)
        return driver_fail(conn, code);
    if (changed) {
        *changed = rows;
        conn->has_written |= rows > 0;
    }
    return APR_SUCCESS;
}

static void rows_init(store_rows_t *rows, const store_conn_t *conn,
                      apr_pool_t *pool)
{
    rows->driver = conn->driver;
    rows->results = NULL;
    rows->row = NULL;
    rows->pool = pool;
}

apr_status_t store_conn_select(store_rows_t *rows, store_conn_t *conn,
                               const store_sql_t *sql, const void **args,
                               apr_pool_t *pool)
{
    apr_dbd_prepared_t *statement = prepared(conn, sql);
    int code;

    rows_init(rows, conn, pool);
    if (!statement)
        return APR_EGENERAL;
    code = apr_dbd_pbselect(conn->driver, pool, conn->dbd, &rows->results,
                            statement, 0, args);
    return code ? driver_fail(conn, code) : APR_SUCCESS;
}

apr_status_t store_conn_text(store_rows_t *rows, store_conn_t *conn,
                             const char *text, apr_pool_t *pool)
{
    int code;

    rows_init(rows, conn, pool);
    code =
        apr_dbd_select(conn->driver, pool, conn->dbd, &rows->results, text, 0);
    return code ? driver_fail(conn, code) : APR_SUCCESS;
}

int store_rows_next(store_rows_t *rows)
{
    return apr_dbd_get_row(rows->driver, rows->pool, rows->results, &rows->row,
                           -1) == 0;
}

const char *store_rows_maybe(const store_rows_t *rows, int column)
{
    return apr_dbd_get_entry(rows->driver, rows->row, column);
}

const char *store_rows_text(const store_rows_t *rows, int column)
{
    const char *text = store_rows_maybe(rows, column);

    return text ? text : "";
}

apr_int64_t store_rows_int(const store_rows_t *rows, int column)
{
    return apr_atoi64(store_rows_text(rows, column));
}

const unsigned char *store_rows_blob(apr_size_t *len, const store_rows_t *rows,
                                     int column)
{
    apr_bucket_brigade *brigade =
        apr_brigade_create(rows->pool, apr_bucket_alloc_create(rows->pool));
    char *octets = NULL;

    *len = 0;
    if (apr_dbd_datum_get(rows->driver, rows->row, column, APR_DBD_TYPE_BLOB,
                          brigade) != APR_SUCCESS ||
        apr_brigade_pflatten(brigade, &octets, len, rows->pool) != APR_SUCCESS)
        *len = 0;
    return (const unsigned char *)octets;
}
