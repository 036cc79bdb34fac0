/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_cert.h"

#include "store/store_rows.h"

#include "base/banned.h"

#define OLDER STORE_SQL_OLDER("certs")
#define COLUMNS                                                                \
    "id, serial, account_id, order_id, realm, directory, profile, issuer, "    \
    "identifiers, spki_sha256, der, not_before, not_after, issued_at, "        \
    "revoked_at, revoked_reason"
#define MORE ", replacing, replaced_by, replaced_at"
enum {
    COL_ID,
    COL_SERIAL,
    COL_ACCOUNT_ID,
    COL_ORDER_ID,
    COL_REALM,
    COL_DIRECTORY,
    COL_PROFILE,
    COL_ISSUER,
    COL_IDENTIFIERS,
    COL_SPKI_SHA256,
    COL_DER,
    COL_NOT_BEFORE,
    COL_NOT_AFTER,
    COL_ISSUED_AT,
    COL_REVOKED_AT,
    COL_REVOKED_REASON,
    COL_REPLACING,
    COL_REPLACED_BY,
    COL_REPLACED_AT
};

static void *cert_make(const store_rows_t *rows)
{
    store_cert_t *cert = apr_palloc(rows->pool, sizeof(*cert));

    cert->id = store_rows_text(rows, COL_ID);
    cert->serial = store_rows_text(rows, COL_SERIAL);
    cert->account_id = store_rows_maybe(rows, COL_ACCOUNT_ID);
    cert->order_id = store_rows_maybe(rows, COL_ORDER_ID);
    cert->realm = store_rows_text(rows, COL_REALM);
    cert->directory = store_rows_text(rows, COL_DIRECTORY);
    cert->profile = store_rows_text(rows, COL_PROFILE);
    cert->issuer = store_rows_text(rows, COL_ISSUER);
    cert->identifiers = store_rows_text(rows, COL_IDENTIFIERS);
    cert->spki_sha256 = store_rows_text(rows, COL_SPKI_SHA256);
    cert->der = store_rows_blob(&cert->der_len, rows, COL_DER);
    cert->not_before = store_rows_int(rows, COL_NOT_BEFORE);
    cert->not_after = store_rows_int(rows, COL_NOT_AFTER);
    cert->issued_at = store_rows_int(rows, COL_ISSUED_AT);
    cert->revoked_at = store_rows_int(rows, COL_REVOKED_AT);
    cert->revoked_reason = (int)store_rows_int(rows, COL_REVOKED_REASON);
    cert->replacing = store_rows_maybe(rows, COL_REPLACING);
    cert->replaced_by = store_rows_maybe(rows, COL_REPLACED_BY);
    cert->replaced_at = store_rows_int(rows, COL_REPLACED_AT);
    return cert;
}

static const store_sql_t sql_insert = {
    STORE_SQL_CERT_INSERT,
    "INSERT INTO certs (" COLUMNS ") "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, "
    "%s, %s, %pDb, %lld, %lld, %lld, %lld, %d) ON CONFLICT DO NOTHING"};

apr_status_t store_cert_insert(store_conn_t *conn, const store_cert_t *c)
{
    const void *values[] = {
        c->id,          c->serial,         c->account_id, c->order_id,
        c->realm,       c->directory,      c->profile,    c->issuer,
        c->identifiers, c->spki_sha256,    c->der,        &c->der_len,
        NULL, /* table and column, for drivers that want them */
        NULL,           &c->not_before,    &c->not_after, &c->issued_at,
        &c->revoked_at, &c->revoked_reason};

    return store_conn_claim(conn, &sql_insert, values);
}

/* Whoever has read that the order before is invalid may have read it while
 * somebody finalized it. */
static const store_sql_t sql_replace = {
    STORE_SQL_CERT_REPLACE,
    "UPDATE certs SET replacing = %s WHERE id = %s AND replaced_at = 0 "
    "AND (replacing IS NULL OR (replacing = %s AND NOT EXISTS (SELECT 1 "
    "FROM orders o WHERE o.id = replacing AND o.processing_since > 0 "
    "AND o.error IS NULL)))"};

apr_status_t store_cert_replace(store_conn_t *conn, const store_order_t *order)
{
    const void *args[] = {order->id, order->replaces_cert, order->after};

    return store_conn_claim(conn, &sql_replace, args);
}

static const store_sql_t sql_replaced = {
    STORE_SQL_CERT_REPLACED,
    "UPDATE certs SET replaced_by = %s, replaced_at = %lld WHERE id = "
    "(SELECT replaces_cert FROM orders WHERE id = %s) AND replacing = %s"};

apr_status_t store_cert_replaced(store_conn_t *conn, const store_cert_t *cert)
{
    const void *args[] = {cert->id, &cert->issued_at, cert->order_id,
                          cert->order_id};
    int changed;

    return store_conn_run(&changed, conn, &sql_replaced, args);
}

static apr_status_t cert_get(store_cert_t **cert, store_t *store,
                             const store_sql_t *sql, const void **args,
                             apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, sql, args, pool);

    *cert = rv == APR_SUCCESS ? cert_make(&rows) : NULL;
    return rv;
}

static const store_sql_t sql_get = {
    STORE_SQL_CERT_GET, "SELECT " COLUMNS MORE " FROM certs WHERE id = %s"};

apr_status_t store_cert_get(store_cert_t **cert, store_t *store, const char *id,
                            apr_pool_t *pool)
{
    const void *args[] = {id};

    return cert_get(cert, store, &sql_get, args, pool);
}

static const store_sql_t sql_get_by_serial = {STORE_SQL_CERT_GET_BY_SERIAL,
                                              "SELECT " COLUMNS MORE
                                              " FROM certs WHERE serial = %s"};

apr_status_t store_cert_get_by_serial(store_cert_t **cert, store_t *store,
                                      const char *serial, apr_pool_t *pool)
{
    const void *args[] = {serial};

    return cert_get(cert, store, &sql_get_by_serial, args, pool);
}

static const store_sql_t sql_get_vhost = {
    STORE_SQL_CERT_GET_VHOST,
    "SELECT " COLUMNS MORE " FROM certs "
    "WHERE identifiers = %s AND spki_sha256 = %s AND order_id IS NULL "
    "ORDER BY seq DESC LIMIT 1"};

apr_status_t store_cert_get_vhost(store_cert_t **cert, store_t *store,
                                  const char *identifiers,
                                  const char *spki_sha256, apr_pool_t *pool)
{
    const void *args[] = {identifiers, spki_sha256};

    return cert_get(cert, store, &sql_get_vhost, args, pool);
}

typedef struct {
    const store_cert_t *cert;
    const store_event_t *event;
} add_t;

static apr_status_t add_run(store_conn_t *conn, void *baton)
{
    const add_t *add = baton;
    apr_status_t rv = store_cert_insert(conn, add->cert);

    return rv == APR_SUCCESS ? store_event_insert(conn, add->event) : rv;
}

apr_status_t store_cert_add(store_t *store, const store_cert_t *cert,
                            const store_event_t *event, apr_pool_t *pool)
{
    add_t add = {cert, event};

    return store_write(store, STORE_DURABLE, add_run, &add);
}

static const store_sql_t sql_list = {STORE_SQL_CERT_LIST,
                                     "SELECT " COLUMNS MORE " FROM certs "
                                     "WHERE account_id = %s AND " OLDER
                                     "ORDER BY seq DESC LIMIT %d"};

static const store_sql_t sql_list_all = {
    STORE_SQL_CERT_LIST_ALL, "SELECT " COLUMNS MORE " FROM certs "
                             "WHERE " OLDER "ORDER BY seq DESC LIMIT %d"};

apr_status_t store_cert_list(apr_array_header_t **certs, store_t *store,
                             const char *account_id, const char *before,
                             int limit, apr_pool_t *pool)
{
    const void *args[] = {account_id, before, before, before, &limit};

    return store_read_list(certs, store, account_id ? &sql_list : &sql_list_all,
                           account_id ? args : args + 1, cert_make, pool);
}

static const store_sql_t sql_choose = {
    STORE_SQL_CERT_CHOOSE,
    "SELECT " COLUMNS MORE " FROM certs "
    "WHERE seq > coalesce((SELECT seq FROM certs WHERE id = %s), 0) "
    "AND account_id IS NOT NULL AND not_after > %lld AND revoked_at = 0 "
    "AND replaced_at = 0 AND (%s IS NULL OR account_id = %s) "
    "AND (%s IS NULL OR account_id IN (SELECT id FROM accounts "
    "WHERE eab_kid = %s)) "
    "AND (%s IS NULL OR profile = %s) AND (%s IS NULL OR spki_sha256 = %s) "
    "AND (%s IS NULL OR issuer = %s OR issuer IN "
    "(SELECT fingerprint FROM issuers WHERE name = %s)) "
    "AND (%d = 0 OR spki_sha256 IN (SELECT spki_sha256 FROM blocked)) "
    "ORDER BY seq LIMIT %d"};

apr_status_t store_cert_choose(apr_array_header_t **certs, store_t *store,
                               const store_choice_t *choice, const char *after,
                               int limit, apr_pool_t *pool)
{
    const void *args[] = {after,
                          &choice->now,
                          choice->account_id,
                          choice->account_id,
                          choice->eab_kid,
                          choice->eab_kid,
                          choice->profile,
                          choice->profile,
                          choice->spki_sha256,
                          choice->spki_sha256,
                          choice->issuer,
                          choice->issuer,
                          choice->issuer,
                          &choice->is_blocked,
                          &limit};

    return store_read_list(certs, store, &sql_choose, args, cert_make, pool);
}
