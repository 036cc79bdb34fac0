/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_crl.h"

#include <apr_strings.h>

#include "store/store_rows.h"

#include "base/banned.h"

/* Revoked certificates that are read at a time. */
#define PAGE 1000

#define HEAD    "issuer, number, this_update, next_update, revision, entries"
#define COLUMNS HEAD ", der"
enum {
    COL_ISSUER,
    COL_NUMBER,
    COL_THIS_UPDATE,
    COL_NEXT_UPDATE,
    COL_REVISION,
    COL_ENTRIES,
    COL_DER
};

/* All but its octets. */
static void crl_fill(store_crl_t *crl, const store_rows_t *rows)
{
    crl->issuer = store_rows_text(rows, COL_ISSUER);
    crl->number = store_rows_int(rows, COL_NUMBER);
    crl->this_update = store_rows_int(rows, COL_THIS_UPDATE);
    crl->next_update = store_rows_int(rows, COL_NEXT_UPDATE);
    crl->revision = store_rows_int(rows, COL_REVISION);
    crl->entries = store_rows_int(rows, COL_ENTRIES);
}

static apr_status_t crl_read(store_crl_t **crl, store_rows_t *rows,
                             store_t *store, const store_sql_t *sql,
                             const char *issuer, apr_pool_t *pool)
{
    const void *args[] = {issuer};
    apr_status_t rv = store_read_one(rows, store, sql, args, pool);

    *crl = NULL;
    if (rv != APR_SUCCESS)
        return rv;
    *crl = apr_pcalloc(pool, sizeof(**crl));
    crl_fill(*crl, rows);
    return APR_SUCCESS;
}

static const store_sql_t sql_head = {
    STORE_SQL_CRL_HEAD, "SELECT " HEAD " FROM crls WHERE issuer = %s"};

apr_status_t store_crl_get_head(store_crl_t **crl, store_t *store,
                                const char *issuer, apr_pool_t *pool)
{
    store_rows_t rows;

    return crl_read(crl, &rows, store, &sql_head, issuer, pool);
}

static const store_sql_t sql_get = {
    STORE_SQL_CRL_GET, "SELECT " COLUMNS " FROM crls WHERE issuer = %s"};

apr_status_t store_crl_get(store_crl_t **crl, store_t *store,
                           const char *issuer, apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = crl_read(crl, &rows, store, &sql_get, issuer, pool);

    if (rv == APR_SUCCESS)
        (*crl)->der = store_rows_blob(&(*crl)->der_len, &rows, COL_DER);
    return rv;
}

static void *head_make(const store_rows_t *rows)
{
    store_crl_head_t *head = apr_pcalloc(rows->pool, sizeof(*head));

    crl_fill(&head->crl, rows);
    head->name = store_rows_maybe(rows, COL_ENTRIES + 1);
    head->generation = (int)store_rows_int(rows, COL_ENTRIES + 2);
    return head;
}

static const store_sql_t sql_list = {
    STORE_SQL_CRL_LIST,
    "SELECT " HEAD
    ", name, generation FROM crls LEFT JOIN issuers ON fingerprint = issuer "
    "ORDER BY name NULLS FIRST, generation"};

apr_status_t store_crl_list(apr_array_header_t **heads, store_t *store,
                            apr_pool_t *pool)
{
    return store_read_list(heads, store, &sql_list, NULL, head_make, pool);
}

/* Fingerprints of the generations that have the key of this one; itself also
 * where nobody has written it down. */
#define TWINS                                                                  \
    "(SELECT b.fingerprint FROM issuers a JOIN issuers b "                     \
    "ON b.key_id = a.key_id WHERE a.fingerprint = %s UNION SELECT %s)"

static const store_sql_t sql_basis = {
    STORE_SQL_CRL_BASIS,
    "SELECT (SELECT coalesce(max(number), 0) FROM crls WHERE issuer IN " TWINS
    "), (SELECT coalesce(sum(revision), 0) FROM crl_revisions "
    "WHERE issuer IN " TWINS
    "), (SELECT coalesce(max(revision), 0) FROM crls WHERE issuer IN " TWINS
    ")"};
#define BASIS_ARGS 6

static void basis_args(const void *args[BASIS_ARGS], const char *const *issuer)
{
    int i;

    for (i = 0; i < BASIS_ARGS; i++)
        args[i] = *issuer;
}

static void basis_fill(store_crl_basis_t *basis, store_rows_t *rows)
{
    basis->number = store_rows_int(rows, 0);
    basis->revision = store_rows_int(rows, 1);
    basis->listed = store_rows_int(rows, 2);
    basis->list = NULL;
}

apr_status_t store_crl_look(store_crl_basis_t *basis, store_t *store,
                            const char *issuer, apr_pool_t *pool)
{
    const void *args[BASIS_ARGS];
    store_rows_t rows;
    apr_status_t rv;

    basis_args(args, &issuer);
    rv = store_read_one(&rows, store, &sql_basis, args, pool);
    if (rv == APR_SUCCESS)
        basis_fill(basis, &rows);
    return rv;
}

static const store_sql_t sql_twins = {
    STORE_SQL_CRL_TWINS, "SELECT fingerprint FROM " TWINS " picked"};

/* In the order of the index: so a page is read where the last one ended. */
static const store_sql_t sql_revoked = {
    STORE_SQL_CRL_REVOKED,
    "SELECT seq, serial, revoked_at, revoked_reason FROM certs "
    "WHERE revoked_at > 0 AND issuer = %s AND seq > %lld "
    "AND not_after >= %lld ORDER BY seq LIMIT %d"};

/* A million of them are read in pages, since the driver's rows are ten times as
 * large as what is wanted of them. */
static apr_status_t revoked_page(store_crl_basis_t *basis, apr_int64_t *last,
                                 store_t *store, const void *args[4],
                                 apr_pool_t *pool, apr_pool_t *page_pool)
{
    store_rows_t rows;
    apr_status_t rv = store_read(&rows, store, &sql_revoked, args, page_pool);

    *last = 0;
    while (rv == APR_SUCCESS && store_rows_next(&rows)) {
        store_revoked_t *one = apr_palloc(pool, sizeof(*one));

        *last = store_rows_int(&rows, 0);
        one->serial = apr_pstrdup(pool, store_rows_text(&rows, 1));
        one->at = store_rows_int(&rows, 2);
        one->reason = (int)store_rows_int(&rows, 3);
        APR_ARRAY_PUSH(basis->list, store_revoked_t *) = one;
    }
    return rv;
}

static apr_status_t revoked_read(store_crl_basis_t *basis, store_t *store,
                                 const char *issuer, apr_int64_t since,
                                 apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *page_pool;
    apr_int64_t last = 0;
    int max = PAGE;

    apr_pool_create(&page_pool, pool);
    do {
        const void *args[] = {issuer, &last, &since, &max};

        apr_pool_clear(page_pool);
        rv = revoked_page(basis, &last, store, args, pool, page_pool);
    } while (rv == APR_SUCCESS && last);
    apr_pool_destroy(page_pool);
    return rv;
}

/* After the revision: so the list has what that stands for, and perhaps more.
 */
apr_status_t store_crl_prepare(store_crl_basis_t *basis, store_t *store,
                               const char *issuer, apr_int64_t since,
                               apr_pool_t *pool)
{
    const void *args[] = {issuer, issuer};
    store_rows_t rows;
    apr_status_t rv = store_crl_look(basis, store, issuer, pool);

    if (rv == APR_SUCCESS)
        rv = store_read(&rows, store, &sql_twins, args, pool);
    basis->list = apr_array_make(pool, 16, sizeof(store_revoked_t *));
    while (rv == APR_SUCCESS && store_rows_next(&rows))
        rv = revoked_read(basis, store, store_rows_text(&rows, 0), since, pool);
    return rv;
}

static const store_sql_t sql_put = {
    STORE_SQL_CRL_PUT, "INSERT INTO crls (" COLUMNS ") "
                       "VALUES (%s, %lld, %lld, %lld, %lld, %lld, %pDb) "
                       "ON CONFLICT (issuer) DO UPDATE SET "
                       "number = excluded.number, "
                       "this_update = excluded.this_update, "
                       "next_update = excluded.next_update, "
                       "revision = excluded.revision, "
                       "entries = excluded.entries, der = excluded.der"};

/* Whoever writes a list, says that one is due, or that nothing is, decides by
 * what the others have written. */
#define ALONE "crl"

typedef struct {
    const store_crl_t *crl;
    const store_event_t *event;
    apr_pool_t *pool;
} set_t;

static apr_status_t basis_read(store_crl_basis_t *basis, store_conn_t *conn,
                               const char *issuer, apr_pool_t *pool)
{
    const void *args[BASIS_ARGS];
    store_rows_t rows;
    apr_status_t rv;

    basis_args(args, &issuer);
    rv = store_conn_select(&rows, conn, &sql_basis, args, pool);
    if (rv == APR_SUCCESS && store_rows_next(&rows))
        basis_fill(basis, &rows);
    return rv;
}

static apr_status_t set_run(store_conn_t *conn, void *baton)
{
    const set_t *set = baton;
    const store_crl_t *c = set->crl;
    const void *values[] = {
        c->issuer,    &c->number,  &c->this_update, &c->next_update,
        &c->revision, &c->entries, c->der,          &c->der_len,
        NULL, /* table and column, for drivers */
        NULL};
    store_crl_basis_t basis = {0};
    apr_status_t rv = store_conn_alone(conn, ALONE);
    int changed;

    if (rv == APR_SUCCESS)
        rv = basis_read(&basis, conn, c->issuer, set->pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (c->number <= basis.number || c->revision < basis.listed)
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

static const store_sql_t sql_revise = {
    STORE_SQL_CRL_REVISE,
    "INSERT INTO crl_revisions (issuer, revision) VALUES (%s, 1) "
    "ON CONFLICT (issuer) DO UPDATE SET "
    "revision = crl_revisions.revision + 1"};

apr_status_t store_crl_due(store_conn_t *conn, const char *issuer,
                           const store_job_t *job)
{
    const void *args[] = {issuer};
    store_job_t due = *job;
    int changed;
    apr_status_t rv = store_conn_alone(conn, ALONE);

    if (rv == APR_SUCCESS)
        rv = store_conn_run(&changed, conn, &sql_revise, args);
    due.subject = issuer;
    return rv == APR_SUCCESS ? store_job_insert_single(conn, &due) : rv;
}

typedef struct {
    const char *job_id, *issuer;
    apr_int64_t revision;
    apr_pool_t *pool;
} done_t;

static apr_status_t done_run(store_conn_t *conn, void *baton)
{
    const done_t *done = baton;
    store_crl_basis_t basis = {0};
    apr_status_t rv = store_conn_alone(conn, ALONE);

    if (rv == APR_SUCCESS)
        rv = basis_read(&basis, conn, done->issuer, done->pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (basis.revision != done->revision)
        return APR_EEXIST;
    return store_job_remove(conn, done->job_id);
}

apr_status_t store_crl_done(store_t *store, const char *job_id,
                            const char *issuer, apr_int64_t revision,
                            apr_pool_t *pool)
{
    done_t done = {job_id, issuer, revision, pool};

    return store_write(store, STORE_RELAXED, done_run, &done);
}
