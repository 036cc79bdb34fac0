/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BLOCK_H
#define STORE_BLOCK_H

/* Blocking a key in a transaction of its own, for tests: the code does it when
 * a certificate is revoked. */

#include "store/store_rows.h"

static inline apr_status_t block_run(store_conn_t *conn, void *baton)
{
    int is_new;
    apr_status_t rv = store_blocked_insert(&is_new, conn, baton);

    return rv == APR_SUCCESS && !is_new ? APR_EEXIST : rv;
}

/* APR_EEXIST: it is blocked already. */
static inline apr_status_t block_key(store_t *store, store_blocked_t *blocked)
{
    return store_write(store, STORE_DURABLE, block_run, blocked);
}

#endif
