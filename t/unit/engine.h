/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_H
#define ENGINE_H

/* Which database a test runs on: SQLite, or, with ACME_TEST_PGSQL set to a
 * conninfo (t/50-pgsql-units.t), PostgreSQL. */

#include "store/store.h"

/* Not 0: PostgreSQL. */
int engine_is_pgsql(void);

/* A database that nothing is in: a file of this name, or a schema. */
store_conf_t engine_make(const char *path, apr_pool_t *pool);

/* A test of what only SQLite does: says so; 0 with SQLite. */
int engine_is_other(const char *why);

/* Any SQL, as the user who owns the database; the first column of the first
 * row, NULL if there is none. */
const char *engine_sql(const store_conf_t *conf, const char *text,
                       apr_pool_t *pool);

#endif
