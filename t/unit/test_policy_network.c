/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_network.h"

#include <apr_strings.h>
#include <string.h>

#include "policy_help.h"

#define DMZ "network *.dmz.test requested-from=10.9.0.0/16,2001:db8::/32"
#define TWO                                                                    \
    DMZ "; network *.a.dmz.test requested-from=10.9.1.0/24; "                  \
        "network **.dmz.test requested-from=10.0.0.0/8,2001:db8::/32"

static void requested(apr_pool_t *pool)
{
    static const struct {
        const char *lines, *names, *ip, *why; /* why NULL: all may pass */
    } rows[] = {
        {"", "a.test", "192.0.2.1", NULL},
        {"", "a.test", NULL, NULL},
        {DMZ, "a.test", "192.0.2.1", NULL},
        {DMZ, "a.dmz.test", "10.9.0.1", NULL},
        {DMZ, "a.dmz.test", "::ffff:10.9.0.1", NULL},
        {DMZ, "a.dmz.test", "2001:db8::1", NULL},
        {DMZ, "a.dmz.test", "10.8.0.1",
         "requests for *.dmz.test from 10.9.0.0/16, 2001:db8::/32 only, not "
         "from 10.8.0.1"},
        {DMZ, "a.dmz.test", "2001:db9::1", "not from 2001:db9::1"},
        {DMZ, "a.dmz.test", NULL, "not from"},
        {DMZ, "a.dmz.test", "nonsense", "not from nonsense"},
        {DMZ, "a.test a.dmz.test b.dmz.test", "10.8.0.1", "a.dmz.test"},
        {DMZ, "*.dmz.test", "10.8.0.1", "*.dmz.test"},
        {DMZ, "a.b.dmz.test", "10.8.0.1", NULL},
        {DMZ, "dmz.test", "10.8.0.1", NULL},
        {TWO, "a.dmz.test", "10.9.0.1", NULL},
        {TWO, "a.dmz.test", "10.8.0.1", "*.dmz.test from 10.9.0.0/16"},
        {TWO, "x.a.dmz.test", "10.9.1.1", NULL},
        {TWO, "x.a.dmz.test", "10.9.2.1", "*.a.dmz.test from 10.9.1.0/24"},
        {TWO, "x.b.dmz.test", "10.1.1.1", NULL},
        {TWO, "x.b.dmz.test", "11.1.1.1", "**.dmz.test from 10.0.0.0/8"},
        {"network *.a.test resolves-to=10.0.0.0/8", "x.a.test", "192.0.2.1",
         NULL},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        problem_t *prob = policy_network_requested_check(
            policy_help_make(rows[i].lines, pool),
            policy_help_ids(rows[i].names, pool), rows[i].ip, pool);

        ok(!prob == !rows[i].why, "%s %s", rows[i].names,
           prob ? prob->detail : "");
        if (!prob || !rows[i].why)
            continue;
        is_str(problem_name(prob->type), "rejectedIdentifier");
        ok(strstr(prob->detail, rows[i].why), "%s in %s", rows[i].why,
           prob->detail);
    }
}

static void subproblems(apr_pool_t *pool)
{
    problem_t *prob = policy_network_requested_check(
        policy_help_make(DMZ, pool),
        policy_help_ids("a.test a.dmz.test b.dmz.test", pool), "192.0.2.1",
        pool);

    need(prob && prob->subproblems);
    is_int(prob->subproblems->nelts, 2);
    is_str(APR_ARRAY_IDX(prob->subproblems, 1, problem_t *)->identifier->value,
           "b.dmz.test");
}

static void resolves_to(apr_pool_t *pool)
{
#define N "network "
    static const struct {
        const char *lines, *name, *networks; /* NULL: anywhere */
    } rows[] = {
        {"", "a.test", NULL},
        {N "*.a.test resolves-to=10.0.0.0/8", "b.test", NULL},
        {N "*.a.test requested-from=10.0.0.0/8", "x.a.test", NULL},
        {N "*.a.test resolves-to=10.0.0.0/8", "x.a.test", "10.0.0.0/8"},
        {N "*.a.test resolves-to=10.0.0.0/8", "*.a.test", "10.0.0.0/8"},
        {N "*.a.test resolves-to=10.0.0.0/8,::1", "x.a.test", "10.0.0.0/8 ::1"},
        {N "*.a.test resolves-to=10.0.0.0/8; " N
           "**.test resolves-to=10.9.0.0/16,192.0.2.0/24",
         "x.a.test", "10.9.0.0/16"},
        {N "*.a.test resolves-to=10.9.0.0/16,192.0.2.1; " N
           "**.test resolves-to=10.0.0.0/8,192.0.2.0/24,::1",
         "x.a.test", "10.9.0.0/16 192.0.2.1"},
        {N "*.a.test resolves-to=10.0.0.0/8; " N "x.a.test resolves-to=::1",
         "x.a.test", ""},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        apr_array_header_t *list = policy_network_resolves_to(
            policy_help_make(rows[i].lines, pool), rows[i].name, pool);

        ok(!list == !rows[i].networks, "%s %s", rows[i].lines, rows[i].name);
        if (list && rows[i].networks)
            is_str(apr_array_pstrcat(pool, list, ' '), rows[i].networks);
    }
}

const tap_case_t tap_cases[] = {
    {"requested-from", requested},
    {"requested-from: one subproblem each", subproblems},
    {"resolves-to", resolves_to},
    {NULL, NULL}};
