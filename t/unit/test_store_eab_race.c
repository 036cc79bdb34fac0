/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_eab.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_help.h"

/* Limits, counts and events when two processes with 50 threads each come at
 * once, and when they are killed. */

#define PROCESSES 2
#define THREADS   50
#define ORDERS    7

/* Where every process sees it. */
typedef struct {
    int ready, accounts, account_budgets, orders, order_budgets, failures;
} shared_t;

typedef struct worker_t worker_t;
struct worker_t {
    help_t *help;
    shared_t *shared;
    void (*run)(worker_t *worker, apr_pool_t *pool);
    int process, thread;
};

static void count(int *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static int counted(const int *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void outcome(shared_t *shared, apr_status_t rv, int *successes,
                    int *budgets)
{
    if (rv == APR_SUCCESS)
        count(successes);
    else if (rv == STORE_BUDGET)
        count(budgets);
    else
        count(&shared->failures);
}

static apr_status_t account_add(worker_t *worker, const char *id,
                                apr_pool_t *pool)
{
    store_account_t *account = help_account(id, pool);
    store_event_t *event = help_event("account", pool);

    account->eab_kid = "k";
    event->account_id = id;
    return store_account_create(NULL, worker->help->store, account, event,
                                pool);
}

static apr_status_t order_add(worker_t *worker, const char *id,
                              apr_pool_t *pool)
{
    store_event_t *event = help_event("order", pool);

    event->order_id = id;
    return store_order_create(
        worker->help->store, help_order(id, "first", pool),
        apr_array_make(pool, 1, sizeof(void *)), "k", event, pool);
}

static void *worker_thread(void *data)
{
    worker_t *worker = data;
    apr_pool_t *pool;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    worker->run(worker, pool);
    apr_pool_destroy(pool);
    return NULL;
}

static void process_run(const worker_t *sample, int process)
{
    pthread_t threads[THREADS];
    worker_t workers[THREADS];
    int i;

    sample->help->store = help_open(sample->help);
    for (i = 0; i < THREADS; i++) {
        workers[i] = *sample;
        workers[i].process = process;
        workers[i].thread = i;
        pthread_create(&threads[i], NULL, worker_thread, &workers[i]);
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (sample->help->lines->nelts)
        count(&sample->shared->failures);
    help_close(sample->help);
    _exit(0);
}

/* The key and an account of it; nothing may be open when it forks. */
static void setup(worker_t *worker, pid_t *children, apr_int64_t max_accounts,
                  apr_int64_t max_orders, apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t *eab = help_eab("k", pool);
    int i;

    worker->help = help;
    worker->shared = mmap(NULL, sizeof(*worker->shared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    eab->max_accounts = max_accounts;
    eab->max_orders_per_day = max_orders;
    is_int(store_eab_create(help->store, eab, NULL, pool), APR_SUCCESS);
    is_int(help_add(help, "first"), APR_SUCCESS);
    help_close(help);
    apr_array_clear(help->lines);
    fflush(stdout);
    for (i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            process_run(worker, i);
    }
}

/* All of both processes at the same moment. */
static void start_wait(shared_t *shared)
{
    count(&shared->ready);
    while (counted(&shared->ready) < PROCESSES * THREADS)
        apr_sleep(100);
}

static void once_run(worker_t *worker, apr_pool_t *pool)
{
    shared_t *shared = worker->shared;
    const char *id =
        apr_psprintf(pool, "x-%d-%d", worker->process, worker->thread);

    start_wait(shared);
    outcome(shared, account_add(worker, id, pool), &shared->accounts,
            &shared->account_budgets);
    outcome(shared, order_add(worker, id, pool), &shared->orders,
            &shared->order_budgets);
}

/* What is in the database. */
typedef struct {
    int accounts, orders, account_events, order_events;
} tally_t;

static apr_status_t event_count(void *baton, const store_event_t *event,
                                apr_pool_t *pool)
{
    tally_t *tally = baton;

    if (!strcmp(event->kind, "account"))
        tally->account_events++;
    else
        tally->order_events++;
    return APR_SUCCESS;
}

static tally_t tally_make(help_t *help)
{
    tally_t tally = {0};
    apr_array_header_t *rows;

    is_int(
        store_account_list(&rows, help->store, "k", NULL, 100000, help->pool),
        APR_SUCCESS);
    tally.accounts = rows->nelts;
    is_int(store_order_list(&rows, help->store, NULL, NULL, 100000, help->pool),
           APR_SUCCESS);
    tally.orders = rows->nelts;
    is_int(store_event_walk(help->store, 0, event_count, &tally, help->pool),
           APR_SUCCESS);
    return tally;
}

static void consistent(help_t *help, const tally_t *tally)
{
    apr_array_header_t *findings;
    store_eab_t *eab;

    is_int(store_eab_get(&eab, help->store, "k", help->pool), APR_SUCCESS);
    need(eab);
    is_int(eab->used_accounts, tally->accounts);
    is_int(eab->orders_count, tally->orders);
    is_int(tally->account_events, tally->accounts);
    is_int(tally->order_events, tally->orders);
    is_int(store_check(&findings, help->store, help->pool), APR_SUCCESS);
    is_int(findings->nelts, 0);
    is_int(help->lines->nelts, 0);
}

static void once(apr_pool_t *pool)
{
    worker_t worker = {.run = once_run};
    const shared_t *shared;
    pid_t children[PROCESSES];
    tally_t tally;
    int i, status;

    setup(&worker, children, 1, ORDERS, pool);
    shared = worker.shared;
    for (i = 0; i < PROCESSES; i++) {
        waitpid(children[i], &status, 0);
        is_int(status, 0);
    }
    worker.help->store = help_open(worker.help);
    is_int(shared->failures, 0);
    is_int(shared->accounts, 1);
    is_int(shared->account_budgets, PROCESSES * THREADS - 1);
    is_int(shared->orders, ORDERS);
    is_int(shared->order_budgets, PROCESSES * THREADS - ORDERS);
    tally = tally_make(worker.help);
    is_int(tally.accounts, 1);
    is_int(tally.orders, ORDERS);
    consistent(worker.help, &tally);
}

/* One thread of each process chains all the time, the others write. */
static void endless_run(worker_t *worker, apr_pool_t *pool)
{
    shared_t *shared = worker->shared;
    const char *id;
    int i, chained;

    start_wait(shared);
    for (i = 0;; i++) {
        apr_pool_clear(pool);
        id = apr_psprintf(pool, "x-%d-%d-%d", worker->process, worker->thread,
                          i);
        if (worker->thread == 0) {
            if (store_event_chain(&chained, worker->help->store, 10, NULL, NULL,
                                  pool) != APR_SUCCESS)
                count(&shared->failures);
        }
        else if (worker->thread % 2) {
            outcome(shared, account_add(worker, id, pool), &shared->accounts,
                    &shared->account_budgets);
        }
        else {
            outcome(shared, order_add(worker, id, pool), &shared->orders,
                    &shared->order_budgets);
        }
    }
}

static void chain_check(help_t *help, const tally_t *tally)
{
    store_chain_t chain;
    int count_now;

    is_int(store_event_verify(&chain, help->store, help->pool), APR_SUCCESS);
    ok(!chain.why, "event %d: %s", (int)chain.broken_id, chain.why);
    is_int(chain.count + chain.waiting,
           tally->account_events + tally->order_events);
    ok(chain.count > 0, "some were chained before");
    is_int(store_event_chain(&count_now, help->store, 100000, NULL, NULL,
                             help->pool),
           APR_SUCCESS);
    is_int(count_now, chain.waiting);
    is_int(store_event_verify(&chain, help->store, help->pool), APR_SUCCESS);
    ok(!chain.why, "event %d: %s", (int)chain.broken_id, chain.why);
    is_int(chain.waiting, 0);
}

static void killed(apr_pool_t *pool)
{
    worker_t worker = {.run = endless_run};
    const shared_t *shared;
    pid_t children[PROCESSES];
    tally_t tally;
    int i;

    setup(&worker, children, 0, 0, pool);
    shared = worker.shared;
    while (counted(&shared->accounts) < 300 && counted(&shared->failures) == 0)
        apr_sleep(100);
    kill(children[0], SIGKILL);
    kill(children[1], SIGKILL);
    for (i = 0; i < PROCESSES; i++)
        waitpid(children[i], NULL, 0);
    worker.help->store = help_open(worker.help);
    is_int(shared->failures, 0);
    is_int(shared->account_budgets + shared->order_budgets, 0);
    tally = tally_make(worker.help);
    ok(tally.accounts >= shared->accounts &&
           tally.accounts <= shared->accounts + PROCESSES * THREADS,
       "%d accounts, told %d", tally.accounts, shared->accounts);
    ok(tally.orders >= shared->orders &&
           tally.orders <= shared->orders + PROCESSES * THREADS,
       "%d orders, told %d", tally.orders, shared->orders);
    consistent(worker.help, &tally);
    chain_check(worker.help, &tally);
}

const tap_case_t tap_cases[] = {
    {"T41 of 100 at once one gets the only account, 7 the day's orders", once},
    {"kill -9: counts, rows and events agree, and the chain holds", killed},
    {NULL, NULL}};
