/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store_issuer.h"
#include "store/store_schema.h"

/* A database as the first version made it, and what must become of it. */
static const char *const version_1[] = {
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

    "INSERT INTO accounts VALUES (NULL, 'a', '', '', 'thumb-a', '{}', 'valid', "
    "'[]', NULL, 0, 'owner', '::1', 1000)",
    "INSERT INTO accounts VALUES (NULL, 'b', 'r', 'web', 'thumb-b', '{}', "
    "'deactivated', '[]', 'https://a.test/', 7, NULL, NULL, 1001)",
    "INSERT INTO orders VALUES (NULL, 'o', 'a', '', '', 'default', "
    "'dns:a.test', "
    "'z', 0, 0, 1000, 5000, 2000, 'csr', NULL, NULL)",
    "INSERT INTO orders VALUES (NULL, 'p', 'a', '', '', 'default', "
    "'dns:a.test', "
    "'z', 0, 0, 1000, 5000, 2000, 'csr', 'c', NULL)",
    "INSERT INTO authzs VALUES ('z', 'a', '', '', 'dns', 'a.test', 0, 'valid', "
    "'token', 'http-01', 'http-01', 1100, 'thumb-a', NULL, 1200, 1000, 9000)",
    "INSERT INTO certs VALUES (NULL, 'c', 'serial-c', 'a', 'p', '', '', "
    "'default', "
    "'print', 'dns:a.test', 'spki', x'300030', 1000, 9000, 2001, 0, -1)",
    "INSERT INTO issuers VALUES ('print', 'key', 'automatic', 1, 'PEM', "
    "'CHAIN', 1, 2)",
    "INSERT INTO jobs VALUES ('j', 'issue', 'o', '{}', 1000, '', 0, 1000, 1, "
    "0)",
    "PRAGMA application_id = 1094929733",
    "PRAGMA user_version = 1",
    "PRAGMA journal_mode = WAL",
    NULL};

/* What these statements say, on a connection of its own. */
static void run(help_t *help, const char *const *statements)
{
    const apr_dbd_driver_t *driver;
    store_conn_t *conn;
    store_rows_t rows;
    int is_good = 1;

    is_int(apr_dbd_get_driver(help->pool, "sqlite3", &driver), APR_SUCCESS);
    conn = store_conn_make(driver);
    is_int(store_conn_open(conn, help->path), APR_SUCCESS);
    for (; is_good && *statements; statements++)
        is_good = ok(store_conn_text(&rows, conn, *statements, help->pool) ==
                         APR_SUCCESS,
                     "%s", *statements);
    store_conn_close(conn);
}

static void run_one(help_t *help, const char *statement)
{
    const char *const statements[] = {statement, NULL};

    run(help, statements);
}

/* A store on such a file that has not looked at it yet. */
static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(store_file_create(help->path), APR_SUCCESS);
    run(help, version_1);
    return help;
}

static apr_status_t schema_run(store_conn_t *conn, void *baton)
{
    store_rows_t *rows = baton;

    return store_conn_text(rows, conn,
                           "SELECT coalesce(sql, name) FROM sqlite_master "
                           "ORDER BY name",
                           rows->pool);
}

static const char *schema(help_t *help)
{
    store_rows_t rows = {.pool = help->pool};
    const char *text = "";

    is_int(store_read_with(help->store, schema_run, &rows), APR_SUCCESS);
    while (store_rows_next(&rows))
        text = apr_pstrcat(help->pool, text, store_rows_text(&rows, 0), "\n",
                           NULL);
    return text;
}

/* All rows are there and go on as if nothing had happened. */
static void goes_on(help_t *help)
{
    apr_pool_t *pool = help->pool;
    store_account_t *account;
    apr_array_header_t *rows;
    store_cert_t *cert;

    is_int(store_account_get(&account, help->store, "b", pool), APR_SUCCESS);
    need(account);
    is_str(account->terms_url, "https://a.test/");
    ok(!account->eab_kid && !account->eab_status);
    is_int(store_cert_get(&cert, help->store, "c", pool), APR_SUCCESS);
    need(cert);
    is_int(cert->der_len, 3);
    is_int(store_order_complete(help->store, "o", "j",
                                help_cert("d", "a", "o", pool), NULL, pool),
           APR_SUCCESS);
    is_int(store_order_list(&rows, help->store, "a", NULL, 9, pool),
           APR_SUCCESS);
    is_int(rows->nelts, 2);
}

/* And the new things work. */
static void is_new(help_t *help)
{
    apr_pool_t *pool = help->pool;
    store_account_t *account = help_account("n", pool);
    store_issuer_t issuer = {"issuer", "k", "n", 1, "P", "C", 1, 2};
    apr_array_header_t *findings;
    store_chain_t chain;
    int count;

    is_int(store_eab_create(help->store, help_eab("k", pool), NULL, pool),
           APR_SUCCESS);
    account->eab_kid = "k";
    is_int(store_account_create(NULL, help->store, account,
                                help_event("account", pool), pool),
           APR_SUCCESS);
    is_int(store_issuer_ensure(help->store, &issuer, NULL, pool), APR_SUCCESS);
    is_int(store_event_chain(&count, help->store, 9, NULL, NULL, pool),
           APR_SUCCESS);
    is_int(count, 1);
    is_int(store_event_verify(&chain, help->store, pool), APR_SUCCESS);
    ok(!chain.why && chain.count == 1);
    is_int(store_check(&findings, help->store, pool), APR_SUCCESS);
    ok(!findings->nelts, "%s",
       findings->nelts ? APR_ARRAY_IDX(findings, 0, const char *) : "");
    is_int(help_lines(help, "AS0250"), 0);
}

static const char *newest(apr_pool_t *pool)
{
    return apr_psprintf(pool, "AS0252 the database has schema %d now",
                        store_schema_version());
}

static void by_reader(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    goes_on(help);
    is_int(help_lines(help, "AS0252"), 1);
    is_str(help_last(help), newest(pool));
    is_new(help);
}

static void by_writer(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(help_add(help, "c"), APR_SUCCESS);
    is_str(help_last(help), newest(pool));
    goes_on(help);
    is_new(help);
    is_int(help_lines(help, "AS0252"), 1);
}

static void same(apr_pool_t *pool)
{
    help_t *old = setup(pool), *fresh = help_make(pool);

    is_int(help_add(old, "x"), APR_SUCCESS);
    is_int(help_add(fresh, "x"), APR_SUCCESS);
    ok(strstr(schema(fresh), "accounts_of_eab"));
    is_str(schema(old), schema(fresh));
}

/* The last statement of the step fails: nothing of it stays. */
static void failed_step(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    run_one(help, "CREATE TABLE blocked (a)");
    ok(help_add(help, "c") != APR_SUCCESS);
    is_int(help_lines(help, "AS0250"), 1);
    ok(strstr(help_last(help), "blocked"), "%s", help_last(help));
    run_one(help, "CREATE TABLE eabs (a)"); /* it is not there */
    run_one(help, "DROP TABLE eabs");
    run_one(help, "DROP TABLE blocked");
    help_close(help);
    apr_array_clear(help->lines);
    help->store = help_open(help);
    goes_on(help);
    is_new(help);
}

static pid_t migrate(help_t *help)
{
    store_account_t *account;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        help->store = help_open(help);
        _exit(store_account_get(&account, help->store, "a", help->pool) !=
              APR_SUCCESS);
    }
    return child;
}

static void at_once(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    pid_t children[4];
    int i, status;

    help_close(help);
    for (i = 0; i < 4; i++)
        children[i] = migrate(help);
    for (i = 0; i < 4; i++) {
        waitpid(children[i], &status, 0);
        is_int(status, 0);
    }
    help->store = help_open(help);
    goes_on(help);
    is_new(help);
    is_int(help_lines(help, "AS0252"), 0);
}

static void killed(apr_pool_t *pool)
{
    int i;

    for (i = 0; i < 12; i++) {
        help_t *help = setup(pool);
        pid_t child;

        help_close(help);
        child = migrate(help);
        apr_sleep(i * 1000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        help->store = help_open(help);
        goes_on(help);
        is_new(help);
        help_close(help);
    }
}

const tap_case_t tap_cases[] = {
    {"a database of version 1 is migrated by the first reader", by_reader},
    {"or by the first writer", by_writer},
    {"and is then like one that was made anew", same},
    {"a step that fails leaves nothing behind", failed_step},
    {"four processes at once", at_once},
    {"kill -9 at any moment", killed},
    {NULL, NULL}};
