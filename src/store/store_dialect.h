/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_DIALECT_H
#define STORE_DIALECT_H

/*
 * Two engines, one SQL.  Statements are written once, so that both understand
 * them; tables are written as SQLite has them, and their words are replaced
 * here (INTEGER is BIGINT, TEXT compares octets, STRICT goes, INTEGER PRIMARY
 * KEY counts by itself).  What only PostgreSQL is to see stands in
 * STORE_SQL_PGSQL(), which SQLite takes for a comment.  For store/ only.
 *
 * On PostgreSQL writers run at once, at READ COMMITTED.  So a write function
 * that decides by what it has read must hold a lock on that: a conditional
 * UPDATE does; where there is none, store_conn_alone() comes first, or the
 * SELECT is FOR UPDATE.
 */

#include <apr_dbd.h>
#include <apr_pools.h>

/* SQLite is in this process and keeps a file; PostgreSQL is a server. */
typedef enum { STORE_SQLITE, STORE_PGSQL } store_engine_e;

store_engine_e store_dialect_engine(const char *driver);

/* A statement as PostgreSQL is to see it. */
const char *store_dialect_pgsql(const char *text, apr_pool_t *pool);
/* A step of the schema; NULL: this engine has nothing to do. */
const char *store_dialect_schema(store_engine_e engine, const char *text,
                                 apr_pool_t *pool);

#endif
