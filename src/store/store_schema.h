/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

/*
 * The schema and its versions, from 1 (PRAGMA user_version; PostgreSQL: the
 * table acme_schema).  For store/ only.
 *
 * A step from one version to the next is one transaction; an older module
 * refuses a newer schema.  Steps that were released are never changed.
 */

#include "store/store_conn.h"

typedef enum {
    STORE_SCHEMA_RIGHT,
    STORE_SCHEMA_OLD, /* or none yet, or no WAL */
    STORE_SCHEMA_BAD  /* newer, or not our database */
} store_schema_e;

/* From 1 to 2: statements, NULL after the last. */
const char *const *store_schema_2(void);
/* From 2 to 3. */
const char *const *store_schema_3(void);
const char *const *store_schema_4(void);
/* From 4 to 5. */
const char *const *store_schema_5(void);
const char *const *store_schema_6(void);
const char *const *store_schema_7(void);

/* The statements that lead from this version to the next one, NULL after the
 * last; as SQLite has them (store_dialect.h). */
const char *const *store_schema_step(int version);
/* Notes that the connection's database is of a newer module; APR_EGENERAL. */
apr_status_t store_schema_newer(store_conn_t *conn, int version);

/* The version that this module makes and needs. */
int store_schema_version(void);
/* The version of a database, 0 for an empty file. */
apr_status_t store_schema_ask(int *version, store_conn_t *conn,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* What is there; conn->why says what is bad about it. */
apr_status_t store_schema_look(store_schema_e *schema, store_conn_t *conn,
                               apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* Bring it to the right version; the caller holds the lock.  may_make: the file
 * was never a database, so an empty one is filled. */
apr_status_t store_schema_migrate(store_conn_t *conn, int may_make,
                                  const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
