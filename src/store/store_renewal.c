/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_renewal.h"

#include "store/store_rows.h"

#include "base/banned.h"

static const store_sql_t sql_insert = {
    STORE_SQL_RENEWAL_INSERT,
    "INSERT INTO renewals (selection, window_start, window_end, url, who, "
    "created_at, last_seq, begun_at, cancelled_at) SELECT %s, %lld, %lld, %s, "
    "%s, %lld, coalesce(max(seq), 0), 0, 0 FROM certs RETURNING number"};

typedef struct {
    store_renewal_t *renewal;
    apr_pool_t *pool;
} add_t;

static apr_status_t add_run(store_conn_t *conn, void *baton)
{
    const add_t *add = baton;
    store_renewal_t *r = add->renewal;
    const void *values[] = {r->selection, &r->start, &r->end,
                            r->url,       r->who,    &r->created_at};
    store_rows_t rows;
    apr_status_t rv =
        store_conn_select(&rows, conn, &sql_insert, values, add->pool);

    if (rv == APR_SUCCESS && store_rows_next(&rows))
        r->number = store_rows_int(&rows, 0);
    return rv;
}

apr_status_t store_renewal_add(store_t *store, store_renewal_t *renewal,
                               apr_pool_t *pool)
{
    add_t add = {renewal, pool};

    return store_write(store, STORE_RELAXED, add_run, &add);
}

static const store_sql_t sql_cert_insert = {
    STORE_SQL_RENEWAL_CERT_INSERT,
    "INSERT INTO renewal_certs (cert_id, number) "
    "SELECT id, %lld FROM certs WHERE id = %s ON CONFLICT DO NOTHING"};

typedef struct {
    apr_int64_t number;
    const apr_array_header_t *cert_ids;
} add_certs_t;

static apr_status_t add_certs_run(store_conn_t *conn, void *baton)
{
    const add_certs_t *add = baton;
    apr_status_t rv = APR_SUCCESS;
    int i, changed;

    for (i = 0; rv == APR_SUCCESS && i < add->cert_ids->nelts; i++) {
        const void *args[] = {&add->number,
                              APR_ARRAY_IDX(add->cert_ids, i, const char *)};

        rv = store_conn_run(&changed, conn, &sql_cert_insert, args);
    }
    return rv;
}

apr_status_t store_renewal_add_certs(store_t *store, apr_int64_t number,
                                     const apr_array_header_t *cert_ids,
                                     apr_pool_t *pool)
{
    add_certs_t add = {number, cert_ids};

    return store_write(store, STORE_RELAXED, add_certs_run, &add);
}

typedef struct {
    const store_sql_t *sql;
    apr_int64_t number, now;
    const store_event_t *event;
} change_t;

static apr_status_t change_run(store_conn_t *conn, void *baton)
{
    const change_t *change = baton;
    const void *args[] = {&change->now, &change->number};
    apr_status_t rv = store_conn_claim(conn, change->sql, args);

    return rv == APR_SUCCESS ? store_event_insert(conn, change->event) : rv;
}

static const store_sql_t sql_begin = {
    STORE_SQL_RENEWAL_BEGIN,
    "UPDATE renewals SET begun_at = %lld WHERE number = %lld AND begun_at = 0"};

apr_status_t store_renewal_begin(store_t *store, apr_int64_t number,
                                 apr_int64_t now, const store_event_t *event,
                                 apr_pool_t *pool)
{
    change_t change = {&sql_begin, number, now, event};

    return store_write(store, STORE_DURABLE, change_run, &change);
}

static const store_sql_t sql_cancel = {
    STORE_SQL_RENEWAL_CANCEL, "UPDATE renewals SET cancelled_at = %lld "
                              "WHERE number = %lld AND begun_at > 0 "
                              "AND cancelled_at = 0"};

apr_status_t store_renewal_cancel(store_t *store, apr_int64_t number,
                                  apr_int64_t now, const store_event_t *event,
                                  apr_pool_t *pool)
{
    change_t change = {&sql_cancel, number, now, event};
    store_renewal_t *renewal;
    apr_status_t rv = store_renewal_get(&renewal, store, number, pool);

    if (rv != APR_SUCCESS)
        return rv;
    return store_write(store, STORE_DURABLE, change_run, &change);
}

/* Who renews without saying so is found by its names: the first certificate of
 * the account for them that was not there before.  length(): so that SQLite
 * begins at that seq, and does not walk through the accounts' index. */
#define LATER                                                                  \
    "later AS MATERIALIZED (SELECT account_id, identifiers, min(seq) AS seq "  \
    "FROM certs WHERE length(account_id) > 0 AND seq > "                       \
    "(SELECT last_seq FROM renewals WHERE number = %lld) "                     \
    "GROUP BY account_id, identifiers) "

#define COLUMNS                                                                \
    "number, selection, window_start, window_end, url, who, created_at, "      \
    "cancelled_at"
enum {
    COL_NUMBER,
    COL_SELECTION,
    COL_START,
    COL_END,
    COL_URL,
    COL_WHO,
    COL_CREATED_AT,
    COL_CANCELLED_AT,
    COL_CERTS,
    COL_REPLACED
};

static store_renewal_t *renewal_make(const store_rows_t *rows, int has_counts)
{
    store_renewal_t *renewal = apr_pcalloc(rows->pool, sizeof(*renewal));

    renewal->number = store_rows_int(rows, COL_NUMBER);
    renewal->selection = store_rows_text(rows, COL_SELECTION);
    renewal->start = store_rows_int(rows, COL_START);
    renewal->end = store_rows_int(rows, COL_END);
    renewal->url = store_rows_maybe(rows, COL_URL);
    renewal->who = store_rows_maybe(rows, COL_WHO);
    renewal->created_at = store_rows_int(rows, COL_CREATED_AT);
    renewal->cancelled_at = store_rows_int(rows, COL_CANCELLED_AT);
    if (has_counts) {
        renewal->certs = store_rows_int(rows, COL_CERTS);
        renewal->replaced = store_rows_int(rows, COL_REPLACED);
    }
    return renewal;
}

static const store_sql_t sql_get = {
    STORE_SQL_RENEWAL_GET,
    "WITH " LATER "SELECT " COLUMNS
    ", (SELECT count(*) FROM renewal_certs rc WHERE rc.number = r.number), "
    "(SELECT count(*) FROM renewal_certs rc JOIN certs c ON c.id = rc.cert_id "
    "LEFT JOIN later l ON l.account_id = c.account_id "
    "AND l.identifiers = c.identifiers WHERE rc.number = r.number "
    "AND (c.replaced_at > 0 OR l.seq IS NOT NULL)) "
    "FROM renewals r WHERE number = %lld AND begun_at > 0"};

apr_status_t store_renewal_get(store_renewal_t **renewal, store_t *store,
                               apr_int64_t number, apr_pool_t *pool)
{
    const void *args[] = {&number, &number};
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_get, args, pool);

    *renewal = rv == APR_SUCCESS ? renewal_make(&rows, 1) : NULL;
    return rv;
}

static const store_sql_t sql_list = {
    STORE_SQL_RENEWAL_LIST,
    "SELECT number FROM renewals WHERE begun_at > 0 AND number < %lld "
    "ORDER BY number DESC LIMIT %d"};

apr_status_t store_renewal_list(apr_array_header_t **renewals, store_t *store,
                                apr_int64_t before, int limit, apr_pool_t *pool)
{
    apr_int64_t last = before ? before : APR_INT64_MAX;
    const void *args[] = {&last, &limit};
    store_renewal_t *renewal;
    store_rows_t rows;
    apr_status_t rv = store_read(&rows, store, &sql_list, args, pool);

    *renewals = apr_array_make(pool, 16, sizeof(store_renewal_t *));
    while (rv == APR_SUCCESS && store_rows_next(&rows)) {
        rv = store_renewal_get(&renewal, store, store_rows_int(&rows, 0), pool);
        if (rv == APR_SUCCESS)
            APR_ARRAY_PUSH(*renewals, store_renewal_t *) = renewal;
        else if (APR_STATUS_IS_ENOENT(rv))
            rv = APR_SUCCESS; /* gone meanwhile */
    }
    return rv;
}

static const store_sql_t sql_of_cert = {
    STORE_SQL_RENEWAL_OF_CERT,
    "SELECT " COLUMNS " FROM renewals WHERE begun_at > 0 AND cancelled_at = 0 "
    "AND number IN (SELECT number FROM renewal_certs WHERE cert_id = %s) "
    "ORDER BY window_end, number LIMIT 1"};

apr_status_t store_renewal_of_cert(store_renewal_t **renewal, store_t *store,
                                   const char *cert_id, apr_pool_t *pool)
{
    const void *args[] = {cert_id};
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_of_cert, args, pool);

    *renewal = rv == APR_SUCCESS ? renewal_make(&rows, 0) : NULL;
    return rv;
}

static const store_sql_t sql_certs = {
    STORE_SQL_RENEWAL_CERTS,
    "WITH " LATER
    "SELECT c.id, c.serial, c.account_id, c.identifiers, c.not_after, "
    "c.revoked_at, coalesce(c.replaced_by, n.id), "
    "coalesce(nullif(c.replaced_at, 0), n.issued_at, 0), "
    "c.replaced_at = 0 AND n.id IS NOT NULL, c.replacing "
    "FROM renewal_certs rc JOIN certs c ON c.id = rc.cert_id "
    "LEFT JOIN later l ON l.account_id = c.account_id "
    "AND l.identifiers = c.identifiers LEFT JOIN certs n ON n.seq = l.seq "
    "WHERE rc.number = %lld AND rc.cert_id > %s "
    "AND (%d = 0 OR (c.replaced_at = 0 AND l.seq IS NULL)) "
    "ORDER BY rc.cert_id LIMIT %d"};

static void *cert_make(const store_rows_t *rows)
{
    store_renewal_cert_t *cert = apr_palloc(rows->pool, sizeof(*cert));

    cert->cert_id = store_rows_text(rows, 0);
    cert->serial = store_rows_text(rows, 1);
    cert->account_id = store_rows_text(rows, 2);
    cert->identifiers = store_rows_text(rows, 3);
    cert->not_after = store_rows_int(rows, 4);
    cert->revoked_at = store_rows_int(rows, 5);
    cert->replaced_by = store_rows_maybe(rows, 6);
    cert->replaced_at = store_rows_int(rows, 7);
    cert->is_guess = (int)store_rows_int(rows, 8);
    cert->replacing = store_rows_maybe(rows, 9);
    return cert;
}

apr_status_t store_renewal_certs(apr_array_header_t **certs, store_t *store,
                                 apr_int64_t number, int is_open,
                                 const char *after, int limit, apr_pool_t *pool)
{
    const void *args[] = {&number, &number, after, &is_open, &limit};

    return store_read_list(certs, store, &sql_certs, args, cert_make, pool);
}
