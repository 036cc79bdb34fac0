/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include "store/store_crl.h"
#include "store/store_rows.h"

/* What PostgreSQL's writers, who come at once, could do to each other and
 * SQLite's, who come one by one, cannot; on both. */

#define THREADS 8
#define ROUNDS  20

typedef struct {
    help_t *help;
    int number;
    int done, late, others; /* how often */
    pthread_t thread;
    apr_pool_t *pool;
} racer_t;

static void tell(racer_t *racer, apr_status_t rv)
{
    if (rv == APR_SUCCESS)
        racer->done++;
    else if (APR_STATUS_IS_EEXIST(rv) || rv == STORE_FULL_ORDERS)
        racer->late++;
    else
        racer->others++;
}

/* Sums. */
static racer_t race(help_t *help, void *(*run)(void *))
{
    racer_t racers[THREADS], sum = {0};
    int i;

    for (i = 0; i < THREADS; i++) {
        racers[i] = (racer_t){.help = help, .number = i};
        apr_pool_create_unmanaged_ex(&racers[i].pool, NULL, NULL);
        pthread_create(&racers[i].thread, NULL, run, &racers[i]);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(racers[i].thread, NULL);
        sum.done += racers[i].done;
        sum.late += racers[i].late;
        sum.others += racers[i].others;
        apr_pool_destroy(racers[i].pool);
    }
    is_int(sum.others, 0);
    is_int(help_lines(help, "AS0250"), 0);
    return sum;
}

static const char *name(racer_t *racer, const char *what, int i)
{
    return apr_psprintf(racer->pool, "%s-%d-%d", what, racer->number, i);
}

static void *claim_thread(void *data)
{
    racer_t *racer = data;
    apr_array_header_t *jobs;
    int misses = 0;

    while (misses < 3) {
        apr_status_t rv =
            store_job_claim(&jobs, racer->help->store, name(racer, "me", 0),
                            9000, 3, 2000, racer->pool);

        if (rv != APR_SUCCESS)
            tell(racer, rv);
        racer->done += jobs->nelts;
        misses += !jobs->nelts;
    }
    return NULL;
}

static void claims(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int i;

    for (i = 0; i < 60; i++)
        is_int(store_job_add(help->store,
                             help_job(apr_psprintf(pool, "j%d", i), "kind",
                                      apr_psprintf(pool, "s%d", i), pool),
                             pool),
               APR_SUCCESS);
    is_int(race(help, claim_thread).done, 60);
}

static void *key_thread(void *data)
{
    racer_t *racer = data;
    store_account_t *account, *holder;
    const char *id = apr_psprintf(racer->pool, "a%d", racer->number);
    apr_status_t rv;

    account = help_account(id, racer->pool);
    rv = store_account_key_set(&holder, racer->help->store, account, "new",
                               "{}", NULL, racer->pool);
    tell(racer, rv);
    if (APR_STATUS_IS_EEXIST(rv) && (!holder || !strcmp(holder->id, id)))
        racer->others++;
    return NULL;
}

static void keys(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    racer_t sum;
    int i;

    for (i = 0; i < THREADS; i++)
        is_int(help_add(help, apr_psprintf(pool, "a%d", i)), APR_SUCCESS);
    sum = race(help, key_thread);
    is_int(sum.done, 1);
    is_int(sum.late, THREADS - 1);
}

static void *account_thread(void *data)
{
    racer_t *racer = data;
    store_account_t *existing, *account;
    int i;

    for (i = 0; i < ROUNDS; i++) {
        apr_status_t rv;

        account = help_account(name(racer, "a", i), racer->pool);
        account->thumbprint = apr_psprintf(racer->pool, "thumb-%d", i);
        rv = store_account_create(&existing, racer->help->store, account,
                                  help_event("made", racer->pool), racer->pool);
        tell(racer, rv);
        if (APR_STATUS_IS_EEXIST(rv) && !existing)
            racer->others++;
    }
    return NULL;
}

/* One account of each key, and one event of each account, all in the chain. */
static void accounts(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_chain_t chain;
    int count = 1;

    is_int(race(help, account_thread).done, ROUNDS);
    while (count)
        is_int(store_event_chain(&count, help->store, 7, NULL, NULL, pool),
               APR_SUCCESS);
    is_int(store_event_verify(&chain, help->store, pool), APR_SUCCESS);
    ok(!chain.why && chain.count == ROUNDS && !chain.waiting);
}

static void *event_thread(void *data)
{
    racer_t *racer = data;
    int i, count;

    for (i = 0; i < 3 * ROUNDS; i++)
        if (racer->number % 4)
            tell(racer,
                 store_event_add(racer->help->store,
                                 help_event("k", racer->pool), 0, racer->pool));
        else if (store_event_chain(&count, racer->help->store, 5, NULL, NULL,
                                   racer->pool) != APR_SUCCESS)
            racer->others++;
    return NULL;
}

/* Chained while they are written: none is forgotten. */
static void chain(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    racer_t sum = race(help, event_thread);
    store_chain_t seen;
    int count = 1;

    is_int(store_event_verify(&seen, help->store, pool), APR_SUCCESS);
    ok(!seen.why, "%s", seen.why ? seen.why : "");
    is_int(seen.count + seen.waiting, sum.done);
    while (count)
        is_int(store_event_chain(&count, help->store, 50, NULL, NULL, pool),
               APR_SUCCESS);
    is_int(store_event_verify(&seen, help->store, pool), APR_SUCCESS);
    ok(!seen.why && seen.count == sum.done && seen.last_id == sum.done);
}

static void *order_thread(void *data)
{
    racer_t *racer = data;
    store_order_t *order = help_order(name(racer, "o", 0), "a", racer->pool);

    order->max_open = 3;
    tell(racer, store_order_create(
                    racer->help->store, order,
                    apr_array_make(racer->pool, 1, sizeof(store_authz_t *)),
                    NULL, NULL, racer->pool));
    return NULL;
}

static void limit(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(race(help, order_thread).done, 3);
}

static apr_status_t due_run(store_conn_t *conn, void *baton)
{
    const store_job_t job = {.id = baton, .kind = "crl"};

    return store_crl_due(conn, "i", &job);
}

/* Half of them revoke, the others make lists and are done with the job. */
static void *crl_thread(void *data)
{
    racer_t *racer = data;
    store_crl_basis_t basis;
    int i;

    for (i = 0; i < ROUNDS; i++)
        if (racer->number % 2) {
            tell(racer, store_write(racer->help->store, STORE_RELAXED, due_run,
                                    (void *)name(racer, "job", i)));
        }
        else if (store_crl_look(&basis, racer->help->store, "i", racer->pool) ==
                 APR_SUCCESS) {
            int k;

            for (k = 0; k < THREADS; k++) {
                const char *id = apr_psprintf(racer->pool, "job-%d-%d", k, i);

                tell(racer, store_crl_done(racer->help->store, id, "i",
                                           basis.revision, racer->pool));
            }
        }
    return NULL;
}

static apr_status_t look_run(store_conn_t *conn, void *baton)
{
    store_rows_t *rows = baton;

    return store_conn_text(rows, conn,
                           "SELECT count(*), (SELECT revision FROM "
                           "crl_revisions) FROM jobs",
                           rows->pool);
}

/* Every revocation counts, and the last one has a job that nobody removed who
 * did not know of it. */
static void revisions(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_rows_t rows = {.pool = pool};

    race(help, crl_thread);
    is_int(store_write(help->store, STORE_RELAXED, due_run, (void *)"last"),
           APR_SUCCESS);
    is_int(store_read_with(help->store, look_run, &rows), APR_SUCCESS);
    need(store_rows_next(&rows));
    is_int(store_rows_int(&rows, 0), 1);
    is_int(store_rows_int(&rows, 1), THREADS / 2 * ROUNDS + 1);
}

const tap_case_t tap_cases[] = {
    {"each job is claimed once", claims},
    {"one account gets the key", keys},
    {"one account of each key, and its event", accounts},
    {"events are chained while others are written", chain},
    {"what waits is counted exactly", limit},
    {"a revocation is not lost to a list that is made just now", revisions},
    {NULL, NULL}};
