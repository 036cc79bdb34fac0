/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include "store/store_account.h"
#include "store/store_server.c"

/* Only with ACME_TEST_PGSQL. */

#define THREADS 8

static int is_here(void)
{
    if (!engine_is_pgsql())
        tap_diag("only with PostgreSQL");
    return engine_is_pgsql();
}

/* End the server's processes that this store is connected with. */
static void disconnect(help_t *help)
{
    engine_sql(&help->conf,
               "SELECT count(pg_terminate_backend(pid, 5000)) "
               "FROM pg_stat_activity WHERE application_name = "
               "current_setting('application_name') "
               "AND pid <> pg_backend_pid()",
               help->pool);
}

static apr_status_t get(help_t *help, const char *id)
{
    store_account_t *account;

    return store_account_get(&account, help->store, id, help->pool);
}

/* Nobody was told of it. */
static void is_quiet(const help_t *help)
{
    is_int(help_lines(help, "AS0250"), 0);
    is_int(help->lines->nelts, 1);
}

static void dead_connections(apr_pool_t *pool)
{
    help_t *help;

    if (!is_here())
        return;
    help = help_make(pool);
    is_int(help_add(help, "a"), APR_SUCCESS);
    disconnect(help);
    is_int(get(help, "a"), APR_SUCCESS);
    disconnect(help);
    is_int(help_add(help, "b"), APR_SUCCESS);
    is_int(get(help, "b"), APR_SUCCESS);
    is_quiet(help);
}

typedef struct {
    help_t *help;
    int runs, dies; /* so many runs lose their connection */
} dying_t;

static apr_status_t dying_run(store_conn_t *conn, void *baton)
{
    dying_t *dying = baton;
    store_rows_t rows;

    if (store_conn_text(&rows, conn,
                        "INSERT INTO jobs VALUES ('j', 'k', 's', NULL, 0, '', "
                        "0, 0, 0, 0)",
                        dying->help->pool) != APR_SUCCESS)
        return APR_EGENERAL;
    if (dying->runs++ < dying->dies)
        disconnect(dying->help);
    return APR_SUCCESS;
}

static const char *job_count(help_t *help)
{
    return engine_sql(&help->conf, "SELECT count(*) FROM jobs", help->pool);
}

/* The COMMIT finds nobody: it was certainly not done, and is run again. */
static void dies_before_commit(apr_pool_t *pool)
{
    dying_t dying = {.dies = 2};

    if (!is_here())
        return;
    dying.help = help_make(pool);
    is_int(store_write(dying.help->store, STORE_DURABLE, dying_run, &dying),
           APR_SUCCESS);
    is_int(dying.runs, 3);
    is_str(job_count(dying.help), "1");
    is_quiet(dying.help);
}

/* The process of the server dies while it commits. */
static void dies_in_commit(apr_pool_t *pool)
{
    dying_t dying = {0};
    const store_conf_t *conf;

    if (!is_here())
        return;
    dying.help = help_make(pool);
    conf = &dying.help->conf;
    is_int(help_add(dying.help, "a"), APR_SUCCESS);
    engine_sql(conf, "CREATE SEQUENCE deaths", pool);
    engine_sql(conf,
               "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ "
               "BEGIN IF nextval('deaths') = 1 THEN "
               "PERFORM pg_terminate_backend(pg_backend_pid()); "
               "PERFORM pg_sleep(5); END IF; RETURN NULL; END $$",
               pool);
    engine_sql(conf,
               "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON jobs DEFERRABLE "
               "INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()",
               pool);
    is_int(store_write(dying.help->store, STORE_DURABLE, dying_run, &dying),
           APR_SUCCESS);
    is_int(dying.runs, 2);
    is_str(job_count(dying.help), "1");
    is_quiet(dying.help);
}

/* Its answer was lost, but it was done: it is not run again. */
static void doubts(apr_pool_t *pool)
{
    static const struct {
        const char *sql;
        int runs;
    } cases[] = {{"SELECT txid_current()", 0}, {"SELECT 3", 1}};
    dying_t dying = {0};
    size_t i;

    if (!is_here())
        return;
    dying.help = help_make(pool);
    is_int(help_add(dying.help, "a"), APR_SUCCESS);
    for (i = 0; i < 2; i++) {
        call_t call = {.store = dying.help->store,
                       .fn = dying_run,
                       .baton = &dying,
                       .is_write = 1};
        const char *xid = engine_sql(&dying.help->conf, cases[i].sql, pool);

        call.limit = clock_now(&clock_monotonic) + LIMIT;
        /* Nothing is known any more of a very old one: it counts as undone. */
        apr_cpystrn(call.xid, xid, sizeof(call.xid));
        is_int(call_once(&call), APR_SUCCESS);
        ok(!call.is_again && !call.xid[0]);
        is_int(dying.runs, cases[i].runs);
    }
}

typedef struct {
    help_t *help;
    int number, *ready;
    apr_status_t rv;
    int count;
    pthread_t thread;
    apr_pool_t *pool;
} racer_t;

static void race(help_t *help, racer_t *racers, void *(*run)(void *))
{
    int i, ready = 0;

    for (i = 0; i < THREADS; i++) {
        racers[i] = (racer_t){help, i, &ready, APR_SUCCESS, 0, 0, NULL};
        apr_pool_create_unmanaged_ex(&racers[i].pool, NULL, NULL);
        pthread_create(&racers[i].thread, NULL, run, &racers[i]);
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(racers[i].thread, NULL);
    for (i = 0; i < THREADS; i++)
        apr_pool_destroy(racers[i].pool);
}

/* Until `count` have come. */
static void meet(racer_t *racer, int count)
{
    __atomic_add_fetch(racer->ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(racer->ready, __ATOMIC_SEQ_CST) < count)
        apr_sleep(1000);
}

static apr_status_t lock_run(store_conn_t *conn, void *baton)
{
    racer_t *racer = baton;
    store_rows_t rows;
    int first = racer->number % 2;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; rv == APR_SUCCESS && i < 2; i++) {
        rv = store_conn_text(&rows, conn,
                             (i + first) % 2 ? "UPDATE accounts SET owner = "
                                               "'x' WHERE id = 'a'"
                                             : "UPDATE accounts SET owner = "
                                               "'x' WHERE id = 'b'",
                             racer->pool);
        if (i == 0 && racer->count++ == 0)
            meet(racer, 2); /* each has one of both now */
    }
    return rv;
}

static void *lock_thread(void *data)
{
    racer_t *racer = data;

    if (racer->number < 2)
        racer->rv =
            store_write(racer->help->store, STORE_RELAXED, lock_run, racer);
    return NULL;
}

static void deadlock(apr_pool_t *pool)
{
    racer_t racers[THREADS];
    help_t *help;

    if (!is_here())
        return;
    help = help_make(pool);
    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(help_add(help, "b"), APR_SUCCESS);
    race(help, racers, lock_thread);
    is_int(racers[0].rv, APR_SUCCESS);
    is_int(racers[1].rv, APR_SUCCESS);
    ok(racers[0].count + racers[1].count > 2, "one was run again");
    is_quiet(help);
}

/* Whoever is away for good is told of once, and nobody waits for it twice. */
static void away(apr_pool_t *pool)
{
    apr_time_t start = clock_now(&clock_monotonic);
    help_t *help;
    int i;

    if (!is_here())
        return;
    help = help_make(pool);
    help->conf.params = apr_pstrcat(pool, "host=", help->dir,
                                    "/none password=s3cret dbname=x", NULL);
    help_close(help);
    help->store = help_open(help);
    for (i = 0; i < 20; i++) {
        apr_status_t rv = i % 2 ? help_add(help, "a") : get(help, "a");

        ok(rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv), "%d", rv);
    }
    ok(clock_now(&clock_monotonic) - start < LIMIT + apr_time_from_sec(3));
    is_int(help->lines->nelts, 1);
    ok(strstr(help_last(help), "AS0250") && strstr(help_last(help), "dbname=x"),
       "%s", help_last(help));
    ok(!strstr(help_last(help), "s3cret"), "%s", help_last(help));
}

static void newer(apr_pool_t *pool)
{
    help_t *help;

    if (!is_here())
        return;
    help = help_make(pool);
    is_int(help_add(help, "a"), APR_SUCCESS);
    engine_sql(&help->conf, "UPDATE acme_schema SET version = version + 1",
               pool);
    ok(help_add(help, "b") != APR_SUCCESS);
    ok(strstr(help_last(help), "made by a newer"), "%s", help_last(help));
    apr_sleep(LOOK_EVERY);
    ok(get(help, "a") != APR_SUCCESS);
    engine_sql(&help->conf, "UPDATE acme_schema SET version = version - 1",
               pool);
    apr_sleep(ASK_ILL);
    is_int(help_add(help, "b"), APR_SUCCESS);
    is_int(help_lines(help, "AS0251"), 1);
}

/* The values of a row that was refused are not for the log. */
static void refused(apr_pool_t *pool)
{
    help_t *help;
    store_account_t *account;

    if (!is_here())
        return;
    help = help_make(pool);
    account = help_account("a", pool);
    account->status = "odd";
    account->jwk = "s3cret";
    ok(store_account_create(NULL, help->store, account, NULL, pool) !=
       APR_SUCCESS);
    ok(strstr(help_last(help), "check constraint"), "%s", help_last(help));
    ok(!strstr(help_last(help), "s3cret"), "%s", help_last(help));
    account->status = "valid";
    account->owner = "\xff";
    ok(store_account_create(NULL, help->store, account, NULL, pool) !=
       APR_SUCCESS);
    account->owner = NULL;
    is_int(store_account_create(NULL, help->store, account, NULL, pool),
           APR_SUCCESS);
}

const tap_case_t tap_cases[] = {
    {"connections that died cost nothing", dead_connections},
    {"a connection that dies in a transaction", dies_before_commit},
    {"a server that dies while it commits", dies_in_commit},
    {"a COMMIT without an answer was done, or not", doubts},
    {"a deadlock costs a try", deadlock},
    {"a server that is away", away},
    {"a schema that became a newer module's", newer},
    {"what a refused row held is not told", refused},
    {NULL, NULL}};
