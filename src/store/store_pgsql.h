/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PGSQL_H
#define STORE_PGSQL_H

/*
 * What a connection to PostgreSQL needs beyond what every connection does.  For
 * store/ only.
 *
 * apr_dbd's driver reconnects by itself in apr_dbd_check_conn and loses its
 * prepared statements without a word, so that is never called: a connection
 * that fails is closed.  COMMIT of a transaction in which something failed
 * rolls back and succeeds, so it is only run where nothing did.
 */

#include "store/store_schema.h"

/* The conninfo with limits of time that whoever wrote it may override. */
const char *store_pgsql_params(const char *conninfo, apr_pool_t *pool);
/* Once after connecting: encoding, limits of time. */
apr_status_t store_pgsql_setup(store_conn_t *conn)
    __attribute__((warn_unused_result));

/* "\x00ff" */
const unsigned char *store_pgsql_blob(apr_size_t *len, const char *text,
                                      apr_pool_t *pool);

/* store_schema.h says what these do; *had: the version before. */
apr_status_t store_pgsql_version(int *version, store_conn_t *conn,
                                 apr_pool_t *pool)
    __attribute__((warn_unused_result));
apr_status_t store_pgsql_look(store_schema_e *schema, store_conn_t *conn,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));
apr_status_t store_pgsql_migrate(int *had, store_conn_t *conn, int may_make,
                                 apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Around a long look at all as it is at one moment; nothing with SQLite. */
apr_status_t store_pgsql_look_begin(store_conn_t *conn)
    __attribute__((warn_unused_result));
apr_status_t store_pgsql_look_end(store_conn_t *conn)
    __attribute__((warn_unused_result));

/* A transaction, and its number; fails where the schema is not ours.  The
 * transaction keeps the schema as it is. */
apr_status_t store_pgsql_begin(const char **xid, store_conn_t *conn,
                               store_durability_e durability, apr_pool_t *pool)
    __attribute__((warn_unused_result));

typedef enum {
    STORE_XACT_DONE,
    STORE_XACT_UNDONE,
    STORE_XACT_RUNS
} store_xact_e;
/* What has become of a transaction whose COMMIT was not answered. */
apr_status_t store_pgsql_outcome(store_xact_e *outcome, store_conn_t *conn,
                                 const char *xid, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
