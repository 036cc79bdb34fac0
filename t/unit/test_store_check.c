/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <stdio.h>
#include <string.h>

#include "store/store_eab.h"
#include "store/store_issuer.h"
#include "store_help.h"

/* A completed order, a pending one, an attempted authorization. */
static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_array_header_t *authzs = apr_array_make(pool, 1, sizeof(void *));
    store_issuer_t issuer = {"issuer", "k", "n", 1, "P", "C", 1, 2};
    store_account_t *account = help_account("a", pool);
    store_t *store = help->store;

    is_int(store_eab_create(store, help_eab("k", pool), help_event("eab", pool),
                            pool),
           APR_SUCCESS);
    account->eab_kid = "k";
    is_int(store_account_create(NULL, store, account, NULL, pool), APR_SUCCESS);
    is_int(store_issuer_ensure(store, &issuer, NULL, pool), APR_SUCCESS);
    APR_ARRAY_PUSH(authzs, store_authz_t *) = help_authz("z", "a", pool);
    is_int(store_order_create(store, help_order("o", "a", pool), authzs, NULL,
                              NULL, pool),
           APR_SUCCESS);
    apr_array_clear(authzs);
    is_int(store_order_create(store, help_order("p", "a", pool), authzs, NULL,
                              NULL, pool),
           APR_SUCCESS);
    is_int(store_authz_attempt(store, "z", "http-01", "t", 1,
                               help_job("j1", "validate", "z", pool), NULL,
                               pool),
           APR_SUCCESS);
    is_int(store_order_claim(store, "o", "csr", 2,
                             help_job("j2", "issue", "o", pool), NULL, pool),
           APR_SUCCESS);
    is_int(store_order_complete(store, "o", "j2",
                                help_cert("c", "a", "o", pool), NULL, pool),
           APR_SUCCESS);
    return help;
}

/* By a connection that minds neither foreign keys nor checks. */
static void spoil(help_t *help, const char *sql)
{
    const apr_dbd_driver_t *driver;
    store_conn_t *conn;
    store_rows_t rows;

    if (engine_is_pgsql()) {
        engine_sql(&help->conf, sql, help->pool);
        return;
    }
    is_int(apr_dbd_get_driver(help->pool, "sqlite3", &driver), APR_SUCCESS);
    conn = store_conn_make(driver);
    is_int(store_conn_open(conn, help->path), APR_SUCCESS);
    is_int(store_conn_text(&rows, conn, "PRAGMA ignore_check_constraints = ON",
                           help->pool),
           APR_SUCCESS);
    is_int(store_conn_text(&rows, conn, sql, help->pool), APR_SUCCESS);
    store_conn_close(conn);
}

/* After that statement, check finds exactly this. */
static void finds(help_t *help, const char *sql, const char *finding)
{
    apr_array_header_t *findings;

    spoil(help, sql);
    is_int(store_check(&findings, help->store, help->pool), APR_SUCCESS);
    ok(findings->nelts > 0, "%s", sql);
    if (findings->nelts)
        ok(strstr(APR_ARRAY_IDX(findings, 0, const char *), finding), "%s: %s",
           sql, APR_ARRAY_IDX(findings, 0, const char *));
}

static void well(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    apr_array_header_t *findings;

    is_int(store_check(&findings, help->store, pool), APR_SUCCESS);
    is_int(findings->nelts, 0);
    help = help_make(pool); /* an empty one, too */
    is_int(store_check(&findings, help->store, pool), APR_SUCCESS);
    is_int(findings->nelts, 0);
}

static void senseless(apr_pool_t *pool)
{
    /* The third: PostgreSQL refuses to be spoiled like that. */
    static const char *const cases[][3] = {
        {"UPDATE orders SET cert_id = 'd' WHERE id = 'o'", "has another one: c",
         NULL},
        {"DELETE FROM certs", "certificate is missing: o", NULL},
        {"UPDATE orders SET error = '{}' WHERE id = 'o'",
         "complete and failed: o", NULL},
        {"UPDATE orders SET csr_sha256 = NULL WHERE id = 'o'",
         "without a claim: o", NULL},
        {"UPDATE orders SET processing_since = 5 WHERE id = 'p'",
         "nobody works on: p", NULL},
        {"DELETE FROM jobs", "nobody validates: z", NULL},
        {"UPDATE authzs SET status = 'valid', error = '{}'",
         "valid authorization with an error: z", NULL},
        {"UPDATE eabs SET used_accounts = 2", "accounts wrong: k", NULL},
        {"UPDATE events SET hash = 'x'", "beyond the chain's end: ", NULL},
        {"DELETE FROM eabs", "refers to missing eabs", "1"},
        {"DELETE FROM issuers", "unknown issuer: c", NULL},
        {"UPDATE certs SET der = x''", "without octets: c", "1"},
        {"UPDATE jobs SET subject = 'x'", "nobody validates: z", NULL},
        {"UPDATE authzs SET status = 'odd'", "damaged: CHECK", "1"},
        {NULL, NULL, NULL}};
    int i;

    for (i = 0; cases[i][0]; i++)
        if (!engine_is_pgsql() || !cases[i][2])
            finds(setup(pool), cases[i][0], cases[i][1]);
}

static void orphans(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    if (!engine_is_pgsql())
        finds(help, "DELETE FROM accounts", "refers to missing accounts");
    ok(store_order_create(help->store, help_order("q", "nobody", pool),
                          apr_array_make(pool, 1, sizeof(void *)), NULL, NULL,
                          pool) != APR_SUCCESS);
}

static void damaged(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    apr_array_header_t *findings;
    FILE *file;
    int i;

    if (engine_is_other("its file"))
        return;
    help_close(help);
    file = fopen(help->path, "r+");
    need(file);
    fseek(file, 4096 + 200, SEEK_SET);
    for (i = 0; i < 60000; i++)
        fputc(0xa5, file);
    fclose(file);
    help->store = help_open(help);
    if (store_check(&findings, help->store, pool) == APR_SUCCESS)
        ok(findings->nelts > 0);
    else
        is_int(help_lines(help, "AS0250"), 1);
}

const tap_case_t tap_cases[] = {{"what was written is well", well},
                                {"rows whose state makes no sense", senseless},
                                {"rows that belong to nobody", orphans},
                                {"a damaged file", damaged},
                                {NULL, NULL}};
