/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_crl.h"

#include "store/store_rows.h"

#include "base/banned.h"

#define COLUMNS                                                                \
    "issuer, number, this_update, next_update, revoked, entries, der"
enum {
    COL_ISSUER,
    COL_NUMBER,
    COL_THIS_UPDATE,
    COL_NEXT_UPDATE,
    COL_REVOKED,
    COL_ENTRIES,
    COL_DER
};

static const store_sql_t sql_get = {
    STORE_SQL_CRL_GET, "SELECT " COLUMNS " FROM crls WHERE issuer = %s"};

apr_status_t store_crl_get(store_crl_t **crl, store_t *store,
                           const char *issuer, apr_pool_t *pool)
{
    const void *args[] = {issuer};
    store_rows_t rows;
    store_crl_t *found;
    apr_status_t rv = store_read_one(&rows, store, &sql_get, args, pool);

    *crl = NULL;
    if (rv != APR_SUCCESS)
        return rv;
    found = apr_palloc(pool, sizeof(*found));
    found->issuer = store_rows_text(&rows, COL_ISSUER);
    found->number = store_rows_int(&rows, COL_NUMBER);
    found->this_update = store_rows_int(&rows, COL_THIS_UPDATE);
    found->next_update = store_rows_int(&rows, COL_NEXT_UPDATE);
    found->revoked = store_rows_int(&rows, COL_REVOKED);
    found->entries = store_rows_int(&rows, COL_ENTRIES);
    found->der = store_rows_blob(&found->der_len, &rows, COL_DER);
    *crl = found;
    return APR_SUCCESS;
}

static const store_sql_t sql_list = {
    STORE_SQL_CRL_LIST,
    "SELECT issuer, number, this_update, next_update, revoked, entries, name, "
    "generation FROM crls LEFT JOIN issuers ON fingerprint = issuer "
    "ORDER BY name, generation"};

apr_status_t store_crl_list(apr_array_header_t **heads, store_t *store,
                            apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_read(&rows, store, &sql_list, NULL, pool);

    *heads = apr_array_make(pool, 4, sizeof(store_crl_head_t *));
    while (rv == APR_SUCCESS && store_rows_next(&rows)) {
        store_crl_head_t *head = apr_pcalloc(pool, sizeof(*head));

        head->crl.issuer = store_rows_text(&rows, COL_ISSUER);
        head->crl.number = store_rows_int(&rows, COL_NUMBER);
        head->crl.this_update = store_rows_int(&rows, COL_THIS_UPDATE);
        head->crl.next_update = store_rows_int(&rows, COL_NEXT_UPDATE);
        head->crl.revoked = store_rows_int(&rows, COL_REVOKED);
        head->crl.entries = store_rows_int(&rows, COL_ENTRIES);
        head->name = store_rows_maybe(&rows, COL_ENTRIES + 1);
        head->generation = (int)store_rows_int(&rows, COL_ENTRIES + 2);
        APR_ARRAY_PUSH(*heads, store_crl_head_t *) = head;
    }
    return rv;
}

/* Fingerprints of the generations that have the key of this one; itself also
 * where nobody has written it down. */
#define TWINS                                                                  \
    "(SELECT b.fingerprint FROM issuers a JOIN issuers b "                     \
    "ON b.key_id = a.key_id WHERE a.fingerprint = %s UNION SELECT %s)"
#define REVOKED "certs WHERE revoked_at > 0 AND issuer IN " TWINS

static const store_sql_t sql_basis = {
    STORE_SQL_CRL_BASIS,
    "SELECT (SELECT coalesce(max(number), 0) FROM crls WHERE issuer IN " TWINS
    "), (SELECT count(*) FROM " REVOKED ")"};

static void basis_args(const void *args[4], const char *const *issuer)
{
    int i;

    for (i = 0; i < 4; i++)
        args[i] = *issuer;
}

static void basis_fill(store_crl_basis_t *basis, store_rows_t *rows)
{
    basis->number = store_rows_int(rows, 0);
    basis->revoked = store_rows_int(rows, 1);
    basis->list = NULL;
}

apr_status_t store_crl_look(store_crl_basis_t *basis, store_t *store,
                            const char *issuer, apr_pool_t *pool)
{
    const void *args[4];
    store_rows_t rows;
    apr_status_t rv;

    basis_args(args, &issuer);
    rv = store_read_one(&rows, store, &sql_basis, args, pool);
    if (rv == APR_SUCCESS)
        basis_fill(basis, &rows);
    return rv;
}

static const store_sql_t sql_revoked = {
    STORE_SQL_CRL_REVOKED,
    "SELECT serial, revoked_at, revoked_reason FROM " REVOKED
    " AND not_after >= %lld"};

/* After the count: so what is counted is in the list, and store_crl_set sees
 * whether there is more. */
apr_status_t store_crl_prepare(store_crl_basis_t *basis, store_t *store,
                               const char *issuer, apr_int64_t since,
                               apr_pool_t *pool)
{
    const void *args[] = {issuer, issuer, &since};
    store_rows_t rows;
    apr_status_t rv = store_crl_look(basis, store, issuer, pool);

    if (rv == APR_SUCCESS)
        rv = store_read(&rows, store, &sql_revoked, args, pool);
    if (rv != APR_SUCCESS)
        return rv;
    basis->list = apr_array_make(pool, 16, sizeof(store_revoked_t *));
    while (store_rows_next(&rows)) {
        store_revoked_t *one = apr_palloc(pool, sizeof(*one));

        one->serial = store_rows_text(&rows, 0);
        one->at = store_rows_int(&rows, 1);
        one->reason = (int)store_rows_int(&rows, 2);
        APR_ARRAY_PUSH(basis->list, store_revoked_t *) = one;
    }
    return APR_SUCCESS;
}

static const store_sql_t sql_put = {
    STORE_SQL_CRL_PUT, "INSERT INTO crls (" COLUMNS ") "
                       "VALUES (%s, %lld, %lld, %lld, %lld, %lld, %pDb) "
                       "ON CONFLICT (issuer) DO UPDATE SET "
                       "number = excluded.number, "
                       "this_update = excluded.this_update, "
                       "next_update = excluded.next_update, "
                       "revoked = excluded.revoked, "
                       "entries = excluded.entries, der = excluded.der"};

typedef struct {
    const store_crl_t *crl;
    const store_event_t *event;
    apr_pool_t *pool;
} set_t;

static apr_status_t set_run(store_conn_t *conn, void *baton)
{
    const set_t *set = baton;
    const store_crl_t *c = set->crl;
    const void *values[] = {
        c->issuer,   &c->number,  &c->this_update, &c->next_update,
        &c->revoked, &c->entries, c->der,          &c->der_len,
        NULL, /* table and column, for drivers */
        NULL};
    const void *args[4];
    store_crl_basis_t basis = {0};
    store_rows_t rows;
    apr_status_t rv;
    int changed;

    basis_args(args, &c->issuer);
    rv = store_conn_select(&rows, conn, &sql_basis, args, set->pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (store_rows_next(&rows))
        basis_fill(&basis, &rows);
    if (c->number != basis.number + 1 || c->revoked != basis.revoked)
        return APR_EEXIST;
    rv = store_conn_run(&changed, conn, &sql_put, values);
    return rv == APR_SUCCESS ? store_event_insert(conn, set->event) : rv;
}

apr_status_t store_crl_set(store_t *store, const store_crl_t *crl,
                           const store_event_t *event, apr_pool_t *pool)
{
    set_t set = {crl, event, pool};

    return store_write(store, STORE_DURABLE, set_run, &set);
}
