/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_HELP_H
#define STORE_HELP_H

/* A store in a fresh directory, and its log, for test_store*.c. */

#include <apr_strings.h>
#include <stdlib.h>

#include "store/store_db.h"
#include "store_samples.h"
#include "tap.h"

typedef struct {
    const char *dir, *path;
    store_t *store;
    log_t log;
    apr_pool_t *life;          /* the store's */
    apr_array_header_t *lines; /* of const char *, "AS0250 database …" */
    apr_pool_t *pool;
} help_t;

static void help_write(void *baton, log_level_e level, const char *tag,
                       apr_status_t rv, const char *text)
{
    help_t *help = baton;

    APR_ARRAY_PUSH(help->lines, const char *) =
        apr_pstrcat(help->pool, tag ? tag : "-", " ", text, NULL);
}

/* How many lines have this tag. */
static inline int help_lines(const help_t *help, const char *tag)
{
    int i, count = 0;

    for (i = 0; i < help->lines->nelts; i++)
        if (!strncmp(APR_ARRAY_IDX(help->lines, i, const char *), tag,
                     strlen(tag)))
            count++;
    return count;
}

static inline const char *help_last(const help_t *help)
{
    return help->lines->nelts
               ? APR_ARRAY_IDX(help->lines, help->lines->nelts - 1,
                               const char *)
               : "";
}

static inline store_t *help_open(help_t *help)
{
    store_conf_t conf = {"sqlite3", help->path};
    store_t *store = NULL;
    apr_status_t rv;

    apr_pool_create(&help->life, help->pool);
    rv = store_open(&store, &conf, &help->log, help->life);

    ok(rv == APR_SUCCESS, "open: %d", rv);
    return store;
}

/* As a process that ends does. */
static inline void help_close(help_t *help)
{
    apr_pool_destroy(help->life);
    help->store = NULL;
}

static inline help_t *help_make(apr_pool_t *pool)
{
    help_t *help = apr_pcalloc(pool, sizeof(*help));
    char *dir = apr_pstrcat(pool, tap_tmpdir(), "/XXXXXX", NULL);

    help->dir = mkdtemp(dir);
    help->path = apr_pstrcat(pool, dir, "/acme.db", NULL);
    help->pool = pool;
    help->lines = apr_array_make(pool, 8, sizeof(const char *));
    help->log.write = help_write;
    help->log.baton = help;
    help->log.level = LOG_LEVEL_NOTICE;
    help->store = help_open(help);
    return help;
}

/* An account, durable, named id. */
static inline apr_status_t help_add(help_t *help, const char *id)
{
    return store_account_create(NULL, help->store, help_account(id, help->pool),
                                NULL, help->pool);
}

static inline apr_status_t help_plan_run(store_conn_t *conn, void *baton)
{
    static const void *nulls[40];
    struct {
        store_rows_t rows;
        const store_sql_t *sql;
    } *plan = baton;

    return store_conn_select(&plan->rows, conn, plan->sql, nulls,
                             plan->rows.pool);
}

/* How SQLite goes about a statement; index only serves as a free one. */
static inline const char *help_plan(help_t *help, const store_sql_t *sql)
{
    const store_sql_t explain = {
        STORE_SQL_BEGIN,
        apr_pstrcat(help->pool, "EXPLAIN QUERY PLAN ", sql->text, NULL)};
    struct {
        store_rows_t rows;
        const store_sql_t *sql;
    } plan = {{.pool = help->pool}, &explain};
    const char *text = "";

    help_close(help); /* a fresh connection has nothing at that index */
    help->store = help_open(help);
    is_int(store_read_with(help->store, help_plan_run, &plan), APR_SUCCESS);
    while (store_rows_next(&plan.rows))
        text = apr_pstrcat(help->pool, text, store_rows_text(&plan.rows, 3),
                           "; ", NULL);
    return text;
}

/* It looks rows up and neither scans nor sorts. */
static inline void help_plan_ok(help_t *help, const store_sql_t *sql)
{
    const char *plan = help_plan(help, sql);

    ok(strstr(plan, "SEARCH") && !strstr(plan, "SCAN") &&
           !strstr(plan, "B-TREE"),
       "%s: %s", sql->text, plan);
}

#endif
