/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_queue.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

/* With one in a hundred others, two of the accounts here are neighbours. */
static const apr_uint64_t key[2] = {1, 2};

static dcv_run_t *run_make(const dcv_conf_t *conf, const char *account,
                           apr_pool_t *pool)
{
    dcv_run_t *run = apr_pcalloc(pool, sizeof(*run));
    dcv_job_t *job = apr_pcalloc(pool, sizeof(*job));

    job->account = account;
    run->job = job;
    run->conf = conf;
    return run;
}

static dcv_conf_t *conf_make(int max, apr_pool_t *pool)
{
    dcv_conf_t *conf = dcv_conf_make(pool);

    conf->max_in_flight = max;
    return conf;
}

static int is_of(const dcv_run_t *run, const char *account)
{
    return run && !strcmp(run->job->account, account);
}

static void turns(apr_pool_t *pool)
{
    dcv_conf_t *conf = conf_make(1000, pool);
    dcv_queue_t *queue = dcv_queue_make(1000, key, pool);
    int i, seen = 0;

    for (i = 0; i < 100; i++)
        ok(dcv_queue_add(queue, run_make(conf, "big", pool)));
    for (i = 0; i < 3; i++)
        ok(dcv_queue_add(queue, run_make(conf, "small", pool)));
    for (i = 0; i < 7; i++)
        seen += is_of(dcv_queue_next(queue), "small");
    is_int(seen, 3);
    for (i = 7; i < 103; i++)
        ok(dcv_queue_next(queue));
    ok(!dcv_queue_next(queue));
}

static void limits(apr_pool_t *pool)
{
    dcv_conf_t *conf = conf_make(64, pool);
    dcv_queue_t *queue = dcv_queue_make(1000, key, pool);
    dcv_run_t *run, *first = NULL;
    int i, started = 0, others = 0;

    for (i = 0; i < 64; i++)
        ok(dcv_queue_add(queue, run_make(conf, "busy", pool)));
    ok(!dcv_queue_add(queue, run_make(conf, "busy", pool)), "full");
    ok(dcv_queue_add(queue, run_make(conf, "calm", pool)), "not for all");
    ok(!dcv_queue_add(queue, run_make(conf, "calm", pool)), "a little room");
    for (run = dcv_queue_next(queue); run; run = dcv_queue_next(queue)) {
        if (!first && is_of(run, "busy"))
            first = run;
        started++;
    }
    is_int(started, 64);
    is_int(dcv_queue_in_flight(queue), 64);
    ok(!dcv_queue_is_short(queue));
    for (i = 0; i < 50; i++)
        ok(dcv_queue_add(
            queue, run_make(conf, apr_psprintf(pool, "other %d", i), pool)));
    for (run = dcv_queue_next(queue); run; run = dcv_queue_next(queue)) {
        ok(!is_of(run, "busy"));
        others++;
    }
    /* a quarter */
    is_int(others, 17);
    for (i = 0; i < 18; i++)
        dcv_queue_done(queue, first); /* any of that account */
    ok(dcv_queue_next(queue));
}

/* How many of these of an account can be started. */
static int start(dcv_queue_t *queue, const dcv_conf_t *conf,
                 const char *account, int count, apr_pool_t *pool)
{
    dcv_run_t *run;
    int started = 0;

    while (count--)
        (void)dcv_queue_add(queue, run_make(conf, account, pool));
    for (run = dcv_queue_next(queue); run; run = dcv_queue_next(queue))
        started += is_of(run, account);
    return started;
}

/* 2,000 of one account, or of many, hang. */
static void hogs(apr_pool_t *pool)
{
    dcv_conf_t *conf = conf_make(2000, pool);
    dcv_queue_t *queue = dcv_queue_make(16384, key, pool);
    int i, good = 0;

    is_int(start(queue, conf, "hog", 2000, pool), 2000);
    is_int(start(queue, conf, "hog", 5000, pool), 0);
    ok(!dcv_queue_add(queue, run_make(conf, "hog", pool)), "enough wait");
    for (i = 0; i < 10; i++)
        good += start(queue, conf, apr_psprintf(pool, "other %d", i), 1, pool);
    is_int(good, 10);

    queue = dcv_queue_make(16384, key, pool);
    for (i = 0; i < 50; i++)
        start(queue, conf, apr_psprintf(pool, "hog %d", i), 200, pool);
    ok(dcv_queue_in_flight(queue) <= 2300, "%d", dcv_queue_in_flight(queue));
    for (i = 0, good = 0; i < 10; i++)
        good += start(queue, conf, apr_psprintf(pool, "other %d", i), 1, pool);
    ok(good >= 6, "%d of 10 start at once", good);
    ok(dcv_queue_in_flight(queue) <= 2501);
}

static void lanes(apr_pool_t *pool)
{
    dcv_conf_t *one = conf_make(10, pool), *two = conf_make(100, pool);
    dcv_queue_t *queue = dcv_queue_make(40, key, pool);
    dcv_run_t *run;
    int i, ones = 0, twos = 0;

    for (i = 0; i < 10; i++)
        ok(dcv_queue_add(queue, run_make(one, "a", pool)));
    for (i = 0; i < 100; i++)
        ok(dcv_queue_add(queue, run_make(two, "b", pool)));
    for (run = dcv_queue_next(queue); run; run = dcv_queue_next(queue)) {
        ones += run->conf == one;
        twos += run->conf == two;
    }
    is_int(ones, 10);
    is_int(twos, 30);
    ok(dcv_queue_is_short(queue));
}

static void removal(apr_pool_t *pool)
{
    dcv_conf_t *conf = conf_make(10, pool);
    dcv_queue_t *queue = dcv_queue_make(10, key, pool);
    dcv_run_t *runs[6];
    int i;

    for (i = 0; i < 6; i++) {
        runs[i] = run_make(conf, "a", pool);
        ok(dcv_queue_add(queue, runs[i]));
    }
    dcv_queue_remove(queue, runs[0]);
    dcv_queue_remove(queue, runs[3]);
    dcv_queue_remove(queue, runs[5]);
    ok(dcv_queue_next(queue) == runs[1]);
    ok(dcv_queue_drain(queue) == runs[2]);
    ok(dcv_queue_add(queue, runs[5]));
    ok(dcv_queue_drain(queue) == runs[4]);
    ok(dcv_queue_drain(queue) == runs[5]);
    ok(!dcv_queue_drain(queue));
    ok(!dcv_queue_next(queue));
}

const tap_case_t tap_cases[] = {
    {"accounts take turns", turns},
    {"H9 room for those who have nothing in flight", limits},
    {"H9 who fills it does not delay others", hogs},
    {"configurations have their own limits, and one together", lanes},
    {"removed and drained", removal},
    {NULL, NULL}};
