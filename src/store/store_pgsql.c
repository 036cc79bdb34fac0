/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_pgsql.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* The oldest one that knows all that the statements use. */
#define SERVER_MIN 120000

/* Of whoever migrates: "ACME". */
#define LOCK "SELECT pg_advisory_xact_lock(1094929733)"

const char *store_pgsql_params(const char *conninfo, apr_pool_t *pool)
{
    /* Of two of a keyword, libpq takes the later one. */
    return apr_pstrcat(pool,
                       "connect_timeout=2 tcp_user_timeout=10000 "
                       "keepalives_idle=30 keepalives_interval=10 "
                       "keepalives_count=3 "
                       "fallback_application_name=mod_acme_server ",
                       conninfo, NULL);
}

/* Readers cannot write.  Whoever waits for a lock, or whose machine is gone
 * while he holds one, is in everybody's way. */
static const char *const settings =
    "SET client_encoding TO 'UTF8';"
    "SET standard_conforming_strings TO on;"
    "SET bytea_output TO 'hex';"
    "SET default_transaction_read_only TO on;"
    "SET lock_timeout TO '2s';"
    "SET statement_timeout TO '10s';"
    "SET idle_in_transaction_session_timeout TO '10s';"
    "SET tcp_keepalives_idle TO 30;"
    "SET tcp_keepalives_interval TO 10;"
    "SET tcp_keepalives_count TO 3";

apr_status_t store_pgsql_setup(store_conn_t *conn)
{
    store_rows_t rows;
    apr_status_t rv = store_conn_text(&rows, conn, settings, conn->scratch);

    apr_pool_clear(conn->scratch);
    return rv;
}

static int hex(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

const unsigned char *store_pgsql_blob(apr_size_t *len, const char *text,
                                      apr_pool_t *pool)
{
    apr_size_t i;
    unsigned char *octets;

    *len = 0;
    if (strncmp(text, "\\x", 2))
        return NULL;
    text += 2;
    *len = strlen(text) / 2;
    octets = apr_palloc(pool, *len + 1);
    for (i = 0; i < *len; i++)
        octets[i] =
            (unsigned char)(hex(text[2 * i]) << 4 | hex(text[2 * i + 1]));
    return octets;
}

apr_status_t store_pgsql_version(int *version, store_conn_t *conn,
                                 apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_conn_text(
        &rows, conn,
        /* Not to_regclass(), whose cache may not know yet of what was made
         * while this waited for the lock. */
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE tablename = "
        "'acme_schema' AND schemaname = ANY (current_schemas(false))",
        pool);

    *version = 0;
    if (rv != APR_SUCCESS || !store_rows_next(&rows) ||
        !store_rows_int(&rows, 0))
        return rv;
    rv = store_conn_text(&rows, conn, "SELECT max(version) FROM acme_schema",
                         pool);
    if (rv == APR_SUCCESS && store_rows_next(&rows))
        *version = (int)store_rows_int(&rows, 0);
    return rv;
}

static apr_status_t server_check(store_conn_t *conn, apr_pool_t *pool)
{
    const char *encoding;
    store_rows_t rows;
    apr_status_t rv = store_conn_text(&rows, conn,
                                      "SELECT current_setting("
                                      "'server_encoding'), current_setting("
                                      "'server_version_num'), current_setting("
                                      "'server_version')",
                                      pool);

    if (rv != APR_SUCCESS || !store_rows_next(&rows))
        return rv;
    encoding = store_rows_text(&rows, 0);
    if (strcmp(encoding, "UTF8"))
        return store_conn_fail(conn,
                               "has the encoding %s; make one with ENCODING "
                               "'UTF8' TEMPLATE template0",
                               encoding);
    if (store_rows_int(&rows, 1) < SERVER_MIN)
        return store_conn_fail(conn, "is of PostgreSQL %s; 12 is the oldest",
                               store_rows_text(&rows, 2));
    return APR_SUCCESS;
}

static store_schema_e version_judge(store_conn_t *conn, int version)
{
    if (version > store_schema_version()) {
        store_schema_newer(conn, version);
        return STORE_SCHEMA_BAD;
    }
    return version == store_schema_version() ? STORE_SCHEMA_RIGHT
                                             : STORE_SCHEMA_OLD;
}

apr_status_t store_pgsql_look(store_schema_e *schema, store_conn_t *conn,
                              apr_pool_t *pool)
{
    int version;
    apr_status_t rv = server_check(conn, pool);

    *schema = STORE_SCHEMA_BAD;
    if (rv == APR_SUCCESS)
        rv = store_pgsql_version(&version, conn, pool);
    if (rv == APR_SUCCESS)
        *schema = version_judge(conn, version);
    return rv;
}

static apr_status_t texts_run(store_conn_t *conn, const char *const *texts,
                              apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = APR_SUCCESS;

    for (; rv == APR_SUCCESS && *texts; texts++) {
        const char *text = store_dialect_schema(STORE_PGSQL, *texts, pool);

        rv = store_conn_text(&rows, conn, text, pool);
    }
    return rv;
}

/* Whoever writes has the table's lock, for reading, as long as he writes: so he
 * comes before a migration or after it. */
static apr_status_t steps_run(store_conn_t *conn, int version, apr_pool_t *pool)
{
    static const char *const first[] = {
        "CREATE TABLE acme_schema (version INTEGER NOT NULL)",
        "INSERT INTO acme_schema VALUES (0)", NULL};
    static const char *const lock[] = {
        "LOCK TABLE acme_schema IN ACCESS EXCLUSIVE MODE", NULL};
    const char *last[] = {apr_psprintf(pool,
                                       "UPDATE acme_schema SET version = "
                                       "%d",
                                       store_schema_version()),
                          NULL};
    apr_status_t rv = texts_run(conn, version ? lock : first, pool);

    for (; rv == APR_SUCCESS && version < store_schema_version(); version++)
        rv = texts_run(conn, store_schema_step(version), pool);
    return rv == APR_SUCCESS ? texts_run(conn, last, pool) : rv;
}

/* All steps are one transaction here, of one process at a time. */
apr_status_t store_pgsql_migrate(int *had, store_conn_t *conn, int may_make,
                                 apr_pool_t *pool)
{
    static const char *const begin[] = {
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        "SET LOCAL statement_timeout TO 0", LOCK, NULL};
    static const char *const commit[] = {"COMMIT", NULL};
    apr_status_t rv = texts_run(conn, begin, pool);

    if (rv == APR_SUCCESS)
        rv = store_pgsql_version(had, conn, pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (*had > store_schema_version())
        return store_schema_newer(conn, *had);
    if (!*had && !may_make)
        return store_conn_fail(conn, "is empty; there was a database before");
    if (*had < store_schema_version())
        rv = steps_run(conn, *had, pool);
    return rv == APR_SUCCESS ? texts_run(conn, commit, pool) : rv;
}

apr_status_t store_pgsql_begin(const char **xid, store_conn_t *conn,
                               store_durability_e durability, apr_pool_t *pool)
{
    store_rows_t rows;
    int version = 0;
    apr_status_t rv =
        store_conn_text(&rows, conn,
                        durability == STORE_DURABLE
                            ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
                              "SELECT version, txid_current() FROM acme_schema"
                            : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
                              "SET LOCAL synchronous_commit TO off;"
                              "SELECT version, txid_current() FROM acme_schema",
                        pool);

    if (rv != APR_SUCCESS)
        return rv;
    if (store_rows_next(&rows)) {
        version = (int)store_rows_int(&rows, 0);
        *xid = store_rows_text(&rows, 1);
    }
    if (version > store_schema_version())
        return store_schema_newer(conn, version);
    return version == store_schema_version()
               ? APR_SUCCESS
               : store_conn_fail(conn, "has an old schema");
}

apr_status_t store_pgsql_outcome(store_xact_e *outcome, store_conn_t *conn,
                                 const char *xid, apr_pool_t *pool)
{
    const char *status = "";
    store_rows_t rows;
    apr_status_t rv = store_conn_text(
        &rows, conn, apr_psprintf(pool, "SELECT txid_status(%s)", xid), pool);

    if (rv == APR_SUCCESS && store_rows_next(&rows))
        status = store_rows_text(&rows, 0);
    *outcome = STORE_XACT_UNDONE;
    if (!strcmp(status, "committed"))
        *outcome = STORE_XACT_DONE;
    else if (!strcmp(status, "in progress"))
        *outcome = STORE_XACT_RUNS;
    return rv;
}

static apr_status_t text_run(store_conn_t *conn, const char *text)
{
    store_rows_t rows;
    apr_status_t rv;

    if (conn->engine != STORE_PGSQL)
        return APR_SUCCESS;
    rv = store_conn_text(&rows, conn, text, conn->scratch);
    apr_pool_clear(conn->scratch);
    return rv;
}

apr_status_t store_pgsql_look_begin(store_conn_t *conn)
{
    return text_run(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                          "SET LOCAL statement_timeout TO 0");
}

apr_status_t store_pgsql_look_end(store_conn_t *conn)
{
    return text_run(conn, "COMMIT");
}
