/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>

#include "store/store_eab.c"

static store_eab_t *get(help_t *help, const char *kid)
{
    store_eab_t *eab;

    is_int(store_eab_get(&eab, help->store, kid, help->pool), APR_SUCCESS);
    return eab ? eab : help_eab("none", help->pool);
}

static apr_status_t add(help_t *help, const store_eab_t *eab)
{
    return store_eab_create(help->store, eab, NULL, help->pool);
}

/* An account with this key, made at that time. */
static apr_status_t join(help_t *help, const char *id, const char *kid,
                         apr_int64_t now)
{
    store_account_t *account = help_account(id, help->pool);

    account->eab_kid = kid;
    account->created_at = now;
    return store_account_create(NULL, help->store, account, NULL, help->pool);
}

static apr_status_t order_made(help_t *help, const char *id, const char *kid,
                               int is_due, apr_int64_t now)
{
    store_order_t *made = help_order(id, "a", help->pool);
    apr_array_header_t *none = apr_array_make(help->pool, 1, sizeof(void *));

    made->created_at = now;
    made->is_due = is_due;
    return store_order_create(help->store, made, none, kid, NULL, help->pool);
}

static apr_status_t order(help_t *help, const char *id, const char *kid,
                          apr_int64_t now)
{
    return order_made(help, id, kid, 0, now);
}

static int has_account(help_t *help, const char *id)
{
    store_account_t *account;

    return store_account_get(&account, help->store, id, help->pool) ==
           APR_SUCCESS;
}

static void full_row(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t made = {"kid'1",
                        "r",
                        "web",
                        "team \xc3\xa4",
                        "s3cret",
                        "before",
                        4000000000,
                        "[\"*.a.test\"]",
                        "[\"::/0\"]",
                        5000000000,
                        3,
                        2,
                        7,
                        20000,
                        6,
                        1,
                        "suspended",
                        "root",
                        "why",
                        1000,
                        1001};
    store_eab_t *got;

    is_int(add(help, &made), APR_SUCCESS);
    got = get(help, "kid'1");
    is_str(got->kid, made.kid);
    is_str(got->realm, made.realm);
    is_str(got->profile, made.profile);
    is_str(got->name, made.name);
    is_str(got->secret, made.secret);
    is_str(got->previous_secret, made.previous_secret);
    is_int(got->previous_until, made.previous_until);
    is_str(got->allow, made.allow);
    is_str(got->sources, made.sources);
    is_int(got->expires_at, made.expires_at);
    is_int(got->max_accounts, made.max_accounts);
    is_int(got->used_accounts, made.used_accounts);
    is_int(got->max_orders_per_day, made.max_orders_per_day);
    is_int(got->orders_day, made.orders_day);
    is_int(got->orders_count, made.orders_count);
    is_int(got->skip_validation, 1);
    is_str(got->status, made.status);
    is_str(got->owner, made.owner);
    is_str(got->comment, made.comment);
    is_int(got->created_at, made.created_at);
    is_int(got->updated_at, made.updated_at);
}

static void bare_row(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t *got;

    is_int(add(help, help_eab("k", pool)), APR_SUCCESS);
    got = get(help, "k");
    ok(!got->previous_secret && !got->allow && !got->sources && !got->owner &&
       !got->comment);
    is_int(got->used_accounts + got->orders_count + got->skip_validation, 0);
    is_int(add(help, help_eab("k", pool)), APR_EEXIST);
    is_int(store_eab_get(&got, help->store, "K", pool), APR_ENOENT);
    ok(!got);
}

static void list(apr_pool_t *pool)
{
    static const char *const kids[] = {"m", "z", "a", "q"};
    help_t *help = help_make(pool);
    apr_array_header_t *eabs;
    int i;

    for (i = 0; i < 4; i++)
        is_int(add(help, help_eab(kids[i], pool)), APR_SUCCESS);
    is_int(store_eab_list(&eabs, help->store, NULL, 3, pool), APR_SUCCESS);
    need(eabs->nelts == 3);
    is_str(APR_ARRAY_IDX(eabs, 0, store_eab_t *)->kid, "q");
    is_str(APR_ARRAY_IDX(eabs, 2, store_eab_t *)->kid, "z");
    is_int(store_eab_list(&eabs, help->store, "z", 3, pool), APR_SUCCESS);
    need(eabs->nelts == 1);
    is_str(APR_ARRAY_IDX(eabs, 0, store_eab_t *)->kid, "m");
    is_int(store_eab_list(&eabs, help->store, "nil", 3, pool), APR_SUCCESS);
    is_int(eabs->nelts, 0);
}

static apr_status_t status_set(help_t *help, const char *status)
{
    return store_eab_status_set(help->store, "k", status, 2000, NULL,
                                help->pool);
}

static void statuses(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(status_set(help, "suspended"), APR_EEXIST);
    is_int(add(help, help_eab("k", pool)), APR_SUCCESS);
    is_int(status_set(help, "valid"), APR_EEXIST);
    is_int(get(help, "k")->updated_at, 1000);
    is_int(status_set(help, "suspended"), APR_SUCCESS);
    is_int(status_set(help, "suspended"), APR_EEXIST);
    is_str(get(help, "k")->status, "suspended");
    is_int(get(help, "k")->updated_at, 2000);
    is_int(status_set(help, "valid"), APR_SUCCESS);
    is_int(status_set(help, "revoked"), APR_SUCCESS);
    is_int(status_set(help, "valid"), APR_EEXIST);
    is_int(status_set(help, "suspended"), APR_EEXIST);
    is_int(status_set(help, "revoked"), APR_EEXIST);
    is_str(get(help, "k")->status, "revoked");
}

static void rotate(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_secret_t next = {"k", "sealed", "new", "sealed", 5000};

    is_int(store_eab_secret_set(help->store, &next, 2000, NULL, pool),
           APR_EEXIST);
    is_int(add(help, help_eab("k", pool)), APR_SUCCESS);
    is_int(store_eab_secret_set(help->store, &next, 2000, NULL, pool),
           APR_SUCCESS);
    is_str(get(help, "k")->secret, "new");
    is_str(get(help, "k")->previous_secret, "sealed");
    is_int(get(help, "k")->previous_until, 5000);
    is_int(get(help, "k")->updated_at, 2000);
    next.secret = "third"; /* by somebody who has not seen "new" */
    is_int(store_eab_secret_set(help->store, &next, 2000, NULL, pool),
           APR_EEXIST);
    next.was = "new";
    next.previous_secret = NULL;
    next.previous_until = 0;
    is_int(store_eab_secret_set(help->store, &next, 2000, NULL, pool),
           APR_SUCCESS);
    is_str(get(help, "k")->secret, "third");
    ok(!get(help, "k")->previous_secret);
    is_int(status_set(help, "revoked"), APR_SUCCESS);
    next.was = "third";
    is_int(store_eab_secret_set(help->store, &next, 2000, NULL, pool),
           APR_EEXIST);
}

static void accounts(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t *eab = help_eab("k", pool);
    store_account_t *account;
    apr_array_header_t *of_key;

    eab->max_accounts = 2;
    is_int(add(help, eab), APR_SUCCESS);
    is_int(help_add(help, "free"), APR_SUCCESS);
    is_int(join(help, "a", "k", 1000), APR_SUCCESS);
    is_int(join(help, "b", "k", 1000), APR_SUCCESS);
    is_int(join(help, "c", "k", 1000), STORE_BUDGET);
    ok(!has_account(help, "c"));
    is_int(get(help, "k")->used_accounts, 2);
    is_int(store_account_get(&account, help->store, "a", pool), APR_SUCCESS);
    is_str(account->eab_kid, "k");
    is_str(account->eab_status, "valid");
    is_int(store_account_get(&account, help->store, "free", pool), APR_SUCCESS);
    ok(!account->eab_kid && !account->eab_status);
    is_int(store_account_list(&of_key, help->store, "k", NULL, 9, pool),
           APR_SUCCESS);
    need(of_key->nelts == 2);
    is_str(APR_ARRAY_IDX(of_key, 0, store_account_t *)->id, "b");
    is_int(store_account_list(&of_key, help->store, "k", "b", 9, pool),
           APR_SUCCESS);
    is_int(of_key->nelts, 1);
    is_int(help->lines->nelts, 1); /* the schema was made; nothing failed */
}

static void no_limit(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int i;

    is_int(add(help, help_eab("k", pool)), APR_SUCCESS);
    for (i = 0; i < 5; i++)
        is_int(join(help, apr_psprintf(pool, "a%d", i), "k", 1000),
               APR_SUCCESS);
    is_int(get(help, "k")->used_accounts, 5);
    is_int(join(help, "x", "nil", 1000), STORE_BUDGET);
    ok(!has_account(help, "x"));
}

static void known(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t *eab = help_eab("k", pool);
    store_account_t *again = help_account("b", pool), *existing;

    eab->max_accounts = 2;
    is_int(add(help, eab), APR_SUCCESS);
    is_int(join(help, "a", "k", 1000), APR_SUCCESS);
    again->thumbprint = "thumb-a";
    again->eab_kid = "k";
    is_int(store_account_create(&existing, help->store, again, NULL, pool),
           APR_EEXIST);
    ok(existing && !strcmp(existing->id, "a"));
    is_int(get(help, "k")->used_accounts, 1);
    is_int(join(help, "c", "k", 1000), APR_SUCCESS);
    is_int(store_account_create(&existing, help->store, again, NULL, pool),
           APR_EEXIST);
    ok(existing && !strcmp(existing->id, "a"));
    is_int(status_set(help, "revoked"), APR_SUCCESS);
    is_int(store_account_create(&existing, help->store, again, NULL, pool),
           APR_EEXIST);
    ok(existing && !strcmp(existing->eab_status, "revoked"));
    is_int(get(help, "k")->used_accounts, 2);
}

static void not_valid(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t *eab = help_eab("k", pool);

    eab->expires_at = 2000;
    is_int(add(help, eab), APR_SUCCESS);
    is_int(join(help, "a", "k", 1999), APR_SUCCESS);
    is_int(join(help, "b", "k", 2000), STORE_BUDGET);
    is_int(status_set(help, "suspended"), APR_SUCCESS);
    is_int(join(help, "b", "k", 1999), STORE_BUDGET);
    is_int(order(help, "o", "k", 1999), STORE_BUDGET);
    is_int(status_set(help, "valid"), APR_SUCCESS);
    is_int(join(help, "b", "k", 1999), APR_SUCCESS);
    is_int(order(help, "o", "k", 3000), APR_SUCCESS); /* has its account */
    is_int(status_set(help, "revoked"), APR_SUCCESS);
    is_int(join(help, "c", "k", 1999), STORE_BUDGET);
    is_int(order(help, "p", "k", 1999), STORE_BUDGET);
    is_int(get(help, "k")->used_accounts, 2);
}

#define DAY 86400

static void orders(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t *eab = help_eab("k", pool);
    store_order_t *got;

    eab->max_orders_per_day = 2;
    is_int(add(help, eab), APR_SUCCESS);
    is_int(join(help, "a", "k", 1000), APR_SUCCESS);
    is_int(order(help, "o1", "k", 20000 * DAY), APR_SUCCESS);
    is_int(order(help, "o2", "k", 20000 * DAY + DAY - 1), APR_SUCCESS);
    is_int(order(help, "o3", "k", 20000 * DAY + DAY - 1), STORE_BUDGET);
    is_int(store_order_get(&got, help->store, "o3", pool), APR_ENOENT);
    is_int(get(help, "k")->orders_count, 2);
    is_int(get(help, "k")->orders_day, 20000);
    is_int(order(help, "o4", "k", 20001 * DAY), APR_SUCCESS);
    is_int(get(help, "k")->orders_count, 1);
    is_int(get(help, "k")->orders_day, 20001);
    /* The clock went back: no second budget for a day that was. */
    is_int(order(help, "o5", "k", 20000 * DAY), APR_SUCCESS);
    is_int(order(help, "o6", "k", 20000 * DAY), STORE_BUDGET);
    is_int(order(help, "o7", "k", 20001 * DAY), STORE_BUDGET);
    is_int(order(help, "o8", NULL, 20001 * DAY), APR_SUCCESS);
    is_int(order(help, "o9", "nil", 20001 * DAY), STORE_BUDGET);
}

/* A renewal that was asked for is none of a day's orders. */
static void due_orders(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t *eab = help_eab("k", pool);

    eab->max_orders_per_day = 1;
    is_int(add(help, eab), APR_SUCCESS);
    is_int(join(help, "a", "k", 1000), APR_SUCCESS);
    is_int(order_made(help, "o1", "k", 1, 20000 * DAY), APR_SUCCESS);
    is_int(get(help, "k")->orders_count, 0);
    is_int(order(help, "o2", "k", 20000 * DAY), APR_SUCCESS);
    is_int(order(help, "o3", "k", 20000 * DAY), STORE_BUDGET);
    is_int(order_made(help, "o4", "k", 1, 20000 * DAY), APR_SUCCESS);
    is_int(order_made(help, "o5", "k", 1, 20001 * DAY), APR_SUCCESS);
    is_int(get(help, "k")->orders_count, 0);
    is_int(get(help, "k")->orders_day, 20001);
    is_int(order_made(help, "o6", "nil", 1, 20001 * DAY), STORE_BUDGET);
}

/* An order that fails to be written does not count. */
static void order_undone(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(add(help, help_eab("k", pool)), APR_SUCCESS);
    is_int(join(help, "a", "k", 1000), APR_SUCCESS);
    is_int(order(help, "o", "k", DAY), APR_SUCCESS);
    ok(order(help, "o", "k", DAY) != APR_SUCCESS);
    is_int(get(help, "k")->orders_count, 1);
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    help_plan_ok(help, &sql_get);
    help_plan_ok(help, &sql_list);
    help_plan_ok(help, &sql_status_set);
    help_plan_ok(help, &sql_secret_set);
    help_plan_ok(help, &sql_bind);
    help_plan_ok(help, &sql_order);
}

const tap_case_t tap_cases[] = {
    {"a row comes back as it was", full_row},
    {"what is optional may be missing; a kid is taken once", bare_row},
    {"the list: newest first, page by page, whatever the kids", list},
    {"valid and suspended turn into each other; revoked stays", statuses},
    {"of two that rotate at once one does", rotate},
    {"T41 max_accounts is the number of accounts", accounts},
    {"T41 no limit, and no such key", no_limit},
    {"T33 a known account's key costs nothing and needs no valid key", known},
    {"an expired, suspended or revoked key admits nobody", not_valid},
    {"orders per day, counted by UTC's days", orders},
    {"T25 a renewal that is due meets no budget", due_orders},
    {"what was not written is not counted", order_undone},
    {"index: no statement scans or sorts", plans},
    {NULL, NULL}};
