/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_KEPT_H
#define STORE_KEPT_H

/*
 * What nearly every request asks for and what hardly ever changes is kept in
 * the process: accounts, and whether any public key is blocked at all.
 *
 * The lock file has a mark, which whoever writes such a row replaces after his
 * COMMIT and before he tells anybody of it (store_conn_t.is_noted).  A row that
 * was read under one mark holds as long as the file has that mark, so a
 * deactivation by another process, acmectl too, counts for the next request.
 * Nothing is kept for longer than a second, for those who write without us:
 * another SQLite program, or a writer that was killed after its COMMIT.
 *
 * Only for SQLite: PostgreSQL is there for several machines, which have no file
 * in common.  For store/ only.
 */

#include "store/store_account.h"

typedef struct store_kept_t store_kept_t;

/* When, and under which mark, something is about to be read. */
typedef struct {
    apr_time_t at; /* 0: it cannot be kept */
    char mark[16];
} store_kept_at_t;

/* path: the lock file's, borrowed. */
store_kept_t *store_kept_make(const char *path, apr_pool_t *pool);
/* Nobody uses it any more. */
void store_kept_free(store_kept_t *kept);

/* NULL: none is kept, and what is read now may be put back with *at.  kept
 * NULL: never is. */
store_account_t *store_kept_account(store_kept_at_t *at, store_kept_t *kept,
                                    const char *id, apr_pool_t *pool);
void store_kept_account_put(store_kept_t *kept, const store_kept_at_t *at,
                            const store_account_t *account);

/* Is it known that no public key is blocked? */
int store_kept_unblocked(store_kept_at_t *at, store_kept_t *kept);
void store_kept_unblocked_put(store_kept_t *kept, const store_kept_at_t *at);

#endif
