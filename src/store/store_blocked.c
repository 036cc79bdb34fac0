/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_blocked.h"

#include "store/store_rows.h"

#include "base/banned.h"

#define COLUMNS "spki_sha256, reason, at"
enum { COL_SPKI_SHA256, COL_REASON, COL_AT };

static const store_sql_t sql_insert = {
    STORE_SQL_BLOCKED_INSERT, "INSERT INTO blocked (" COLUMNS ") "
                              "VALUES (%s, %s, %lld) ON CONFLICT DO NOTHING"};

apr_status_t store_blocked_insert(int *is_new, store_conn_t *conn,
                                  const store_blocked_t *blocked)
{
    const void *values[] = {blocked->spki_sha256, blocked->reason,
                            &blocked->at};

    conn->is_noted = 1;
    return store_conn_run(is_new, conn, &sql_insert, values);
}

static const store_sql_t sql_get = {STORE_SQL_BLOCKED_GET,
                                    "SELECT " COLUMNS " FROM blocked "
                                    "WHERE spki_sha256 = %s"};

apr_status_t store_blocked_check(store_conn_t *conn, const char *spki_sha256,
                                 apr_pool_t *pool)
{
    const void *args[] = {spki_sha256};
    store_rows_t rows;
    apr_status_t rv = store_conn_select(&rows, conn, &sql_get, args, pool);

    return rv == APR_SUCCESS && store_rows_next(&rows) ? STORE_BLOCKED : rv;
}

static const store_sql_t sql_any = {STORE_SQL_BLOCKED_ANY,
                                    "SELECT 1 FROM blocked LIMIT 1"};

/* Most have none at all. */
static apr_status_t none_check(store_t *store, apr_pool_t *pool)
{
    store_kept_at_t at;
    store_rows_t rows;
    apr_status_t rv;

    if (store_kept_unblocked(&at, store->kept))
        return APR_ENOENT;
    if (!at.at)
        return APR_SUCCESS;
    rv = store_read_one(&rows, store, &sql_any, NULL, pool);
    if (APR_STATUS_IS_ENOENT(rv))
        store_kept_unblocked_put(store->kept, &at);
    return rv;
}

apr_status_t store_blocked_get(store_blocked_t **blocked, store_t *store,
                               const char *spki_sha256, apr_pool_t *pool)
{
    const void *args[] = {spki_sha256};
    store_rows_t rows;
    apr_status_t rv = none_check(store, pool);

    *blocked = NULL;
    if (rv == APR_SUCCESS)
        rv = store_read_one(&rows, store, &sql_get, args, pool);
    if (rv != APR_SUCCESS)
        return rv;
    *blocked = apr_palloc(pool, sizeof(**blocked));
    (*blocked)->spki_sha256 = store_rows_text(&rows, COL_SPKI_SHA256);
    (*blocked)->reason = store_rows_text(&rows, COL_REASON);
    (*blocked)->at = store_rows_int(&rows, COL_AT);
    return APR_SUCCESS;
}
