/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_response.h"

#include <string.h>

#include <apr_strings.h>

#include "base/pjson.h"

#include "base/banned.h"

void acme_response_body(acme_response_t *res, int status,
                        const char *content_type, const char *body,
                        apr_size_t len)
{
    res->status = status;
    res->content_type = content_type;
    res->body = body;
    res->body_len = len;
}

void acme_response_json(acme_response_t *res, int status, const json_t *json,
                        apr_pool_t *pool)
{
    const char *text = pjson_text(json, 0, pool);

    acme_response_body(res, status, "application/json", text, strlen(text));
}

void acme_response_header(acme_response_t *res, const char *name,
                          const char *value)
{
    apr_table_addn(res->headers, name, value);
}

void acme_response_link(acme_response_t *res, const char *url, const char *rel,
                        apr_pool_t *pool)
{
    apr_table_addn(res->headers, "Link",
                   apr_pstrcat(pool, "<", url, ">;rel=\"", rel, "\"", NULL));
}

void acme_response_location(acme_response_t *res, const char *url)
{
    apr_table_setn(res->headers, "Location", url);
}

void acme_response_retry_after(acme_response_t *res, apr_int64_t seconds,
                               apr_pool_t *pool)
{
    if (seconds < 1)
        seconds = 1;
    if (seconds > 600)
        seconds = 600;
    apr_table_setn(res->headers, "Retry-After",
                   apr_psprintf(pool, "%" APR_INT64_T_FMT, seconds));
}

void acme_response_problem(acme_response_t *res, const problem_t *prob,
                           apr_pool_t *pool)
{
    const char *text = pjson_text(problem_render(prob, pool), 0, pool);

    apr_table_clear(res->headers);
    if (prob->headers)
        res->headers = apr_table_overlay(pool, res->headers, prob->headers);
    acme_response_body(res, prob->status, "application/problem+json", text,
                       strlen(text));
    res->problem = problem_name(prob->type);
}

json_t *acme_response_stored(const char *text)
{
    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

void acme_response_set_string(json_t *object, const char *name,
                              const char *value)
{
    if (value)
        json_object_set_new(object, name, json_string(value));
}

void acme_response_set_time(json_t *object, const char *name,
                            apr_int64_t seconds, apr_pool_t *pool)
{
    if (seconds)
        acme_response_set_string(object, name, clock_rfc3339(seconds, pool));
}
