/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_revoke.h"

#include <apr_strings.h>

#include "store/store_rows.h"

#include "base/banned.h"

#define KEY_COMPROMISE "1"

typedef struct {
    const store_revoke_t *revoke;
    apr_array_header_t *events;
    int is_late;
    apr_pool_t *pool;
} run_t;

static const store_sql_t sql_revoke = {
    STORE_SQL_CERT_REVOKE,
    "UPDATE certs SET revoked_at = %lld, revoked_reason = %d "
    "WHERE id = %s AND revoked_at = 0"};

static const store_sql_t sql_compromise = {
    STORE_SQL_CERT_COMPROMISE,
    "UPDATE certs SET revoked_reason = " KEY_COMPROMISE " WHERE id = %s "
    "AND revoked_at > 0 AND revoked_reason <> " KEY_COMPROMISE};

static const store_sql_t sql_accounts = {
    STORE_SQL_ACCOUNTS_OF_KEY,
    "SELECT id FROM accounts WHERE thumbprint = %s AND status = 'valid'"};

static const store_sql_t sql_account_revoke = {
    STORE_SQL_ACCOUNT_REVOKE, "UPDATE accounts SET status = 'revoked' "
                              "WHERE id = %s AND status = 'valid'"};

static apr_status_t event_write(store_conn_t *conn, const run_t *run,
                                const store_event_t *event)
{
    if (event)
        APR_ARRAY_PUSH(run->events, const store_event_t *) = event;
    return store_event_insert(conn, event);
}

static apr_status_t account_revoke(store_conn_t *conn, const run_t *run,
                                   const char *id)
{
    const void *args[] = {id};
    store_event_t *event;
    int changed;
    apr_status_t rv = store_conn_run(&changed, conn, &sql_account_revoke, args);

    conn->is_noted = 1;
    if (rv != APR_SUCCESS || !run->revoke->account_event)
        return rv;
    event = apr_pmemdup(run->pool, run->revoke->account_event, sizeof(*event));
    event->account_id = id;
    return event_write(conn, run, event);
}

static apr_status_t accounts_revoke(store_conn_t *conn, const run_t *run)
{
    const void *args[] = {run->revoke->thumbprint};
    store_rows_t rows = {0};
    apr_status_t rv;

    if (!run->revoke->thumbprint)
        return APR_SUCCESS;
    rv = store_conn_select(&rows, conn, &sql_accounts, args, run->pool);
    while (rv == APR_SUCCESS && store_rows_next(&rows))
        rv = account_revoke(conn, run, store_rows_text(&rows, 0));
    return rv;
}

static apr_status_t key_block(store_conn_t *conn, const run_t *run)
{
    int is_new;
    apr_status_t rv;

    if (!run->revoke->blocked)
        return APR_SUCCESS;
    rv = store_blocked_insert(&is_new, conn, run->revoke->blocked);
    if (rv == APR_SUCCESS && is_new)
        rv = event_write(conn, run, run->revoke->block_event);
    return rv == APR_SUCCESS ? accounts_revoke(conn, run) : rv;
}

/* 1 if the row is another one by now. */
static apr_status_t cert_change(int *changed, store_conn_t *conn, run_t *run)
{
    const store_revoke_t *revoke = run->revoke;
    const void *args[] = {&revoke->at, &revoke->reason, revoke->cert->id};
    const void *id[] = {revoke->cert->id};
    apr_status_t rv = store_conn_run(changed, conn, &sql_revoke, args);

    run->is_late = rv == APR_SUCCESS && !*changed;
    if (run->is_late && revoke->blocked)
        rv = store_conn_run(changed, conn, &sql_compromise, id);
    return rv;
}

static apr_status_t revoke_run(store_conn_t *conn, void *baton)
{
    run_t *run = baton;
    int changed;
    apr_status_t rv;

    apr_array_clear(run->events); /* of a try before this one */
    rv = cert_change(&changed, conn, run);
    if (rv == APR_SUCCESS && changed)
        rv = store_crl_due(conn, run->revoke->cert->issuer, run->revoke->job);
    if (rv == APR_SUCCESS && changed)
        rv = event_write(conn, run, run->revoke->event);
    return rv == APR_SUCCESS ? key_block(conn, run) : rv;
}

apr_status_t store_cert_revoke(apr_array_header_t **events, store_t *store,
                               const store_revoke_t *revoke, apr_pool_t *pool)
{
    run_t run = {revoke, apr_array_make(pool, 3, sizeof(store_event_t *)), 0,
                 pool};
    apr_status_t rv = store_write(store, STORE_DURABLE, revoke_run, &run);

    *events = run.events;
    if (rv != APR_SUCCESS)
        apr_array_clear(run.events);
    return rv == APR_SUCCESS && run.is_late ? APR_EEXIST : rv;
}
