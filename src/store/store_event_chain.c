/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_event.h"

#include <apr_strings.h>
#include <string.h>

#include "base/own.h"
#include "store/store_cut.h"
#include "store/store_rows.h"

#include "base/banned.h"

/* Where the chain begins and ends. */
typedef struct {
    apr_int64_t cut_id, last_id;
    const char *cut_hash, *last_hash;
    int is_behind; /* there are events beyond last_id */
} head_t;

static const store_sql_t sql_head = {
    STORE_SQL_EVENT_HEAD, "SELECT cut_id, cut_hash, last_id, last_hash, "
                          "(SELECT max(id) FROM events) "
                          "FROM event_chain"};

/* APR_ENOENT: somebody removed the row, of which there is always one. */
static apr_status_t head_get(head_t *head, store_t *store, apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_head, NULL, pool);

    if (rv != APR_SUCCESS)
        return rv;
    head->cut_id = store_rows_int(&rows, 0);
    head->cut_hash = store_rows_text(&rows, 1);
    head->last_id = store_rows_int(&rows, 2);
    head->last_hash = store_rows_text(&rows, 3);
    head->is_behind = store_rows_int(&rows, 4) > head->last_id;
    return APR_SUCCESS;
}

/* The algorithm is fetched once for many hashes. */
typedef struct {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
} hasher_t;

static apr_status_t hasher_free(void *data)
{
    EVP_MD_free(data);
    return APR_SUCCESS;
}

static int hasher_init(hasher_t *hasher, apr_pool_t *pool)
{
    hasher->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    hasher->ctx = own_md_ctx(pool, EVP_MD_CTX_new());
    if (hasher->md)
        apr_pool_cleanup_register(pool, hasher->md, hasher_free,
                                  apr_pool_cleanup_null);
    return hasher->md && hasher->ctx;
}

/* "5:alice,", or "-," for NULL */
static int text_add(hasher_t *hasher, const char *text)
{
    char len[32];
    apr_size_t size;

    if (!text)
        return EVP_DigestUpdate(hasher->ctx, "-,", 2);
    size = strlen(text);
    apr_snprintf(len, sizeof(len), "%" APR_SIZE_T_FMT ":", size);
    return EVP_DigestUpdate(hasher->ctx, len, strlen(len)) &&
           EVP_DigestUpdate(hasher->ctx, text, size) &&
           EVP_DigestUpdate(hasher->ctx, ",", 1);
}

static int number_add(hasher_t *hasher, apr_int64_t number)
{
    char text[32];

    apr_snprintf(text, sizeof(text), "%" APR_INT64_T_FMT, number);
    return text_add(hasher, text);
}

/* NULL: OpenSSL does not work. */
static const char *hash_make(hasher_t *hasher, const char *prev,
                             const store_event_t *e, apr_pool_t *pool)
{
    const char *const texts[] = {e->kind,     e->account_id, e->order_id,
                                 e->authz_id, e->cert_id,    e->eab_kid,
                                 e->who,      e->ip,         e->detail};
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[STORE_HASH_LEN / 2];
    char *hex = apr_palloc(pool, STORE_HASH_LEN + 1);
    apr_size_t i;
    int is_good = EVP_DigestInit_ex(hasher->ctx, hasher->md, NULL) &&
                  EVP_DigestUpdate(hasher->ctx, prev, strlen(prev)) &&
                  number_add(hasher, e->id) && number_add(hasher, e->at);

    for (i = 0; is_good && i < sizeof(texts) / sizeof(texts[0]); i++)
        is_good = text_add(hasher, texts[i]);
    if (!is_good || !EVP_DigestFinal_ex(hasher->ctx, digest, NULL))
        return NULL;
    for (i = 0; i < sizeof(digest); i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[STORE_HASH_LEN] = '\0';
    return hex;
}

typedef struct {
    const head_t *head;
    apr_array_header_t *events; /* of store_event_t, id and hash filled in */
    apr_int64_t *were;          /* their ids before */
} link_t;

/* The claim: whoever moves the end of the chain writes what he computed. */
static const store_sql_t sql_move = {
    STORE_SQL_EVENT_MOVE,
    "UPDATE event_chain SET last_id = %lld, last_hash = %s "
    "WHERE last_id = %lld AND last_hash = %s"};

static const store_sql_t sql_hash = {
    STORE_SQL_EVENT_HASH,
    "UPDATE events SET hash = %s WHERE id = %lld AND hash IS NULL"};
static const store_sql_t sql_number = {
    STORE_SQL_EVENT_NUMBER,
    "UPDATE events SET hash = %s, id = %lld WHERE id = %lld AND hash IS NULL"};

static apr_status_t hash_set(store_conn_t *conn, const store_event_t *event,
                             apr_int64_t was)
{
    const void *args[] = {event->hash, &event->id, &was};
    int changed;

    if (was == event->id)
        return store_conn_run(&changed, conn, &sql_hash, args);
    return store_conn_claim(conn, &sql_number, args);
}

static apr_status_t link_run(store_conn_t *conn, void *baton)
{
    const link_t *link = baton;
    const apr_array_header_t *events = link->events;
    const store_event_t *last =
        &APR_ARRAY_IDX(events, events->nelts - 1, store_event_t);
    const void *move[] = {&last->id, last->hash, &link->head->last_id,
                          link->head->last_hash};
    int i;
    apr_status_t rv = store_conn_claim(conn, &sql_move, move);

    for (i = 0; rv == APR_SUCCESS && i < events->nelts; i++)
        rv = hash_set(conn, &APR_ARRAY_IDX(events, i, store_event_t),
                      link->were[i]);
    return rv;
}

/* Committed events never change, so their hashes are computed before the
 * transaction. */
static apr_status_t events_hash(link_t *link, apr_pool_t *pool)
{
    const apr_array_header_t *events = link->events;
    const head_t *head = link->head;
    const char *prev = head->last_hash;
    hasher_t hasher;
    int i;

    if (!hasher_init(&hasher, pool))
        return APR_EGENERAL;
    link->were = apr_palloc(pool, sizeof(*link->were) * (size_t)events->nelts);
    for (i = 0; i < events->nelts; i++) {
        store_event_t *e = &APR_ARRAY_IDX(events, i, store_event_t);

        link->were[i] = e->id;
        if (e->id >= STORE_EVENT_WAITING)
            e->id = head->last_id + 1 + i;
        e->hash = hash_make(&hasher, prev, e, pool);
        if (!e->hash)
            return APR_EGENERAL;
        prev = e->hash;
    }
    return APR_SUCCESS;
}

static apr_status_t chain(apr_array_header_t **events, store_t *store, int max,
                          apr_pool_t *pool)
{
    head_t head;
    link_t link = {.head = &head};
    apr_status_t rv = head_get(&head, store, pool);

    if (rv != APR_SUCCESS || !head.is_behind)
        return APR_STATUS_IS_ENOENT(rv) ? APR_EGENERAL : rv;
    rv = store_event_page(&link.events, store, head.last_id, max, pool);
    if (rv != APR_SUCCESS || !link.events->nelts)
        return rv;
    rv = events_hash(&link, pool);
    if (rv == APR_SUCCESS)
        rv = store_write(store, STORE_RELAXED, link_run, &link);
    if (rv == APR_SUCCESS)
        *events = link.events;
    return APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv;
}

apr_status_t store_event_chain(int *count, store_t *store, int max,
                               store_event_fn fn, void *baton, apr_pool_t *pool)
{
    apr_array_header_t *events = NULL;
    apr_pool_t *own;
    apr_status_t rv;
    int i;

    apr_pool_create(&own, pool);
    rv = chain(&events, store, max, own);
    *count = events ? events->nelts : 0;
    for (i = 0; fn && rv == APR_SUCCESS && i < *count; i++)
        rv = fn(baton, &APR_ARRAY_IDX(events, i, store_event_t), own);
    apr_pool_destroy(own);
    return rv;
}

typedef struct {
    store_chain_t *chain;
    hasher_t hasher;
    head_t head;
    char prev[STORE_HASH_LEN + 1];
    apr_int64_t prev_id;
    int is_head_seen;
    const char *cut; /* what the event of the cut says; NULL: it was seen */
    apr_pool_t *pool;
} verify_t;

static apr_status_t broken(verify_t *verify, apr_int64_t id, const char *why)
{
    verify->chain->broken_id = id;
    verify->chain->why = why;
    return APR_EOF; /* ends the walk */
}

static apr_status_t chained_verify(verify_t *verify, const store_event_t *event,
                                   apr_pool_t *pool)
{
    const char *hash = hash_make(&verify->hasher, verify->prev, event, pool);

    if (!hash)
        return APR_EGENERAL;
    if (strcmp(hash, event->hash))
        return broken(verify, event->id,
                      "its hash does not fit: it, or the one before it, was "
                      "changed");
    apr_cpystrn(verify->prev, hash, sizeof(verify->prev));
    verify->chain->count++;
    verify->chain->last_id = event->id;
    if (event->id == verify->head.last_id)
        verify->is_head_seen = !strcmp(hash, verify->head.last_hash);
    return APR_SUCCESS;
}

static apr_status_t event_verify(void *baton, const store_event_t *event,
                                 apr_pool_t *pool)
{
    verify_t *verify = baton;
    apr_int64_t expected = verify->prev_id + 1;

    if (event->id && event->id != expected)
        return broken(verify, expected, "it is missing");
    if (event->id)
        verify->prev_id = event->id;
    if (verify->cut && event->detail && !strcmp(event->detail, verify->cut) &&
        !strcmp(event->kind, STORE_PRUNE_CUT))
        verify->cut = NULL;
    if (event->id && !event->hash && event->id <= verify->head.last_id)
        return broken(verify, event->id, "its hash is missing");
    if (event->hash && !verify->chain->waiting)
        return chained_verify(verify, event, pool);
    verify->chain->waiting++; /* or was chained a moment ago */
    return APR_SUCCESS;
}

/* Events may come, and be chained, while it runs. */
static apr_status_t verify_run(verify_t *verify, store_t *store)
{
    apr_status_t rv = head_get(&verify->head, store, verify->pool);

    if (APR_STATUS_IS_ENOENT(rv)) {
        verify->chain->why = "where it begins and ends was removed";
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS)
        return rv;
    apr_cpystrn(verify->prev, verify->head.cut_hash, sizeof(verify->prev));
    verify->prev_id = verify->head.cut_id;
    if (verify->head.cut_id > 0)
        verify->cut = store_cut_detail(verify->head.cut_id,
                                       verify->head.cut_hash, verify->pool);
    rv = store_event_walk(store, verify->head.cut_id, event_verify, verify,
                          verify->pool);
    if (rv == APR_SUCCESS && verify->head.last_id > verify->head.cut_id &&
        !verify->is_head_seen)
        broken(verify, verify->chain->last_id + 1,
               "the chain was longer: its end is missing or was replaced");
    else if (rv == APR_SUCCESS && verify->cut)
        broken(verify, verify->head.cut_id,
               "the trail is cut off behind it, and no event tells of that");
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

/* Rows that were cut off meanwhile are not missing. */
static int was_cut(const verify_t *verify, store_t *store)
{
    head_t head;

    return verify->chain->why && verify->head.last_hash &&
           head_get(&head, store, verify->pool) == APR_SUCCESS &&
           head.cut_id != verify->head.cut_id;
}

apr_status_t store_event_verify(store_chain_t *chain, store_t *store,
                                apr_pool_t *pool)
{
    verify_t verify;
    apr_status_t rv;

    do {
        memset(chain, 0, sizeof(*chain));
        memset(&verify, 0, sizeof(verify));
        verify.chain = chain;
        verify.pool = pool;
        if (!hasher_init(&verify.hasher, pool))
            return APR_EGENERAL;
        rv = verify_run(&verify, store);
    } while (rv == APR_SUCCESS && was_cut(&verify, store));
    chain->last_hash = apr_pstrdup(pool, verify.prev);
    return rv;
}
