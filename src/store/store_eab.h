/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_EAB_H
#define STORE_EAB_H

/*
 * External account keys (RFC 8555 7.3.4): who may make an account, how many,
 * and what these accounts may do.  Rows are never deleted: accounts refer to
 * them.  Secrets are encrypted texts here; the store has no key to them.
 */

#include "store/store_event.h"

typedef struct {
    const char *kid; /* unique in the database */
    const char *realm, *profile;
    const char *name;
    const char *secret;
    const char *previous_secret; /* also good until previous_until; or NULL */
    apr_int64_t previous_until;
    const char *allow;      /* name patterns, JSON array text; NULL: no limit */
    const char *sources;    /* CIDRs, JSON array text; NULL: no limit */
    apr_int64_t expires_at; /* no new accounts from then on; 0: never */
    apr_int64_t max_accounts;       /* 0: no limit */
    apr_int64_t used_accounts;      /* ever bound */
    apr_int64_t max_orders_per_day; /* 0: no limit */
    apr_int64_t orders_day;         /* days since 1970, UTC … */
    apr_int64_t orders_count;       /* … and how many there were on it */
    int skip_validation;
    const char *status;          /* "valid" "suspended" "revoked" */
    const char *owner, *comment; /* NULL: none */
    apr_int64_t created_at, updated_at;
} store_eab_t;

/* Durable.  APR_EEXIST: the kid is taken. */
apr_status_t store_eab_create(store_t *store, const store_eab_t *eab,
                              const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

apr_status_t store_eab_get(store_eab_t **eab, store_t *store, const char *kid,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Newest first (of store_eab_t *), at most limit, older than `before` (NULL:
 * from the newest). */
apr_status_t store_eab_list(apr_array_header_t **eabs, store_t *store,
                            const char *before, int limit, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  valid ↔ suspended, either → revoked, for good.  APR_EEXIST: it is
 * so already, is revoked, or there is no such key. */
apr_status_t store_eab_status_set(store_t *store, const char *kid,
                                  const char *status, apr_int64_t now,
                                  const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  New secrets (rotated, or encrypted anew) in place of the one that
 * was read as was.  APR_EEXIST: it has another one by now, is revoked, or
 * there is no such key. */
typedef struct {
    const char *kid, *was;
    const char *secret, *previous_secret;
    apr_int64_t previous_until;
} store_eab_secret_t;
apr_status_t store_eab_secret_set(store_t *store,
                                  const store_eab_secret_t *secret,
                                  apr_int64_t now, const store_event_t *event,
                                  apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
