/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_eab.h"

#include "store/store_rows.h"

#include "base/banned.h"

#define COLUMNS                                                                \
    "kid, realm, profile, name, secret, previous_secret, previous_until, "     \
    "allow, sources, expires_at, max_accounts, used_accounts, "                \
    "max_orders_per_day, orders_day, orders_count, skip_validation, status, "  \
    "owner, comment, created_at, updated_at"
enum {
    COL_KID,
    COL_REALM,
    COL_PROFILE,
    COL_NAME,
    COL_SECRET,
    COL_PREVIOUS_SECRET,
    COL_PREVIOUS_UNTIL,
    COL_ALLOW,
    COL_SOURCES,
    COL_EXPIRES_AT,
    COL_MAX_ACCOUNTS,
    COL_USED_ACCOUNTS,
    COL_MAX_ORDERS_PER_DAY,
    COL_ORDERS_DAY,
    COL_ORDERS_COUNT,
    COL_SKIP_VALIDATION,
    COL_STATUS,
    COL_OWNER,
    COL_COMMENT,
    COL_CREATED_AT,
    COL_UPDATED_AT
};

static void *eab_make(const store_rows_t *rows)
{
    store_eab_t *eab = apr_palloc(rows->pool, sizeof(*eab));

    eab->kid = store_rows_text(rows, COL_KID);
    eab->realm = store_rows_text(rows, COL_REALM);
    eab->profile = store_rows_text(rows, COL_PROFILE);
    eab->name = store_rows_text(rows, COL_NAME);
    eab->secret = store_rows_text(rows, COL_SECRET);
    eab->previous_secret = store_rows_maybe(rows, COL_PREVIOUS_SECRET);
    eab->previous_until = store_rows_int(rows, COL_PREVIOUS_UNTIL);
    eab->allow = store_rows_maybe(rows, COL_ALLOW);
    eab->sources = store_rows_maybe(rows, COL_SOURCES);
    eab->expires_at = store_rows_int(rows, COL_EXPIRES_AT);
    eab->max_accounts = store_rows_int(rows, COL_MAX_ACCOUNTS);
    eab->used_accounts = store_rows_int(rows, COL_USED_ACCOUNTS);
    eab->max_orders_per_day = store_rows_int(rows, COL_MAX_ORDERS_PER_DAY);
    eab->orders_day = store_rows_int(rows, COL_ORDERS_DAY);
    eab->orders_count = store_rows_int(rows, COL_ORDERS_COUNT);
    eab->skip_validation = (int)store_rows_int(rows, COL_SKIP_VALIDATION);
    eab->status = store_rows_text(rows, COL_STATUS);
    eab->owner = store_rows_maybe(rows, COL_OWNER);
    eab->comment = store_rows_maybe(rows, COL_COMMENT);
    eab->created_at = store_rows_int(rows, COL_CREATED_AT);
    eab->updated_at = store_rows_int(rows, COL_UPDATED_AT);
    return eab;
}

static const store_sql_t sql_insert = {
    STORE_SQL_EAB_INSERT,
    "INSERT INTO eabs (" COLUMNS ") "
    "VALUES (%s, %s, %s, %s, %s, %s, %lld, %s, %s, %lld, %lld, %lld, %lld, "
    "%lld, %lld, %d, %s, %s, %s, %lld, %lld) ON CONFLICT DO NOTHING"};

typedef struct {
    const store_eab_t *eab;
    const store_event_t *event;
} create_t;

static apr_status_t create_run(store_conn_t *conn, void *baton)
{
    const create_t *create = baton;
    const store_eab_t *e = create->eab;
    const void *values[] = {e->kid,
                            e->realm,
                            e->profile,
                            e->name,
                            e->secret,
                            e->previous_secret,
                            &e->previous_until,
                            e->allow,
                            e->sources,
                            &e->expires_at,
                            &e->max_accounts,
                            &e->used_accounts,
                            &e->max_orders_per_day,
                            &e->orders_day,
                            &e->orders_count,
                            &e->skip_validation,
                            e->status,
                            e->owner,
                            e->comment,
                            &e->created_at,
                            &e->updated_at};
    apr_status_t rv = store_conn_claim(conn, &sql_insert, values);

    return rv == APR_SUCCESS ? store_event_insert(conn, create->event) : rv;
}

apr_status_t store_eab_create(store_t *store, const store_eab_t *eab,
                              const store_event_t *event, apr_pool_t *pool)
{
    create_t create = {eab, event};

    return store_write(store, STORE_DURABLE, create_run, &create);
}

static const store_sql_t sql_get = {
    STORE_SQL_EAB_GET, "SELECT " COLUMNS " FROM eabs WHERE kid = %s"};

apr_status_t store_eab_get(store_eab_t **eab, store_t *store, const char *kid,
                           apr_pool_t *pool)
{
    const void *args[] = {kid};
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_get, args, pool);

    *eab = rv == APR_SUCCESS ? eab_make(&rows) : NULL;
    return rv;
}

/* Older than one that does not exist: none. */
static const store_sql_t sql_list = {
    STORE_SQL_EAB_LIST,
    "SELECT " COLUMNS " FROM eabs WHERE number < CASE WHEN %s = '' "
    "THEN 9223372036854775807 "
    "ELSE (SELECT b.number FROM eabs b WHERE b.kid = %s) END "
    "ORDER BY number DESC LIMIT %d"};

apr_status_t store_eab_list(apr_array_header_t **eabs, store_t *store,
                            const char *before, int limit, apr_pool_t *pool)
{
    const char *kid = before ? before : "";
    const void *args[] = {kid, kid, &limit};

    return store_read_list(eabs, store, &sql_list, args, eab_make, pool);
}

typedef struct {
    const store_sql_t *sql;
    const void **args;
    const store_event_t *event;
} change_t;

static apr_status_t change_run(store_conn_t *conn, void *baton)
{
    const change_t *change = baton;
    apr_status_t rv = store_conn_claim(conn, change->sql, change->args);

    if (rv != APR_SUCCESS)
        return rv;
    conn->is_noted = 1;
    return store_event_insert(conn, change->event);
}

static const store_sql_t sql_status_set = {
    STORE_SQL_EAB_STATUS_SET,
    "UPDATE eabs SET status = %s, updated_at = %lld "
    "WHERE kid = %s AND status <> %s AND status <> 'revoked'"};

apr_status_t store_eab_status_set(store_t *store, const char *kid,
                                  const char *status, apr_int64_t now,
                                  const store_event_t *event, apr_pool_t *pool)
{
    const void *args[] = {status, &now, kid, status};
    change_t change = {&sql_status_set, args, event};

    return store_write(store, STORE_DURABLE, change_run, &change);
}

static const store_sql_t sql_secret_set = {
    STORE_SQL_EAB_SECRET_SET,
    "UPDATE eabs SET secret = %s, previous_secret = %s, previous_until = %lld, "
    "updated_at = %lld "
    "WHERE kid = %s AND secret = %s AND status <> 'revoked'"};

apr_status_t store_eab_secret_set(store_t *store,
                                  const store_eab_secret_t *secret,
                                  apr_int64_t now, const store_event_t *event,
                                  apr_pool_t *pool)
{
    const void *args[] = {secret->secret,
                          secret->previous_secret,
                          &secret->previous_until,
                          &now,
                          secret->kid,
                          secret->was};
    change_t change = {&sql_secret_set, args, event};

    return store_write(store, STORE_DURABLE, change_run, &change);
}

/* The limit and the count in one statement: exactly max_accounts get in. */
static const store_sql_t sql_bind = {
    STORE_SQL_EAB_BIND,
    "UPDATE eabs SET used_accounts = used_accounts + 1 "
    "WHERE kid = %s AND status = 'valid' "
    "AND (max_accounts = 0 OR used_accounts < max_accounts) "
    "AND (expires_at = 0 OR expires_at > %lld)"};

apr_status_t store_eab_bind(store_conn_t *conn, const char *kid,
                            apr_int64_t now)
{
    const void *args[] = {kid, &now};
    apr_status_t rv = store_conn_claim(conn, &sql_bind, args);

    return APR_STATUS_IS_EEXIST(rv) ? STORE_BUDGET : rv;
}

/* A clock that goes back over midnight finds a later day: it counts there.  A
 * renewal that was asked for is none of them. */
static const store_sql_t sql_order = {
    STORE_SQL_EAB_ORDER,
    "UPDATE eabs SET orders_count = "
    "CASE WHEN orders_day < %lld THEN %lld ELSE orders_count + %lld END, "
    "orders_day = CASE WHEN orders_day < %lld THEN %lld ELSE orders_day END "
    "WHERE kid = %s AND status = 'valid' AND (%lld = 0 "
    "OR max_orders_per_day = 0 OR orders_day < %lld "
    "OR orders_count < max_orders_per_day)"};

apr_status_t store_eab_order(store_conn_t *conn, const char *kid, int is_due,
                             apr_int64_t now)
{
    apr_int64_t day = now / 86400, count = !is_due;
    const void *args[] = {&day, &count, &count, &day, &day, kid, &count, &day};
    apr_status_t rv = store_conn_claim(conn, &sql_order, args);

    return APR_STATUS_IS_EEXIST(rv) ? STORE_BUDGET : rv;
}
