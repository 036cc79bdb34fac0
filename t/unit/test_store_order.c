/* SPDX-License-Identifier: Apache-2.0 */
#include "base/token.h"
#include "store_back.h"
#include "store_help.h"

#include <string.h>

#include "store_block.h"
#include "store/store_order.c"

/* Account "acct", order "ord" of two authorizations. */
static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_order_t *order = help_order("ord", "acct", pool);
    apr_array_header_t *authzs = apr_array_make(pool, 2, sizeof(void *));

    is_int(help_add(help, "acct"), APR_SUCCESS);
    APR_ARRAY_PUSH(order->authz_ids, const char *) = "az1";
    APR_ARRAY_PUSH(order->authz_ids, const char *) = "az2";
    APR_ARRAY_PUSH(authzs, store_authz_t *) = help_authz("az1", "acct", pool);
    APR_ARRAY_PUSH(authzs, store_authz_t *) = help_authz("az2", "acct", pool);
    APR_ARRAY_IDX(authzs, 0, store_authz_t *)->status = "valid";
    APR_ARRAY_IDX(authzs, 1, store_authz_t *)->status = "valid";
    is_int(store_order_create(help->store, order, authzs, NULL, NULL, pool),
           APR_SUCCESS);
    return help;
}

static store_order_t *get(help_t *help, const char *id)
{
    store_order_t *order;

    is_int(store_order_get(&order, help->store, id, help->pool), APR_SUCCESS);
    return order ? order : help_order("none", "none", help->pool);
}

static void create(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_order_t *order = get(help, "ord");
    store_authz_t *authz;

    is_str(order->account_id, "acct");
    is_str(order->identifiers, "dns:a.test");
    is_int(order->authz_ids->nelts, 2);
    is_str(APR_ARRAY_IDX(order->authz_ids, 1, const char *), "az2");
    is_int(order->processing_since, 0);
    ok(!order->csr_sha256 && !order->cert_id && !order->error);
    is_int(order->expires_at, 5000);
    is_int(store_authz_get(&authz, help->store, "az2", pool), APR_SUCCESS);
    is_int(store_order_get(&order, help->store, "nil", pool), APR_ENOENT);
    ok(!order);
}

/* Is that job there?  The lease that it gets here is over at once. */
static void is_job(help_t *help, const char *id, int is_there)
{
    apr_array_header_t *jobs;
    int i, found = 0;

    is_int(
        store_job_claim(&jobs, help->store, "other", 0, 10, 50000, help->pool),
        APR_SUCCESS);
    for (i = 0; i < jobs->nelts; i++)
        found |= !strcmp(APR_ARRAY_IDX(jobs, i, store_job_t *)->id, id);
    ok(found == is_there, "job %s: %d, want %d", id, found, is_there);
}

static void claim(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_job_t *job = help_job("job", "issue", "ord", pool);

    is_int(store_order_claim(help->store, "ord", "csr", 2000, job, NULL, pool),
           APR_SUCCESS);
    job->id = "job2";
    is_int(store_order_claim(help->store, "ord", "csr2", 2001, job, NULL, pool),
           APR_EEXIST);
    is_int(store_order_claim(help->store, "nil", "csr2", 2001, job, NULL, pool),
           APR_EEXIST);
    is_int(get(help, "ord")->processing_since, 2000);
    is_str(get(help, "ord")->csr_sha256, "csr");
    is_job(help, "job2", 0);
    is_job(help, "job", 1);
}

/* Between the order's reading and its claim (T61). */
static void claim_late(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_order_t *order = help_order("ord2", "acct", pool);
    apr_array_header_t *authzs =
        apr_array_make(pool, 1, sizeof(store_authz_t *));
    store_authz_t *authz = help_authz("authz2", "acct", pool);
    store_job_t *job = help_job("job", "issue", "ord2", pool);

    authz->status = "valid";
    APR_ARRAY_PUSH(authzs, store_authz_t *) = authz;
    APR_ARRAY_PUSH(order->authz_ids, const char *) = "authz2";
    is_int(store_order_create(help->store, order, authzs, NULL, NULL, pool),
           APR_SUCCESS);
    is_int(store_order_claim(help->store, "ord2", "csr", 5000, job, NULL, pool),
           APR_ENOENT);
    is_int(store_authz_deactivate(help->store, "authz2", NULL, pool),
           APR_SUCCESS);
    is_int(store_order_claim(help->store, "ord2", "csr", 2000, job, NULL, pool),
           APR_ENOENT);
    is_int(get(help, "ord2")->processing_since, 0);
    is_job(help, "job", 0);
    is_int(store_account_deactivate(help->store, "acct", NULL, pool),
           APR_SUCCESS);
    is_int(store_order_claim(help->store, "ord", "csr", 2000, job, NULL, pool),
           APR_EEXIST);
    is_int(get(help, "ord")->processing_since, 0);
}

static void complete(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_job_t *job = help_job("job", "issue", "ord", pool);
    store_cert_t *made = help_cert("crt", "acct", "ord", pool), *cert;

    is_int(store_order_complete(help->store, "ord", "job", made, NULL, pool),
           APR_EEXIST);
    is_int(store_order_claim(help->store, "ord", "csr", 2000, job, NULL, pool),
           APR_SUCCESS);
    is_int(store_order_complete(help->store, "ord", "job", made, NULL, pool),
           APR_SUCCESS);
    is_job(help, "job", 0);
    is_str(get(help, "ord")->cert_id, "crt");
    is_int(store_cert_get(&cert, help->store, "crt", pool), APR_SUCCESS);
    need(cert);
    is_int(cert->der_len, made->der_len);
    ok(!memcmp(cert->der, made->der, made->der_len));
    made = help_cert("crt2", "acct", "ord", pool);
    is_int(store_order_complete(help->store, "ord", "job", made, NULL, pool),
           APR_EEXIST);
    is_int(store_cert_get(&cert, help->store, "crt2", pool), APR_ENOENT);
    is_int(store_order_fail(help->store, "ord", "job", "{}", NULL, pool),
           APR_EEXIST);
}

static void complete_late(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_job_t *job = help_job("job", "issue", "ord", pool);
    store_cert_t *cert = help_cert("crt", "acct", "ord", pool);

    is_int(store_order_claim(help->store, "ord", "csr", 2000, job, NULL, pool),
           APR_SUCCESS);
    is_int(store_order_fail(help->store, "ord", "nil", "{\"e\":1}", NULL, pool),
           APR_SUCCESS);
    is_str(get(help, "ord")->error, "{\"e\":1}");
    is_int(store_order_complete(help->store, "ord", "job", cert, NULL, pool),
           APR_EEXIST);
    is_int(store_cert_get(&cert, help->store, "crt", pool), APR_ENOENT);
    is_job(help, "job", 0);
}

static void issue(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_job_t *job = help_job("job", "issue", "ord", pool);
    store_cert_t *made = help_cert("crt", "acct", "ord", pool), *cert;

    is_int(store_order_issue(help->store, "csr", 2000, made, NULL, NULL, pool),
           APR_SUCCESS);
    is_int(get(help, "ord")->processing_since, 2000);
    is_str(get(help, "ord")->csr_sha256, "csr");
    is_str(get(help, "ord")->cert_id, "crt");
    is_int(store_cert_get(&cert, help->store, "crt", pool), APR_SUCCESS);
    made = help_cert("crt2", "acct", "ord", pool);
    is_int(store_order_issue(help->store, "csr", 2001, made, NULL, NULL, pool),
           APR_EEXIST);
    is_int(store_cert_get(&cert, help->store, "crt2", pool), APR_ENOENT);
    is_int(store_order_claim(help->store, "ord", "csr", 2001, job, NULL, pool),
           APR_EEXIST);
    is_job(help, "job", 0);
}

/* Nothing changes, then. */
static void issue_late(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_cert_t *made = help_cert("crt", "acct", "ord", pool), *cert;
    store_blocked_t row = {made->spki_sha256, "lost", 1};

    is_int(block_key(help->store, &row), APR_SUCCESS);
    is_int(store_order_issue(help->store, "csr", 2000, made, NULL, NULL, pool),
           STORE_BLOCKED);
    made->spki_sha256 = "other";
    is_int(store_authz_deactivate(help->store, "az2", NULL, pool), APR_SUCCESS);
    is_int(store_order_issue(help->store, "csr", 2000, made, NULL, NULL, pool),
           APR_ENOENT);
    is_int(store_account_deactivate(help->store, "acct", NULL, pool),
           APR_SUCCESS);
    is_int(store_order_issue(help->store, "csr", 2000, made, NULL, NULL, pool),
           APR_EEXIST);
    is_int(get(help, "ord")->processing_since, 0);
    ok(!get(help, "ord")->cert_id);
    is_int(store_cert_get(&cert, help->store, "crt", pool), APR_ENOENT);
}

static void one_transaction(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_order_t *order = help_order("ord2", "acct", pool);
    apr_array_header_t *authzs = apr_array_make(pool, 2, sizeof(void *));
    store_authz_t *authz;
    int i;

    for (i = 0; i < 100; i++)
        APR_ARRAY_PUSH(authzs, store_authz_t *) =
            help_authz(apr_psprintf(pool, "n%d", i), "acct", pool);
    APR_ARRAY_IDX(authzs, 99, store_authz_t *)->id = "az1"; /* is there */
    ok(store_order_create(help->store, order, authzs, NULL, NULL, pool) !=
       APR_SUCCESS);
    is_int(store_order_get(&order, help->store, "ord2", pool), APR_ENOENT);
    is_int(store_authz_get(&authz, help->store, "n0", pool), APR_ENOENT);
    order = help_order("ord2", "acct", pool);
    APR_ARRAY_IDX(authzs, 99, store_authz_t *)->id = "n99";
    is_int(store_order_create(help->store, order, authzs, NULL, NULL, pool),
           APR_SUCCESS);
    is_int(store_authz_get(&authz, help->store, "n99", pool), APR_SUCCESS);
}

static void list(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(void *)), *orders;
    int i;

    is_int(help_add(help, "bcct"), APR_SUCCESS);
    for (i = 0; i < 10; i++) {
        store_order_t *order = help_order(apr_psprintf(pool, "%dp", 7 * i % 10),
                                          i % 2 ? "acct" : "bcct", pool);

        is_int(store_order_create(help->store, order, none, NULL, NULL, pool),
               APR_SUCCESS);
    }
    is_int(store_order_list(&orders, help->store, "acct", NULL, 3, pool),
           APR_SUCCESS);
    need(orders->nelts == 3);
    is_str(APR_ARRAY_IDX(orders, 0, store_order_t *)->id, "3p");
    is_str(APR_ARRAY_IDX(orders, 2, store_order_t *)->id, "5p");
    is_int(store_order_list(&orders, help->store, "acct", "5p", 9, pool),
           APR_SUCCESS);
    need(orders->nelts == 3);
    is_str(APR_ARRAY_IDX(orders, 2, store_order_t *)->id, "ord");
    is_int(store_order_list(&orders, help->store, NULL, "6p", 2, pool),
           APR_SUCCESS);
    need(orders->nelts == 2);
    is_str(APR_ARRAY_IDX(orders, 0, store_order_t *)->id, "9p");
    is_int(store_order_list(&orders, help->store, "acct", "' OR 1", 9, pool),
           APR_SUCCESS);
    ok(orders->nelts <= 1, "at most what is older than all others");
}

/* Some come twice at most, none is left out. */
static void list_after_prune(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(void *)), *orders;
    const char *ids[10];
    int i;

    for (i = 0; i < 10; i++) {
        ids[i] = token_id(apr_time_from_sec(1772366400 + 100 * i), pool);
        is_int(store_order_create(help->store, help_order(ids[i], "acct", pool),
                                  none, NULL, NULL, pool),
               APR_SUCCESS);
    }
    help_sql(help, apr_psprintf(pool,
                                "DELETE FROM orders WHERE id IN "
                                "('ord', '%s', '%s')",
                                ids[4], ids[9]));
    is_int(store_order_list(&orders, help->store, "acct", ids[4], 3, pool),
           APR_SUCCESS);
    need(orders->nelts == 3);
    is_str(APR_ARRAY_IDX(orders, 0, store_order_t *)->id, ids[3]);
    is_str(APR_ARRAY_IDX(orders, 2, store_order_t *)->id, ids[1]);
    is_int(store_order_list(&orders, help->store, NULL, ids[9], 1, pool),
           APR_SUCCESS);
    need(orders->nelts == 1);
    is_str(APR_ARRAY_IDX(orders, 0, store_order_t *)->id, ids[8]);
}

static void plans(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    help_plan_ok(help, &sql_get);
    help_plan_ok(help, &sql_claim);
    help_plan_ok(help, &sql_complete);
    help_plan_ok(help, &sql_fail);
    help_plan_ok(help, &sql_list);
    help_plan_ok(help, &sql_list_all);
}

const tap_case_t tap_cases[] = {
    {"an order and its authorizations come back as they were", create},
    {"T60 only one finalize claims an order", claim},
    {"T61 none claims what has just been deactivated", claim_late},
    {"T60 a certificate completes an order once", complete},
    {"T60 what was failed is not completed", complete_late},
    {"T60 claimed and completed at once, once", issue},
    {"T61 T58 not when something has just ended: nothing changes", issue_late},
    {"T45 an order and 100 authorizations are all there or none is",
     one_transaction},
    {"T44 the list: newest first, page by page, own account only", list},
    {"T44 a list goes on behind an order that is pruned", list_after_prune},
    {"no statement scans or sorts", plans},
    {NULL, NULL}};
