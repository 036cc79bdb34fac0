/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_authz.h"

#include <string.h>

#include "store/store_rows.h"

#include "base/banned.h"

#define COLUMNS                                                                \
    "id, account_id, realm, directory, type, value, wildcard, status, token, " \
    "challenges, attempted, attempted_at, thumbprint, error, validated_at, "   \
    "created_at, expires_at, profile, order_id, subdomains"
enum {
    COL_ID,
    COL_ACCOUNT_ID,
    COL_REALM,
    COL_DIRECTORY,
    COL_TYPE,
    COL_VALUE,
    COL_WILDCARD,
    COL_STATUS,
    COL_TOKEN,
    COL_CHALLENGES,
    COL_ATTEMPTED,
    COL_ATTEMPTED_AT,
    COL_THUMBPRINT,
    COL_ERROR,
    COL_VALIDATED_AT,
    COL_CREATED_AT,
    COL_EXPIRES_AT,
    COL_PROFILE,
    COL_ORDER_ID,
    COL_SUBDOMAINS
};

static void *authz_make(const store_rows_t *rows)
{
    store_authz_t *authz = apr_palloc(rows->pool, sizeof(*authz));

    authz->id = store_rows_text(rows, COL_ID);
    authz->account_id = store_rows_text(rows, COL_ACCOUNT_ID);
    authz->realm = store_rows_text(rows, COL_REALM);
    authz->directory = store_rows_text(rows, COL_DIRECTORY);
    authz->type = store_rows_text(rows, COL_TYPE);
    authz->value = store_rows_text(rows, COL_VALUE);
    authz->wildcard = (int)store_rows_int(rows, COL_WILDCARD);
    authz->status = store_rows_text(rows, COL_STATUS);
    authz->token = store_rows_text(rows, COL_TOKEN);
    authz->challenges = store_rows_text(rows, COL_CHALLENGES);
    authz->attempted = store_rows_maybe(rows, COL_ATTEMPTED);
    authz->attempted_at = store_rows_int(rows, COL_ATTEMPTED_AT);
    authz->thumbprint = store_rows_maybe(rows, COL_THUMBPRINT);
    authz->error = store_rows_maybe(rows, COL_ERROR);
    authz->validated_at = store_rows_int(rows, COL_VALIDATED_AT);
    authz->created_at = store_rows_int(rows, COL_CREATED_AT);
    authz->expires_at = store_rows_int(rows, COL_EXPIRES_AT);
    authz->profile = store_rows_maybe(rows, COL_PROFILE);
    authz->order_id = store_rows_maybe(rows, COL_ORDER_ID);
    authz->subdomains = (int)store_rows_int(rows, COL_SUBDOMAINS);
    return authz;
}

static const store_sql_t sql_insert = {
    STORE_SQL_AUTHZ_INSERT, "INSERT INTO authzs (" COLUMNS ") "
                            "VALUES (%s, %s, %s, %s, %s, %s, %d, %s, %s, "
                            "%s, %s, %lld, %s, %s, %lld, %lld, %lld, %s, %s, "
                            "%d)"};

apr_status_t store_authz_insert(store_conn_t *conn, const store_authz_t *a)
{
    const void *values[] = {
        a->id,          a->account_id, a->realm,         a->directory,
        a->type,        a->value,      &a->wildcard,     a->status,
        a->token,       a->challenges, a->attempted,     &a->attempted_at,
        a->thumbprint,  a->error,      &a->validated_at, &a->created_at,
        &a->expires_at, a->profile,    a->order_id,      &a->subdomains};
    int changed;

    return store_conn_run(&changed, conn, &sql_insert, values);
}

typedef struct {
    const store_authz_t *authz;
    int max_pending;
    const store_event_t *event;
    apr_pool_t *pool;
} create_t;

static apr_status_t create_run(store_conn_t *conn, void *baton)
{
    const create_t *create = baton;
    const store_authz_t *authz = create->authz;
    store_room_t room = {authz->account_id, authz->created_at, 0,
                         create->max_pending,
                         !strcmp(authz->status, "pending")};
    apr_status_t rv = store_limit_check(conn, &room, create->pool);

    if (rv == APR_SUCCESS)
        rv = store_authz_insert(conn, authz);
    return rv == APR_SUCCESS ? store_event_insert(conn, create->event) : rv;
}

apr_status_t store_authz_create(store_t *store, const store_authz_t *authz,
                                int max_pending, const store_event_t *event,
                                apr_pool_t *pool)
{
    create_t create = {authz, max_pending, event, pool};

    return store_write(store, STORE_DURABLE, create_run, &create);
}

static apr_status_t authz_get(store_authz_t **authz, store_t *store,
                              const store_sql_t *sql, const void **args,
                              apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, sql, args, pool);

    *authz = rv == APR_SUCCESS ? authz_make(&rows) : NULL;
    return rv;
}

static const store_sql_t sql_get = {
    STORE_SQL_AUTHZ_GET, "SELECT " COLUMNS " FROM authzs WHERE id = %s"};

apr_status_t store_authz_get(store_authz_t **authz, store_t *store,
                             const char *id, apr_pool_t *pool)
{
    const void *args[] = {id};

    return authz_get(authz, store, &sql_get, args, pool);
}

static const store_sql_t sql_get_reusable = {
    STORE_SQL_AUTHZ_GET_REUSABLE,
    "SELECT " COLUMNS " FROM authzs "
    "WHERE account_id = %s AND status = 'valid' AND value = %s "
    "AND type = %s AND wildcard = %d AND profile = %s AND expires_at > %lld "
    "ORDER BY expires_at DESC LIMIT 1"};

apr_status_t store_authz_get_reusable(store_authz_t **authz, store_t *store,
                                      const char *account_id,
                                      const char *profile, const char *type,
                                      const char *value, int wildcard,
                                      apr_int64_t min_expires, apr_pool_t *pool)
{
    const void *args[] = {account_id, value,   type,
                          &wildcard,  profile, &min_expires};

    return authz_get(authz, store, &sql_get_reusable, args, pool);
}

static const store_sql_t sql_get_above = {
    STORE_SQL_AUTHZ_GET_ABOVE,
    "SELECT " COLUMNS " FROM authzs "
    "WHERE account_id = %s AND status = 'valid' AND value = %s "
    "AND type = %s AND wildcard = 0 AND subdomains = 1 AND profile = %s "
    "AND expires_at > %lld ORDER BY expires_at DESC LIMIT 1"};

apr_status_t store_authz_get_above(store_authz_t **authz, store_t *store,
                                   const char *account_id, const char *profile,
                                   const char *type, const char *value,
                                   apr_int64_t min_expires, apr_pool_t *pool)
{
    const void *args[] = {account_id, value, type, profile, &min_expires};

    return authz_get(authz, store, &sql_get_above, args, pool);
}

static const store_sql_t sql_holds = {
    STORE_SQL_AUTHZ_HOLDS,
    "SELECT 1 FROM authzs "
    "WHERE account_id = %s AND status = 'valid' AND value = %s "
    "AND type = %s AND wildcard = %d AND expires_at > %lld "
    "AND subdomains >= %d "
    "AND (attempted IS NOT NULL OR profile = %s) LIMIT 1"};

apr_status_t store_authz_holds(store_t *store, const char *account_id,
                               const char *profile, const char *type,
                               const char *value, int wildcard, int subdomains,
                               apr_int64_t now, apr_pool_t *pool)
{
    const void *args[] = {account_id, value,       type,   &wildcard,
                          &now,       &subdomains, profile};
    store_rows_t rows;

    return store_read_one(&rows, store, &sql_holds, args, pool);
}

static const store_sql_t sql_is_valid = {
    STORE_SQL_AUTHZ_IS_VALID,
    "SELECT 1 FROM authzs WHERE id = %s "
    "AND status = 'valid' "
    "AND (expires_at = 0 OR expires_at > %lld)" STORE_SQL_PGSQL("FOR SHARE")};

apr_status_t store_authz_valid(store_conn_t *conn, const char *id,
                               apr_int64_t now, apr_pool_t *pool)
{
    const void *args[] = {id, &now};
    store_rows_t rows;
    apr_status_t rv = store_conn_select(&rows, conn, &sql_is_valid, args, pool);

    return rv == APR_SUCCESS && !store_rows_next(&rows) ? APR_ENOENT : rv;
}

typedef struct {
    const char *id, *challenge_type, *thumbprint;
    const apr_int64_t *now;
    const store_job_t *job;
    const store_event_t *event;
} attempt_t;

static const store_sql_t sql_attempt = {
    STORE_SQL_AUTHZ_ATTEMPT,
    "UPDATE authzs SET attempted = %s, thumbprint = %s, attempted_at = "
    "%lld "
    "WHERE id = %s AND status = 'pending' AND attempted IS NULL"};

static apr_status_t attempt_run(store_conn_t *conn, void *baton)
{
    const attempt_t *attempt = baton;
    const void *args[] = {attempt->challenge_type, attempt->thumbprint,
                          attempt->now, attempt->id};
    apr_status_t rv = store_conn_claim(conn, &sql_attempt, args);

    if (rv == APR_SUCCESS)
        rv = store_job_insert(conn, attempt->job);
    return rv == APR_SUCCESS ? store_event_insert(conn, attempt->event) : rv;
}

apr_status_t store_authz_attempt(store_t *store, const char *id,
                                 const char *challenge_type,
                                 const char *thumbprint, apr_int64_t now,
                                 const store_job_t *job,
                                 const store_event_t *event, apr_pool_t *pool)
{
    attempt_t attempt = {id, challenge_type, thumbprint, &now, job, event};

    return store_write(store, STORE_RELAXED, attempt_run, &attempt);
}

typedef struct {
    const char *id, *job_id, *error;
    const apr_int64_t *valid_until, *now;
    const store_event_t *event;
    int is_late;
} record_t;

/* expires_at of what is invalid stays what it was. */
static const store_sql_t sql_record = {
    STORE_SQL_AUTHZ_RECORD,
    "UPDATE authzs SET status = %s, error = %s, validated_at = %lld, "
    "expires_at = CASE WHEN %lld > 0 THEN %lld ELSE expires_at END "
    "WHERE id = %s AND status = 'pending' AND attempted IS NOT NULL"};

static apr_status_t record_run(store_conn_t *conn, void *baton)
{
    static const apr_int64_t none = 0;
    record_t *record = baton;
    const apr_int64_t *until = record->error ? &none : record->valid_until;
    const void *args[] = {record->error ? "invalid" : "valid",
                          record->error,
                          record->error ? &none : record->now,
                          until,
                          until,
                          record->id};
    int changed = 0;
    apr_status_t rv = store_conn_run(&changed, conn, &sql_record, args);

    record->is_late = !changed;
    if (rv == APR_SUCCESS)
        rv = store_job_remove(conn, record->job_id);
    if (rv == APR_SUCCESS && changed && record->error)
        rv = store_limit_lose(conn, record->id);
    if (rv == APR_SUCCESS && changed)
        rv = store_event_insert(conn, record->event);
    return rv;
}

apr_status_t store_authz_record(store_t *store, const char *id,
                                const char *job_id, const char *error,
                                apr_int64_t valid_until, apr_int64_t now,
                                const store_event_t *event, apr_pool_t *pool)
{
    record_t record = {id, job_id, error, &valid_until, &now, event, 0};
    apr_status_t rv = store_write(store, STORE_RELAXED, record_run, &record);

    return rv == APR_SUCCESS && record.is_late ? APR_EEXIST : rv;
}

typedef struct {
    const store_authz_t *authz;
    const char *job_id;
    const apr_int64_t *valid_until, *now;
    const store_event_t *event;
} prove_t;

static const store_sql_t sql_prove = {
    STORE_SQL_AUTHZ_PROVE,
    "UPDATE authzs SET attempted = %s, thumbprint = %s, attempted_at = %lld, "
    "status = 'valid', error = NULL, validated_at = %lld, expires_at = %lld "
    "WHERE id = %s AND status = 'pending' AND "
    "(attempted IS NULL OR attempted = %s)"};

static apr_status_t prove_run(store_conn_t *conn, void *baton)
{
    const prove_t *prove = baton;
    const store_authz_t *authz = prove->authz;
    const void *args[] = {
        authz->attempted,   authz->thumbprint, &authz->attempted_at, prove->now,
        prove->valid_until, authz->id,         authz->attempted};
    apr_status_t rv = store_conn_claim(conn, &sql_prove, args);

    if (rv == APR_SUCCESS)
        rv = store_job_remove(conn, prove->job_id);
    return rv == APR_SUCCESS ? store_event_insert(conn, prove->event) : rv;
}

apr_status_t store_authz_prove(store_authz_t *authz, store_t *store,
                               const char *job_id, apr_int64_t valid_until,
                               apr_int64_t now, const store_event_t *event)
{
    prove_t prove = {authz, job_id, &valid_until, &now, event};
    apr_status_t rv = store_write(store, STORE_RELAXED, prove_run, &prove);

    if (rv != APR_SUCCESS)
        return rv;
    authz->status = "valid";
    authz->error = NULL;
    authz->validated_at = now;
    authz->expires_at = valid_until;
    return APR_SUCCESS;
}

typedef struct {
    const char *id, *job_id, *error;
    const apr_int64_t *due_at;
    int is_late;
} retry_t;

static const store_sql_t sql_retry = {
    STORE_SQL_AUTHZ_RETRY,
    "UPDATE authzs SET error = %s, attempted_at = %lld "
    "WHERE id = %s AND status = 'pending' AND attempted IS NOT NULL"};

static apr_status_t retry_run(store_conn_t *conn, void *baton)
{
    retry_t *retry = baton;
    const void *args[] = {retry->error, retry->due_at, retry->id};
    int changed;
    apr_status_t rv = store_conn_run(&changed, conn, &sql_retry, args);

    if (rv != APR_SUCCESS)
        return rv;
    retry->is_late = !changed;
    return changed ? store_job_free(conn, retry->job_id, *retry->due_at)
                   : store_job_remove(conn, retry->job_id);
}

apr_status_t store_authz_retry(store_t *store, const char *id,
                               const char *job_id, const char *error,
                               apr_int64_t due_at, apr_pool_t *pool)
{
    retry_t retry = {id, job_id, error, &due_at, 0};
    apr_status_t rv = store_write(store, STORE_RELAXED, retry_run, &retry);

    return rv == APR_SUCCESS && retry.is_late ? APR_EEXIST : rv;
}

typedef struct {
    store_job_t **job;
    const char *id, *job_id, *owner;
    apr_int64_t lease_until;
    const apr_int64_t *now;
    apr_pool_t *pool;
} hurry_t;

static const store_sql_t sql_hurry = {STORE_SQL_AUTHZ_HURRY,
                                      "UPDATE authzs SET attempted_at = %lld "
                                      "WHERE id = %s AND status = 'pending'"};

static apr_status_t hurry_run(store_conn_t *conn, void *baton)
{
    hurry_t *hurry = baton;
    const void *args[] = {hurry->now, hurry->id};
    int changed;
    apr_status_t rv =
        store_job_take(hurry->job, conn, hurry->job_id, hurry->owner,
                       hurry->lease_until, *hurry->now, hurry->pool);

    return rv == APR_SUCCESS ? store_conn_run(&changed, conn, &sql_hurry, args)
                             : rv;
}

apr_status_t store_authz_hurry(store_job_t **job, store_t *store,
                               const char *id, const char *job_id,
                               const char *owner, apr_int64_t lease_until,
                               apr_int64_t now, apr_pool_t *pool)
{
    hurry_t hurry = {job, id, job_id, owner, lease_until, &now, pool};

    return store_write(store, STORE_RELAXED, hurry_run, &hurry);
}

static const store_sql_t sql_deactivate = {
    STORE_SQL_AUTHZ_DEACTIVATE,
    "UPDATE authzs SET status = 'deactivated' "
    "WHERE id = %s AND status IN ('pending', 'valid')"};

typedef struct {
    const char *id;
    const store_event_t *event;
} deactivate_t;

static apr_status_t deactivate_run(store_conn_t *conn, void *baton)
{
    const deactivate_t *deactivate = baton;
    const void *args[] = {deactivate->id};
    apr_status_t rv = store_conn_claim(conn, &sql_deactivate, args);

    if (rv == APR_SUCCESS)
        rv = store_limit_lose(conn, deactivate->id);
    return rv == APR_SUCCESS ? store_event_insert(conn, deactivate->event) : rv;
}

apr_status_t store_authz_deactivate(store_t *store, const char *id,
                                    const store_event_t *event,
                                    apr_pool_t *pool)
{
    deactivate_t deactivate = {id, event};

    return store_write(store, STORE_DURABLE, deactivate_run, &deactivate);
}

/* Ids sort by their time; "~" comes after them all. */
static const store_sql_t sql_list = {
    STORE_SQL_AUTHZ_LIST, "SELECT " COLUMNS " FROM authzs WHERE account_id = "
                          "%s AND id < %s ORDER BY id DESC LIMIT %d"};

static const store_sql_t sql_list_all = {STORE_SQL_AUTHZ_LIST_ALL,
                                         "SELECT " COLUMNS " FROM authzs "
                                         "WHERE id < %s "
                                         "ORDER BY id DESC LIMIT %d"};

apr_status_t store_authz_list(apr_array_header_t **authzs, store_t *store,
                              const char *account_id, const char *before,
                              int limit, apr_pool_t *pool)
{
    const char *end = before ? before : "~";
    const void *args[] = {account_id, end, &limit};

    return store_read_list(authzs, store,
                           account_id ? &sql_list : &sql_list_all,
                           account_id ? args : args + 1, authz_make, pool);
}
