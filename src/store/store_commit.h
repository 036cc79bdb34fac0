/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

/*
 * Group commit, for SQLite (house.md 2.10).  Many threads hand in write
 * functions; the first one there becomes leader, takes the database's write
 * lock (thread mutex plus flock on "<database>.lock"), runs all that wait
 * inside one transaction, each in a savepoint of its own, commits once, and
 * wakes the rest.  Success is told only after COMMIT succeeded.
 *
 * For store/ only.
 */

#include <apr_dbd.h>

#include "store/store.h"

typedef struct store_conn_t store_conn_t;

/* Runs on the leader's thread while the caller waits, so the caller's pool may
 * be used; perhaps twice or more often, if it did not come to its end.  Any
 * status but APR_SUCCESS undoes what this function did and nothing else, and is
 * what store_write() returns. */
typedef apr_status_t (*store_write_fn)(store_conn_t *conn, void *baton);

typedef enum {
    STORE_RELAXED, /* synchronous=NORMAL: a power cut may undo it */
    STORE_DURABLE  /* synchronous=FULL: on disk before this returns */
} store_durability_e;

apr_status_t store_write(store_t *store, store_durability_e durability,
                         store_write_fn fn, void *baton)
    __attribute__((warn_unused_result));

#endif
