/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <string.h>
#include <sys/stat.h>

#include "store_help.h"

static void first_use(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *account;
    struct stat st;

    ok(stat(help->path, &st) != 0, "nothing is opened yet");
    is_int(store_account_get(&account, help->store, "a", pool), APR_ENOENT);
    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_account_get(&account, help->store, "a", pool), APR_SUCCESS);
    is_int(help_lines(help, "AS0252"), 1);
    is_int(help->lines->nelts, 1);
}

const tap_case_t tap_cases[] = {{"the first use makes the database", first_use},
                                {NULL, NULL}};
