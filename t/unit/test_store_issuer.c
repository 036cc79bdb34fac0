/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_issuer.h"

#include <string.h>

#include "store_help.h"

static void ensure(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_issuer_t made = {"print", "key", "corp", 3, "PEM", "CHAIN", 1, 2};
    store_issuer_t *got;

    is_int(store_issuer_get(&got, help->store, "print", pool), APR_ENOENT);
    ok(!got);
    is_int(store_issuer_ensure(help->store, &made, NULL, pool), APR_SUCCESS);
    made.name = "other";
    is_int(store_issuer_ensure(help->store, &made, NULL, pool), APR_SUCCESS);
    is_int(store_issuer_get(&got, help->store, "print", pool), APR_SUCCESS);
    need(got);
    is_str(got->fingerprint, "print");
    is_str(got->key_id, "key");
    is_str(got->name, "corp");
    is_int(got->generation, 3);
    is_str(got->cert_pem, "PEM");
    is_str(got->chain_pem, "CHAIN");
    is_int(got->not_before, 1);
    is_int(got->not_after, 2);
    made.fingerprint = "second";
    is_int(store_issuer_ensure(help->store, &made, NULL, pool), APR_SUCCESS);
    is_int(store_issuer_get(&got, help->store, "print", pool), APR_SUCCESS);
}

const tap_case_t tap_cases[] = {
    {"an issuer generation is written once and stays", ensure}, {NULL, NULL}};
