/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <pthread.h>
#include <string.h>

#include "store/store_event_chain.c"

static void add(help_t *help, int count)
{
    store_event_t *event = help_event("k", help->pool);
    int i;

    for (i = 0; i < count; i++) {
        event->detail = apr_psprintf(help->pool, "{\"i\":%d}", i);
        is_int(store_event_add(help->store, event, 0, help->pool), APR_SUCCESS);
    }
}

static int chain_up(help_t *help, int max)
{
    int count = -1;

    is_int(store_event_chain(&count, help->store, max, NULL, NULL, help->pool),
           APR_SUCCESS);
    return count;
}

static store_chain_t verify(help_t *help)
{
    store_chain_t chain;

    is_int(store_event_verify(&chain, help->store, help->pool), APR_SUCCESS);
    return chain;
}

static void is_broken(help_t *help, apr_int64_t id, const char *why)
{
    store_chain_t chain = verify(help);

    is_int(chain.broken_id, id);
    ok(chain.why && strstr(chain.why, why), "%s", chain.why);
}

static apr_status_t keep(void *baton, const store_event_t *event,
                         apr_pool_t *pool)
{
    help_t *help = baton;

    APR_ARRAY_PUSH(help->lines, const char *) =
        event->hash
            ? apr_pstrcat(help->pool, event->prev, " ", event->hash, NULL)
            : "-";
    return APR_SUCCESS;
}

/* Of each event after that one: "<prev> <hash>" or "-". */
static const apr_array_header_t *hashes(help_t *help, apr_int64_t after)
{
    apr_array_clear(help->lines);
    is_int(store_event_walk(help->store, after, keep, help, help->pool),
           APR_SUCCESS);
    return help->lines;
}

#define HASH_1                                                                 \
    "f13db98ae2492279714e76ba01ca184e3405f4f6f458acc55632565bc394f863"
#define HASH_2                                                                 \
    "d6045595de4d5ee77ea37294709eafd78ca897a51388e1d6a94f407a8207eba5"

/* Computed by another program from what the header says. */
static void vectors(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_event_t one = {.at = 1000,
                         .kind = "order.create",
                         .account_id = "acct",
                         .order_id = "ord",
                         .who = "\xc3\xa4",
                         .ip = "::1",
                         .detail = "{\"a\":\"1,2:\"}"};
    store_event_t two = {.at = 1001,
                         .kind = "refuse",
                         .authz_id = "",
                         .cert_id = "c",
                         .eab_kid = "k"};
    const apr_array_header_t *got;
    store_chain_t chain;

    is_int(store_event_add(help->store, &one, 1, pool), APR_SUCCESS);
    is_int(store_event_add(help->store, &two, 1, pool), APR_SUCCESS);
    is_int(chain_up(help, 10), 2);
    got = hashes(help, 0);
    need(got->nelts == 2);
    is_str(APR_ARRAY_IDX(got, 0, const char *), STORE_HASH_FIRST " " HASH_1);
    is_str(APR_ARRAY_IDX(got, 1, const char *), HASH_1 " " HASH_2);
    got = hashes(help, 1);
    need(got->nelts == 1);
    is_str(APR_ARRAY_IDX(got, 0, const char *), HASH_1 " " HASH_2);
    chain = verify(help);
    is_str(chain.last_hash, HASH_2);
    is_int(chain.last_id, 2);
}

static apr_status_t take(void *baton, const store_event_t *event,
                         apr_pool_t *pool)
{
    help_t *help = baton;

    APR_ARRAY_PUSH(help->lines, const char *) =
        apr_pstrcat(help->pool, event->kind, " ", event->hash, NULL);
    return APR_SUCCESS;
}

static void given(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int count, i;

    add(help, 5);
    apr_array_clear(help->lines);
    for (i = 0; i < 3; i++)
        is_int(store_event_chain(&count, help->store, 2, take, help, pool),
               APR_SUCCESS);
    is_int(count, 1);
    is_int(help->lines->nelts, 5);
    ok(strstr(APR_ARRAY_IDX(help->lines, 4, const char *),
              verify(help).last_hash));
    is_int(store_event_chain(&count, help->store, 2, take, help, pool),
           APR_SUCCESS);
    is_int(help->lines->nelts, 5);
}

static void batches(apr_pool_t *pool)
{
    help_t *help = help_make(pool), *at_once = help_make(pool);
    store_chain_t chain = verify(help);

    is_int(chain_up(help, 10), 0);
    is_str(chain.last_hash, STORE_HASH_FIRST);
    ok(!chain.why && !chain.count && !chain.waiting && !chain.last_id);
    add(help, 7);
    is_int(verify(help).waiting, 7);
    is_int(chain_up(help, 3), 3);
    chain = verify(help);
    ok(!chain.why && chain.count == 3 && chain.waiting == 4 &&
       chain.last_id == 3);
    is_str(APR_ARRAY_IDX(hashes(help, 2), 1, const char *), "-");
    is_int(chain_up(help, 3), 3);
    is_int(chain_up(help, 3), 1);
    is_int(chain_up(help, 3), 0);
    chain = verify(help);
    ok(!chain.why && chain.count == 7 && !chain.waiting && chain.last_id == 7);
    add(at_once, 7);
    is_int(chain_up(at_once, 100), 7);
    is_str(verify(at_once).last_hash, chain.last_hash);
}

/* Several pages; events come while others are chained. */
static void many(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_chain_t chain;

    add(help, 600);
    is_int(chain_up(help, 550), 550);
    add(help, 600);
    is_int(chain_up(help, 2000), 650);
    chain = verify(help);
    ok(!chain.why && chain.count == 1200 && chain.last_id == 1200);
}

typedef struct {
    help_t *help;
    int count, failures;
    pthread_t thread;
} chainer_t;

static void *chainer_run(void *data)
{
    chainer_t *chainer = data;
    apr_pool_t *pool;
    int i, count;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    for (i = 0; i < 40; i++) {
        if (store_event_chain(&count, chainer->help->store, 5, NULL, NULL,
                              pool) != APR_SUCCESS)
            chainer->failures++;
        chainer->count += count;
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void at_once(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    chainer_t chainers[4];
    store_chain_t chain;
    int i, count = 0;

    add(help, 100);
    for (i = 0; i < 4; i++) {
        chainers[i] = (chainer_t){.help = help};
        pthread_create(&chainers[i].thread, NULL, chainer_run, &chainers[i]);
    }
    add(help, 50);
    for (i = 0; i < 4; i++) {
        pthread_join(chainers[i].thread, NULL);
        is_int(chainers[i].failures, 0);
        count += chainers[i].count;
    }
    count += chain_up(help, 1000);
    is_int(count, 150);
    chain = verify(help);
    ok(!chain.why && chain.count == 150 && !chain.waiting, "%s", chain.why);
}

static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_event_t event = {.at = 1000,
                           .kind = "k",
                           .account_id = "a",
                           .order_id = "o",
                           .authz_id = "z",
                           .cert_id = "c",
                           .eab_kid = "e",
                           .who = "w",
                           .ip = "i",
                           .detail = "{}"};
    int i;

    for (i = 0; i < 9; i++)
        is_int(store_event_add(help->store, &event, 0, pool), APR_SUCCESS);
    is_int(chain_up(help, 6), 6);
    ok(!verify(help).why);
    return help;
}

static apr_status_t sql_run(store_conn_t *conn, void *baton)
{
    store_rows_t rows;
    apr_pool_t *pool;
    apr_status_t rv;

    apr_pool_create(&pool, conn->pool);
    rv = store_conn_text(&rows, conn, baton, pool);
    apr_pool_destroy(pool);
    return rv;
}

static void sql(help_t *help, const char *text)
{
    is_int(store_write(help->store, STORE_RELAXED, sql_run, (void *)text),
           APR_SUCCESS);
}

static void changed(apr_pool_t *pool)
{
    static const char *const sets[] = {
        "at = 1001",
        "kind = 'K'",
        "account_id = NULL",
        "order_id = ''",
        "authz_id = 'x'",
        "cert_id = 'x'",
        "eab_kid = 'x'",
        "who = 'root'",
        "ip = NULL",
        "detail = '{ }'",
        "who = NULL, ip = 'wi'",
        "hash = upper(hash)",
        "hash = (SELECT hash FROM events WHERE id = 3)"};
    apr_size_t i;

    for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        help_t *help = setup(pool);

        sql(help, apr_pstrcat(pool, "UPDATE events SET ", sets[i],
                              " WHERE id = 4", NULL));
        is_broken(help, 4, "changed");
    }
}

static void gone(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    sql(help, "DELETE FROM events WHERE id = 4");
    is_broken(help, 4, "missing");
    help = setup(pool);
    sql(help, "DELETE FROM events WHERE id = 1");
    is_broken(help, 1, "missing");
    help = setup(pool);
    sql(help, "DELETE FROM events WHERE id = 4");
    sql(help, "UPDATE events SET id = id - 1 WHERE id > 4");
    is_broken(help, 4, "changed");
    help = setup(pool);
    sql(help, "UPDATE events SET hash = NULL WHERE id = 4");
    is_broken(help, 4, "its hash is missing");
    help = setup(pool);
    sql(help, "DELETE FROM events");
    is_broken(help, 1, "end is missing");
}

/* The last ones of the chain, and what is not chained yet. */
static void cut(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    sql(help, "DELETE FROM events WHERE id > 4");
    is_broken(help, 5, "end is missing");
    add(help, 5); /* others get their ids, if the engine gives them at once */
    is_broken(help, 5,
              engine_is_pgsql() ? "end is missing" : "hash is missing");
    is_int(chain_up(help, 10), engine_is_pgsql() ? 5 : 3);
    is_broken(help, 5, engine_is_pgsql() ? "is missing" : "hash is missing");
    if (engine_is_other("ids of what is not chained"))
        return;
    help = setup(pool);
    sql(help, "DELETE FROM events WHERE id = 8");
    is_broken(help, 8, "missing");
}

/* Even if whoever did it could hash: the end that was noted is another. */
static void forged(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_chain_t chain = verify(help);

    sql(help, "UPDATE events SET who = 'x', hash = NULL WHERE id = 6");
    sql(help, "UPDATE event_chain SET last_id = 5, last_hash = "
              "(SELECT hash FROM events WHERE id = 5)");
    is_int(chain_up(help, 1), 1);
    ok(!verify(help).why && verify(help).last_id == chain.last_id);
    ok(strcmp(verify(help).last_hash, chain.last_hash));
}

/* What retention leaves: the chain begins later, and says so. */
static void cut_off(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_chain_t chain;

    sql(help, "UPDATE event_chain SET cut_id = 3, cut_hash = "
              "(SELECT hash FROM events WHERE id = 3)");
    sql(help, "INSERT INTO events (at, kind, detail) SELECT 1000, 'audit.cut', "
              "'{\"lastId\":3,\"lastHash\":\"' || hash || '\"}' FROM events "
              "WHERE id = 3");
    is_int(hashes(help, 0)->nelts, 7); /* what is before does not count */
    sql(help, "DELETE FROM events WHERE id <= 3");
    chain = verify(help);
    ok(!chain.why && chain.count == 3 && chain.waiting == 4, "%s", chain.why);
    is_int(chain_up(help, 10), 4);
    ok(!verify(help).why);
    is_int(hashes(help, 0)->nelts, 7);
    ok(!strstr(APR_ARRAY_IDX(help->lines, 0, const char *), STORE_HASH_FIRST));
    sql(help, "DELETE FROM events WHERE kind = 'audit.cut'");
    ok(verify(help).why);
}

static void headless(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int count;

    add(help, 2);
    is_int(chain_up(help, 10), 2);
    sql(help, "DELETE FROM event_chain");
    is_broken(help, 0, "begins and ends");
    ok(store_event_chain(&count, help->store, 10, NULL, NULL, pool) !=
       APR_SUCCESS);
}

/* Between two pages others may have chained what the first one showed bare. */
static void meanwhile(apr_pool_t *pool)
{
    store_chain_t chain = {0};
    verify_t verify = {.chain = &chain, .pool = pool};
    store_event_t bare = {.id = 1, .kind = "k"};
    store_event_t chained = {.id = 2, .kind = "k", .hash = HASH_2};

    is_int(event_verify(&verify, &bare, pool), APR_SUCCESS);
    is_int(event_verify(&verify, &chained, pool), APR_SUCCESS);
    ok(!chain.why && chain.waiting == 2 && !chain.count);
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    if (engine_is_other("plans"))
        return;
    help_plan_ok(help, &sql_hash);
    ok(strstr(help_plan(help, &sql_head), "SEARCH events"), "%s",
       help_plan(help, &sql_head));
}

const tap_case_t tap_cases[] = {
    {"hashes as the header defines them", vectors},
    {"each event is given to one of those who chain", given},
    {"batches, whatever their size, make the same chain", batches},
    {"more than a page", many},
    {"four at once chain each event once", at_once},
    {"a changed column is found", changed},
    {"an event that is gone is found", gone},
    {"a cut end is found", cut},
    {"a chain that was made anew has another end", forged},
    {"a chain that begins later", cut_off},
    {"a chain without its ends", headless},
    {"events that are chained between two pages", meanwhile},
    {"index: no statement scans the events", plans},
    {NULL, NULL}};
