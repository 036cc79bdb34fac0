/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store_job.c"

/* A job leased to owner until then. */
static void add(help_t *help, const char *id, const char *owner,
                apr_int64_t until, apr_int64_t due)
{
    store_job_t *job = help_job(id, "kind", id, help->pool);

    job->due_at = due;
    job->lease_owner = owner;
    job->lease_until = until;
    job->data = "{}";
    is_int(store_job_add(help->store, job, help->pool), APR_SUCCESS);
}

/* "a b c": ids that are claimed for "me" at that time. */
static int by_id(const void *a, const void *b)
{
    return strcmp((*(store_job_t *const *)a)->id,
                  (*(store_job_t *const *)b)->id);
}

static const char *claimed(help_t *help, int max, apr_int64_t now)
{
    apr_array_header_t *jobs;
    const char *ids = "";
    int i;

    is_int(store_job_claim(&jobs, help->store, "me", now + 30, max, now,
                           help->pool),
           APR_SUCCESS);
    qsort(jobs->elts, (size_t)jobs->nelts, sizeof(store_job_t *), by_id);
    for (i = 0; i < jobs->nelts; i++) {
        store_job_t *job = APR_ARRAY_IDX(jobs, i, store_job_t *);

        ids = apr_pstrcat(help->pool, ids, i ? " " : "", job->id, NULL);
        is_str(job->lease_owner, "me");
        is_int(job->lease_until, now + 30);
    }
    return ids;
}

static void claim(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_str(claimed(help, 9, 2000), "");
    add(help, "free", NULL, 9999, 1000); /* a lease of nobody is none */
    add(help, "later", NULL, 0, 3000);
    add(help, "over", "elsewhere", 1999, 1000);
    add(help, "held", "elsewhere", 2001, 1000);
    is_str(claimed(help, 9, 2000), "free over");
    is_str(claimed(help, 9, 2000), "");
    is_str(claimed(help, 9, 2001), "held");
    is_str(claimed(help, 9, 3000),
           "free held later over"); /* leases are over */
}

static void claim_max(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    add(help, "c", NULL, 0, 1003);
    add(help, "a", NULL, 0, 1001);
    add(help, "b", "x", 1002, 1000);
    is_str(claimed(help, 1, 2000), "a");
    is_str(claimed(help, 2, 2000), "b c");
}

static void claim_dead(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    const char *owner;
    int status, ends[2];
    char text[300] = "";
    pid_t child;

    need(pipe(ends) == 0);
    child = fork();
    if (child == 0) {
        owner = store_owner_make(pool);
        _exit(write(ends[1], owner, strlen(owner)) <= 0);
    }
    waitpid(child, &status, 0);
    ok(read(ends[0], text, sizeof(text) - 1) > 0);
    add(help, "dead", text, 9999, 1000);
    add(help, "mine", store_owner_make(pool), 9999, 1000);
    is_str(claimed(help, 9, 2000), "dead");
    is_str(claimed(help, 9, 2000), "");
}

static apr_status_t fail_run(store_conn_t *conn, void *baton)
{
    store_rows_t rows;

    return store_conn_text(&rows, conn, "SELECT x FROM nowhere", baton);
}

/* "me" holds both leases; nobody is told of the failure but the writer. */
static void claim_unsure(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    add(help, "a", "me", 9999, 1000);
    add(help, "b", "me", 9999, 1001);
    add(help, "later", "me", 9999, 3000);
    add(help, "other", "x", 9999, 1000);
    is_str(claimed(help, 9, 2000), "");
    ok(store_write(help->store, STORE_RELAXED, fail_run, pool) != APR_SUCCESS);
    is_str(claimed(help, 1, 2000), "a");
    is_str(claimed(help, 9, 2001), "a b");
    is_str(claimed(help, 9, 2002), "");
    ok(store_write(help->store, STORE_RELAXED, fail_run, pool) != APR_SUCCESS);
    is_str(claimed(help, 9, 3000), "a b later");
}

static store_job_t *only(help_t *help, apr_int64_t now)
{
    apr_array_header_t *jobs;

    is_int(
        store_job_claim(&jobs, help->store, "me", now + 30, 1, now, help->pool),
        APR_SUCCESS);
    ok(jobs->nelts == 1, "%d jobs", jobs->nelts);
    return jobs->nelts ? APR_ARRAY_IDX(jobs, 0, store_job_t *)
                       : help_job("none", "none", "none", help->pool);
}

static void attempts(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_job_t *job;

    add(help, "j", NULL, 0, 1000);
    job = only(help, 2000);
    is_str(job->kind, "kind");
    is_str(job->subject, "j");
    is_str(job->data, "{}");
    is_int(job->due_at, 1000);
    is_int(job->attempts, 0);
    is_int(store_job_postpone(help->store, "j", 2500, pool), APR_SUCCESS);
    is_str(claimed(help, 9, 2499), "");
    is_int(only(help, 2500)->attempts, 1);
    is_int(only(help, 2600)->attempts, 2); /* the lease was forgotten */
    is_int(store_job_postpone(help->store, "none", 1, pool), APR_SUCCESS);
}

static void extend(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    add(help, "j", NULL, 0, 1000);
    only(help, 2000);
    is_int(store_job_extend(help->store, "j", "me", 5000, pool), APR_SUCCESS);
    is_str(claimed(help, 9, 4999), "");
    is_int(store_job_extend(help->store, "j", "other", 6000, pool), APR_EEXIST);
    is_int(store_job_extend(help->store, "k", "me", 6000, pool), APR_EEXIST);
    is_str(claimed(help, 9, 5000), "j");
}

static void single(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_job_t *job = help_job("a", "vhost", "v", pool);

    is_int(store_job_add(help->store, job, pool), APR_SUCCESS);
    job->id = "b";
    is_int(store_job_add(help->store, job, pool), APR_EEXIST);
    job->subject = "w";
    is_int(store_job_add(help->store, job, pool), APR_SUCCESS);
    is_int(store_job_delete(help->store, "a", pool), APR_SUCCESS);
    is_int(store_job_delete(help->store, "a", pool), APR_SUCCESS);
    job->subject = "v";
    job->id = "c";
    is_int(store_job_add(help->store, job, pool), APR_SUCCESS);
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    const char *plan;

    if (engine_is_other("plans"))
        return;
    plan = help_plan(help, &sql_owners);
    ok(!strstr(plan, "SCAN jobs") && !strstr(plan, "B-TREE"), "%s", plan);
    plan = help_plan(help, &sql_claim);
    ok(!strstr(plan, "SCAN jobs") && !strstr(plan, "B-TREE"), "%s", plan);
    help_plan_ok(help, &sql_postpone);
    help_plan_ok(help, &sql_extend);
    help_plan_ok(help, &sql_delete);
}

const tap_case_t tap_cases[] = {
    {"free, due and overdue jobs are claimed, once", claim},
    {"at most as many as wanted, the oldest first", claim_max},
    {"a dead owner's jobs are claimed at once", claim_dead},
    {"after a write has failed one's own jobs are claimed, too", claim_unsure},
    {"what was postponed or forgotten was an attempt", attempts},
    {"a lease is extended by its owner", extend},
    {"one job of a kind for a subject", single},
    {"no statement scans or sorts", plans},
    {NULL, NULL}};
