/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_names.h"
#include "policy/policy_make.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

static apr_array_header_t *ids_make(const char *names, apr_pool_t *pool)
{
    apr_array_header_t *ids = apr_array_make(pool, 4, sizeof(identifier_t *));
    char *state, *name, *text = apr_pstrdup(pool, names);

    for (name = apr_strtok(text, " ", &state); name;
         name = apr_strtok(NULL, " ", &state)) {
        identifier_t *id;

        ok(!identifier_parse(&id, "dns", name, 0, pool));
        APR_ARRAY_PUSH(ids, identifier_t *) = id;
    }
    return ids;
}

static problem_t *check(const char *names, apr_pool_t *pool)
{
    return policy_names_check(policy_make("tls-server", pool), NULL,
                              ids_make(names, pool), 0, pool);
}

static void allowed(apr_pool_t *pool)
{
    ok(!check("a.test", pool));
    ok(!check("localhost", pool));
    ok(!check("a.test b.test xn--bcher-kva.test", pool));
}

static void wildcards(apr_pool_t *pool)
{
    problem_t *prob = check("*.a.test", pool);

    need(prob);
    is_str(problem_name(prob->type), "rejectedIdentifier");
    is_int(prob->status, 403);
    ok(!prob->subproblems && !prob->identifier);
    ok(strstr(prob->detail, "*.a.test"), "%s", prob->detail);
    prob = check("*.a.test a.test *.b.test", pool);
    need(prob && prob->subproblems);
    is_str(problem_name(prob->type), "rejectedIdentifier");
    is_int(prob->subproblems->nelts, 2);
    is_str(APR_ARRAY_IDX(prob->subproblems, 1, problem_t *)->identifier->value,
           "*.b.test");
}

static void many(apr_pool_t *pool)
{
    const char *names = "";
    problem_t *prob;
    int i;

    for (i = 0; i < 100; ++i)
        names = apr_psprintf(pool, "%s n%d.test", names, i);
    ok(!check(names, pool));
    prob = check(apr_pstrcat(pool, names, " more.test", NULL), pool);
    need(prob);
    is_str(problem_name(prob->type), "malformed");
    ok(strstr(prob->detail, "101") && strstr(prob->detail, "100"), "%s",
       prob->detail);
}

const tap_case_t tap_cases[] = {
    {"names that may stand in a certificate", allowed},
    {"T46 refused names: rejectedIdentifier, one subproblem each", wildcards},
    {"100 names, and one more", many},
    {NULL, NULL}};
