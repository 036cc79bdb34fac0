/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "tap.h"

#define SLOTS   1024
#define THREADS 8
#define NOW     apr_time_from_sec(APR_INT64_C(1790000000))

static const acme_limit_rule_t ten_an_hour = {10, 3600};

static acme_limit_t *limits_make(apr_uint32_t slots, apr_pool_t *pool)
{
    void *region = apr_pcalloc(pool, acme_limit_size(slots));

    acme_limit_init(region, NOW);
    return acme_limit_attach(region, slots, pool);
}

static acme_limit_key_t key_of(const acme_limit_t *limits, const char *subject)
{
    return acme_limit_key(limits, ACME_LIMIT_ORDERS_ACCOUNT, &ten_an_hour, "ca",
                          subject, NULL);
}

/* N at once, then one every TIME/N. */
static void pace(apr_pool_t *pool)
{
    acme_limit_t *limits = limits_make(SLOTS, pool);
    acme_limit_key_t key = key_of(limits, "a");
    apr_time_t now = NOW;
    int i;

    for (i = 0; i < 10; i++)
        is_int(acme_limit_spend(limits, key, &ten_an_hour, now), 0);
    is_int(acme_limit_spend(limits, key, &ten_an_hour, now),
           apr_time_from_sec(360));
    is_int(acme_limit_look(limits, key, &ten_an_hour, now),
           apr_time_from_sec(360));
    now += apr_time_from_sec(359);
    is_int(acme_limit_spend(limits, key, &ten_an_hour, now),
           apr_time_from_sec(1));
    now += apr_time_from_sec(1);
    is_int(acme_limit_spend(limits, key, &ten_an_hour, now), 0);
    is_int(acme_limit_spend(limits, key, &ten_an_hour, now),
           apr_time_from_sec(360));
    now += apr_time_from_sec(3600);
    for (i = 0; i < 10; i++)
        is_int(acme_limit_spend(limits, key, &ten_an_hour, now), 0);
    ok(acme_limit_spend(limits, key, &ten_an_hour, now) > 0);
}

static void refund(apr_pool_t *pool)
{
    acme_limit_t *limits = limits_make(SLOTS, pool);
    acme_limit_key_t key = key_of(limits, "a");
    int i;

    acme_limit_refund(limits, key, &ten_an_hour, NOW);
    for (i = 0; i < 10; i++)
        is_int(acme_limit_spend(limits, key, &ten_an_hour, NOW), 0);
    acme_limit_refund(limits, key, &ten_an_hour, NOW);
    is_int(acme_limit_spend(limits, key, &ten_an_hour, NOW), 0);
    ok(acme_limit_spend(limits, key, &ten_an_hour, NOW) > 0);
    /* Never more than there were. */
    for (i = 0; i < 100; i++)
        acme_limit_refund(limits, key, &ten_an_hour, NOW);
    for (i = 0; i < 10; i++)
        is_int(acme_limit_spend(limits, key, &ten_an_hour, NOW), 0);
    ok(acme_limit_spend(limits, key, &ten_an_hour, NOW) > 0);
}

static void apart(apr_pool_t *pool)
{
    static const acme_limit_rule_t eleven = {11, 3600};
    acme_limit_t *limits = limits_make(SLOTS, pool);
    acme_limit_key_t key = key_of(limits, "a"), other;
    int i;

    for (i = 0; i < 10; i++)
        is_int(acme_limit_spend(limits, key, &ten_an_hour, NOW), 0);
    is_int(acme_limit_look(limits, key_of(limits, "b"), &ten_an_hour, NOW), 0);
    other = acme_limit_key(limits, ACME_LIMIT_ORDERS_NAME, &ten_an_hour, "ca",
                           "a", NULL);
    is_int(acme_limit_look(limits, other, &ten_an_hour, NOW), 0);
    other = acme_limit_key(limits, ACME_LIMIT_ORDERS_ACCOUNT, &ten_an_hour,
                           "cb", "a", NULL);
    is_int(acme_limit_look(limits, other, &ten_an_hour, NOW), 0);
    other = acme_limit_key(limits, ACME_LIMIT_ORDERS_ACCOUNT, &ten_an_hour,
                           "ca", "a", "x");
    is_int(acme_limit_look(limits, other, &ten_an_hour, NOW), 0);
    other = acme_limit_key(limits, ACME_LIMIT_ORDERS_ACCOUNT, &eleven, "ca",
                           "a", NULL);
    is_int(acme_limit_look(limits, other, &eleven, NOW), 0);
}

/* What a clock has counted that was ahead by more than TIME is forgotten. */
static void clocks(apr_pool_t *pool)
{
    acme_limit_t *limits = limits_make(SLOTS, pool);
    acme_limit_key_t key = key_of(limits, "a");
    apr_time_t late = NOW + apr_time_from_sec(86400 * 365);
    int i;

    for (i = 0; i < 10; i++)
        is_int(acme_limit_spend(limits, key, &ten_an_hour, late), 0);
    ok(acme_limit_spend(limits, key, &ten_an_hour, late) > 0);
    for (i = 0; i < 10; i++)
        is_int(acme_limit_spend(limits, key, &ten_an_hour, NOW), 0);
    ok(acme_limit_spend(limits, key, &ten_an_hour, NOW) > 0);
    ok(acme_limit_spend(limits, key, &ten_an_hour, 0) >= 0);
}

/* The memory is bounded; who is counted already goes on being counted as long
 * as there is room. */
static void full(apr_pool_t *pool)
{
    acme_limit_t *limits = limits_make(8, pool);
    acme_limit_key_t key = key_of(limits, "mine");
    int i;

    for (i = 0; i < 10; i++)
        is_int(acme_limit_spend(limits, key, &ten_an_hour, NOW), 0);
    for (i = 0; i < 1000; i++)
        (void)acme_limit_spend(limits,
                               key_of(limits, apr_psprintf(pool, "%d", i)),
                               &ten_an_hour, NOW);
    /* It has the latest moment of all, so the others pushed each other out. */
    ok(acme_limit_spend(limits, key, &ten_an_hour, NOW) > 0);
}

static void large(apr_pool_t *pool)
{
    static const acme_limit_rule_t rules[] = {{1, 1},
                                              {1000, 1},
                                              {60000, 60},
                                              {1, 366 * 86400},
                                              {APR_INT32_MAX, 366 * 86400}};
    acme_limit_t *limits = limits_make(SLOTS, pool);
    apr_size_t i;
    int k, most = 0;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        acme_limit_key_t key = acme_limit_key(limits, ACME_LIMIT_ORDERS_NAME,
                                              &rules[i], "ca", "a", NULL);

        for (k = 0; k < 70000; k++)
            if (acme_limit_spend(limits, key, &rules[i], NOW))
                break;
        most = rules[i].count < 70000 ? (int)rules[i].count : 70000;
        is_int(k, most);
        is_int(acme_limit_spend(limits, key, &rules[i],
                                NOW + apr_time_from_sec(rules[i].span + 1)),
               0);
    }
}

typedef struct {
    acme_limit_t *limits;
    acme_limit_key_t key;
    atomic_int had;
} crowd_t;

static const acme_limit_rule_t crowd_rule = {5000, 86400};

static void *crowd_run(void *baton)
{
    crowd_t *crowd = baton;
    int i;

    for (i = 0; i < 2000; i++)
        if (!acme_limit_spend(crowd->limits, crowd->key, &crowd_rule, NOW))
            atomic_fetch_add(&crowd->had, 1);
    return NULL;
}

static void threads(apr_pool_t *pool)
{
    crowd_t crowd = {.limits = limits_make(SLOTS, pool)};
    pthread_t thread[THREADS];
    int i;

    crowd.key = acme_limit_key(crowd.limits, ACME_LIMIT_ORDERS_ACCOUNT,
                               &crowd_rule, "ca", "a", NULL);
    for (i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, crowd_run, &crowd);
    for (i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    is_int(atomic_load(&crowd.had), 5000);
}

/* As httpd's children of all generations do. */
static void processes(apr_pool_t *pool)
{
    apr_size_t size = acme_limit_size(SLOTS);
    void *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    acme_limit_t *limits;
    int i, k, status;

    need(region != MAP_FAILED);
    acme_limit_init(region, NOW);
    for (i = 0; i < 5; i++) {
        if (fork())
            continue;
        limits = acme_limit_attach(region, SLOTS, pool);
        for (k = 0; k < 2; k++)
            (void)acme_limit_spend(limits, key_of(limits, "a"), &ten_an_hour,
                                   NOW);
        _exit(0);
    }
    for (i = 0; i < 5; i++)
        wait(&status);
    limits = acme_limit_attach(region, SLOTS, pool);
    ok(acme_limit_spend(limits, key_of(limits, "a"), &ten_an_hour, NOW) > 0);
    munmap(region, size);
}

const tap_case_t tap_cases[] = {
    {"T25 N at once, then one every TIME/N, and the wait is told", pace},
    {"T25 what was not used is given back, and no more", refund},
    {"T25 each subject, limit, host and rule is counted apart", apart},
    {"T25 a clock that is set back locks nobody out", clocks},
    {"T25 the memory is bounded", full},
    {"T25 the largest and the fastest that can be configured", large},
    {"T25 exactly N get through, however many threads ask", threads},
    {"T25 processes count together", processes},
    {NULL, NULL},
};
