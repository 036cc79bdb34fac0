/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_prune.h"

#include <apr_strings.h>
#include <string.h>

#include "base/clock.h"
#include "base/token.h"
#include "store/store_cut.h"
#include "store/store_rows.h"

#include "base/banned.h"

/* Rows that are looked at, and at most removed, at a time: a millisecond or
 * a few. */
#define BATCH 50
/* The longest pause between two of them. */
#define PAUSE_MAX apr_time_from_msec(200)
/* Clocks go wrong, by a time zone, or for a while by years: so a walk ends when
 * it has met that many rows, one after the other, that are too young. */
#define SLACK     86400
#define YOUNG_MAX 5000

/* The authorizations that remaining orders name, as a Bloom filter: who is
 * not in it is named by none; one in some hundred stays for nothing, until the
 * next time, when the seed is another one. */
#define FILTER_BITS   (UINT32_C(1) << 24)
#define FILTER_HASHES 4

typedef struct {
    store_t *store;
    const store_prune_t *prune;
    unsigned char *filter;
    apr_uint64_t seed;
    apr_int64_t oldest; /* birth of the oldest order or certificate that
                           remains */
    int young;          /* the last rows met were */
    apr_pool_t *pool;   /* of one batch */
} walk_t;

static apr_uint64_t hash(const char *text, apr_size_t len, apr_uint64_t seed)
{
    apr_uint64_t value = seed;
    apr_size_t i;

    for (i = 0; i < len; i++)
        value = (value ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    value = (value ^ (value >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    return value ^ (value >> 33);
}

static apr_uint32_t bit_of(apr_uint64_t value, int i)
{
    return ((apr_uint32_t)value +
            (apr_uint32_t)i * (apr_uint32_t)(value >> 32 | 1)) %
           FILTER_BITS;
}

static void filter_add(walk_t *walk, const char *id, apr_size_t len)
{
    apr_uint64_t value = hash(id, len, walk->seed);
    int i;

    for (i = 0; i < FILTER_HASHES; i++) {
        apr_uint32_t bit = bit_of(value, i);

        walk->filter[bit / 8] |= (unsigned char)(1 << bit % 8);
    }
}

static int filter_has(const walk_t *walk, const char *id)
{
    apr_uint64_t value = hash(id, strlen(id), walk->seed);
    int i;

    for (i = 0; i < FILTER_HASHES; i++) {
        apr_uint32_t bit = bit_of(value, i);

        if (!(walk->filter[bit / 8] & 1 << bit % 8))
            return 0;
    }
    return 1;
}

/* "a b c" */
static void filter_add_all(walk_t *walk, const char *ids)
{
    while (*ids) {
        apr_size_t len = strcspn(ids, " ");

        filter_add(walk, ids, len);
        ids += len + (ids[len] == ' ');
    }
}

/* A table, and how it is walked: sql_page gives key, birth, whether the row is
 * over, and one thing more, in the order of birth, behind the last key. */
typedef struct {
    const store_sql_t *page, *remove;
    int is_text;       /* keys are ids */
    const char *first; /* before every key */
    int arg_count;     /* of the page, before the last key */
    const void *args[4];
    apr_int64_t before; /* what was born later cannot be over */
    int (*judge)(walk_t *walk, const store_rows_t *rows, int is_over);
    apr_int64_t *count;
} table_t;

enum { COL_KEY, COL_BIRTH, COL_IS_OVER, COL_MORE };

typedef struct {
    const table_t *table;
    apr_array_header_t *keys; /* of const char * */
} removal_t;

static apr_status_t removal_run(store_conn_t *conn, void *baton)
{
    const removal_t *removal = baton;
    apr_status_t rv = APR_SUCCESS;
    int i, changed;

    for (i = 0; rv == APR_SUCCESS && i < removal->keys->nelts; i++) {
        const char *key = APR_ARRAY_IDX(removal->keys, i, const char *);
        apr_int64_t number = apr_atoi64(key);
        const void *args[] = {removal->table->is_text ? (const void *)key
                                                      : &number};

        rv = store_conn_run(&changed, conn, removal->table->remove, args);
    }
    return rv;
}

/* *last: the key to go on behind; NULL: it is done. */
static apr_status_t page_read(apr_array_header_t *keys, const char **last,
                              walk_t *walk, const table_t *table)
{
    apr_int64_t number = apr_atoi64(*last);
    int max = BATCH, rows_seen = 0, i;
    const void *args[6];
    store_rows_t rows;
    apr_status_t rv;

    for (i = 0; i < table->arg_count; i++)
        args[i] = table->args[i];
    args[i++] = table->is_text ? (const void *)*last : &number;
    args[i] = &max;
    rv = store_read(&rows, walk->store, table->page, args, walk->pool);
    *last = NULL;
    while (rv == APR_SUCCESS && store_rows_next(&rows)) {
        *last = store_rows_text(&rows, COL_KEY);
        if (table->judge(walk, &rows, (int)store_rows_int(&rows, COL_IS_OVER)))
            APR_ARRAY_PUSH(keys, const char *) = *last;
        rows_seen++;
        walk->young++;
        if (store_rows_int(&rows, COL_BIRTH) <= table->before)
            walk->young = 0;
    }
    if (rows_seen < BATCH || walk->young > YOUNG_MAX)
        *last = NULL;
    return rv;
}

/* As long as this took, nothing is removed then: others have half of the time
 * for their own writes, and no certificate waits for more than one step. */
static apr_status_t remove_gently(walk_t *walk, removal_t *removal)
{
    apr_time_t start = clock_now(&clock_monotonic);
    apr_status_t rv =
        store_write(walk->store, STORE_RELAXED, removal_run, removal);
    apr_interval_time_t took = clock_now(&clock_monotonic) - start;

    apr_sleep(took < PAUSE_MAX ? took : PAUSE_MAX);
    return rv;
}

static apr_status_t batch_run(char *last, apr_size_t size, int *is_done,
                              walk_t *walk, const table_t *table)
{
    removal_t removal = {
        table, apr_array_make(walk->pool, BATCH, sizeof(const char *))};
    const char *key = last;
    apr_status_t rv = page_read(removal.keys, &key, walk, table);

    if (rv == APR_SUCCESS && removal.keys->nelts && !walk->prune->is_dry)
        rv = remove_gently(walk, &removal);
    if (rv != APR_SUCCESS)
        return rv;
    *table->count += removal.keys->nelts;
    *is_done = !key || strlen(key) >= size;
    if (!*is_done)
        apr_cpystrn(last, key, size);
    return walk->prune->pause ? walk->prune->pause(walk->prune->baton) : rv;
}

static apr_status_t table_walk(walk_t *walk, const table_t *table)
{
    char last[100];
    int is_done = 0;
    apr_status_t rv = APR_SUCCESS;

    walk->young = 0;
    apr_cpystrn(last, table->first, sizeof(last));
    while (rv == APR_SUCCESS && !is_done) {
        rv = batch_run(last, sizeof(last), &is_done, walk, table);
        apr_pool_clear(walk->pool);
    }
    return rv;
}

static void remains(walk_t *walk, const store_rows_t *rows)
{
    apr_int64_t birth = store_rows_int(rows, COL_BIRTH);

    if (birth < walk->oldest)
        walk->oldest = birth;
}

static int job_judge(walk_t *walk, const store_rows_t *rows, int is_over)
{
    return is_over;
}

/* A younger order cannot name an authorization that was over before. */
static int order_judge(walk_t *walk, const store_rows_t *rows, int is_over)
{
    if (!is_over &&
        store_rows_int(rows, COL_BIRTH) <= walk->prune->before + SLACK) {
        filter_add_all(walk, store_rows_text(rows, COL_MORE));
        remains(walk, rows);
    }
    return is_over;
}

static int authz_judge(walk_t *walk, const store_rows_t *rows, int is_over)
{
    return is_over && !filter_has(walk, store_rows_text(rows, COL_KEY));
}

static int cert_judge(walk_t *walk, const store_rows_t *rows, int is_over)
{
    if (!is_over)
        remains(walk, rows);
    return is_over;
}

/* What they were for is over, or not there at all. */
static const store_sql_t sql_jobs = {
    STORE_SQL_PRUNE_JOBS,
    "SELECT id, due_at, CASE WHEN ready_at < %lld AND due_at < %lld "
    "AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = subject "
    "AND o.expires_at >= %lld) AND NOT EXISTS (SELECT 1 FROM authzs a "
    "WHERE a.id = subject AND a.expires_at >= %lld) THEN 1 ELSE 0 END "
    "FROM jobs WHERE id > %s ORDER BY id LIMIT %d"};
static const store_sql_t sql_job_remove = {STORE_SQL_PRUNE_JOB_REMOVE,
                                           "DELETE FROM jobs WHERE id = %s"};

static const store_sql_t sql_orders = {
    STORE_SQL_PRUNE_ORDERS,
    "SELECT seq, created_at, CASE WHEN expires_at >= %lld THEN 0 "
    "WHEN cert_id IS NOT NULL AND EXISTS (SELECT 1 FROM certs c "
    "WHERE c.id = cert_id AND c.not_after >= %lld) THEN 0 "
    "WHEN cert_id IS NULL AND processing_since > 0 AND error IS NULL "
    "AND EXISTS (SELECT 1 FROM jobs j WHERE j.subject = orders.id) THEN 0 "
    "ELSE 1 END, authz_ids FROM orders WHERE seq > %lld ORDER BY seq LIMIT %d"};
static const store_sql_t sql_order_remove = {
    STORE_SQL_PRUNE_ORDER_REMOVE, "DELETE FROM orders WHERE seq = %lld"};

static const store_sql_t sql_authzs = {
    STORE_SQL_PRUNE_AUTHZS,
    "SELECT id, created_at, CASE WHEN expires_at < %lld "
    "AND (status <> 'pending' OR attempted IS NULL OR NOT EXISTS (SELECT 1 "
    "FROM jobs j WHERE j.subject = authzs.id)) THEN 1 ELSE 0 END "
    "FROM authzs WHERE id > %s ORDER BY id LIMIT %d"};
static const store_sql_t sql_authz_remove = {
    STORE_SQL_PRUNE_AUTHZ_REMOVE, "DELETE FROM authzs WHERE id = %s"};

static const store_sql_t sql_certs = {
    STORE_SQL_PRUNE_CERTS,
    "SELECT seq, issued_at, CASE WHEN not_after < %lld AND NOT EXISTS "
    "(SELECT 1 FROM orders o WHERE o.id = order_id "
    "AND o.expires_at >= %lld) THEN 1 ELSE 0 END FROM certs WHERE seq > %lld "
    "ORDER BY seq LIMIT %d"};
static const store_sql_t sql_cert_remove = {
    STORE_SQL_PRUNE_CERT_REMOVE, "DELETE FROM certs WHERE seq = %lld"};

static const store_sql_t sql_renewals = {
    STORE_SQL_PRUNE_RENEWALS,
    "SELECT number, created_at, created_at < %lld AND NOT EXISTS (SELECT 1 "
    "FROM renewal_certs rc JOIN certs c ON c.id = rc.cert_id "
    "WHERE rc.number = renewals.number AND c.not_after >= %lld) "
    "FROM renewals WHERE number > %lld ORDER BY number LIMIT %d"};
static const store_sql_t sql_renewal_remove = {
    STORE_SQL_PRUNE_RENEWAL_REMOVE, "DELETE FROM renewals WHERE number = %lld"};

static apr_int64_t least(apr_int64_t a, apr_int64_t b)
{
    return a < b ? a : b;
}

/* In this order: who refers goes before what is referred to. */
static apr_status_t tables_walk(walk_t *walk, store_pruned_t *pruned)
{
    const store_prune_t *p = walk->prune;
    const apr_int64_t *before = &p->before;
    apr_int64_t certs_before = least(p->certs_before, p->before);
    const table_t tables[] = {{&sql_jobs,
                               &sql_job_remove,
                               1,
                               "",
                               4,
                               {&p->now, before, before, before},
                               APR_INT64_MAX,
                               job_judge,
                               &pruned->jobs},
                              {&sql_orders,
                               &sql_order_remove,
                               0,
                               "0",
                               2,
                               {before, before},
                               p->before + SLACK,
                               order_judge,
                               &pruned->orders},
                              {&sql_authzs,
                               &sql_authz_remove,
                               1,
                               "",
                               1,
                               {before},
                               p->before + SLACK,
                               authz_judge,
                               &pruned->authzs},
                              {&sql_certs,
                               &sql_cert_remove,
                               0,
                               "0",
                               2,
                               {&certs_before, before},
                               certs_before + SLACK,
                               cert_judge,
                               &pruned->certs},
                              {&sql_renewals,
                               &sql_renewal_remove,
                               0,
                               "0",
                               2,
                               {before, &certs_before},
                               APR_INT64_MAX,
                               job_judge,
                               &pruned->renewals}};
    apr_status_t rv = APR_SUCCESS;
    size_t i;

    for (i = 0; rv == APR_SUCCESS && i < sizeof(tables) / sizeof(*tables); i++)
        rv = table_walk(walk, &tables[i]);
    return rv;
}

apr_status_t store_prune(store_pruned_t *pruned, store_t *store,
                         const store_prune_t *prune, apr_pool_t *pool)
{
    walk_t walk = {.store = store, .prune = prune};
    apr_pool_t *own;
    apr_status_t rv;

    memset(pruned, 0, sizeof(*pruned));
    apr_pool_create(&own, pool);
    apr_pool_create(&walk.pool, own);
    walk.filter = apr_pcalloc(own, FILTER_BITS / 8);
    token_bytes((unsigned char *)&walk.seed, sizeof(walk.seed));
    walk.oldest =
        least(prune->events_before, least(prune->before, prune->certs_before));
    rv = tables_walk(&walk, pruned);
    if (rv == APR_SUCCESS)
        rv = store_cut(&pruned->events, store, prune, walk.oldest, own);
    apr_pool_destroy(own);
    return rv;
}
