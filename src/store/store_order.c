/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_order.h"

#include <string.h>

#include <apr_strings.h>

#include "store/store_rows.h"

#include "base/banned.h"

#define OLDER STORE_SQL_OLDER("orders")
#define COLUMNS                                                                \
    "id, account_id, realm, directory, profile, identifiers, authz_ids, "      \
    "not_before, not_after, created_at, expires_at, processing_since, "        \
    "csr_sha256, cert_id, error, replaces, replaces_cert"
enum {
    COL_ID,
    COL_ACCOUNT_ID,
    COL_REALM,
    COL_DIRECTORY,
    COL_PROFILE,
    COL_IDENTIFIERS,
    COL_AUTHZ_IDS,
    COL_NOT_BEFORE,
    COL_NOT_AFTER,
    COL_CREATED_AT,
    COL_EXPIRES_AT,
    COL_PROCESSING_SINCE,
    COL_CSR_SHA256,
    COL_CERT_ID,
    COL_ERROR,
    COL_REPLACES,
    COL_REPLACES_CERT
};

/* "a b c", in the row's own memory. */
static apr_array_header_t *ids_split(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *ids = apr_array_make(pool, 4, sizeof(const char *));
    char *last, *id = apr_strtok(apr_pstrdup(pool, text), " ", &last);

    for (; id; id = apr_strtok(NULL, " ", &last))
        APR_ARRAY_PUSH(ids, const char *) = id;
    return ids;
}

static void *order_make(const store_rows_t *rows)
{
    store_order_t *order = apr_palloc(rows->pool, sizeof(*order));

    order->id = store_rows_text(rows, COL_ID);
    order->account_id = store_rows_text(rows, COL_ACCOUNT_ID);
    order->realm = store_rows_text(rows, COL_REALM);
    order->directory = store_rows_text(rows, COL_DIRECTORY);
    order->profile = store_rows_text(rows, COL_PROFILE);
    order->identifiers = store_rows_text(rows, COL_IDENTIFIERS);
    order->authz_ids =
        ids_split(store_rows_text(rows, COL_AUTHZ_IDS), rows->pool);
    order->not_before = store_rows_int(rows, COL_NOT_BEFORE);
    order->not_after = store_rows_int(rows, COL_NOT_AFTER);
    order->created_at = store_rows_int(rows, COL_CREATED_AT);
    order->expires_at = store_rows_int(rows, COL_EXPIRES_AT);
    order->processing_since = store_rows_int(rows, COL_PROCESSING_SINCE);
    order->csr_sha256 = store_rows_maybe(rows, COL_CSR_SHA256);
    order->cert_id = store_rows_maybe(rows, COL_CERT_ID);
    order->error = store_rows_maybe(rows, COL_ERROR);
    order->replaces = store_rows_maybe(rows, COL_REPLACES);
    order->replaces_cert = store_rows_maybe(rows, COL_REPLACES_CERT);
    order->after = NULL;
    order->is_due = order->max_open = order->max_pending = 0;
    return order;
}

typedef struct {
    const store_order_t *order;
    const char *authz_ids, *eab_kid;
    const apr_array_header_t *new_authzs;
    const store_event_t *event;
    apr_pool_t *pool;
} create_t;

static const store_sql_t sql_insert = {
    STORE_SQL_ORDER_INSERT,
    "INSERT INTO orders (" COLUMNS ") "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, "
    "%lld, %lld, %lld, %lld, %lld, %s, %s, %s, %s, %s)"};

static apr_status_t order_insert(store_conn_t *conn, const create_t *create)
{
    const store_order_t *o = create->order;
    const void *values[] = {o->id,
                            o->account_id,
                            o->realm,
                            o->directory,
                            o->profile,
                            o->identifiers,
                            create->authz_ids,
                            &o->not_before,
                            &o->not_after,
                            &o->created_at,
                            &o->expires_at,
                            &o->processing_since,
                            o->csr_sha256,
                            o->cert_id,
                            o->error,
                            o->replaces,
                            o->replaces_cert};
    int changed;

    return store_conn_run(&changed, conn, &sql_insert, values);
}

static int pending_count(const apr_array_header_t *authzs)
{
    int i, count = 0;

    for (i = 0; i < authzs->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(authzs, i, const store_authz_t *)->status,
                    "pending"))
            count++;
    return count;
}

static apr_status_t room_check(store_conn_t *conn, const create_t *create)
{
    const store_order_t *o = create->order;
    store_room_t room = {o->account_id, o->created_at, o->max_open,
                         o->max_pending, pending_count(create->new_authzs)};

    return store_limit_check(conn, &room, create->pool);
}

static apr_status_t create_run(store_conn_t *conn, void *baton)
{
    const create_t *create = baton;
    apr_status_t rv = APR_SUCCESS;
    int i;

    if (create->order->max_open || create->order->max_pending)
        rv = room_check(conn, create);
    if (rv == APR_SUCCESS && create->eab_kid)
        rv = store_eab_order(conn, create->eab_kid, create->order->is_due,
                             create->order->created_at);
    if (rv == APR_SUCCESS && create->order->replaces_cert)
        rv = store_cert_replace(conn, create->order);
    if (rv == APR_SUCCESS)
        rv = order_insert(conn, create);
    for (i = 0; rv == APR_SUCCESS && i < create->new_authzs->nelts; i++)
        rv = store_authz_insert(
            conn, APR_ARRAY_IDX(create->new_authzs, i, store_authz_t *));
    return rv == APR_SUCCESS ? store_event_insert(conn, create->event) : rv;
}

apr_status_t store_order_create(store_t *store, const store_order_t *order,
                                const apr_array_header_t *new_authzs,
                                const char *eab_kid, const store_event_t *event,
                                apr_pool_t *pool)
{
    create_t create = {order,   apr_array_pstrcat(pool, order->authz_ids, ' '),
                       eab_kid, new_authzs,
                       event,   pool};

    return store_write(store, STORE_DURABLE, create_run, &create);
}

static const store_sql_t sql_get = {
    STORE_SQL_ORDER_GET, "SELECT " COLUMNS " FROM orders WHERE id = %s"};

apr_status_t store_order_get(store_order_t **order, store_t *store,
                             const char *id, apr_pool_t *pool)
{
    const void *args[] = {id};
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_get, args, pool);

    *order = rv == APR_SUCCESS ? order_make(&rows) : NULL;
    return rv;
}

typedef struct {
    const char *id, *csr_sha256, *cert_id;
    apr_int64_t now;
    const store_job_t *job; /* NULL: nothing is left to do */
    const store_event_t *event;
    apr_pool_t *pool;
} claim_t;

/* cert_id is NULL when the certificate is still to be made. */
static const store_sql_t sql_claim = {
    STORE_SQL_ORDER_CLAIM,
    "UPDATE orders SET processing_since = %lld, csr_sha256 = %s, cert_id = %s "
    "WHERE id = %s AND processing_since = 0 AND csr_sha256 IS NULL "
    "AND cert_id IS NULL AND error IS NULL AND EXISTS "
    "(SELECT 1 FROM accounts WHERE accounts.id = orders.account_id "
    "AND accounts.status = 'valid')"};

/* A deactivation may have come since the order was read. */
static apr_status_t authzs_check(store_conn_t *conn, const claim_t *claim)
{
    const void *args[] = {claim->id};
    const apr_array_header_t *ids;
    store_rows_t rows;
    apr_status_t rv =
        store_conn_select(&rows, conn, &sql_get, args, claim->pool);
    int i;

    if (rv != APR_SUCCESS || !store_rows_next(&rows))
        return rv;
    ids = ids_split(store_rows_text(&rows, COL_AUTHZ_IDS), claim->pool);
    for (i = 0; rv == APR_SUCCESS && i < ids->nelts; i++)
        rv = store_authz_valid(conn, APR_ARRAY_IDX(ids, i, const char *),
                               claim->now, claim->pool);
    return rv;
}

static apr_status_t claim_run(store_conn_t *conn, void *baton)
{
    const claim_t *claim = baton;
    const void *args[] = {&claim->now, claim->csr_sha256, claim->cert_id,
                          claim->id};
    apr_status_t rv = store_conn_claim(conn, &sql_claim, args);

    if (rv == APR_SUCCESS)
        rv = authzs_check(conn, claim);
    if (rv == APR_SUCCESS && claim->job)
        rv = store_job_insert(conn, claim->job);
    return rv == APR_SUCCESS ? store_event_insert(conn, claim->event) : rv;
}

apr_status_t store_order_claim(store_t *store, const char *id,
                               const char *csr_sha256, apr_int64_t now,
                               const store_job_t *job,
                               const store_event_t *event, apr_pool_t *pool)
{
    claim_t claim = {id, csr_sha256, NULL, now, job, event, pool};

    return store_write(store, STORE_DURABLE, claim_run, &claim);
}

typedef struct {
    const char *id, *job_id;
    const store_cert_t *cert; /* complete */
    const char *error;        /* fail */
    const store_event_t *event;
    int is_late;
    apr_pool_t *pool;
} end_t;

static const store_sql_t sql_complete = {
    STORE_SQL_ORDER_COMPLETE,
    "UPDATE orders SET cert_id = %s WHERE id = %s "
    "AND processing_since > 0 AND cert_id IS NULL AND error IS NULL"};

/* The certificate is the order's by now. */
static apr_status_t cert_add(store_conn_t *conn, const store_cert_t *cert,
                             const store_event_t *event)
{
    apr_status_t rv = store_cert_insert(conn, cert);

    if (rv == APR_SUCCESS)
        rv = store_cert_replaced(conn, cert);
    if (rv == APR_SUCCESS)
        rv = store_event_insert(conn, event);
    return APR_STATUS_IS_EEXIST(rv) ? APR_EGENERAL : rv;
}

static apr_status_t complete_run(store_conn_t *conn, void *baton)
{
    end_t *end = baton;
    const void *args[] = {end->cert->id, end->id};
    int changed = 0;
    apr_status_t rv =
        store_blocked_check(conn, end->cert->spki_sha256, end->pool);

    if (rv == APR_SUCCESS)
        rv = store_conn_run(&changed, conn, &sql_complete, args);
    if (rv == APR_SUCCESS) {
        end->is_late = !changed;
        rv = store_job_remove(conn, end->job_id);
    }
    return rv == APR_SUCCESS && changed ? cert_add(conn, end->cert, end->event)
                                        : rv;
}

apr_status_t store_order_complete(store_t *store, const char *id,
                                  const char *job_id, const store_cert_t *cert,
                                  const store_event_t *event, apr_pool_t *pool)
{
    end_t end = {id, job_id, cert, NULL, event, 0, pool};
    apr_status_t rv = store_write(store, STORE_DURABLE, complete_run, &end);

    return rv == APR_SUCCESS && end.is_late ? APR_EEXIST : rv;
}

typedef struct {
    claim_t claim;
    const store_cert_t *cert;
    const store_event_t *event;
} issue_t;

static apr_status_t issue_run(store_conn_t *conn, void *baton)
{
    issue_t *issue = baton;
    apr_status_t rv =
        store_blocked_check(conn, issue->cert->spki_sha256, issue->claim.pool);

    if (rv == APR_SUCCESS)
        rv = claim_run(conn, &issue->claim);
    return rv == APR_SUCCESS ? cert_add(conn, issue->cert, issue->event) : rv;
}

apr_status_t store_order_issue(store_t *store, const char *csr_sha256,
                               apr_int64_t now, const store_cert_t *cert,
                               const store_event_t *event,
                               const store_event_t *issued, apr_pool_t *pool)
{
    issue_t issue = {
        {cert->order_id, csr_sha256, cert->id, now, NULL, event, pool},
        cert,
        issued};

    return store_write(store, STORE_DURABLE, issue_run, &issue);
}

static const store_sql_t sql_fail = {
    STORE_SQL_ORDER_FAIL,
    "UPDATE orders SET error = %s WHERE id = %s "
    "AND processing_since > 0 AND cert_id IS NULL AND error IS NULL"};

static apr_status_t fail_run(store_conn_t *conn, void *baton)
{
    end_t *end = baton;
    const void *args[] = {end->error, end->id};
    int changed;
    apr_status_t rv = store_conn_run(&changed, conn, &sql_fail, args);

    if (rv != APR_SUCCESS)
        return rv;
    end->is_late = !changed;
    rv = store_job_remove(conn, end->job_id);
    if (rv == APR_SUCCESS && changed)
        rv = store_event_insert(conn, end->event);
    return rv;
}

apr_status_t store_order_fail(store_t *store, const char *id,
                              const char *job_id, const char *error,
                              const store_event_t *event, apr_pool_t *pool)
{
    end_t end = {id, job_id, NULL, error, event, 0, pool};
    apr_status_t rv = store_write(store, STORE_DURABLE, fail_run, &end);

    return rv == APR_SUCCESS && end.is_late ? APR_EEXIST : rv;
}

static const store_sql_t sql_list = {STORE_SQL_ORDER_LIST,
                                     "SELECT " COLUMNS " FROM orders "
                                     "WHERE account_id = %s AND " OLDER
                                     "ORDER BY seq DESC LIMIT %d"};

static const store_sql_t sql_list_all = {
    STORE_SQL_ORDER_LIST_ALL, "SELECT " COLUMNS " FROM orders "
                              "WHERE " OLDER "ORDER BY seq DESC LIMIT %d"};

apr_status_t store_order_list(apr_array_header_t **orders, store_t *store,
                              const char *account_id, const char *before,
                              int limit, apr_pool_t *pool)
{
    const void *args[] = {account_id, before, before, before, &limit};

    return store_read_list(orders, store,
                           account_id ? &sql_list : &sql_list_all,
                           account_id ? args : args + 1, order_make, pool);
}
