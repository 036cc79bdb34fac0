/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>

#include "store/store_schema.h"

/* A connection of its own on the closed store's file. */
static store_conn_t *conn_make(help_t *help)
{
    const apr_dbd_driver_t *driver;
    store_conn_t *conn;

    is_int(apr_dbd_get_driver(help->pool, "sqlite3", &driver), APR_SUCCESS);
    conn = store_conn_make(driver);
    is_int(store_conn_open(conn, help->path), APR_SUCCESS);
    return conn;
}

static void sql(help_t *help, const char *text)
{
    store_conn_t *conn = conn_make(help);
    store_rows_t rows;

    is_int(store_conn_text(&rows, conn, text, help->pool), APR_SUCCESS);
    store_conn_close(conn);
}

static void is_refused(help_t *help, const char *why)
{
    store_account_t *account;

    help->store = help_open(help);
    ok(help_add(help, "b") != APR_SUCCESS);
    ok(help_get(&account, help, "a") != APR_SUCCESS);
    is_int(help_lines(help, "AS0250"), 1);
    ok(strstr(help_last(help), why), "%s", help_last(help));
    help_close(help);
    apr_array_clear(help->lines);
}

static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(help_add(help, "a"), APR_SUCCESS);
    help_close(help);
    apr_array_clear(help->lines);
    return help;
}

static void is_right(help_t *help)
{
    store_account_t *account;

    help->store = help_open(help);
    is_int(help_get(&account, help, "a"), APR_SUCCESS);
    is_int(help_add(help, "b"), APR_SUCCESS);
    is_int(help->lines->nelts, 0);
}

static void made(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_conn_t *conn = conn_make(help);
    store_schema_e schema;

    is_int(store_schema_look(&schema, conn, pool), APR_SUCCESS);
    is_int(schema, STORE_SCHEMA_RIGHT);
    store_conn_close(conn);
    is_right(help);
}

static void newer(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    int version = store_schema_version();

    sql(help, apr_psprintf(pool, "PRAGMA user_version = %d", version + 1));
    is_refused(help, apr_psprintf(pool,
                                  "schema %d, made by a newer "
                                  "mod_acme_server; this one knows %d",
                                  version + 1, version));
    sql(help, apr_psprintf(pool, "PRAGMA user_version = %d", version));
    is_right(help);
}

/* While it is open: an upgrade beside the running server. */
static void newer_meanwhile(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_account_t *account;

    is_right(help);
    sql(help, "PRAGMA user_version = 1000");
    sql(help, "ALTER TABLE accounts ADD COLUMN more TEXT");
    ok(help_get(&account, help, "a") != APR_SUCCESS);
    ok(help_add(help, "c") != APR_SUCCESS);
    is_int(help_lines(help, "AS0250"), 1);
    ok(strstr(help_last(help), "schema 1000"), "%s", help_last(help));
}

static void foreign(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(store_file_create(help->path), APR_SUCCESS);
    sql(help, "CREATE TABLE bookmarks (a)");
    is_refused(help, "not a database of this server");
    sql(help, "PRAGMA user_version = 1");
    is_refused(help, "not a database of this server");
}

/* A step that was killed in its middle leaves the version before it. */
static void half_made(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *account;

    is_int(store_file_create(help->path), APR_SUCCESS);
    sql(help, "PRAGMA journal_mode = WAL");
    is_int(help_get(&account, help, "a"), APR_ENOENT);
    is_int(help_lines(help, "AS0252"), 1);
    is_int(help->lines->nelts, 1);
}

/* As VACUUM INTO and .dump leave it. */
static void no_wal(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    sql(help, "PRAGMA journal_mode = DELETE");
    is_right(help);
}

const tap_case_t tap_cases[] = {
    {"what was made is right", made},
    {"a newer schema is refused", newer},
    {"also while the server runs", newer_meanwhile},
    {"another program's database is left alone", foreign},
    {"a first use that was killed is done again", half_made},
    {"a restored database gets its write-ahead log back", no_wal},
    {NULL, NULL}};
