/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_cut.h"

#include <apr_strings.h>

#include "store/store_rows.h"

#include "base/banned.h"

#define BATCH 500

const char *store_cut_detail(apr_int64_t cut_id, const char *cut_hash,
                             apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "{\"lastId\":%" APR_INT64_T_FMT ",\"lastHash\":\"%s\"}",
                        cut_id, cut_hash);
}

typedef struct {
    apr_int64_t cut_id;
    const char *cut_hash;
    store_event_t event;
} cut_t;

/* Only forward, and never beyond what is chained. */
static const store_sql_t sql_cut = {
    STORE_SQL_CUT, "UPDATE event_chain SET cut_id = %lld, cut_hash = %s "
                   "WHERE cut_id < %lld AND last_id >= %lld"};

static apr_status_t cut_run(store_conn_t *conn, void *baton)
{
    const cut_t *cut = baton;
    const void *args[] = {&cut->cut_id, cut->cut_hash, &cut->cut_id,
                          &cut->cut_id};
    apr_status_t rv = store_conn_claim(conn, &sql_cut, args);

    return rv == APR_SUCCESS ? store_event_insert(conn, &cut->event) : rv;
}

/* The last chained row up to this id, and how many rows there are up to it;
 * APR_ENOENT when the trail begins behind it already. */
static const store_sql_t sql_last = {
    STORE_SQL_CUT_LAST,
    "SELECT id, hash, (SELECT count(*) FROM events f WHERE f.id <= e.id) "
    "FROM events e WHERE hash IS NOT NULL AND id <= %lld "
    "AND id <= (SELECT last_id FROM event_chain) "
    "AND id > (SELECT cut_id FROM event_chain) ORDER BY id DESC LIMIT 1"};

static apr_status_t last_find(cut_t *cut, apr_int64_t *count, store_t *store,
                              apr_int64_t up_to, apr_pool_t *pool)
{
    const void *args[] = {&up_to};
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_last, args, pool);

    if (rv == APR_SUCCESS) {
        cut->cut_id = store_rows_int(&rows, 0);
        cut->cut_hash = store_rows_text(&rows, 1);
        *count = store_rows_int(&rows, 2);
    }
    return rv;
}

/* Rows before the beginning belong to nothing any more. */
static const store_sql_t sql_remove = {
    STORE_SQL_CUT_REMOVE,
    "DELETE FROM events WHERE id IN (SELECT id FROM events "
    "WHERE id <= (SELECT cut_id FROM event_chain) ORDER BY id LIMIT %d)"};

static apr_status_t remove_run(store_conn_t *conn, void *baton)
{
    int max = BATCH;
    const void *args[] = {&max};

    return store_conn_run(baton, conn, &sql_remove, args);
}

/* Those, too, that a run before this one left. */
static apr_status_t rows_remove(apr_int64_t *count, store_t *store,
                                const store_prune_t *prune)
{
    int changed = 0;
    apr_status_t rv;

    do {
        rv = store_write(store, STORE_RELAXED, remove_run, &changed);
        if (rv == APR_SUCCESS)
            *count += changed;
        if (rv == APR_SUCCESS && prune->pause)
            rv = prune->pause(prune->baton);
    } while (rv == APR_SUCCESS && changed == BATCH);
    return rv;
}

apr_status_t store_cut(apr_int64_t *count, store_t *store,
                       const store_prune_t *prune, apr_int64_t before,
                       apr_pool_t *pool)
{
    cut_t cut = {.event = {.at = prune->now,
                           .kind = STORE_PRUNE_CUT,
                           .who = prune->who}};
    apr_int64_t up_to, rows = 0;
    apr_status_t rv = store_event_before(&up_to, store, before, pool);

    if (rv == APR_SUCCESS)
        rv = last_find(&cut, &rows, store, up_to, pool);
    if (prune->is_dry) {
        *count = rows;
        return APR_STATUS_IS_ENOENT(rv) ? APR_SUCCESS : rv;
    }
    if (rv == APR_SUCCESS) {
        cut.event.detail = store_cut_detail(cut.cut_id, cut.cut_hash, pool);
        rv = store_write(store, STORE_DURABLE, cut_run, &cut);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv) &&
        !APR_STATUS_IS_EEXIST(rv))
        return rv;
    return rows_remove(count, store, prune);
}
