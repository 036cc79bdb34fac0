/* SPDX-License-Identifier: Apache-2.0 */
#include "base/problem.h"

#include <apr_strings.h>
#include <stdarg.h>

#include "base/own.h"
#include "base/pjson.h"

#include "base/banned.h"

#define URN_PREFIX "urn:ietf:params:acme:error:"
/* Seconds after which a client may try again when we failed. */
#define RETRY_AFTER "5"
/* How many subproblems the detail of their parent quotes. */
#define QUOTED_MAX 5

static const struct {
    const char *urn;
    int status;
} types[] = {
#define X(sym, urn, status) {URN_PREFIX urn, status},
    PROBLEM_TYPES(X)
#undef X
};

const char *problem_urn(problem_type_e type)
{
    return types[type].urn;
}

const char *problem_name(problem_type_e type)
{
    return types[type].urn + sizeof(URN_PREFIX) - 1;
}

static problem_t *make(apr_pool_t *pool, problem_type_e type,
                       const char *detail)
{
    problem_t *prob = apr_pcalloc(pool, sizeof(*prob));

    prob->type = type;
    prob->status = types[type].status;
    prob->detail = detail;
    return prob;
}

problem_t *problem_make(apr_pool_t *pool, problem_type_e type, const char *fmt,
                        ...)
{
    const char *detail;
    va_list args;

    va_start(args, fmt);
    detail = apr_pvsprintf(pool, fmt, args);
    va_end(args);
    return make(pool, type, detail);
}

problem_t *problem_internal(apr_pool_t *pool, apr_status_t rv, const char *fmt,
                            ...)
{
    problem_t *prob = make(pool, PROBLEM_SERVER_INTERNAL,
                           "The server cannot do this at the moment; "
                           "please try again later");
    va_list args;

    va_start(args, fmt);
    prob->cause = apr_pvsprintf(pool, fmt, args);
    va_end(args);
    prob->rv = rv;
    prob->status = 503;
    problem_header(prob, pool, "Retry-After", RETRY_AFTER);
    return prob;
}

void problem_header(problem_t *prob, apr_pool_t *pool, const char *name,
                    const char *value)
{
    if (!prob->headers)
        prob->headers = apr_table_make(pool, 2);
    apr_table_add(prob->headers, name, value);
}

void problem_sub_add(problem_t *parent, problem_t *sub,
                     const identifier_t *identifier, apr_pool_t *pool)
{
    if (!parent->subproblems)
        parent->subproblems = apr_array_make(pool, 4, sizeof(problem_t *));
    sub->identifier = identifier;
    APR_ARRAY_PUSH(parent->subproblems, problem_t *) = sub;
}

/* The type all have, or compound. */
static problem_type_e common_type(const apr_array_header_t *subs)
{
    problem_type_e type = APR_ARRAY_IDX(subs, 0, problem_t *)->type;
    int i;

    for (i = 1; i < subs->nelts; ++i) {
        if (APR_ARRAY_IDX(subs, i, problem_t *)->type != type)
            return PROBLEM_COMPOUND;
    }
    return type;
}

/* What the log and the HTTP layer must not lose: a failure of ours makes the
 * whole answer one, and its headers come along. */
static void internals_inherit(problem_t *parent, const problem_t *sub)
{
    if (sub->status >= 500 && parent->status < 500) {
        parent->status = sub->status;
        parent->headers = sub->headers;
    }
    if (sub->cause && !parent->cause) {
        parent->cause = sub->cause;
        parent->rv = sub->rv;
    }
}

problem_t *problem_fold(apr_array_header_t *subs, apr_pool_t *pool)
{
    problem_t *parent, *sub;
    int i;

    if (subs->nelts == 0)
        return NULL;
    if (subs->nelts == 1) {
        sub = APR_ARRAY_IDX(subs, 0, problem_t *);
        sub->identifier = NULL;
        return sub;
    }
    parent = make(pool, common_type(subs),
                  apr_psprintf(pool, "%d problems", subs->nelts));
    parent->subproblems = subs;
    for (i = 0; i < subs->nelts; ++i) {
        sub = APR_ARRAY_IDX(subs, i, problem_t *);
        internals_inherit(parent, sub);
        if (i < QUOTED_MAX)
            parent->detail = apr_pstrcat(pool, parent->detail, i ? "; " : ": ",
                                         sub->detail, NULL);
    }
    if (i > QUOTED_MAX)
        parent->detail = apr_pstrcat(pool, parent->detail, "; …", NULL);
    return parent;
}

/* A string for JSON.  What a detail quotes came from a client or the network
 * and may be no UTF-8: then only its ASCII is shown. */
static json_t *text_render(const char *text, apr_pool_t *pool)
{
    json_t *json = json_string(text);
    char *ascii, *c;

    if (json)
        return json;
    ascii = apr_pstrdup(pool, text);
    for (c = ascii; *c; ++c) {
        if (*c & 0x80)
            *c = '?';
    }
    return json_string(ascii);
}

static json_t *identifier_render(const problem_t *prob, apr_pool_t *pool)
{
    json_t *json = json_object();

    json_object_set_new(
        json, "type",
        text_render(prob->identifier_type
                        ? prob->identifier_type
                        : identifier_type_name(prob->identifier->type),
                    pool));
    json_object_set_new(json, "value",
                        text_render(prob->identifier->value, pool));
    return json;
}

/* A new reference that belongs to the caller. */
static json_t *render(const problem_t *prob, apr_pool_t *pool)
{
    json_t *json = json_object(), *list;
    int i;

    if (prob->detail)
        json_object_set_new(json, "detail", text_render(prob->detail, pool));
    json_object_set_new(json, "type", json_string(problem_urn(prob->type)));
    json_object_set_new(json, "status", json_integer(prob->status));
    if (prob->instance)
        json_object_set_new(json, "instance",
                            text_render(prob->instance, pool));
    if (prob->identifier)
        json_object_set_new(json, "identifier", identifier_render(prob, pool));
    if (prob->algorithms)
        json_object_set_new(json, "algorithms",
                            pjson_strings_render(prob->algorithms));
    if (prob->subproblems) {
        list = json_array();
        for (i = 0; i < prob->subproblems->nelts; ++i)
            json_array_append_new(
                list,
                render(APR_ARRAY_IDX(prob->subproblems, i, problem_t *), pool));
        json_object_set_new(json, "subproblems", list);
    }
    return json;
}

json_t *problem_render(const problem_t *prob, apr_pool_t *pool)
{
    return own_json(pool, render(prob, pool));
}
