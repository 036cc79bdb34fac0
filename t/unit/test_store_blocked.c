/* SPDX-License-Identifier: Apache-2.0 */
#include "store_block.h"
#include "store_help.h"

#include <string.h>

#include "store/store_blocked.c"

static void block(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_blocked_t made = {"ab12", "was published", 2000}, *got;

    is_int(store_blocked_get(&got, help->store, "ab12", pool), APR_ENOENT);
    ok(!got);
    is_int(block_key(help->store, &made), APR_SUCCESS);
    is_int(store_blocked_get(&got, help->store, "ab12", pool), APR_SUCCESS);
    need(got);
    is_str(got->spki_sha256, "ab12");
    is_str(got->reason, "was published");
    is_int(got->at, 2000);
    made.reason = "other";
    is_int(block_key(help->store, &made), APR_EEXIST);
    is_int(store_blocked_get(&got, help->store, "ab12", pool), APR_SUCCESS);
    is_str(got->reason, "was published");
    is_int(store_blocked_get(&got, help->store, "ab13", pool), APR_ENOENT);
    help_plan_ok(help, &sql_get);
}

const tap_case_t tap_cases[] = {
    {"a blocked key is found, and stays blocked for the first reason", block},
    {NULL, NULL}};
