/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_ub.h"

/* As if there were no descriptors.  To take them away in earnest would hit
 * libunbound's threads, too, and its ub_ctx_create() loses memory by it. */
static int is_scarce;

static apr_status_t create_if_any(dcv_ub_t **ub, const dcv_ub_conf_t *conf,
                                  dcv_event_t *event, const log_t *log,
                                  apr_pool_t *pool)
{
    return is_scarce ? APR_EMFILE : dcv_ub_create(ub, conf, event, log, pool);
}
#define dcv_ub_create create_if_any
#include "dcv/dcv_servers.c"

#include "dcv/dcv_wire.h"
#include "dcv_nameserver.h"
#include "tap.h"

#define MOST  300
#define TIMES 200

static dcv_ub_query_t queries[TIMES];
static int answers;

static void script(nameserver_reply_t *reply, const char *name, int type)
{
    reply->is_silent = strstr(name, "silent") != NULL;
    reply->addresses[0] = "192.0.2.1";
}

static void answered(void *baton, const dcv_ub_answer_t *answer)
{
    answers += answer->count;
}

static dcv_ub_t *get(dcv_servers_t *servers, const dcv_conf_t *conf,
                     apr_pool_t *pool)
{
    const char *resolver;
    dcv_ub_t *ub = NULL;

    ok(dcv_servers_get(&ub, &resolver, servers, conf, "a.test", pool) ==
       APR_SUCCESS);
    return ub;
}

static void ask(dcv_ub_query_t *query, dcv_ub_t *ub, const char *name,
                apr_pool_t *pool)
{
    query->type = DCV_WIRE_A;
    query->done = answered;
    query->pool = pool;
    ok(dcv_ub_ask(query, ub, name) == APR_SUCCESS);
}

static dcv_conf_t *conf_make(const nameserver_t *server, apr_pool_t *pool)
{
    dcv_conf_t *conf = dcv_conf_make(pool);
    dcv_resolver_t *row = apr_pcalloc(pool, sizeof(*row));

    row->servers = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->servers, const char *) =
        apr_psprintf(pool, "127.0.0.1@%d", server->port);
    APR_ARRAY_PUSH(conf->resolvers, dcv_resolver_t *) = row;
    return conf;
}

/* Where there are no descriptors for another context, the one that works does,
 * and another is tried for after a while only. */
static void scarcity(dcv_servers_t *servers, const dcv_conf_t *conf,
                     const dcv_ub_t *ub, apr_pool_t *pool)
{
    set_t *set = APR_ARRAY_IDX(servers->sets, 0, set_t *);

    is_scarce = 1;
    ok(get(servers, conf, pool) == ub && set->has_failed);
    is_scarce = 0;
    ok(get(servers, conf, pool) == ub && set->has_failed, "not yet");
    is_int(set->sockets, SOCKETS_FIRST);
    set->again = 0;
}

/* Cancelled ones count; who waits for an answer gets it from the context that
 * he asked. */
static void growth(apr_pool_t *pool)
{
    nameserver_t server;
    dcv_event_t *event;
    dcv_servers_t *servers;
    dcv_conf_t *conf;
    dcv_ub_t *first, *second;
    dcv_ub_query_t good = {0};
    set_t *set;
    int i;

    ok(nameserver_start(&server, "127.0.0.1", 0, script));
    ok(dcv_event_create(&event, pool) == APR_SUCCESS);
    servers = dcv_servers_make(event, MOST, NULL, pool);
    conf = conf_make(&server, pool);
    first = get(servers, conf, pool);
    set = APR_ARRAY_IDX(servers->sets, 0, set_t *);
    is_int(set->sockets, SOCKETS_FIRST);
    for (i = 0; i < SOCKETS_FIRST / 2; i++) {
        ok(get(servers, conf, pool) == first);
        ask(&queries[i], first, apr_psprintf(pool, "h%d.silent.test", i), pool);
        dcv_ub_cancel(&queries[i]);
    }
    scarcity(servers, conf, first, pool);
    ask(&good, first, "good.test", pool);
    second = get(servers, conf, pool);
    ok(second != first && servers->old->nelts == 1);
    is_int(set->sockets, MOST);
    is_int(dcv_servers_open(servers), SOCKETS_FIRST / 2 + 1);
    for (i = 0; i < TIMES; i++)
        ask(&queries[i], second, apr_psprintf(pool, "i%d.silent.test", i),
            pool);
    ok(get(servers, conf, pool) == second, "there may be no more");
    while (!answers)
        dcv_event_turn(event);
    is_int(servers->old->nelts, 0);
    for (i = 0; i < TIMES; i++)
        dcv_ub_cancel(&queries[i]);
    is_int(dcv_servers_open(servers), TIMES);
    nameserver_stop(&server);
}

const tap_case_t tap_cases[] = {
    {"H9 more sockets when questions may come to want them", growth},
    {NULL, NULL}};
