/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>
#include <unistd.h>

#include "store_block.h"
#include "store/store_kept.c"

/* As another process: acmectl, or another child. */
static store_t *other_open(help_t *help)
{
    store_t *store = NULL;

    is_int(store_open(&store, &help->conf, &help->log, help->pool),
           APR_SUCCESS);
    return store;
}

static store_account_t *get(help_t *help, const char *id)
{
    store_account_t *account = NULL;

    is_int(store_account_get(&account, help->store, id, help->pool),
           APR_SUCCESS);
    return account ? account : help_account("none", help->pool);
}

static int is_kept(help_t *help, const char *id)
{
    store_kept_at_t at;

    return store_kept_account(&at, help->store->kept, id, help->pool) != NULL;
}

static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(help_add(help, "b"), APR_SUCCESS);
    ok(is_kept(help, "b") == !engine_is_pgsql(), "from its birth");
    get(help, "a");
    ok(is_kept(help, "a") == !engine_is_pgsql());
    return help;
}

static void same(apr_pool_t *pool)
{
    store_account_t full = {"id",  "realm",  "directory", "thumbprint",
                            "jwk", "valid",  "[\"c\"]",   "terms",
                            7,     "owner",  "ip",        8,
                            "kid", "prints", "valid"},
                    *account;
    store_kept_t *kept = store_kept_make(
        apr_pstrcat(pool, tap_tmpdir(), "/same.lock", NULL), pool);
    store_kept_at_t at;

    is_int(store_file_create(kept->path), APR_SUCCESS);
    ok(!store_kept_account(&at, kept, "id", pool));
    ok(at.at);
    store_kept_account_put(kept, &at, &full);
    account = store_kept_account(&at, kept, "id", pool);
    need(account);
    is_str(account->id, "id");
    is_str(account->realm, "realm");
    is_str(account->directory, "directory");
    is_str(account->thumbprint, "thumbprint");
    is_str(account->jwk, "jwk");
    is_str(account->status, "valid");
    is_str(account->contact, "[\"c\"]");
    is_str(account->terms_url, "terms");
    is_int(account->terms_agreed_at, 7);
    is_str(account->owner, "owner");
    is_str(account->created_ip, "ip");
    is_int(account->created_at, 8);
    is_str(account->eab_kid, "kid");
    is_str(account->prints, "prints");
    is_str(account->eab_status, "valid");
    full.owner = full.eab_kid = full.prints = full.eab_status = NULL;
    store_kept_account_put(kept, &at, &full);
    account = store_kept_account(&at, kept, "id", pool);
    need(account);
    ok(!account->owner && !account->eab_kid && !account->prints &&
       !account->eab_status);
    store_kept_free(kept);
}

/* Whoever writes an account, the next who asks sees it. */
static void at_once(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_t *other = other_open(help);
    store_account_t *holder, *account = get(help, "a");

    is_int(store_account_contact_set(other, "a", "[\"x\"]", NULL, pool),
           APR_SUCCESS);
    is_str(get(help, "a")->contact, "[\"x\"]");
    is_int(store_account_key_set(&holder, other, account, "new", "{2}", NULL,
                                 pool),
           APR_SUCCESS);
    is_str(get(help, "a")->jwk, "{2}");
    get(help, "b");
    is_int(store_account_deactivate(other, "a", NULL, pool), APR_SUCCESS);
    is_str(get(help, "a")->status, "deactivated");
    is_int(store_account_deactivate(help->store, "b", NULL, pool), APR_SUCCESS);
    is_str(get(help, "b")->status, "deactivated");
}

static void eab_at_once(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_t *other = other_open(help);
    store_account_t *made = help_account("e", pool);

    is_int(store_eab_create(help->store, help_eab("kid", pool), NULL, pool),
           APR_SUCCESS);
    made->eab_kid = "kid";
    is_int(store_account_create(NULL, help->store, made, NULL, pool),
           APR_SUCCESS);
    is_str(get(help, "e")->eab_status, "valid");
    is_int(store_eab_status_set(other, "kid", "suspended", 2000, NULL, pool),
           APR_SUCCESS);
    is_str(get(help, "e")->eab_status, "suspended");
}

/* Another SQLite program leaves no mark. */
static void in_a_second(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    const char *command = apr_psprintf(
        pool, "sqlite3 %s \"UPDATE accounts SET contact = 'z'\"", help->path);
    int i;

    if (engine_is_other("another SQLite program"))
        return;
    if (system("command -v sqlite3 >/dev/null"))
        return;
    is_int(system(command), 0);
    for (i = 0; i < 30 && strcmp(get(help, "a")->contact, "z"); i++)
        usleep(100000);
    is_str(get(help, "a")->contact, "z");
}

static void writers_leave_it(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(help_add(help, "c"), APR_SUCCESS);
    ok(is_kept(help, "a") == !engine_is_pgsql(), "newcomers touch nobody");
}

/* Without the lock file there is nothing to go by. */
static void no_file(apr_pool_t *pool)
{
    store_kept_t *kept = store_kept_make("/nonexistent/x.lock", pool);
    store_account_t *account = help_account("a", pool);
    store_kept_at_t at;

    ok(!store_kept_account(&at, kept, "a", pool));
    is_int(at.at, 0);
    store_kept_account_put(kept, &at, account);
    ok(!store_kept_account(&at, kept, "a", pool));
    ok(!store_kept_account(&at, NULL, "a", pool));
    store_kept_free(kept);
}

static void blocked(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_t *other = other_open(help);
    store_blocked_t made = {"ab12", "was published", 2000}, *got;
    store_kept_at_t at;

    is_int(store_blocked_get(&got, help->store, "ab12", pool), APR_ENOENT);
    ok(store_kept_unblocked(&at, help->store->kept) == !engine_is_pgsql());
    is_int(block_key(other, &made), APR_SUCCESS);
    is_int(store_blocked_get(&got, help->store, "ab12", pool), APR_SUCCESS);
    is_int(store_blocked_get(&got, help->store, "ab13", pool), APR_ENOENT);
    ok(!store_kept_unblocked(&at, help->store->kept));
}

const tap_case_t tap_cases[] = {
    {"what is kept is the whole row", same},
    {"another process's change counts at once", at_once},
    {"its external account key's, too", eab_at_once},
    {"a stranger's within a second", in_a_second},
    {"other writes leave it there", writers_leave_it},
    {"without a lock file nothing is kept", no_file},
    {"blocked at once where none was", blocked},
    {NULL, NULL}};
