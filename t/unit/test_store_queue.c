/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_commit.h"

#include <pthread.h>

#include "store/store_db.h"
#include "store_help.h"

/* Who waits for that long should not have. */
#define LONG apr_time_from_sec(30)

/* A write that also looks how many rows of jobs others can see meanwhile. */
typedef struct {
    help_t *help;
    const char *id;
    store_durability_e durability;
    apr_status_t rv;
    int seen;
    apr_pool_t *pool;
    pthread_t thread;
} write_t;

static apr_status_t count_run(store_conn_t *conn, void *baton)
{
    store_rows_t *rows = baton;

    return store_conn_text(rows, conn, "SELECT count(*) FROM jobs", rows->pool);
}

static int job_count(help_t *help, apr_pool_t *pool)
{
    store_rows_t rows = {.pool = pool};

    if (store_read_with(help->store, count_run, &rows) != APR_SUCCESS)
        return -1;
    return store_rows_next(&rows) ? (int)store_rows_int(&rows, 0) : -1;
}

static apr_status_t insert_run(store_conn_t *conn, void *baton)
{
    write_t *write = baton;
    store_rows_t rows;

    write->seen = job_count(write->help, write->pool);
    conn->has_written = 1;
    return store_conn_text(&rows, conn,
                           apr_psprintf(write->pool,
                                        "INSERT INTO jobs VALUES ('%s', 'k', "
                                        "'%s', NULL, 0, '', 0, 0, 0, 0)",
                                        write->id, write->id),
                           write->pool);
}

static void *write_thread(void *data)
{
    write_t *write = data;

    write->rv =
        store_write(write->help->store, write->durability, insert_run, write);
    return NULL;
}

static apr_status_t pool_destroy(void *pool)
{
    apr_pool_destroy(pool);
    return APR_SUCCESS;
}

static write_t *write_make(help_t *help, const char *id)
{
    write_t *write = apr_pcalloc(help->pool, sizeof(*write));

    write->help = help;
    write->id = id;
    write->durability = STORE_DURABLE;
    write->seen = -1;
    apr_pool_create_unmanaged_ex(&write->pool, NULL, NULL);
    apr_pool_cleanup_register(help->pool, write->pool, pool_destroy,
                              apr_pool_cleanup_null);
    return write;
}

/* A store that is made already, which gathers for so long. */
static help_t *gatherer_make(apr_interval_time_t limit, apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(job_count(help, pool), 0);
    help->store->company_limit = limit;
    return help;
}

static int is_gathering(const help_t *help)
{
    return __atomic_load_n(&help->store->is_gathering, __ATOMIC_SEQ_CST);
}

static void write_start(write_t *write)
{
    pthread_create(&write->thread, NULL, write_thread, write);
    while (!is_gathering(write->help))
        apr_sleep(1000);
}

static void write_end(write_t *write)
{
    pthread_join(write->thread, NULL);
    is_int(write->rv, APR_SUCCESS);
}

static void shared(apr_pool_t *pool)
{
    help_t *help = gatherer_make(LONG, pool);
    write_t *first = write_make(help, "a"), *second = write_make(help, "b");

    store_expect(help->store, 1);
    store_expect(help->store, 1);
    write_start(first);
    write_thread(second);
    is_int(second->rv, APR_SUCCESS);
    write_end(first);
    is_int(first->seen, 0);
    is_int(second->seen, 0); /* the first was not committed by itself */
    is_int(job_count(help, pool), 2);
}

static int is_soon(apr_time_t start)
{
    return clock_now(&clock_monotonic) - start < LONG;
}

static void gone(apr_pool_t *pool)
{
    help_t *help = gatherer_make(LONG, pool);
    write_t *write = write_make(help, "a");
    apr_time_t start = clock_now(&clock_monotonic);

    store_expect(help->store, 3);
    write_start(write);
    store_expect(help->store, -1);
    ok(is_gathering(help));
    store_expect(help->store, -1);
    write_end(write);
    ok(is_soon(start));
}

static void limit(apr_pool_t *pool)
{
    help_t *help = gatherer_make(apr_time_from_msec(20), pool);
    write_t *write = write_make(help, "a");

    store_expect(help->store, 2);
    write_thread(write);
    is_int(write->rv, APR_SUCCESS);
    is_int(job_count(help, pool), 1);
}

static void alone(apr_pool_t *pool)
{
    help_t *help = gatherer_make(LONG, pool);
    apr_time_t start = clock_now(&clock_monotonic);
    write_t *writes[3];

    writes[0] = write_make(help, "a"); /* nobody is expected, nor is it */
    writes[1] = write_make(help, "b"); /* only itself */
    writes[2] = write_make(help, "c"); /* no sync, nothing to share */
    writes[2]->durability = STORE_RELAXED;
    write_thread(writes[0]);
    store_expect(help->store, 1);
    write_thread(writes[1]);
    store_expect(help->store, 4);
    write_thread(writes[2]);
    is_int(job_count(help, pool), 3);
    ok(is_soon(start));
}

const tap_case_t tap_cases[] = {{"who is expected shares the commit", shared},
                                {"who goes away is not waited for", gone},
                                {"nor who does not come for long", limit},
                                {"who is alone waits for nobody", alone},
                                {NULL, NULL}};
