/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_response.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static acme_response_t make(apr_pool_t *pool)
{
    acme_response_t res = {0};

    res.headers = apr_table_make(pool, 4);
    return res;
}

static void links(apr_pool_t *pool)
{
    acme_response_t res = make(pool);

    acme_response_link(&res, "https://a.example/", "up", pool);
    acme_response_link(&res, "https://b.example/", "alternate", pool);
    is_int(apr_table_elts(res.headers)->nelts, 2);
    is_str(apr_table_get(res.headers, "Link"),
           "<https://a.example/>;rel=\"up\"");
    acme_response_header(&res, "Link", "<x>;rel=\"y\"");
    is_int(apr_table_elts(res.headers)->nelts, 3);
}

static void location(apr_pool_t *pool)
{
    acme_response_t res = make(pool);

    acme_response_location(&res, "https://a.example/");
    acme_response_location(&res, "https://b.example/");
    is_int(apr_table_elts(res.headers)->nelts, 1);
    is_str(apr_table_get(res.headers, "Location"), "https://b.example/");
}

static const char *retry_after(apr_int64_t seconds, apr_pool_t *pool)
{
    acme_response_t res = make(pool);

    acme_response_retry_after(&res, seconds, pool);
    return apr_table_get(res.headers, "Retry-After");
}

static void retry(apr_pool_t *pool)
{
    is_str(retry_after(-5, pool), "1");
    is_str(retry_after(0, pool), "1");
    is_str(retry_after(7, pool), "7");
    is_str(retry_after(86400, pool), "600");
}

static void problem(apr_pool_t *pool)
{
    acme_response_t res = make(pool);
    problem_t *prob = problem_make(pool, PROBLEM_BAD_CSR, "no");

    acme_response_location(&res, "https://a.example/");
    res.body = "half an answer";
    problem_header(prob, pool, "Allow", "POST");
    acme_response_problem(&res, prob, pool);
    is_int(res.status, 400);
    is_str(res.content_type, "application/problem+json");
    is_str(res.problem, "badCSR");
    is_str(res.body, "{\"detail\":\"no\",\"type\":\"urn:ietf:params:acme:"
                     "error:badCSR\",\"status\":400}");
    is_int(res.body_len, strlen(res.body));
    ok(!apr_table_get(res.headers, "Location"));
    is_str(apr_table_get(res.headers, "Allow"), "POST");
}

static void stored(apr_pool_t *pool)
{
    json_t *json = acme_response_stored("[\"mailto:a@b.example\"]");

    ok(json_is_array(json));
    json_decref(json);
    ok(!acme_response_stored(NULL));
    ok(!acme_response_stored(""));
    ok(!acme_response_stored("{\"a\""));
    ok(!acme_response_stored("\xff"));
}

static void set(apr_pool_t *pool)
{
    json_t *json = json_object();
    char *text;

    acme_response_set_string(json, "b", "1");
    acme_response_set_string(json, "none", NULL);
    acme_response_set_time(json, "a", 1790000000, pool);
    acme_response_set_time(json, "never", 0, pool);
    text = json_dumps(json, JSON_COMPACT);
    is_str(text, "{\"b\":\"1\",\"a\":\"2026-09-21T14:13:20Z\"}");
    free(text);
    json_decref(json);
}

const tap_case_t tap_cases[] = {
    {"T71 H3 links stay apart", links},
    {"R10 Location is there once", location},
    {"R19 Retry-After is between 1 and 600", retry},
    {"T27 a problem replaces what was there", problem},
    {"stored JSON that is none is nothing", stored},
    {"T51 members in order, times as RFC 3339", set},
    {NULL, NULL}};
