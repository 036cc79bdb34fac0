/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BLOCKED_H
#define STORE_BLOCKED_H

/* Public keys that no account and no certificate may have (any more). */

#include "store/store_event.h"

typedef struct {
    const char *spki_sha256; /* hex */
    const char *reason;      /* a sentence's end, for problems and lists */
    apr_int64_t at;
} store_blocked_t;

/* Durable.  APR_EEXIST: it is blocked already. */
apr_status_t store_blocked_add(store_t *store, const store_blocked_t *blocked,
                               const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* APR_ENOENT: it is not blocked. */
apr_status_t store_blocked_get(store_blocked_t **blocked, store_t *store,
                               const char *spki_sha256, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
