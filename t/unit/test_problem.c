/* SPDX-License-Identifier: Apache-2.0 */
#include "base/problem.h"

#include <string.h>

#include "base/pjson.h"
#include "tap.h"

static const char *text(const problem_t *prob, apr_pool_t *pool)
{
    return pjson_text(problem_render(prob, pool), 0, pool);
}

static identifier_t *name(const char *value, apr_pool_t *pool)
{
    identifier_t *id = NULL;

    return identifier_parse(&id, "dns", value, 0, pool) ? NULL : id;
}

static void types(apr_pool_t *pool)
{
    int i;

    is_str(problem_urn(PROBLEM_BAD_CSR), "urn:ietf:params:acme:error:badCSR");
    is_str(problem_name(PROBLEM_BAD_CSR), "badCSR");
    is_int(problem_make(pool, PROBLEM_RATE_LIMITED, "x")->status, 429);
    for (i = 0; i < PROBLEM_TYPE_COUNT; ++i) {
        problem_t *prob = problem_make(pool, (problem_type_e)i, "%d", i);

        ok(prob->status >= 400 && prob->status < 600);
        ok(strlen(problem_name(prob->type)) > 2);
    }
}

static void document(apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, PROBLEM_MALFORMED, "no %s", "good");

    is_str(text(prob, pool),
           "{\"detail\":\"no good\","
           "\"type\":\"urn:ietf:params:acme:error:malformed\","
           "\"status\":400}");
    prob->algorithms = apr_array_make(pool, 1, sizeof(char *));
    APR_ARRAY_PUSH(prob->algorithms, const char *) = "ES256";
    prob->instance = "https://ca.example/tos";
    ok(strstr(text(prob, pool), "\"algorithms\":[\"ES256\"]"));
    ok(strstr(text(prob, pool), "\"instance\":\"https://ca.example/tos\""));
}

static void hostile_detail(apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, PROBLEM_INCORRECT_RESPONSE,
                                   "saw \"%s\"", "\xff\xfe");

    ok(strstr(text(prob, pool), "saw \\\"\?\?\\\""), "%s", text(prob, pool));
}

static void internal(apr_pool_t *pool)
{
    problem_t *prob = problem_internal(pool, APR_ENOENT, "open %s", "/secret");

    is_int(prob->type, PROBLEM_SERVER_INTERNAL);
    is_int(prob->status, 503);
    is_int(prob->rv, APR_ENOENT);
    is_str(prob->cause, "open /secret");
    ok(!strstr(text(prob, pool), "secret"));
    need(prob->headers);
    ok(apr_table_get(prob->headers, "Retry-After"));
}

static int count_one(void *baton, const char *key, const char *value)
{
    ++*(int *)baton;
    return 1;
}

static void headers(apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, PROBLEM_MALFORMED, "x");
    int n = 0;

    problem_header(prob, pool, "Link", "<a>;rel=\"b\"");
    problem_header(prob, pool, "Link", "<c>;rel=\"d\"");
    apr_table_do(count_one, &n, prob->headers, "Link", NULL);
    is_int(n, 2);
}

static void subproblems(apr_pool_t *pool)
{
    problem_t *parent = problem_make(pool, PROBLEM_REJECTED_IDENTIFIER, "two");

    problem_sub_add(parent, problem_make(pool, PROBLEM_CAA, "first"),
                    name("a.example", pool), pool);
    problem_sub_add(parent, problem_make(pool, PROBLEM_DNS, "second"), NULL,
                    pool);
    is_str(text(parent, pool),
           "{\"detail\":\"two\","
           "\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\","
           "\"status\":403,\"subproblems\":["
           "{\"detail\":\"first\","
           "\"type\":\"urn:ietf:params:acme:error:caa\",\"status\":403,"
           "\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}},"
           "{\"detail\":\"second\","
           "\"type\":\"urn:ietf:params:acme:error:dns\",\"status\":400}]}");
}

static problem_t *sub(problem_type_e type, const char *detail,
                      const char *value, apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, type, "%s", detail);

    prob->identifier = name(value, pool);
    return prob;
}

static void fold(apr_pool_t *pool)
{
    apr_array_header_t *subs = apr_array_make(pool, 4, sizeof(problem_t *));
    problem_t *prob;

    ok(problem_fold(subs, pool) == NULL);
    APR_ARRAY_PUSH(subs, problem_t *) =
        sub(PROBLEM_REJECTED_IDENTIFIER, "no a", "a.example", pool);
    prob = problem_fold(subs, pool);
    need(prob);
    is_str(prob->detail, "no a");
    ok(!prob->identifier && !prob->subproblems);

    APR_ARRAY_PUSH(subs, problem_t *) =
        sub(PROBLEM_REJECTED_IDENTIFIER, "no b", "b.example", pool);
    prob = problem_fold(subs, pool);
    need(prob);
    is_int(prob->type, PROBLEM_REJECTED_IDENTIFIER);
    is_str(prob->detail, "2 problems: no a; no b");
    is_int(prob->subproblems->nelts, 2);
    ok(!prob->identifier);

    APR_ARRAY_PUSH(subs, problem_t *) =
        sub(PROBLEM_MALFORMED, "no c", "c.example", pool);
    prob = problem_fold(subs, pool);
    need(prob);
    is_int(prob->type, PROBLEM_COMPOUND);
    is_int(prob->status, 400);

    APR_ARRAY_PUSH(subs, problem_t *) = problem_internal(pool, 5, "disk");
    prob = problem_fold(subs, pool);
    need(prob);
    is_int(prob->status, 503);
    is_str(prob->cause, "disk");
    ok(prob->headers && apr_table_get(prob->headers, "Retry-After"));
}

const tap_case_t tap_cases[] = {
    {"T27 types have a URN and a status", types},
    {"R6 R7 the document has detail first, then type and status", document},
    {"a detail that is no UTF-8 is still shown", hostile_detail},
    {"a failure of ours tells the client nothing but to come back", internal},
    {"headers of one name are kept apart", headers},
    {"T28 subproblems carry their identifier", subproblems},
    {"T28 fold: none, one, alike, mixed, ours among them", fold},
    {NULL, NULL}};
