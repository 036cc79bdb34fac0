/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_schema.h"

#include <apr_strings.h>
#include <string.h>

#include "store/store_pgsql.h"

#include "base/banned.h"

/* "ACME" in the file's header: whose database it is. */
#define APPLICATION 1094929733

/* seq is the order of birth, of which lists are made.  Ids begin with the time,
 * so those that are made one after the other are neighbours in an index.
 * Authorizations are small, and never listed: a table clustered by id has one
 * page to find and to write. */
static const char *const step_1[] = {
    "CREATE TABLE accounts ("
    "seq INTEGER PRIMARY KEY,"
    "id TEXT NOT NULL UNIQUE,"
    "realm TEXT NOT NULL,"
    "directory TEXT NOT NULL,"
    "thumbprint TEXT NOT NULL,"
    "jwk TEXT NOT NULL,"
    "status TEXT NOT NULL"
    " CHECK (status IN ('valid','deactivated','revoked')),"
    "contact TEXT NOT NULL,"
    "terms_url TEXT,"
    "terms_agreed_at INTEGER NOT NULL,"
    "owner TEXT,"
    "created_ip TEXT,"
    "created_at INTEGER NOT NULL,"
    "UNIQUE (thumbprint, realm, directory)) STRICT",

    "CREATE TABLE orders ("
    "seq INTEGER PRIMARY KEY,"
    "id TEXT NOT NULL UNIQUE,"
    "account_id TEXT NOT NULL REFERENCES accounts (id),"
    "realm TEXT NOT NULL,"
    "directory TEXT NOT NULL,"
    "profile TEXT NOT NULL,"
    "identifiers TEXT NOT NULL,"
    "authz_ids TEXT NOT NULL,"
    "not_before INTEGER NOT NULL,"
    "not_after INTEGER NOT NULL,"
    "created_at INTEGER NOT NULL,"
    "expires_at INTEGER NOT NULL,"
    "processing_since INTEGER NOT NULL,"
    "csr_sha256 TEXT,"
    "cert_id TEXT,"
    "error TEXT) STRICT",
    "CREATE INDEX orders_of_account ON orders (account_id, seq)",

    "CREATE TABLE authzs ("
    "id TEXT PRIMARY KEY NOT NULL,"
    "account_id TEXT NOT NULL REFERENCES accounts (id),"
    "realm TEXT NOT NULL,"
    "directory TEXT NOT NULL,"
    "type TEXT NOT NULL,"
    "value TEXT NOT NULL,"
    "wildcard INTEGER NOT NULL,"
    "status TEXT NOT NULL CHECK (status IN "
    "('pending','valid','invalid','deactivated','revoked')),"
    "token TEXT NOT NULL,"
    "challenges TEXT NOT NULL,"
    "attempted TEXT,"
    "attempted_at INTEGER NOT NULL,"
    "thumbprint TEXT,"
    "error TEXT,"
    "validated_at INTEGER NOT NULL,"
    "created_at INTEGER NOT NULL,"
    "expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    /* For reuse, and to deactivate what is pending. */
    "CREATE INDEX authzs_of_account ON authzs "
    "(account_id, status, value, type, wildcard, expires_at)",

    "CREATE TABLE certs ("
    "seq INTEGER PRIMARY KEY,"
    "id TEXT NOT NULL UNIQUE,"
    "serial TEXT NOT NULL UNIQUE,"
    "account_id TEXT REFERENCES accounts (id),"
    "order_id TEXT,"
    "realm TEXT NOT NULL,"
    "directory TEXT NOT NULL,"
    "profile TEXT NOT NULL,"
    "issuer TEXT NOT NULL,"
    "identifiers TEXT NOT NULL,"
    "spki_sha256 TEXT NOT NULL,"
    "der BLOB NOT NULL,"
    "not_before INTEGER NOT NULL,"
    "not_after INTEGER NOT NULL,"
    "issued_at INTEGER NOT NULL,"
    "revoked_at INTEGER NOT NULL,"
    "revoked_reason INTEGER NOT NULL) STRICT",
    "CREATE INDEX certs_of_account ON certs (account_id, seq) "
    "WHERE account_id IS NOT NULL",
    "CREATE INDEX certs_of_vhost ON certs (identifiers, spki_sha256, seq) "
    "WHERE order_id IS NULL",

    "CREATE TABLE issuers ("
    "fingerprint TEXT PRIMARY KEY NOT NULL,"
    "key_id TEXT NOT NULL,"
    "name TEXT NOT NULL,"
    "generation INTEGER NOT NULL,"
    "cert_pem TEXT NOT NULL,"
    "chain_pem TEXT NOT NULL,"
    "not_before INTEGER NOT NULL,"
    "not_after INTEGER NOT NULL) STRICT",

    /* lease_owner '': free.  ready_at: when anybody may take it, the later of
     * due_at and lease_until. */
    "CREATE TABLE jobs ("
    "id TEXT PRIMARY KEY NOT NULL,"
    "kind TEXT NOT NULL,"
    "subject TEXT NOT NULL,"
    "data TEXT,"
    "due_at INTEGER NOT NULL,"
    "lease_owner TEXT NOT NULL,"
    "lease_until INTEGER NOT NULL,"
    "ready_at INTEGER NOT NULL,"
    "attempts INTEGER NOT NULL,"
    "is_single INTEGER NOT NULL) STRICT",
    "CREATE INDEX jobs_by_lease ON jobs (lease_owner, ready_at)",
    "CREATE UNIQUE INDEX jobs_single ON jobs (kind, subject) "
    "WHERE is_single = 1",
    NULL};

static const char *const *schema_1(void)
{
    return step_1;
}

static const char *const *(*const steps[])(void) = {
    schema_1,       store_schema_2, store_schema_3, store_schema_4,
    store_schema_5, store_schema_6, store_schema_7};

int store_schema_version(void)
{
    return (int)(sizeof(steps) / sizeof(steps[0]));
}

const char *const *store_schema_step(int version)
{
    return steps[version]();
}

apr_status_t store_schema_newer(store_conn_t *conn, int version)
{
    return store_conn_fail(conn,
                           "has schema %d, made by a newer mod_acme_server; "
                           "this one knows %d",
                           version, store_schema_version());
}

/* The first column of a statement's only row. */
static apr_status_t ask(const char **answer, store_conn_t *conn,
                        const char *text, apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_conn_text(&rows, conn, text, pool);

    *answer = "";
    if (rv == APR_SUCCESS && store_rows_next(&rows))
        *answer = store_rows_text(&rows, 0);
    return rv;
}

static apr_status_t ask_number(apr_int64_t *number, store_conn_t *conn,
                               const char *text, apr_pool_t *pool)
{
    const char *answer;
    apr_status_t rv = ask(&answer, conn, text, pool);

    *number = apr_atoi64(answer);
    return rv;
}

/* In this order: both come in one transaction, perhaps between these two. */
static apr_status_t version_look(apr_int64_t *version, apr_int64_t *application,
                                 store_conn_t *conn, apr_pool_t *pool)
{
    apr_status_t rv = ask_number(version, conn, "PRAGMA user_version", pool);

    if (rv == APR_SUCCESS)
        rv = ask_number(application, conn, "PRAGMA application_id", pool);
    return rv;
}

apr_status_t store_schema_ask(int *version, store_conn_t *conn,
                              apr_pool_t *pool)
{
    apr_int64_t number;
    apr_status_t rv;

    if (conn->engine == STORE_PGSQL)
        return store_pgsql_version(version, conn, pool);
    rv = ask_number(&number, conn, "PRAGMA user_version", pool);
    *version = (int)number;
    return rv;
}

apr_status_t store_schema_look(store_schema_e *schema, store_conn_t *conn,
                               apr_pool_t *pool)
{
    apr_int64_t version, application;
    const char *mode;
    apr_status_t rv;

    if (conn->engine == STORE_PGSQL)
        return store_pgsql_look(schema, conn, pool);
    rv = version_look(&version, &application, conn, pool);
    if (rv == APR_SUCCESS)
        rv = ask(&mode, conn, "PRAGMA journal_mode", pool);
    if (rv != APR_SUCCESS)
        return rv;
    *schema = STORE_SCHEMA_OLD;
    if (version != 0 && application != APPLICATION) {
        *schema = STORE_SCHEMA_BAD;
        store_conn_fail(conn, "is not a database of this server");
    }
    else if (version > store_schema_version()) {
        *schema = STORE_SCHEMA_BAD;
        store_schema_newer(conn, (int)version);
    }
    else if (version == store_schema_version() && !strcmp(mode, "wal")) {
        *schema = STORE_SCHEMA_RIGHT;
    }
    return APR_SUCCESS;
}

static apr_status_t step_run(store_conn_t *conn, int version, apr_pool_t *pool)
{
    const char *const *statement = store_schema_step(version);
    store_rows_t rows;
    apr_status_t rv = APR_SUCCESS;

    for (; rv == APR_SUCCESS && *statement; statement++) {
        const char *text = store_dialect_schema(STORE_SQLITE, *statement, pool);

        if (text)
            rv = store_conn_text(&rows, conn, text, pool);
    }
    return rv;
}

static apr_status_t version_set(store_conn_t *conn, apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_conn_text(
        &rows, conn,
        apr_psprintf(pool, "PRAGMA application_id = %d", APPLICATION), pool);

    if (rv != APR_SUCCESS)
        return rv;
    return store_conn_text(
        &rows, conn,
        apr_psprintf(pool, "PRAGMA user_version = %d", store_schema_version()),
        pool);
}

/* All in one transaction: nobody sees a version in between. */
static apr_status_t steps_run(store_conn_t *conn, int version, apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_conn_text(&rows, conn, "BEGIN IMMEDIATE", pool);

    for (; rv == APR_SUCCESS && version < store_schema_version(); version++)
        rv = step_run(conn, version, pool);
    if (rv == APR_SUCCESS)
        rv = version_set(conn, pool);
    if (rv == APR_SUCCESS)
        rv = store_conn_text(&rows, conn, "COMMIT", pool);
    return rv; /* closing the connection rolls back what failed */
}

/* Only a file without any table may be filled, and none that was a database
 * before: somebody has emptied it. */
static apr_status_t empty_check(store_conn_t *conn, int may_make,
                                apr_pool_t *pool)
{
    apr_int64_t tables;
    apr_status_t rv =
        ask_number(&tables, conn, "SELECT count(*) FROM sqlite_master", pool);

    if (rv != APR_SUCCESS)
        return rv;
    if (tables)
        return store_conn_fail(conn, "is not a database of this server");
    if (!may_make)
        return store_conn_fail(conn, "is empty; there was a database before");
    return APR_SUCCESS;
}

static apr_status_t wal_set(store_conn_t *conn, apr_pool_t *pool)
{
    const char *mode;
    apr_status_t rv = ask(&mode, conn, "PRAGMA journal_mode = WAL", pool);

    if (rv == APR_SUCCESS && strcmp(mode, "wal"))
        return store_conn_fail(conn, "cannot use a write-ahead log (%s)", mode);
    return rv;
}

static apr_status_t file_migrate(int *had, store_conn_t *conn, int may_make,
                                 apr_pool_t *pool)
{
    apr_int64_t version, application;
    apr_status_t rv = version_look(&version, &application, conn, pool);

    *had = (int)version;
    if (rv == APR_SUCCESS && version == 0)
        rv = empty_check(conn, may_make, pool);
    if (rv == APR_SUCCESS)
        rv = wal_set(conn, pool);
    if (rv == APR_SUCCESS && version < store_schema_version())
        rv = steps_run(conn, (int)version, pool);
    return rv;
}

apr_status_t store_schema_migrate(store_conn_t *conn, int may_make,
                                  const log_t *log, apr_pool_t *pool)
{
    int had;
    store_schema_e schema;
    apr_status_t rv = store_schema_look(&schema, conn, pool);

    if (rv != APR_SUCCESS || schema == STORE_SCHEMA_RIGHT)
        return rv;
    if (schema == STORE_SCHEMA_BAD)
        return APR_EGENERAL;
    rv = conn->engine == STORE_PGSQL
             ? store_pgsql_migrate(&had, conn, may_make, pool)
             : file_migrate(&had, conn, may_make, pool);
    if (rv == APR_SUCCESS && had < store_schema_version())
        log_write(log, LOG_LEVEL_NOTICE, "AS0252", 0,
                  "the database has schema %d now", store_schema_version());
    return rv;
}
