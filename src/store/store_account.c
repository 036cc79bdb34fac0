/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_account.h"

#include "store/store_rows.h"

#include "base/banned.h"

#define OLDER STORE_SQL_OLDER("accounts")
#define COLUMNS                                                                \
    "id, realm, directory, thumbprint, jwk, status, contact, terms_url, "      \
    "terms_agreed_at, owner, created_ip, created_at, eab_kid"
#define MORE                                                                   \
    ", prints, (SELECT eabs.status FROM eabs WHERE eabs.kid = "                \
    "accounts.eab_kid)"
enum {
    COL_ID,
    COL_REALM,
    COL_DIRECTORY,
    COL_THUMBPRINT,
    COL_JWK,
    COL_STATUS,
    COL_CONTACT,
    COL_TERMS_URL,
    COL_TERMS_AGREED_AT,
    COL_OWNER,
    COL_CREATED_IP,
    COL_CREATED_AT,
    COL_EAB_KID,
    COL_PRINTS,
    COL_EAB_STATUS
};

static void *account_make(const store_rows_t *rows)
{
    store_account_t *account = apr_palloc(rows->pool, sizeof(*account));

    account->id = store_rows_text(rows, COL_ID);
    account->realm = store_rows_text(rows, COL_REALM);
    account->directory = store_rows_text(rows, COL_DIRECTORY);
    account->thumbprint = store_rows_text(rows, COL_THUMBPRINT);
    account->jwk = store_rows_text(rows, COL_JWK);
    account->status = store_rows_text(rows, COL_STATUS);
    account->contact = store_rows_text(rows, COL_CONTACT);
    account->terms_url = store_rows_maybe(rows, COL_TERMS_URL);
    account->terms_agreed_at = store_rows_int(rows, COL_TERMS_AGREED_AT);
    account->owner = store_rows_maybe(rows, COL_OWNER);
    account->created_ip = store_rows_maybe(rows, COL_CREATED_IP);
    account->created_at = store_rows_int(rows, COL_CREATED_AT);
    account->eab_kid = store_rows_maybe(rows, COL_EAB_KID);
    account->prints = store_rows_maybe(rows, COL_PRINTS);
    account->eab_status = store_rows_maybe(rows, COL_EAB_STATUS);
    return account;
}

static const store_sql_t sql_get_by_key = {
    STORE_SQL_ACCOUNT_GET_BY_KEY,
    "SELECT " COLUMNS MORE " FROM accounts "
    "WHERE thumbprint = %s AND realm = %s AND directory = %s"};

static const store_sql_t sql_insert = {
    STORE_SQL_ACCOUNT_INSERT,
    "INSERT INTO accounts (" COLUMNS ") "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %lld, %s, %s, %lld, %s) "
    "ON CONFLICT DO NOTHING"};

typedef struct {
    store_account_t **existing;
    const store_account_t *account;
    const store_event_t *event;
    apr_pool_t *pool;
} create_t;

static apr_status_t existing_find(store_conn_t *conn, const create_t *create)
{
    const store_account_t *account = create->account;
    const void *key[] = {account->thumbprint, account->realm,
                         account->directory};
    store_rows_t rows;
    apr_status_t rv =
        store_conn_select(&rows, conn, &sql_get_by_key, key, create->pool);

    if (rv != APR_SUCCESS)
        return rv;
    if (!store_rows_next(&rows))
        return APR_ENOENT;
    if (create->existing)
        *create->existing = account_make(&rows);
    return APR_EEXIST;
}

/* Whoever has an account gets it, whatever has become of the key he made it
 * with (T33). */
static apr_status_t key_use(store_conn_t *conn, const create_t *create)
{
    const store_account_t *account = create->account;
    apr_status_t rv = APR_SUCCESS, found;

    if (account->eab_kid)
        rv = store_eab_bind(conn, account->eab_kid, account->created_at);
    if (rv != STORE_BUDGET)
        return rv;
    found = existing_find(conn, create);
    return APR_STATUS_IS_ENOENT(found) ? STORE_BUDGET : found;
}

static apr_status_t create_run(store_conn_t *conn, void *baton)
{
    const create_t *create = baton;
    const store_account_t *a = create->account;
    const void *values[] = {a->id,         a->realm,      a->directory,
                            a->thumbprint, a->jwk,        a->status,
                            a->contact,    a->terms_url,  &a->terms_agreed_at,
                            a->owner,      a->created_ip, &a->created_at,
                            a->eab_kid};
    int changed;
    apr_status_t rv = key_use(conn, create);

    if (rv == APR_SUCCESS)
        rv = store_conn_run(&changed, conn, &sql_insert, values);

    if (rv != APR_SUCCESS)
        return rv;
    if (!changed) {
        rv = existing_find(conn, create);
        return APR_STATUS_IS_ENOENT(rv) ? APR_EEXIST : rv; /* the id is taken */
    }
    return store_event_insert(conn, create->event);
}

apr_status_t store_account_create(store_account_t **existing, store_t *store,
                                  const store_account_t *account,
                                  const store_event_t *event, apr_pool_t *pool)
{
    create_t create = {existing, account, event, pool};
    store_kept_at_t at = {0};
    apr_status_t rv;

    if (existing)
        *existing = NULL;
    /* Its next request is about to come.  An external account key's status is
     * another row's. */
    if (!account->eab_kid)
        (void)store_kept_account(&at, store->kept, account->id, pool);
    rv = store_write(store, STORE_DURABLE, create_run, &create);
    if (rv == APR_SUCCESS)
        store_kept_account_put(store->kept, &at, account);
    return rv;
}

static apr_status_t account_get(store_account_t **account, store_t *store,
                                const store_sql_t *sql, const void **args,
                                apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, sql, args, pool);

    *account = rv == APR_SUCCESS ? account_make(&rows) : NULL;
    return rv;
}

static const store_sql_t sql_get = {STORE_SQL_ACCOUNT_GET,
                                    "SELECT " COLUMNS MORE
                                    " FROM accounts WHERE id = %s"};

apr_status_t store_account_get(store_account_t **account, store_t *store,
                               const char *id, apr_pool_t *pool)
{
    const void *args[] = {id};
    store_kept_at_t at;
    apr_status_t rv;

    *account = store_kept_account(&at, store->kept, id, pool);
    if (*account)
        return APR_SUCCESS;
    rv = account_get(account, store, &sql_get, args, pool);
    if (rv == APR_SUCCESS)
        store_kept_account_put(store->kept, &at, *account);
    return rv;
}

apr_status_t store_account_get_by_key(store_account_t **account, store_t *store,
                                      const char *realm, const char *directory,
                                      const char *thumbprint, apr_pool_t *pool)
{
    const void *args[] = {thumbprint, realm, directory};

    return account_get(account, store, &sql_get_by_key, args, pool);
}

static const store_sql_t sql_key_known = {
    STORE_SQL_ACCOUNT_KEY_KNOWN,
    "SELECT 1 FROM accounts WHERE thumbprint = %s LIMIT 1"};

apr_status_t store_account_key_known(store_t *store, const char *thumbprint,
                                     apr_pool_t *pool)
{
    const void *args[] = {thumbprint};
    store_rows_t rows;

    return store_read_one(&rows, store, &sql_key_known, args, pool);
}

typedef struct {
    const char *id, *contact;
    const store_event_t *event;
} change_t;

static const store_sql_t sql_contact_set = {
    STORE_SQL_ACCOUNT_CONTACT_SET,
    "UPDATE accounts SET contact = %s WHERE id = %s AND status = 'valid'"};

static apr_status_t contact_set_run(store_conn_t *conn, void *baton)
{
    const change_t *change = baton;
    const void *args[] = {change->contact, change->id};
    int changed;
    apr_status_t rv = store_conn_run(&changed, conn, &sql_contact_set, args);

    if (rv != APR_SUCCESS)
        return rv;
    conn->is_noted |= changed;
    return changed ? store_event_insert(conn, change->event) : APR_ENOENT;
}

apr_status_t store_account_contact_set(store_t *store, const char *id,
                                       const char *contact,
                                       const store_event_t *event,
                                       apr_pool_t *pool)
{
    change_t change = {id, contact, event};

    return store_write(store, STORE_DURABLE, contact_set_run, &change);
}

/* Nothing but the row count tells of a conflict, so it is asked for.  The
 * thumbprints of 200 keys, of 43 octets and a blank each, are kept. */
static const store_sql_t sql_key_set = {
    STORE_SQL_ACCOUNT_KEY_SET,
    "UPDATE accounts SET thumbprint = %s, jwk = %s, "
    "prints = substr(thumbprint || ' ' || coalesce(prints, ''), 1, 8800) "
    "WHERE id = %s AND thumbprint = %s AND status = 'valid' AND NOT EXISTS "
    "(SELECT 1 FROM accounts AS other WHERE other.thumbprint = %s "
    "AND other.realm = accounts.realm "
    "AND other.directory = accounts.directory)"};

typedef struct {
    store_account_t **holder;
    const store_account_t *account;
    const char *thumbprint, *jwk;
    const store_event_t *event;
    apr_pool_t *pool;
} rekey_t;

static apr_status_t key_set_run(store_conn_t *conn, void *baton)
{
    const rekey_t *rekey = baton;
    const store_account_t *account = rekey->account;
    const void *args[] = {rekey->thumbprint, rekey->jwk, account->id,
                          account->thumbprint, rekey->thumbprint};
    const void *key[] = {rekey->thumbprint, account->realm, account->directory};
    store_rows_t rows;
    int changed;
    apr_status_t rv = store_conn_run(&changed, conn, &sql_key_set, args);

    if (rv != APR_SUCCESS)
        return rv;
    conn->is_noted |= changed;
    if (changed)
        return store_event_insert(conn, rekey->event);
    rv = store_conn_select(&rows, conn, &sql_get_by_key, key, rekey->pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (!store_rows_next(&rows))
        return APR_ENOENT;
    *rekey->holder = account_make(&rows);
    return APR_EEXIST;
}

apr_status_t store_account_key_set(store_account_t **holder, store_t *store,
                                   const store_account_t *account,
                                   const char *thumbprint, const char *jwk,
                                   const store_event_t *event, apr_pool_t *pool)
{
    rekey_t rekey = {holder, account, thumbprint, jwk, event, pool};

    *holder = NULL;
    return store_write(store, STORE_DURABLE, key_set_run, &rekey);
}

static const store_sql_t sql_deactivate = {
    STORE_SQL_ACCOUNT_DEACTIVATE, "UPDATE accounts SET status = 'deactivated' "
                                  "WHERE id = %s AND status = 'valid'"};

static const store_sql_t sql_authzs_deactivate = {
    STORE_SQL_ACCOUNT_AUTHZS_DEACTIVATE,
    "UPDATE authzs SET status = 'deactivated' "
    "WHERE account_id = %s AND status = 'pending'"};

static apr_status_t deactivate_run(store_conn_t *conn, void *baton)
{
    const change_t *change = baton;
    const void *args[] = {change->id};
    int changed;
    apr_status_t rv = store_conn_run(&changed, conn, &sql_deactivate, args);

    if (rv != APR_SUCCESS)
        return rv;
    if (!changed)
        return APR_ENOENT;
    conn->is_noted = 1;
    rv = store_conn_run(&changed, conn, &sql_authzs_deactivate, args);
    return rv == APR_SUCCESS ? store_event_insert(conn, change->event) : rv;
}

apr_status_t store_account_deactivate(store_t *store, const char *id,
                                      const store_event_t *event,
                                      apr_pool_t *pool)
{
    change_t change = {id, NULL, event};

    return store_write(store, STORE_DURABLE, deactivate_run, &change);
}

static const store_sql_t sql_list = {
    STORE_SQL_ACCOUNT_LIST, "SELECT " COLUMNS MORE " FROM accounts "
                            "WHERE " OLDER "ORDER BY seq DESC LIMIT %d"};

static const store_sql_t sql_list_of_eab = {
    STORE_SQL_ACCOUNT_LIST_OF_EAB,
    "SELECT " COLUMNS MORE " FROM accounts "
    "WHERE eab_kid = %s AND " OLDER "ORDER BY seq DESC LIMIT %d"};

apr_status_t store_account_list(apr_array_header_t **accounts, store_t *store,
                                const char *eab_kid, const char *before,
                                int limit, apr_pool_t *pool)
{
    const void *args[] = {eab_kid, before, before, before, &limit};

    return store_read_list(accounts, store,
                           eab_kid ? &sql_list_of_eab : &sql_list,
                           eab_kid ? args : args + 1, account_make, pool);
}
