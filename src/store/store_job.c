/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_job.h"

#include <string.h>

#include "store/store_rows.h"

#include "base/banned.h"

#define COLUMNS                                                                \
    "id, kind, subject, data, due_at, lease_owner, lease_until, attempts"
enum {
    COL_ID,
    COL_KIND,
    COL_SUBJECT,
    COL_DATA,
    COL_DUE_AT,
    COL_LEASE_OWNER,
    COL_LEASE_UNTIL,
    COL_ATTEMPTS
};

/* After every lease there was. */
static const apr_int64_t forever = APR_INT64_MAX;

static store_job_t *job_make(const store_rows_t *rows)
{
    store_job_t *job = apr_palloc(rows->pool, sizeof(*job));

    job->id = store_rows_text(rows, COL_ID);
    job->kind = store_rows_text(rows, COL_KIND);
    job->subject = store_rows_text(rows, COL_SUBJECT);
    job->data = store_rows_maybe(rows, COL_DATA);
    job->due_at = store_rows_int(rows, COL_DUE_AT);
    job->lease_owner = store_rows_text(rows, COL_LEASE_OWNER);
    if (!*job->lease_owner)
        job->lease_owner = NULL;
    job->lease_until = store_rows_int(rows, COL_LEASE_UNTIL);
    job->attempts = (int)store_rows_int(rows, COL_ATTEMPTS);
    return job;
}

static const store_sql_t sql_insert = {
    STORE_SQL_JOB_INSERT,
    "INSERT INTO jobs (" COLUMNS ", ready_at, is_single) "
    "VALUES (%s, %s, %s, %s, %lld, %s, %lld, %d, %lld, %d) "
    "ON CONFLICT DO NOTHING"};

static apr_status_t job_insert(int *changed, store_conn_t *conn,
                               const store_job_t *job, int is_single)
{
    apr_int64_t lease_until = job->lease_owner ? job->lease_until : 0;
    apr_int64_t ready_at =
        job->due_at > lease_until ? job->due_at : lease_until;
    const void *values[] = {
        job->id,      job->kind,      job->subject,
        job->data,    &job->due_at,   job->lease_owner ? job->lease_owner : "",
        &lease_until, &job->attempts, &ready_at,
        &is_single};

    return store_conn_run(changed, conn, &sql_insert, values);
}

apr_status_t store_job_insert(store_conn_t *conn, const store_job_t *job)
{
    int changed;
    apr_status_t rv = job_insert(&changed, conn, job, 0);

    return rv == APR_SUCCESS && !changed ? APR_EGENERAL : rv;
}

apr_status_t store_job_insert_single(store_conn_t *conn, const store_job_t *job)
{
    int changed;

    return job_insert(&changed, conn, job, 1);
}

static const store_sql_t sql_delete = {STORE_SQL_JOB_DELETE,
                                       "DELETE FROM jobs WHERE id = %s"};

apr_status_t store_job_remove(store_conn_t *conn, const char *id)
{
    const void *args[] = {id};
    int changed;

    return store_conn_run(&changed, conn, &sql_delete, args);
}

static apr_status_t add_run(store_conn_t *conn, void *baton)
{
    int changed;
    apr_status_t rv = job_insert(&changed, conn, baton, 1);

    return rv == APR_SUCCESS && !changed ? APR_EEXIST : rv;
}

apr_status_t store_job_add(store_t *store, const store_job_t *job,
                           apr_pool_t *pool)
{
    return store_write(store, STORE_RELAXED, add_run, (void *)job);
}

static apr_status_t delete_run(store_conn_t *conn, void *baton)
{
    return store_job_remove(conn, baton);
}

apr_status_t store_job_delete(store_t *store, const char *id, apr_pool_t *pool)
{
    return store_write(store, STORE_RELAXED, delete_run, (void *)id);
}

static const store_sql_t sql_due = {STORE_SQL_JOB_DUE,
                                    "SELECT due_at FROM jobs WHERE kind = %s "
                                    "AND subject = %s AND is_single = 1"};

apr_status_t store_job_due(apr_int64_t *due_at, store_t *store,
                           const char *kind, const char *subject,
                           apr_pool_t *pool)
{
    const void *args[] = {kind, subject};
    store_rows_t rows;
    apr_status_t rv = store_read_one(&rows, store, &sql_due, args, pool);

    *due_at = rv == APR_SUCCESS ? store_rows_int(&rows, 0) : 0;
    return rv;
}

/* Whose jobs may be taken. */
typedef struct {
    const char *owner; /* "": nobody's */
    int is_lost;       /* he is dead, or it is us: the lease does not count */
    int is_attempt;    /* he may have died of it */
} prey_t;

static const store_sql_t sql_owners = {
    STORE_SQL_JOB_OWNERS,
    "WITH RECURSIVE o (owner) AS (SELECT min(lease_owner) FROM jobs "
    "UNION ALL SELECT (SELECT min(lease_owner) FROM jobs "
    "WHERE lease_owner > o.owner) FROM o WHERE o.owner IS NOT NULL) "
    "SELECT owner, (SELECT min(ready_at) FROM jobs "
    "WHERE lease_owner = o.owner) FROM o WHERE owner IS NOT NULL"};

/* Each owner once, with the moment from which his first job is free: jumps from
 * owner to owner in the index, so the number of jobs does not matter. */
static apr_status_t prey_find(apr_array_header_t **prey, store_t *store,
                              const char *own, apr_int64_t now,
                              apr_pool_t *pool)
{
    store_rows_t rows;
    apr_status_t rv = store_read(&rows, store, &sql_owners, NULL, pool);

    *prey = apr_array_make(pool, 4, sizeof(prey_t));
    while (rv == APR_SUCCESS && store_rows_next(&rows)) {
        prey_t one = {store_rows_text(&rows, 0), 0, 0};
        int is_free = store_rows_int(&rows, 1) <= now;
        int is_own = own && !strcmp(one.owner, own);

        one.is_lost =
            is_own || (*one.owner && store_owner_is_dead(one.owner, pool));
        one.is_attempt = *one.owner && !is_own;
        if (is_free || one.is_lost)
            APR_ARRAY_PUSH(*prey, prey_t) = one;
    }
    return rv;
}

typedef struct {
    apr_array_header_t *jobs, *prey;
    const char *owner;
    const apr_int64_t *lease_until, *now;
    int max;
    apr_pool_t *pool;
} claim_t;

/* A try whose owner died or forgot it was an attempt.  Of two who pick the same
 * at once one gets it: the other would find it by its id. */
static const store_sql_t sql_claim = {
    STORE_SQL_JOB_CLAIM,
    "WITH picked AS MATERIALIZED (SELECT id FROM jobs "
    "WHERE lease_owner = %s AND ready_at <= %lld AND due_at <= %lld "
    "ORDER BY ready_at LIMIT %d" STORE_SQL_PGSQL(
        "FOR UPDATE SKIP LOCKED") ") "
                                  "UPDATE jobs SET lease_owner = %s, "
                                  "lease_until = %lld, ready_at = %lld, "
                                  "attempts = attempts + %d WHERE id IN "
                                  "(SELECT id FROM picked) "
                                  "RETURNING " COLUMNS};

static apr_status_t prey_claim(store_conn_t *conn, claim_t *claim,
                               const prey_t *prey)
{
    int more = prey->is_attempt, limit = claim->max - claim->jobs->nelts;
    const void *args[] = {
        prey->owner,        prey->is_lost ? &forever : claim->now,
        claim->now,         &limit,
        claim->owner,       claim->lease_until,
        claim->lease_until, &more};
    store_rows_t rows;
    apr_status_t rv =
        store_conn_select(&rows, conn, &sql_claim, args, claim->pool);

    while (rv == APR_SUCCESS && store_rows_next(&rows))
        APR_ARRAY_PUSH(claim->jobs, store_job_t *) = job_make(&rows);
    return rv;
}

static apr_status_t claim_run(store_conn_t *conn, void *baton)
{
    claim_t *claim = baton;
    apr_status_t rv = APR_SUCCESS;
    int i;

    apr_array_clear(claim->jobs);
    for (i = 0; rv == APR_SUCCESS && i < claim->prey->nelts; i++)
        rv = prey_claim(conn, claim, &APR_ARRAY_IDX(claim->prey, i, prey_t));
    return rv;
}

apr_status_t store_job_claim(apr_array_header_t **jobs, store_t *store,
                             const char *owner, apr_int64_t lease_until,
                             int max, apr_int64_t now, apr_pool_t *pool)
{
    claim_t claim = {.owner = owner,
                     .lease_until = &lease_until,
                     .now = &now,
                     .max = max,
                     .pool = pool};
    /* What became of a job cannot have been written, or seems not to have: its
     * lease is still ours. */
    int is_unsure = __atomic_exchange_n(&store->is_unsure, 0, __ATOMIC_RELAXED);
    apr_status_t rv =
        prey_find(&claim.prey, store, is_unsure ? owner : NULL, now, pool);

    *jobs = claim.jobs = apr_array_make(pool, 4, sizeof(store_job_t *));
    if (rv == APR_SUCCESS && claim.prey->nelts)
        rv = store_write(store, STORE_RELAXED, claim_run, &claim);
    if (rv != APR_SUCCESS)
        apr_array_clear(*jobs);
    if (is_unsure && (rv != APR_SUCCESS || (*jobs)->nelts == max))
        __atomic_store_n(&store->is_unsure, 1, __ATOMIC_RELAXED);
    return rv;
}

typedef struct {
    const store_sql_t *sql;
    const char *id;
    const apr_int64_t *when;
} release_t;

static apr_status_t release_run(store_conn_t *conn, void *baton)
{
    const release_t *release = baton;
    const void *args[] = {release->when, release->when, release->id};
    int changed;

    return store_conn_run(&changed, conn, release->sql, args);
}

static const store_sql_t sql_postpone = {
    STORE_SQL_JOB_POSTPONE,
    "UPDATE jobs SET lease_owner = '', lease_until = 0, due_at = %lld, "
    "ready_at = %lld, attempts = attempts + 1 WHERE id = %s"};

apr_status_t store_job_postpone(store_t *store, const char *id,
                                apr_int64_t due_at, apr_pool_t *pool)
{
    release_t release = {&sql_postpone, id, &due_at};

    return store_write(store, STORE_RELAXED, release_run, &release);
}

static const store_sql_t sql_free = {
    STORE_SQL_JOB_FREE,
    "UPDATE jobs SET lease_owner = '', lease_until = 0, due_at = %lld, "
    "ready_at = %lld WHERE id = %s"};

apr_status_t store_job_free(store_conn_t *conn, const char *id,
                            apr_int64_t due_at)
{
    release_t release = {&sql_free, id, &due_at};

    return release_run(conn, &release);
}

static const store_sql_t sql_take = {
    STORE_SQL_JOB_TAKE,
    "UPDATE jobs SET lease_owner = %s, lease_until = %lld, ready_at = %lld, "
    "due_at = %lld WHERE id = %s AND lease_owner = '' AND due_at > %lld "
    "RETURNING " COLUMNS};

apr_status_t store_job_take(store_job_t **job, store_conn_t *conn,
                            const char *id, const char *owner,
                            apr_int64_t lease_until, apr_int64_t now,
                            apr_pool_t *pool)
{
    const void *args[] = {owner, &lease_until, &lease_until, &now, id, &now};
    store_rows_t rows;
    apr_status_t rv = store_conn_select(&rows, conn, &sql_take, args, pool);

    *job = NULL;
    if (rv != APR_SUCCESS || !store_rows_next(&rows))
        return rv == APR_SUCCESS ? APR_ENOENT : rv;
    *job = job_make(&rows);
    return APR_SUCCESS;
}

static const store_sql_t sql_again = {
    STORE_SQL_JOB_AGAIN,
    "UPDATE jobs SET lease_owner = '', lease_until = 0, due_at = %lld, "
    "ready_at = %lld, attempts = 0 WHERE id = %s"};

apr_status_t store_job_again(store_t *store, const char *id, apr_int64_t due_at,
                             apr_pool_t *pool)
{
    release_t release = {&sql_again, id, &due_at};

    return store_write(store, STORE_RELAXED, release_run, &release);
}

static const store_sql_t sql_extend = {
    STORE_SQL_JOB_EXTEND, "UPDATE jobs SET lease_until = %lld, ready_at = %lld "
                          "WHERE id = %s AND lease_owner = %s"};

typedef struct {
    const char *id, *owner;
    const apr_int64_t *when;
} lease_t;

static apr_status_t extend_run(store_conn_t *conn, void *baton)
{
    const lease_t *lease = baton;
    const void *args[] = {lease->when, lease->when, lease->id, lease->owner};

    return store_conn_claim(conn, &sql_extend, args);
}

apr_status_t store_job_extend(store_t *store, const char *id, const char *owner,
                              apr_int64_t lease_until, apr_pool_t *pool)
{
    lease_t lease = {id, owner, &lease_until};

    return store_write(store, STORE_RELAXED, extend_run, &lease);
}
