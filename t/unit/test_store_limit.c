/* SPDX-License-Identifier: Apache-2.0 */
#include "store_back.h"

#include <string.h>

#include "store/store_commit.h"
#include "store/store_limit.c"

#define MANY 10000

/* An order made at `at` with one authorization, which is called like it. */
static apr_status_t order_add(help_t *help, const char *account, const char *id,
                              const char *status, apr_int64_t at, int max_open,
                              int max_pending)
{
    store_order_t *order = help_order(id, account, help->pool);
    apr_array_header_t *authzs = apr_array_make(help->pool, 1, sizeof(void *));
    store_authz_t *authz = help_authz(id, account, help->pool);

    order->created_at = at;
    order->expires_at = at + 1000;
    order->max_open = max_open;
    order->max_pending = max_pending;
    authz->status = status;
    authz->expires_at = at + 1000;
    authz->order_id = order->id;
    APR_ARRAY_PUSH(order->authz_ids, const char *) = authz->id;
    APR_ARRAY_PUSH(authzs, store_authz_t *) = authz;
    return store_order_create(help->store, order, authzs, NULL, NULL,
                              help->pool);
}

static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(help_add(help, "acct"), APR_SUCCESS);
    is_int(help_add(help, "other"), APR_SUCCESS);
    return help;
}

static void orders(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(order_add(help, "acct", "a", "valid", 1000, 2, 0), APR_SUCCESS);
    is_int(order_add(help, "acct", "b", "valid", 1000, 2, 0), APR_SUCCESS);
    is_int(order_add(help, "acct", "c", "valid", 1000, 2, 0),
           STORE_FULL_ORDERS);
    is_int(order_add(help, "other", "d", "valid", 1000, 2, 0), APR_SUCCESS);
    is_int(order_add(help, "acct", "e", "valid", 1000, 0, 0), APR_SUCCESS);
    /* What has expired waits no longer. */
    is_int(order_add(help, "acct", "f", "valid", 1999, 3, 0),
           STORE_FULL_ORDERS);
    is_int(order_add(help, "acct", "f", "valid", 2000, 1, 0), APR_SUCCESS);
}

static void authzs(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(order_add(help, "acct", "a", "pending", 1000, 0, 2), APR_SUCCESS);
    is_int(order_add(help, "acct", "b", "valid", 1000, 0, 2), APR_SUCCESS);
    is_int(order_add(help, "acct", "c", "pending", 1000, 0, 2), APR_SUCCESS);
    is_int(order_add(help, "acct", "d", "pending", 1000, 0, 2),
           STORE_FULL_AUTHZS);
    /* With nothing to validate. */
    is_int(order_add(help, "acct", "e", "valid", 1000, 0, 2), APR_SUCCESS);
    is_int(order_add(help, "other", "f", "pending", 1000, 0, 2), APR_SUCCESS);
    is_int(order_add(help, "acct", "g", "pending", 2000, 0, 2), APR_SUCCESS);
}

/* What is being finalized, has failed, or cannot succeed any more. */
static void over(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_job_t *job = help_job("j", "validate", "a", pool);

    is_int(order_add(help, "acct", "a", "pending", 1000, 1, 1), APR_SUCCESS);
    is_int(store_authz_attempt(help->store, "a", "http-01", "t", 1000, job,
                               NULL, pool),
           APR_SUCCESS);
    is_int(order_add(help, "acct", "b", "pending", 1000, 1, 0),
           STORE_FULL_ORDERS);
    is_int(store_authz_record(help->store, "a", "j", "{}", 0, 1000, NULL, pool),
           APR_SUCCESS);
    is_int(order_add(help, "acct", "b", "pending", 1000, 1, 1), APR_SUCCESS);
    is_int(order_add(help, "acct", "c", "pending", 1000, 1, 0),
           STORE_FULL_ORDERS);
    is_int(store_authz_deactivate(help->store, "b", NULL, pool), APR_SUCCESS);
    is_int(order_add(help, "acct", "c", "valid", 1000, 1, 1), APR_SUCCESS);
    is_int(order_add(help, "acct", "d", "valid", 1000, 1, 0),
           STORE_FULL_ORDERS);
    is_int(store_order_claim(help->store, "c", "csr", 1000,
                             help_job("k", "issue", "c", pool), NULL, pool),
           APR_SUCCESS);
    is_int(order_add(help, "acct", "d", "valid", 1000, 1, 0), APR_SUCCESS);
    is_int(order_add(help, "acct", "e", "valid", 1000, 1, 0),
           STORE_FULL_ORDERS);
}

/* Both counts are ranges of indexes that hold only what waits. */
static void plan(apr_pool_t *pool)
{
    const char *text;

    if (engine_is_other("plans"))
        return;
    text = help_plan(setup(pool), &sql_waiting);
    ok(strstr(text, "SEARCH orders USING COVERING INDEX orders_open "
                    "(account_id=? AND expires_at>?)"));
    ok(strstr(text, "SEARCH authzs USING COVERING INDEX authzs_pending "
                    "(account_id=? AND expires_at>?)"));
    ok(!strstr(text, "SCAN orders") && !strstr(text, "SCAN authzs"));
}

/* Copies of order and authorization "a"; the indexes are unused ones. */
static const store_sql_t sql_orders = {
    STORE_SQL_CUT,
    "INSERT INTO orders (id, account_id, realm, directory, profile, "
    "identifiers, authz_ids, not_before, not_after, created_at, expires_at, "
    "processing_since) SELECT %s, account_id, realm, directory, profile, "
    "identifiers, authz_ids, not_before, not_after, created_at, expires_at, "
    "processing_since FROM orders WHERE id = 'a'"};
static const store_sql_t sql_authzs = {
    STORE_SQL_CUT_LAST,
    "INSERT INTO authzs (id, account_id, realm, directory, type, value, "
    "wildcard, status, token, challenges, attempted_at, validated_at, "
    "created_at, expires_at) SELECT %s, account_id, realm, directory, type, "
    "value, wildcard, status, token, challenges, attempted_at, validated_at, "
    "created_at, expires_at FROM authzs WHERE id = 'a'"};

static apr_status_t crowd_run(store_conn_t *conn, void *baton)
{
    apr_status_t rv = APR_SUCCESS;
    int i, changed;

    for (i = 0; i < MANY && rv == APR_SUCCESS; i++) {
        const void *args[] = {apr_psprintf(baton, "o%d", i)};

        rv = store_conn_run(&changed, conn, &sql_orders, args);
        if (rv == APR_SUCCESS)
            rv = store_conn_run(&changed, conn, &sql_authzs, args);
    }
    return rv;
}

static apr_time_t cost(help_t *help, const char *account)
{
    apr_time_t start = clock_now(&clock_monotonic);
    int i;

    for (i = 0; i < 100; i++)
        is_int(order_add(help, account,
                         apr_psprintf(help->pool, "%s%d", account, i), "valid",
                         3000 + i * 2000, 10, 10),
               APR_SUCCESS);
    return clock_now(&clock_monotonic) - start;
}

/* An account with thousands of orders, all over, pays what a new one does.  The
 * bound is wide: whoever counts them all is far beyond it. */
static void many(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    apr_time_t few, lots;

    is_int(order_add(help, "acct", "a", "pending", 1000, 0, 0), APR_SUCCESS);
    is_int(store_write(help->store, STORE_RELAXED, crowd_run, pool),
           APR_SUCCESS);
    is_int(order_add(help, "acct", "b", "valid", 1000, MANY + 1, 0),
           STORE_FULL_ORDERS);
    few = cost(help, "other");
    lots = cost(help, "acct");
    ok(lots < 4 * few + apr_time_from_msec(100), "%d us, %d us", (int)few,
       (int)lots);
}

/* What a database of the version before has is kept, and counted. */
static void migrated(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_authz_t *authz;

    is_int(order_add(help, "acct", "a", "pending", 1000, 0, 0), APR_SUCCESS);
    help_close(help);
    help->store = help_open(help);
    help_back(help, 4);
    need(store_authz_get(&authz, help->store, "a", pool) == APR_SUCCESS);
    ok(!authz->order_id && !authz->subdomains);
    is_int(order_add(help, "acct", "b", "pending", 1000, 1, 0),
           STORE_FULL_ORDERS);
    is_int(order_add(help, "acct", "b", "pending", 1000, 0, 1),
           STORE_FULL_AUTHZS);
    is_int(help_lines(help, "AS0252"), 2);
}

const tap_case_t tap_cases[] = {
    {"T25 orders that wait, as many as the account may have", orders},
    {"T25 authorizations that wait", authzs},
    {"T25 what is over does not wait", over},
    {"T25 what waits is counted in an index of its own", plan},
    {"T25 the cost does not depend on how many orders there are", many},
    {"a database of the version before", migrated},
    {NULL, NULL},
};
