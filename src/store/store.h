/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_H
#define STORE_H

/*
 * The only SQL.  Rows in, rows out; no rights, no protocol.
 *
 * Statuses: APR_SUCCESS; APR_ENOENT (get: no such row); APR_EEXIST (claim: too
 * late, create: there already); STORE_BUDGET (an external account key does not
 * allow it: its row says why); STORE_FULL_ORDERS, STORE_FULL_AUTHZS (so many of
 * the account's wait already).  Every other status means "the database cannot
 * do it now", after about two seconds at most (five with PostgreSQL, which may
 * just be restarted, if it was well before): nothing was changed, the caller
 * answers 503, and a later call tries again with a fresh connection.  The store
 * logs the first failure of a series with the driver's own words, and once when
 * it is well again.
 *
 * Rows come back as copies in the caller's pool.  Times are seconds since 1970;
 * 0 is "none".  A text column that is NULL comes back as NULL.
 *
 * Any thread of the process may call any function.
 */

#include <apr_pools.h>
#include <apr_proc_mutex.h>
#include <apr_tables.h>

#include "base/clock.h"
#include "base/log.h"

#define STORE_BUDGET      (APR_OS_START_USERERR + 1)
#define STORE_FULL_ORDERS (APR_OS_START_USERERR + 2)
#define STORE_FULL_AUTHZS (APR_OS_START_USERERR + 3)
#define STORE_BLOCKED     (APR_OS_START_USERERR + 4)

typedef struct store_t store_t;

typedef struct {
    const char *driver; /* apr_dbd's: "sqlite3" or "pgsql" */
    const char *params; /* sqlite3: the file's absolute path; pgsql: libpq's
                           conninfo, which may hold a password */
} store_conf_t;

/* The database, as it may be printed and logged: without the password. */
const char *store_conf_name(const store_conf_t *conf, apr_pool_t *pool);

/* After fork, before the process has further threads: it loads the driver into
 * the process's root pool (apr_dbd_init, once in all).  Opens nothing yet: the
 * first use does, so it never fails for what the database is like just now.
 * At the first use ever the file is created (0600) and its schema made; a file
 * that existed once and is gone is not made again but reported until it is back
 * ("<database>.lock" beside it remembers).  When pool is cleared, threads that
 * are still at work here keep what they use. */
apr_status_t store_open(store_t **store, const store_conf_t *conf,
                        const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Processes that inherited one mutex queue at it for their turn to write: the
 * lock file, which is there for all others, can only be asked again and again.
 * Right after store_open.  gate outlives the store; NULL: none. */
void store_gate_set(store_t *store, apr_proc_mutex_t *gate);

/* One more thread (1) is busy with what may end in a write soon, or one less
 * (-1): it is through, or waits for something else now.  Writers that are about
 * to be many at a time share one commit and one sync, so the first of them
 * waits for the others a moment. */
void store_expect(store_t *store, int change);

/* The schema that the database has (0: none), and the one of this version.
 * Changes nothing. */
apr_status_t store_version(int *has, int *needs, store_t *store)
    __attribute__((warn_unused_result));

/* Bring the database to this version's schema now, not at the first use; the
 * schema that it had (0: none) and has. */
apr_status_t store_migrate(int *had, int *has, store_t *store)
    __attribute__((warn_unused_result));

/* Write a copy of the database as it is at one moment, while others go on
 * writing (VACUUM INTO), to path, which must not exist; whoever keeps it syncs
 * it. */
apr_status_t store_backup(store_t *store, const char *path, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Look the database over (acmectl db check): integrity_check, foreign keys,
 * schema version, rows whose state makes no sense.  findings: of const char *,
 * empty when all is well. */
apr_status_t store_check(apr_array_header_t **findings, store_t *store,
                         apr_pool_t *pool) __attribute__((warn_unused_result));

#endif
