/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store_db.h"
#include "store_help.h"

/* Old and new children of httpd, or acmectl beside them: several processes
 * with several threads each on one database. */

#define THREADS 4
#define WRITES  40

/* What was told to have been written, where every process sees it. */
typedef struct {
    char told[2][THREADS][WRITES];
    int failures, tally, total;
} shared_t;

typedef struct {
    help_t *help;
    shared_t *shared;
    int process, thread;
} worker_t;

/* What the children of the next test queue at; NULL: nothing. */
static apr_proc_mutex_t *gate;

static const char *row_id(int process, int thread, int i, apr_pool_t *pool)
{
    return apr_psprintf(pool, "row-%d-%d-%d", process, thread, i);
}

/* One row of its own, one more on a tally that all share. */
static void row_write(worker_t *worker, int i, apr_pool_t *pool)
{
    const char *id = row_id(worker->process, worker->thread, i, pool);
    store_account_t *account = help_account(id, pool), *found;
    store_t *store = worker->help->store;
    apr_status_t rv;

    rv = store_account_create(NULL, store, account, NULL, pool);
    if (rv == APR_SUCCESS)
        worker->shared->told[worker->process][worker->thread][i] = 1;
    else
        __atomic_add_fetch(&worker->shared->failures, 1, __ATOMIC_RELAXED);
    if (store_account_get(&found, store, id, pool) != rv)
        __atomic_add_fetch(&worker->shared->failures, 1, __ATOMIC_RELAXED);
    rv = store_job_postpone(store, "tally", i, pool);
    if (rv == APR_SUCCESS)
        __atomic_add_fetch(&worker->shared->tally, 1, __ATOMIC_RELAXED);
    else
        __atomic_add_fetch(&worker->shared->failures, 1, __ATOMIC_RELAXED);
}

static void *worker_run(void *data)
{
    worker_t *worker = data;
    apr_pool_t *pool;
    int i;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    for (i = 0; i < WRITES; i++) {
        row_write(worker, i, pool);
        __atomic_add_fetch(&worker->shared->total, 1, __ATOMIC_RELAXED);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void process_run(help_t *help, shared_t *shared, int process)
{
    pthread_t threads[THREADS];
    worker_t workers[THREADS];
    int i;

    help->store = help_open(help);
    store_gate_set(help->store, gate);
    for (i = 0; i < THREADS; i++) {
        workers[i].help = help;
        workers[i].shared = shared;
        workers[i].process = process;
        workers[i].thread = i;
        pthread_create(&threads[i], NULL, worker_run, &workers[i]);
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (help->lines->nelts)
        __atomic_add_fetch(&shared->failures, 1, __ATOMIC_RELAXED);
    help_close(help);
    _exit(0);
}

static help_t *setup(shared_t **shared, pid_t *children, apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int i;

    *shared = mmap(NULL, sizeof(**shared), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    is_int(store_job_add(help->store, help_job("tally", "k", "s", pool), pool),
           APR_SUCCESS);
    help_close(help); /* nothing may be open when it forks */
    apr_array_clear(help->lines);
    fflush(stdout);
    for (i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            process_run(help, *shared, i);
    }
    return help;
}

static int tally_read(help_t *help)
{
    apr_array_header_t *jobs;

    is_int(store_job_claim(&jobs, help->store, "t", 9000, 1, 8000, help->pool),
           APR_SUCCESS);
    return jobs->nelts ? APR_ARRAY_IDX(jobs, 0, store_job_t *)->attempts : -1;
}

/* Every row that was told is there. */
static void rows_check(help_t *help, const shared_t *shared)
{
    store_account_t *account;
    int process, thread, i;

    for (process = 0; process < 2; process++)
        for (thread = 0; thread < THREADS; thread++)
            for (i = 0; i < WRITES && shared->told[process][thread][i]; i++)
                is_int(store_account_get(&account, help->store,
                                         row_id(process, thread, i, help->pool),
                                         help->pool),
                       APR_SUCCESS);
}

static void both_live(apr_pool_t *pool)
{
    shared_t *shared;
    pid_t children[2];
    help_t *help = setup(&shared, children, pool);
    int i, status;

    for (i = 0; i < 2; i++) {
        waitpid(children[i], &status, 0);
        is_int(status, 0);
    }
    help->store = help_open(help);
    is_int(shared->failures, 0);
    is_int(shared->total, 2 * THREADS * WRITES);
    is_int(shared->tally, 2 * THREADS * WRITES);
    is_int(tally_read(help), 2 * THREADS * WRITES);
    rows_check(help, shared);
    is_int(help->lines->nelts, 0);
}

static void one_is_killed(apr_pool_t *pool)
{
    shared_t *shared;
    pid_t children[2];
    help_t *help = setup(&shared, children, pool);
    int status, tally;

    while (__atomic_load_n(&shared->total, __ATOMIC_RELAXED) < THREADS * WRITES)
        apr_sleep(100);
    kill(children[0], SIGKILL);
    waitpid(children[0], &status, 0);
    ok(WIFSIGNALED(status), "it was fast enough to be killed");
    waitpid(children[1], &status, 0);
    is_int(status, 0);
    help->store = help_open(help);
    is_int(shared->failures, 0);
    rows_check(help, shared);
    tally = tally_read(help); /* what was written and not told may be there */
    ok(tally >= shared->tally && tally <= shared->tally + THREADS,
       "%d, told %d", tally, shared->tally);
    is_int(help->lines->nelts, 0);
}

static void checked(apr_pool_t *pool)
{
    shared_t *shared;
    pid_t children[2];
    help_t *help = setup(&shared, children, pool);
    apr_array_header_t *findings;

    apr_sleep(apr_time_from_msec(20));
    kill(children[0], SIGKILL);
    kill(children[1], SIGKILL);
    waitpid(children[0], NULL, 0);
    waitpid(children[1], NULL, 0);
    help->store = help_open(help);
    is_int(store_check(&findings, help->store, pool), APR_SUCCESS);
    is_int(findings->nelts, 0);
    rows_check(help, shared);
    ok(tally_read(help) >= shared->tally);
}

static void gate_make(apr_pool_t *pool)
{
    is_int(apr_proc_mutex_create(&gate, NULL, APR_LOCK_PROC_PTHREAD, pool),
           APR_SUCCESS);
}

static void gate_both_live(apr_pool_t *pool)
{
    gate_make(pool);
    both_live(pool);
    gate = NULL;
}

static void gate_one_is_killed(apr_pool_t *pool)
{
    gate_make(pool);
    one_is_killed(pool);
    gate = NULL;
}

/* By a child that is stopped inside: a failure in time; and when it is killed
 * there, its turn is over. */
static void gate_held(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int *is_in = mmap(NULL, sizeof(*is_in), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    apr_time_t start;
    pid_t child;

    gate_make(pool);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        *is_in = apr_proc_mutex_lock(gate) == APR_SUCCESS;
        for (;;)
            pause();
    }
    while (!__atomic_load_n(is_in, __ATOMIC_ACQUIRE))
        apr_sleep(1000);
    store_gate_set(help->store, gate);
    start = clock_now(&clock_monotonic);
    ok(engine_is_pgsql() || help_add(help, "a") != APR_SUCCESS);
    ok(clock_now(&clock_monotonic) - start < apr_time_from_sec(15));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    is_int(help_add(help, "b"), APR_SUCCESS);
    is_int(help_add(help, "c"), APR_SUCCESS);
    gate = NULL;
}

/* Who has stood at the gate for long does not wait as long for the lock. */
static void gate_and_lock(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_lock_t lock;
    apr_time_t start;
    pid_t child;
    int ends[2];
    char octet;

    if (engine_is_other("no lock file"))
        return;
    gate_make(pool);
    store_lock_init(&lock, apr_pstrcat(pool, help->path, ".lock", NULL));
    is_int(store_lock_take(&lock, apr_time_from_sec(2)), APR_SUCCESS);
    need(pipe(ends) == 0);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        apr_proc_mutex_lock(gate);
        if (write(ends[1], "x", 1) == 1)
            apr_sleep(apr_time_from_msec(1500));
        apr_proc_mutex_unlock(gate);
        _exit(0);
    }
    is_int(read(ends[0], &octet, 1), 1);
    store_gate_set(help->store, gate);
    start = clock_now(&clock_monotonic);
    ok(help_add(help, "a") != APR_SUCCESS);
    ok(clock_now(&clock_monotonic) - start < apr_time_from_msec(2900));
    waitpid(child, NULL, 0);
    store_lock_release(&lock);
    store_lock_close(&lock);
    is_int(help_add(help, "b"), APR_SUCCESS);
    gate = NULL;
}

#define MAKERS 4

/* Exits with 0 if it could read, and had nothing to complain of; to have waited
 * for two seconds proves nothing but a slow machine (valgrind). */
static void maker_run(help_t *help, int *go, int delay)
{
    store_account_t *account;
    apr_status_t rv;
    int has_failed;

    while (!__atomic_load_n(go, __ATOMIC_ACQUIRE))
        ;
    apr_sleep(delay);
    help->store = help_open(help);
    rv = store_account_get(&account, help->store, "nobody", help->pool);
    has_failed = !APR_STATUS_IS_ENOENT(rv) || help_lines(help, "AS0250");
    if (strstr(help_last(help), "is held by another process"))
        has_failed = 0;
    help_close(help);
    _exit(has_failed);
}

/* Readers that come while another process makes the database wait for it. */
static void made_once(apr_pool_t *pool)
{
    int *go = mmap(NULL, sizeof(*go), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int round, i, status, failed = 0;

    for (round = 0; round < 60; round++) {
        help_t *help = help_make(pool);
        pid_t children[MAKERS];

        help_close(help); /* it had no reason to make one yet */
        *go = 0;
        fflush(stdout);
        for (i = 0; i < MAKERS; i++) {
            children[i] = fork();
            if (children[i] == 0)
                maker_run(help, go, i * (40 * round));
        }
        __atomic_store_n(go, 1, __ATOMIC_RELEASE);
        for (i = 0; i < MAKERS; i++) {
            waitpid(children[i], &status, 0);
            failed += status != 0;
        }
    }
    is_int(failed, 0);
}

const tap_case_t tap_cases[] = {
    {"processes that find no database make one, once", made_once},
    {"two processes of four threads: all that was told is there, once",
     both_live},
    {"kill -9 of one loses nothing that was told", one_is_killed},
    {"the same through a gate", gate_both_live},
    {"kill -9 at the gate", gate_one_is_killed},
    {"a gate that is held is a failure, and free after kill -9", gate_held},
    {"a gate and a lock take no longer than one of them", gate_and_lock},
    {"kill -9 of all leaves a sound database", checked},
    {NULL, NULL}};
