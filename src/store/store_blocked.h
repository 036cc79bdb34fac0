/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BLOCKED_H
#define STORE_BLOCKED_H

/* Public keys that no account and no certificate may have (any more). */

#include "store/store.h"

typedef struct {
    const char *spki_sha256; /* hex */
    const char *reason;      /* a sentence's end, for problems and lists */
    apr_int64_t at;
} store_blocked_t;

/* APR_ENOENT: it is not blocked. */
apr_status_t store_blocked_get(store_blocked_t **blocked, store_t *store,
                               const char *spki_sha256, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
