/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work.h"

#include <string.h>

#include "handle.h"
#include "store/store_order.h"
#include "tap.h"

#define DAY (24 * 60 * 60)

static client_t *start(apr_pool_t *pool)
{
    client_t *c = client_make(handle_make(tap_tmpdir(), pool), "P-256");

    client_register(c);
    c->h->is_idle = 1;
    is_int(acme_work_prune_ensure(&c->h->acme, pool), APR_SUCCESS);
    is_int(acme_work_prune_ensure(&c->h->acme, pool), APR_SUCCESS);
    return c;
}

/* The due one; NULL: none is. */
static store_job_t *claim(client_t *c)
{
    apr_array_header_t *jobs;

    is_int(acme_work_claim(&jobs, &c->h->acme, 10, c->h->pool), APR_SUCCESS);
    ok(jobs->nelts <= 1);
    return jobs->nelts ? APR_ARRAY_IDX(jobs, 0, store_job_t *) : NULL;
}

static int orders(client_t *c)
{
    apr_array_header_t *list;

    is_int(
        store_order_list(&list, c->h->acme.store, NULL, NULL, 99, c->h->pool),
        APR_SUCCESS);
    return list->nelts;
}

/* One job for all, which any virtual host takes, and which comes again. */
static void routine(apr_pool_t *pool)
{
    client_t *c = start(pool);
    store_job_t *job;
    int i;

    client_order(c, "a.test");
    ok(!claim(c), "not at once");
    for (i = 0; i < 25; i++) {
        c->h->now += 6 * 60 * 60 + 1;
        job = claim(c);
        need(job);
        is_str(job->kind, ACME_WORK_PRUNE);
        ok(acme_work_is_for(&c->h->acme, job));
        is_int(job->attempts, 0);
        ok(!acme_work_start(&c->h->acme, job, pool));
        ok(!claim(c), "not before some hours have passed");
    }
    is_int(orders(c), 1);
    c->h->now += c->h->conf->order_lifetime + c->h->conf->retention;
    job = claim(c);
    need(job);
    acme_work_start(&c->h->acme, job, pool);
    is_int(orders(c), 0);
}

static void limits(apr_pool_t *pool)
{
    client_t *c = start(pool);
    store_prune_t prune = {0};

    c->h->conf->retention = 5 * DAY;
    acme_work_prune_limits(&prune, c->h->conf, 1000 * DAY);
    is_int(prune.now, 1000 * DAY);
    is_int(prune.before, 995 * DAY);
    ok(prune.certs_before > 633 * (apr_int64_t)DAY &&
       prune.certs_before < 635 * (apr_int64_t)DAY);
    ok(prune.events_before == prune.certs_before);
}

/* It is tried again, like all jobs. */
static void away(apr_pool_t *pool)
{
    client_t *c = start(pool);
    store_job_t *job;

    c->h->now += DAY;
    job = claim(c);
    need(job);
    handle_database_away(c->h);
    acme_work_start(&c->h->acme, job, pool);
    ok(acme_work_prune_ensure(&c->h->acme, pool) != APR_SUCCESS);
    handle_database_back(c->h);
    c->h->now += DAY;
    job = claim(c);
    need(job);
    ok(job->attempts > 0, "%d", job->attempts);
    acme_work_start(&c->h->acme, job, pool);
    ok(!claim(c));
}

const tap_case_t tap_cases[] = {
    {"once in a while", routine},
    {"what is over", limits},
    {"while the database is away", away},
    {NULL, NULL},
};
