/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "store/store_db.h"

#define CROWD  32
#define ROUNDS 24

static void *reads_run(void *data)
{
    help_t *help = data;
    store_account_t *account;
    apr_pool_t *pool;
    apr_status_t rv = APR_SUCCESS;
    int i;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    for (i = 0; i < 100 && rv == APR_SUCCESS; i++) {
        rv = store_account_get_by_key(&account, help->store, "", "", "thumb-a",
                                      pool);
        if (rv == APR_SUCCESS && strcmp(account->thumbprint, "thumb-a"))
            rv = APR_EGENERAL;
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return rv == APR_SUCCESS ? help : NULL;
}

static void crowd(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    pthread_t threads[CROWD];
    void *answer;
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    for (i = 0; i < CROWD; i++)
        pthread_create(&threads[i], NULL, reads_run, help);
    for (i = 0; i < CROWD; i++) {
        is_int(help_add(help, apr_psprintf(pool, "b%d", i)), APR_SUCCESS);
        pthread_join(threads[i], &answer);
        ok(answer != NULL);
    }
    ok(help->store->reader_count <= help->store->reader_max, "%d",
       help->store->reader_count);
    is_int(help->lines->nelts, 1);
}

/* A long read, as store_check is one. */
typedef struct {
    store_t *store;
    int *go_on, *running;
} long_t;

static apr_status_t long_run(store_conn_t *conn, void *baton)
{
    const long_t *one = baton;

    __atomic_add_fetch(one->running, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(one->go_on, __ATOMIC_SEQ_CST))
        apr_sleep(1000);
    return APR_SUCCESS;
}

static void *long_thread(void *data)
{
    long_t *one = data;

    return store_read_with(one->store, long_run, one) ? NULL : one;
}

static void all_busy(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int all = help->store->reader_max, go_on = 0, running = 0, i;
    long_t one = {help->store, &go_on, &running};
    pthread_t threads[CROWD];
    store_account_t *account;
    apr_time_t start;
    void *answer;

    is_int(help_add(help, "a"), APR_SUCCESS);
    for (i = 0; i < all; i++)
        pthread_create(&threads[i], NULL, long_thread, &one);
    for (i = 0; i < 20000; i++) {
        if (__atomic_load_n(&running, __ATOMIC_SEQ_CST) == all)
            break;
        apr_sleep(1000);
    }
    is_int(running, all);
    start = clock_now(&clock_monotonic);
    is_int(help_get(&account, help, "a"), APR_TIMEUP);
    ok(clock_now(&clock_monotonic) - start < apr_time_from_sec(15));
    is_int(help_lines(help, "AS0250"), 1);
    __atomic_store_n(&go_on, 1, __ATOMIC_SEQ_CST);
    for (i = 0; i < all; i++) {
        pthread_join(threads[i], &answer);
        ok(answer != NULL);
    }
    is_int(help_get(&account, help, "a"), APR_SUCCESS);
    is_int(help_lines(help, "AS0251"), 1);
}

/* A statement that fails once and again is told, and no connection is lost. */
static apr_status_t bad_run(store_conn_t *conn, void *baton)
{
    store_rows_t rows;
    int *runs = baton;

    ++*runs;
    return store_conn_text(&rows, conn, "SELECT missing", conn->statements);
}

static void failures(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int i, runs = 0;

    is_int(help_add(help, "a"), APR_SUCCESS);
    for (i = 0; i < ROUNDS; i++)
        ok(store_read_with(help->store, bad_run, &runs) != APR_SUCCESS);
    is_int(help->store->reader_count, 0);
    /* Each on a fresh connection: no second try; but a server that goes away
     * may let somebody in before. */
    if (engine_is_pgsql())
        ok(runs <= 2 * ROUNDS + 1, "%d", runs);
    else
        is_int(runs, ROUNDS);
    is_int(help_lines(help, "AS0250"), 1);
    ok(strstr(help_last(help), engine_is_pgsql() ? "\"missing\" does not exist"
                                                 : "no such column"),
       "%s", help_last(help));
}

/* Readers see what was committed, and cannot write. */
static apr_status_t write_run(store_conn_t *conn, void *baton)
{
    store_rows_t rows;

    return store_conn_text(&rows, conn, "DELETE FROM accounts",
                           conn->statements);
}

static void read_only(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *account;

    is_int(help_add(help, "a"), APR_SUCCESS);
    ok(store_read_with(help->store, write_run, NULL) != APR_SUCCESS);
    is_int(help_get(&account, help, "a"), APR_SUCCESS);
}

static void *id_make(const store_rows_t *rows)
{
    return (void *)store_rows_text(rows, 0);
}

static void lists(apr_pool_t *pool)
{
    static const store_sql_t ids = {
        STORE_SQL_ACCOUNT_LIST,
        "SELECT id FROM accounts WHERE id > %s ORDER BY id"};
    static const store_sql_t bad = {STORE_SQL_ACCOUNT_LIST_OF_EAB,
                                    "SELECT missing"};
    help_t *help = help_make(pool);
    const void *args[] = {"a"};
    apr_array_header_t *list;

    is_int(store_read_list(&list, help->store, &ids, args, id_make, pool),
           APR_SUCCESS);
    is_int(list->nelts, 0);
    is_int(help_add(help, "c"), APR_SUCCESS);
    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(help_add(help, "b"), APR_SUCCESS);
    is_int(store_read_list(&list, help->store, &ids, args, id_make, pool),
           APR_SUCCESS);
    need(list->nelts == 2);
    is_str(APR_ARRAY_IDX(list, 0, const char *), "b");
    is_str(APR_ARRAY_IDX(list, 1, const char *), "c");
    ok(store_read_list(&list, help->store, &bad, NULL, id_make, pool) !=
       APR_SUCCESS);
    is_int(list->nelts, 0);
}

/* The first one gets it. */
static apr_status_t claim_run(store_conn_t *conn, void *baton)
{
    static const store_sql_t sql = {
        STORE_SQL_ACCOUNT_DEACTIVATE,
        "UPDATE accounts SET status = 'deactivated' "
        "WHERE id = %s AND status = 'valid'"};
    const void *args[] = {baton};

    return store_conn_claim(conn, &sql, args);
}

static void claims(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_write(help->store, STORE_DURABLE, claim_run, "a"),
           APR_SUCCESS);
    is_int(store_write(help->store, STORE_DURABLE, claim_run, "a"), APR_EEXIST);
    is_int(store_write(help->store, STORE_DURABLE, claim_run, "b"), APR_EEXIST);
}

const tap_case_t tap_cases[] = {
    {"more threads than connections", crowd},
    {"nobody waits for ever for a connection", all_busy},
    {"failures lose no connection", failures},
    {"readers cannot write", read_only},
    {"a list has all rows", lists},
    {"a change of no row is late", claims},
    {NULL, NULL}};
