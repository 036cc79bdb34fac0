/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_event.h"

#include <apr_strings.h>

#include "store/store_rows.h"

#include "base/banned.h"

/* How many events are in memory at a time; those that have no ids yet are read
 * at once, since they get some meanwhile. */
#define PAGE     500
#define PAGE_ALL 1000000

#define COLUMNS                                                                \
    "at, kind, account_id, order_id, authz_id, cert_id, eab_kid, who, ip, "    \
    "detail"
enum {
    COL_AT,
    COL_KIND,
    COL_ACCOUNT_ID,
    COL_ORDER_ID,
    COL_AUTHZ_ID,
    COL_CERT_ID,
    COL_EAB_KID,
    COL_WHO,
    COL_IP,
    COL_DETAIL,
    COL_ID,
    COL_HASH
};

/* SQLite gives the greatest id plus one, and writers come one by one: no
 * gaps; for PostgreSQL see STORE_EVENT_WAITING. */
static const store_sql_t sql_insert = {
    STORE_SQL_EVENT_INSERT,
    "INSERT INTO events (" COLUMNS ") "
    "VALUES (%lld, %s, %s, %s, %s, %s, %s, %s, %s, %s)"};

apr_status_t store_event_insert(store_conn_t *conn, const store_event_t *event)
{
    int changed;

    if (!event)
        return APR_SUCCESS;
    return store_conn_run(
        &changed, conn, &sql_insert,
        (const void *[]){&event->at, event->kind, event->account_id,
                         event->order_id, event->authz_id, event->cert_id,
                         event->eab_kid, event->who, event->ip, event->detail});
}

static apr_status_t add_run(store_conn_t *conn, void *baton)
{
    return store_event_insert(conn, baton);
}

apr_status_t store_event_add(store_t *store, const store_event_t *event,
                             int is_durable, apr_pool_t *pool)
{
    return store_write(store, is_durable ? STORE_DURABLE : STORE_RELAXED,
                       add_run, (void *)event);
}

static void event_fill(store_event_t *event, const store_rows_t *rows)
{
    event->id = store_rows_int(rows, COL_ID);
    event->at = store_rows_int(rows, COL_AT);
    event->kind = store_rows_text(rows, COL_KIND);
    event->account_id = store_rows_maybe(rows, COL_ACCOUNT_ID);
    event->order_id = store_rows_maybe(rows, COL_ORDER_ID);
    event->authz_id = store_rows_maybe(rows, COL_AUTHZ_ID);
    event->cert_id = store_rows_maybe(rows, COL_CERT_ID);
    event->eab_kid = store_rows_maybe(rows, COL_EAB_KID);
    event->who = store_rows_maybe(rows, COL_WHO);
    event->ip = store_rows_maybe(rows, COL_IP);
    event->detail = store_rows_maybe(rows, COL_DETAIL);
    event->hash = store_rows_maybe(rows, COL_HASH);
}

static const store_sql_t sql_page = {STORE_SQL_EVENT_PAGE,
                                     "SELECT " COLUMNS
                                     ", id, hash FROM events WHERE id > %lld "
                                     "ORDER BY id LIMIT %d"};

apr_status_t store_event_page(apr_array_header_t **events, store_t *store,
                              apr_int64_t after, int max, apr_pool_t *pool)
{
    const void *args[] = {&after, &max};
    store_rows_t rows;
    apr_status_t rv = store_read(&rows, store, &sql_page, args, pool);

    *events = apr_array_make(pool, 16, sizeof(store_event_t));
    while (rv == APR_SUCCESS && store_rows_next(&rows)) {
        store_event_t *event = apr_array_push(*events);

        event->prev = NULL;
        event_fill(event, &rows);
    }
    return rv;
}

/* The hash that came before what follows `after`; "" when that has none yet.
 * What is before the trail's beginning may still lie about. */
static const store_sql_t sql_prev = {
    STORE_SQL_EVENT_PREV,
    "SELECT CASE WHEN cut_id >= %lld THEN cut_hash ELSE coalesce((SELECT hash "
    "FROM events WHERE id = %lld), '') END, cut_id FROM event_chain"};

/* *after becomes the place where the trail begins if that is later. */
static apr_status_t prev_get(char *prev, store_t *store, apr_int64_t *after,
                             apr_pool_t *pool)
{
    const void *args[] = {after, after};
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_prev, args, pool);

    if (rv != APR_SUCCESS)
        return rv;
    apr_cpystrn(prev, store_rows_text(&rows, 0), STORE_HASH_LEN + 1);
    if (*after < store_rows_int(&rows, 1))
        *after = store_rows_int(&rows, 1);
    return rv;
}

/* *after becomes the last one's; not APR_SUCCESS also from fn. */
static apr_status_t page_walk(apr_int64_t *after, char *prev,
                              apr_array_header_t *events, store_event_fn fn,
                              void *baton, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; rv == APR_SUCCESS && i < events->nelts; i++) {
        store_event_t *event = &APR_ARRAY_IDX(events, i, store_event_t);

        *after = event->id;
        if (event->id >= STORE_EVENT_WAITING)
            event->id = 0;
        /* An event may be chained while its forerunner's page is read. */
        event->prev = event->hash && *prev ? apr_pstrdup(pool, prev) : NULL;
        rv = fn(baton, event, pool);
        apr_cpystrn(prev, event->hash ? event->hash : "", STORE_HASH_LEN + 1);
    }
    return rv;
}

/* *is_last: it ends with events that have no ids yet. */
static apr_status_t page_read(apr_array_header_t **events, int *is_last,
                              store_t *store, apr_int64_t after,
                              apr_pool_t *pool)
{
    apr_status_t rv = store_event_page(events, store, after, PAGE, pool);
    int count = (*events)->nelts;

    *is_last = rv == APR_SUCCESS && count &&
               APR_ARRAY_IDX(*events, count - 1, store_event_t).id >=
                   STORE_EVENT_WAITING;
    return *is_last ? store_event_page(events, store, after, PAGE_ALL, pool)
                    : rv;
}

apr_status_t store_event_walk(store_t *store, apr_int64_t after,
                              store_event_fn fn, void *baton, apr_pool_t *pool)
{
    char prev[STORE_HASH_LEN + 1];
    apr_array_header_t *events;
    apr_pool_t *page;
    apr_status_t rv;
    int is_last = 0;

    apr_pool_create(&page, pool);
    rv = prev_get(prev, store, &after, page);
    while (rv == APR_SUCCESS && !is_last) {
        rv = page_read(&events, &is_last, store, after, page);
        if (rv != APR_SUCCESS || !events->nelts)
            break;
        rv = page_walk(&after, prev, events, fn, baton, page);
        apr_pool_clear(page);
    }
    apr_pool_destroy(page);
    return rv;
}

/* The first event from this id on. */
static const store_sql_t sql_from = {STORE_SQL_EVENT_FROM,
                                     "SELECT id, at FROM events "
                                     "WHERE id >= %lld AND " STORE_SQL_NUMBERED
                                     " ORDER BY id LIMIT 1"};
static const store_sql_t sql_bounds = {
    STORE_SQL_EVENT_BOUNDS,
    "SELECT (SELECT min(id) FROM events WHERE " STORE_SQL_NUMBERED
    "), (SELECT max(id) FROM events WHERE " STORE_SQL_NUMBERED ")"};

/* Halving: every id below low is before at, none from high on. */
apr_status_t store_event_before(apr_int64_t *after, store_t *store,
                                apr_int64_t at, apr_pool_t *pool)
{
    apr_int64_t low, high, middle;
    const void *args[] = {&middle};
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_bounds, NULL, pool);

    *after = 0;
    if (rv != APR_SUCCESS)
        return rv;
    low = store_rows_int(&rows, 0);
    high = store_rows_int(&rows, 1) + 1;
    while (low < high) {
        middle = low + (high - low) / 2;
        rv = store_read_one(&rows, store, &sql_from, args, pool);
        if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
            return rv;
        if (rv != APR_SUCCESS || store_rows_int(&rows, 1) >= at)
            high = middle;
        else
            low = store_rows_int(&rows, 0) + 1;
    }
    *after = low > 0 ? low - 1 : 0;
    return APR_SUCCESS;
}
