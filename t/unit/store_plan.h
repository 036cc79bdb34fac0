/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PLAN_H
#define STORE_PLAN_H

/* How SQLite goes about statements; for store_help.h, which includes it.  A
 * test that looks at plans begins with engine_is_other("plans"). */

#include "store_help.h"

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
    const char *plan;

    if (engine_is_pgsql())
        return; /* it plans by what is in its tables */
    plan = help_plan(help, sql);
    ok(strstr(plan, "SEARCH") && !strstr(plan, "SCAN") &&
           !strstr(plan, "B-TREE"),
       "%s: %s", sql->text, plan);
}

#endif
