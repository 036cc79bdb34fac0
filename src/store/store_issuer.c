/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_issuer.h"

#include "store/store_rows.h"

#include "base/banned.h"

#define COLUMNS                                                                \
    "fingerprint, key_id, name, generation, cert_pem, chain_pem, not_before, " \
    "not_after"
enum {
    COL_FINGERPRINT,
    COL_KEY_ID,
    COL_NAME,
    COL_GENERATION,
    COL_CERT_PEM,
    COL_CHAIN_PEM,
    COL_NOT_BEFORE,
    COL_NOT_AFTER
};

static const store_sql_t sql_get = {STORE_SQL_ISSUER_GET,
                                    "SELECT " COLUMNS " FROM issuers "
                                    "WHERE fingerprint = %s"};

apr_status_t store_issuer_get(store_issuer_t **issuer, store_t *store,
                              const char *fingerprint, apr_pool_t *pool)
{
    const void *args[] = {fingerprint};
    store_rows_t rows;
    store_issuer_t *found;
    apr_status_t rv = store_read_one(&rows, store, &sql_get, args, pool);

    *issuer = NULL;
    if (rv != APR_SUCCESS)
        return rv;
    found = apr_palloc(pool, sizeof(*found));
    found->fingerprint = store_rows_text(&rows, COL_FINGERPRINT);
    found->key_id = store_rows_text(&rows, COL_KEY_ID);
    found->name = store_rows_text(&rows, COL_NAME);
    found->generation = (int)store_rows_int(&rows, COL_GENERATION);
    found->cert_pem = store_rows_text(&rows, COL_CERT_PEM);
    found->chain_pem = store_rows_text(&rows, COL_CHAIN_PEM);
    found->not_before = store_rows_int(&rows, COL_NOT_BEFORE);
    found->not_after = store_rows_int(&rows, COL_NOT_AFTER);
    *issuer = found;
    return APR_SUCCESS;
}

static const store_sql_t sql_insert = {
    STORE_SQL_ISSUER_INSERT,
    "INSERT INTO issuers (" COLUMNS ") "
    "VALUES (%s, %s, %s, %d, %s, %s, %lld, %lld) ON CONFLICT DO NOTHING"};

typedef struct {
    const store_issuer_t *issuer;
    const store_event_t *event;
} ensure_t;

static apr_status_t insert_run(store_conn_t *conn, void *baton)
{
    const ensure_t *ensure = baton;
    const store_issuer_t *i = ensure->issuer;
    const void *values[] = {i->fingerprint, i->key_id,    i->name,
                            &i->generation, i->cert_pem,  i->chain_pem,
                            &i->not_before, &i->not_after};
    int changed;
    apr_status_t rv = store_conn_run(&changed, conn, &sql_insert, values);

    if (rv != APR_SUCCESS || !changed)
        return rv;
    return store_event_insert(conn, ensure->event);
}

apr_status_t store_issuer_ensure(store_t *store, const store_issuer_t *issuer,
                                 const store_event_t *event, apr_pool_t *pool)
{
    ensure_t ensure = {issuer, event};
    store_issuer_t *existing;
    apr_status_t rv =
        store_issuer_get(&existing, store, issuer->fingerprint, pool);

    if (!APR_STATUS_IS_ENOENT(rv))
        return rv;
    return store_write(store, STORE_DURABLE, insert_run, &ensure);
}
