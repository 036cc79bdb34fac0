/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>

#include "store/store_account.c"

static void round_trip(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *account = help_account("a", pool), *got;

    account->realm = "r";
    account->directory = "web";
    account->jwk = "{\"e\":\"%s'\"}";
    account->contact = "[\"mailto:\xc3\xa4@a.test\"]";
    account->terms_url = "https://a.test/terms";
    account->terms_agreed_at = 4102444800; /* beyond 32 bits */
    account->owner = "o'wner";
    account->created_ip = "::1";
    is_int(store_account_create(NULL, help->store, account, NULL, pool),
           APR_SUCCESS);
    is_int(store_account_get(&got, help->store, "a", pool), APR_SUCCESS);
    need(got);
    is_str(got->id, "a");
    is_str(got->realm, "r");
    is_str(got->directory, "web");
    is_str(got->thumbprint, "thumb-a");
    is_str(got->jwk, account->jwk);
    is_str(got->status, "valid");
    is_str(got->contact, account->contact);
    is_str(got->terms_url, account->terms_url);
    is_int(got->terms_agreed_at, 4102444800);
    is_str(got->owner, "o'wner");
    is_str(got->created_ip, "::1");
    is_int(got->created_at, 1000);
}

static void nothing_optional(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *got;

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_account_get(&got, help->store, "a", pool), APR_SUCCESS);
    need(got);
    ok(!got->terms_url && !got->owner && !got->created_ip);
    is_int(got->terms_agreed_at, 0);
    is_str(got->realm, "");
    is_int(store_account_get(&got, help->store, "b", pool), APR_ENOENT);
    ok(!got);
}

static void unique_key(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *account = help_account("b", pool), *existing;

    is_int(help_add(help, "a"), APR_SUCCESS);
    account->thumbprint = "thumb-a";
    is_int(store_account_create(&existing, help->store, account, NULL, pool),
           APR_EEXIST);
    need(existing);
    is_str(existing->id, "a");
    account->directory = "other";
    is_int(store_account_create(&existing, help->store, account, NULL, pool),
           APR_SUCCESS);
    ok(!existing);
    account = help_account("c", pool);
    account->thumbprint = "thumb-a";
    account->realm = "other";
    is_int(store_account_create(&existing, help->store, account, NULL, pool),
           APR_SUCCESS);
    is_int(store_account_get_by_key(&account, help->store, "", "other",
                                    "thumb-a", pool),
           APR_SUCCESS);
    is_str(account ? account->id : "", "b");
    is_int(store_account_get_by_key(&account, help->store, "x", "other",
                                    "thumb-a", pool),
           APR_ENOENT);
}

static void key_known(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *account = help_account("a", pool);

    account->realm = "r";
    is_int(store_account_create(NULL, help->store, account, NULL, pool),
           APR_SUCCESS);
    is_int(store_account_key_known(help->store, "thumb-a", pool), APR_SUCCESS);
    is_int(store_account_key_known(help->store, "thumb-", pool), APR_ENOENT);
}

static void contact(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *got;

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_account_contact_set(help->store, "a", "[1]", NULL, pool),
           APR_SUCCESS);
    is_int(store_account_contact_set(help->store, "b", "[1]", NULL, pool),
           APR_ENOENT);
    is_int(store_account_get(&got, help->store, "a", pool), APR_SUCCESS);
    is_str(got ? got->contact : "", "[1]");
    is_int(store_account_deactivate(help->store, "a", NULL, pool), APR_SUCCESS);
    is_int(store_account_contact_set(help->store, "a", "[2]", NULL, pool),
           APR_ENOENT);
}

static apr_status_t key_set(help_t *help, const char *id, const char *from,
                            const char *to, const char **holder)
{
    store_account_t *account = help_account(id, help->pool), *other;
    apr_status_t rv;

    account->thumbprint = from;
    rv = store_account_key_set(&other, help->store, account, to, "{}", NULL,
                               help->pool);
    if (holder)
        *holder = other ? other->id : NULL;
    return rv;
}

static void new_key(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *got, *elsewhere = help_account("c", pool);
    const char *holder;

    elsewhere->thumbprint = "new";
    elsewhere->directory = "web";
    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(help_add(help, "b"), APR_SUCCESS);
    is_int(store_account_create(NULL, help->store, elsewhere, NULL, pool),
           APR_SUCCESS);
    is_int(key_set(help, "a", "thumb-a", "thumb-b", &holder), APR_EEXIST);
    is_str(holder ? holder : "", "b");
    is_int(key_set(help, "a", "thumb-a", "new", &holder), APR_SUCCESS);
    ok(!holder);
    is_int(store_account_get(&got, help->store, "a", pool), APR_SUCCESS);
    is_str(got ? got->thumbprint : "", "new");
    is_str(got ? got->jwk : "", "{}");
    /* Two at once: the second one knows a key that is the account's no more. */
    is_int(key_set(help, "a", "thumb-a", "newer", NULL), APR_ENOENT);
    is_int(key_set(help, "x", "thumb-x", "newer", NULL), APR_ENOENT);
    is_int(store_account_deactivate(help->store, "b", NULL, pool), APR_SUCCESS);
    is_int(key_set(help, "b", "thumb-b", "newer", NULL), APR_ENOENT);
    is_int(key_set(help, "a", "new", "thumb-b", &holder), APR_EEXIST);
    is_str(holder ? holder : "", "b");
}

/* For records of dns-persist-01: the last one first, and not all that ever
 * were. */
static void old_keys(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *got;
    char from[44], to[44];
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_account_get(&got, help->store, "a", pool), APR_SUCCESS);
    ok(got && !got->prints);
    is_int(key_set(help, "a", "thumb-a", "second", NULL), APR_SUCCESS);
    is_int(key_set(help, "a", "second", "third", NULL), APR_SUCCESS);
    is_int(store_account_get(&got, help->store, "a", pool), APR_SUCCESS);
    is_str(got ? got->prints : "", "second thumb-a ");
    apr_snprintf(from, sizeof(from), "third");
    for (i = 0; i < 250; i++) {
        apr_snprintf(to, sizeof(to), "%043d", i);
        is_int(key_set(help, "a", from, to, NULL), APR_SUCCESS);
        apr_cpystrn(from, to, sizeof(from));
    }
    is_int(store_account_get(&got, help->store, "a", pool), APR_SUCCESS);
    need(got);
    is_int(strlen(got->prints), 200 * 44);
    is_int(strncmp(got->prints, "0000000000000000000000000000000000000000248 ",
                   44),
           0);
}

static const char *authz_status(help_t *help, const char *id)
{
    store_authz_t *authz;

    is_int(store_authz_get(&authz, help->store, id, help->pool), APR_SUCCESS);
    return authz ? authz->status : "";
}

static void deactivate(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_array_header_t *authzs = apr_array_make(pool, 3, sizeof(void *));
    store_authz_t *valid = help_authz("v", "a", pool);
    store_account_t *got;

    valid->status = "valid";
    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(help_add(help, "b"), APR_SUCCESS);
    APR_ARRAY_PUSH(authzs, store_authz_t *) = help_authz("p", "a", pool);
    APR_ARRAY_PUSH(authzs, store_authz_t *) = help_authz("q", "b", pool);
    APR_ARRAY_PUSH(authzs, store_authz_t *) = valid;
    is_int(store_order_create(help->store, help_order("o", "a", pool), authzs,
                              NULL, NULL, pool),
           APR_SUCCESS);
    is_int(store_account_deactivate(help->store, "a", NULL, pool), APR_SUCCESS);
    is_int(store_account_deactivate(help->store, "a", NULL, pool), APR_ENOENT);
    is_int(store_account_deactivate(help->store, "x", NULL, pool), APR_ENOENT);
    is_int(store_account_get(&got, help->store, "a", pool), APR_SUCCESS);
    is_str(got ? got->status : "", "deactivated");
    is_str(authz_status(help, "p"), "deactivated");
    is_str(authz_status(help, "q"), "pending");
    is_str(authz_status(help, "v"), "valid");
}

static void list(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_array_header_t *accounts;
    int i;

    is_int(store_account_list(&accounts, help->store, NULL, NULL, 5, pool),
           APR_SUCCESS);
    is_int(accounts->nelts, 0);
    for (i = 0; i < 5; i++)
        is_int(help_add(help, apr_psprintf(pool, "%da", 3 * i % 5)),
               APR_SUCCESS);
    is_int(store_account_list(&accounts, help->store, NULL, NULL, 3, pool),
           APR_SUCCESS);
    need(accounts->nelts == 3);
    is_str(APR_ARRAY_IDX(accounts, 2, store_account_t *)->id, "1a");
    is_int(store_account_list(&accounts, help->store, NULL, "1a", 3, pool),
           APR_SUCCESS);
    need(accounts->nelts == 2);
    is_str(APR_ARRAY_IDX(accounts, 0, store_account_t *)->id, "3a");
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    help_plan_ok(help, &sql_get);
    help_plan_ok(help, &sql_get_by_key);
    help_plan_ok(help, &sql_key_known);
    help_plan_ok(help, &sql_contact_set);
    help_plan_ok(help, &sql_key_set);
    help_plan_ok(help, &sql_deactivate);
    help_plan_ok(help, &sql_authzs_deactivate);
    help_plan_ok(help, &sql_list);
    help_plan_ok(help, &sql_list_of_eab);
}

const tap_case_t tap_cases[] = {
    {"an account comes back as it was", round_trip},
    {"what is NULL or 0 stays so", nothing_optional},
    {"T81 one account for a key in a realm and directory", unique_key},
    {"T58 a key is known whatever the realm", key_known},
    {"T38 contact, of valid accounts only", contact},
    {"T42 another key, that nobody has, for who has the old one", new_key},
    {"dns-persist-01: keys that an account had before", old_keys},
    {"T39 deactivated for good, with what is pending", deactivate},
    {"the list goes from the newest, page by page", list},
    {"no statement scans or sorts", plans},
    {NULL, NULL}};
