/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_conn.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>

#include "store/store_pgsql.h"

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
    conn->engine = store_dialect_engine(apr_dbd_name(driver));
    conn->synchronous = -1;
    apr_pool_create(&conn->statements, pool);
    apr_pool_create(&conn->scratch, pool);
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
        /* PostgreSQL's further lines have values of the row. */
        conn->why[strcspn(conn->why, "\n")] = '\0';
    }
    conn->has_failed = 1;
    return APR_EGENERAL;
}

static apr_status_t driver_open(store_conn_t *conn, const char *params)
{
    const char *error = NULL;
    apr_status_t rv =
        apr_dbd_open_ex(conn->driver, conn->pool, params, &conn->dbd, &error);

    if (rv == APR_SUCCESS)
        return rv;
    conn->dbd = NULL;
    return store_conn_fail(conn, "%s", error ? error : "cannot be opened");
}

/* That path names one and the same file before and after says which one the
 * driver opened. */
static apr_status_t file_open(store_conn_t *conn, const char *path)
{
    store_file_t after;
    char buf[80];
    apr_status_t rv = store_file_find(&conn->file, path);

    if (APR_STATUS_IS_ENOENT(rv))
        return store_conn_fail(conn, "is gone, and is not made again");
    if (rv != APR_SUCCESS)
        return store_conn_fail(conn, "%s", apr_strerror(rv, buf, sizeof(buf)));
    rv = driver_open(conn, path);
    if (rv != APR_SUCCESS)
        return rv;
    rv = store_file_find(&after, path);
    if (rv != APR_SUCCESS || !store_file_is(&after, &conn->file))
        return store_conn_fail(conn, "was replaced just now");
    return APR_SUCCESS;
}

apr_status_t store_conn_open(store_conn_t *conn, const char *params)
{
    apr_status_t rv;

    if (conn->engine == STORE_SQLITE)
        return file_open(conn, params);
    rv = driver_open(conn, store_pgsql_params(params, conn->pool));
    return rv == APR_SUCCESS ? store_pgsql_setup(conn) : rv;
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
    const char *text = sql->text, *label = NULL;
    int code;

    if (statement)
        return statement;
    if (conn->engine == STORE_PGSQL) {
        text = store_dialect_pgsql(text, conn->statements);
        label = apr_psprintf(conn->statements, "s%d", (int)sql->index);
    }
    code = apr_dbd_prepare(conn->driver, conn->statements, conn->dbd, text,
                           label, &statement);
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
    code = apr_dbd_pbquery(conn->driver, conn->scratch, conn->dbd, &rows,
                           statement, args);
    apr_pool_clear(conn->scratch);
    if (code)
        return driver_fail(conn, code);
    if (changed) {
        *changed = rows;
        conn->has_written |= rows > 0;
    }
    return APR_SUCCESS;
}

apr_status_t store_conn_claim(store_conn_t *conn, const store_sql_t *sql,
                              const void **args)
{
    int changed = 0;
    apr_status_t rv = store_conn_run(&changed, conn, sql, args);

    return rv == APR_SUCCESS && !changed ? APR_EEXIST : rv;
}

static void rows_init(store_rows_t *rows, const store_conn_t *conn,
                      apr_pool_t *pool)
{
    rows->driver = conn->driver;
    rows->results = NULL;
    rows->row = NULL;
    rows->engine = conn->engine;
    rows->left = -1;
    rows->pool = pool;
}

/* For PostgreSQL's driver "random access" means that it waits for the rows:
 * otherwise it does not tell of errors. */
static apr_status_t rows_found(store_rows_t *rows, store_conn_t *conn, int code)
{
    if (code)
        return driver_fail(conn, code);
    if (rows->engine == STORE_PGSQL)
        rows->left = apr_dbd_num_tuples(rows->driver, rows->results);
    return APR_SUCCESS;
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
                            statement, conn->engine == STORE_PGSQL, args);
    return rows_found(rows, conn, code);
}

apr_status_t store_conn_text(store_rows_t *rows, store_conn_t *conn,
                             const char *text, apr_pool_t *pool)
{
    int code;

    rows_init(rows, conn, pool);
    code = apr_dbd_select(conn->driver, pool, conn->dbd, &rows->results, text,
                          conn->engine == STORE_PGSQL);
    return rows_found(rows, conn, code);
}

static const store_sql_t sql_alone = {
    STORE_SQL_ALONE, "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"};

apr_status_t store_conn_alone(store_conn_t *conn, const char *name)
{
    const void *args[] = {name};
    store_rows_t rows;
    apr_status_t rv;

    if (conn->engine == STORE_SQLITE)
        return APR_SUCCESS;
    rv = store_conn_select(&rows, conn, &sql_alone, args, conn->scratch);
    apr_pool_clear(conn->scratch);
    return rv;
}

/* PostgreSQL's driver is not asked for a row beyond the last: it would throw
 * away those before. */
int store_rows_next(store_rows_t *rows)
{
    if (rows->left == 0)
        return 0;
    if (rows->left > 0)
        rows->left--;
    return apr_dbd_get_row(rows->driver, rows->pool, rows->results, &rows->row,
                           -1) == 0;
}

const char *store_rows_maybe(const store_rows_t *rows, int column)
{
    const char *text = NULL;

    if (rows->engine == STORE_SQLITE)
        return apr_dbd_get_entry(rows->driver, rows->row, column);
    /* get_entry takes NULL for "". */
    return apr_dbd_datum_get(rows->driver, rows->row, column,
                             APR_DBD_TYPE_STRING, (void *)&text) == APR_SUCCESS
               ? text
               : NULL;
}

const char *store_rows_text(const store_rows_t *rows, int column)
{
    const char *text = store_rows_maybe(rows, column);

    return text ? text : "";
}

apr_int64_t store_rows_int(const store_rows_t *rows, int column)
{
    const char *text = store_rows_text(rows, column);

    return *text == 't' ? 1 : apr_atoi64(text); /* PostgreSQL's true */
}

const unsigned char *store_rows_blob(apr_size_t *len, const store_rows_t *rows,
                                     int column)
{
    apr_bucket_brigade *brigade =
        apr_brigade_create(rows->pool, apr_bucket_alloc_create(rows->pool));
    char *octets = NULL;

    if (rows->engine == STORE_PGSQL)
        return store_pgsql_blob(len, store_rows_text(rows, column), rows->pool);
    *len = 0;
    if (apr_dbd_datum_get(rows->driver, rows->row, column, APR_DBD_TYPE_BLOB,
                          brigade) != APR_SUCCESS ||
        apr_brigade_pflatten(brigade, &octets, len, rows->pool) != APR_SUCCESS)
        *len = 0;
    return (const unsigned char *)octets;
}
