/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_rows.h"

#include "base/banned.h"

/* Partial indexes hold what waits and nothing else, so the cost is that of the
 * limits, whatever else an account has; no row is read. */
static const store_sql_t sql_waiting = {
    STORE_SQL_LIMIT_WAITING,
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM orders "
    "WHERE account_id = %s AND processing_since = 0 AND error IS NULL "
    "AND is_lost = 0 AND expires_at > %lld LIMIT %d) AS open), "
    "(SELECT count(*) FROM (SELECT 1 FROM authzs "
    "WHERE account_id = %s AND status = 'pending' "
    "AND expires_at > %lld LIMIT %d) AS pending)"};

apr_status_t store_limit_check(store_conn_t *conn, const store_room_t *room,
                               apr_pool_t *pool)
{
    const void *args[] = {room->account_id, &room->now, &room->max_orders,
                          room->account_id, &room->now, &room->max_authzs};
    store_rows_t rows;
    apr_status_t rv = store_conn_alone(conn, room->account_id);

    if (rv == APR_SUCCESS)
        rv = store_conn_select(&rows, conn, &sql_waiting, args, pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (!store_rows_next(&rows))
        return APR_EGENERAL;
    if (room->max_orders && store_rows_int(&rows, 0) >= room->max_orders)
        return STORE_FULL_ORDERS;
    if (room->max_authzs && room->authzs &&
        store_rows_int(&rows, 1) + room->authzs > room->max_authzs)
        return STORE_FULL_AUTHZS;
    return APR_SUCCESS;
}

static const store_sql_t sql_lose = {
    STORE_SQL_LIMIT_LOSE,
    "UPDATE orders SET is_lost = 1 "
    "WHERE id = (SELECT order_id FROM authzs WHERE id = %s)"};

apr_status_t store_limit_lose(store_conn_t *conn, const char *authz_id)
{
    const void *args[] = {authz_id};
    int changed;

    return store_conn_run(&changed, conn, &sql_lose, args);
}
