/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_eab.h"
#include "acme/acme_publish.h"
#include "acme/acme_request.h"
#include "acme/acme_response.h"

#include "base/banned.h"

static int is_agent(const acme_request_t *req, const char *name)
{
    return req->user_agent && !strncmp(req->user_agent, name, strlen(name));
}

/* CORS, for clients in browsers (RFC 8555 6.1, T26).  getssl (2.51) takes every
 * line with "location" in it for the order's. */
static void cors_add(acme_response_t *res, const acme_request_t *req)
{
    apr_table_setn(res->headers, "Access-Control-Allow-Origin", "*");
    if (!is_agent(req, "getssl/"))
        apr_table_setn(res->headers, "Access-Control-Expose-Headers",
                       "Link, Location, Replay-Nonce, Retry-After");
}

/* Everybody may have a nonce with the directory (R2), but Ruby's acme-client
 * (2.0.9, Debian's) has no place for one yet when it reads that, and dies. */
static int has_no_place(const acme_request_t *req)
{
    return is_agent(req, "Acme::Client ");
}

/* An answer with a nonce in it is nobody's to keep. */
static void nonce_add(acme_response_t *res, acme_t *acme, int is_without,
                      const acme_request_t *req)
{
    char *nonce;

    if (!is_without) {
        nonce = apr_palloc(req->pool, ACME_NONCE_LEN + 1);
        acme_nonce_issue(acme->nonces, nonce);
        apr_table_setn(res->headers, "Replay-Nonce", nonce);
    }
    apr_table_setn(res->headers, "Cache-Control", "no-store");
}

/* What the answers of the protocol carry: a fresh nonce (T18), the way to the
 * directory unless this is it (T30; an error there is not).  Whoever said that
 * his answer may be kept has answered an unsigned request. */
static void protocol_headers_add(acme_response_t *res, acme_t *acme,
                                 const acme_route_t *route,
                                 const acme_request_t *req)
{
    int is_directory = route && route->endpoint->name == ACME_ROUTE_DIRECTORY;

    if (!apr_table_get(res->headers, "Cache-Control"))
        nonce_add(res, acme,
                  is_directory && strcmp(req->method, "POST") &&
                      has_no_place(req),
                  req);
    if (!is_directory || res->problem)
        acme_response_link(
            res,
            route ? acme_route_directory_url(acme->conf, route, req->pool)
                  : acme_route_near_url(acme->conf, req->path, req->pool),
            "index", req->pool);
    cors_add(res, req);
}

/* The reasons of the parts, which the detail of the whole may leave out. */
static const char *subproblems_text(const problem_t *prob, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    if (!prob->subproblems)
        return text;
    for (i = 0; i < prob->subproblems->nelts && i < 5; i++) {
        const problem_t *sub =
            APR_ARRAY_IDX(prob->subproblems, i, const problem_t *);

        text = apr_pstrcat(pool, text, "; ", problem_name(sub->type), ": ",
                           sub->detail, NULL);
    }
    return text;
}

/* The one line about a refused request.  503 is "not now": its cause has been
 * told, once, by whom it concerns (store, CA); 500 is our own fault. */
static void refusal_log(const problem_t *prob, const acme_request_t *req)
{
    log_level_e level = LOG_LEVEL_INFO;
    const char *tag = "AS0300", *cause = "";

    if (prob->status == 500) {
        level = LOG_LEVEL_ERROR;
        tag = "AS0302";
    }
    else if (prob->status > 500)
        tag = "AS0301";
    if (!req->log || req->log->level < level)
        return;
    if (prob->cause)
        cause = apr_pstrcat(req->pool, " (", prob->cause, ")", NULL);
    log_write(req->log, level, tag, prob->rv,
              "%.16s %.256s refused: %d %s: %s%s%s", req->method, req->path,
              prob->status, problem_name(prob->type),
              prob->detail ? prob->detail : "",
              subproblems_text(prob, req->pool), cause);
}

static void options_answer(acme_response_t *res, const char *allow)
{
    res->status = 204;
    apr_table_setn(res->headers, "Allow", allow);
    apr_table_setn(res->headers, "Access-Control-Allow-Methods", allow);
    apr_table_setn(res->headers, "Access-Control-Allow-Headers",
                   "Content-Type");
    apr_table_setn(res->headers, "Access-Control-Max-Age", "86400");
}

static problem_t *endpoint_run(acme_response_t *res, acme_t *acme,
                               const acme_route_t *route,
                               const acme_request_t *req)
{
    acme_verified_t *v = acme_request_make(acme, route, req);
    problem_t *prob;

    if (!strcmp(req->method, "POST")) {
        prob = acme_request_verify(v, acme);
        if (prob)
            return prob;
        if (v->account)
            res->account = v->account->id;
    }
    prob = v->account ? acme_eab_account_check(v->account, v->pool) : NULL;
    if (!prob) /* NOLINTNEXTLINE(*core.NullDereference): there is a route */
        prob = route->endpoint->run(res, acme, v);
    if (prob && v->key)
        acme_audit_refuse(acme, v, prob);
    return prob;
}

/* What wants to be stored by several at a time is stored together. */
static problem_t *endpoint_call(acme_response_t *res, acme_t *acme,
                                const acme_route_t *route,
                                const acme_request_t *req)
{
    problem_t *prob;

    store_expect(acme->store, 1);
    prob = endpoint_run(res, acme, route, req);
    store_expect(acme->store, -1);
    return prob;
}

static void publication_answer(acme_response_t *res, acme_t *acme,
                               const acme_request_t *req)
{
    problem_t *prob;

    if (!strcmp(req->method, "OPTIONS")) {
        options_answer(res, acme_publish_methods(acme->conf, req->path));
        cors_add(res, req);
        return;
    }
    prob = acme_publish_get(res, acme, req);
    if (prob) {
        refusal_log(prob, req);
        acme_response_problem(res, prob, req->pool);
        protocol_headers_add(res, acme, NULL, req);
    }
    cors_add(res, req);
}

void acme_handle(acme_response_t *res, acme_t *acme, const acme_request_t *req)
{
    acme_route_t *route;
    problem_t *prob;

    res->headers = apr_table_make(req->pool, 10);
    if (acme_publish_is_path(acme->conf, req->path)) {
        publication_answer(res, acme, req);
        return;
    }
    prob = acme_route_find(&route, acme->conf, req);
    if (route && !strcmp(req->method, "OPTIONS")) {
        options_answer(res, acme_route_allow(route));
        prob = NULL;
    }
    else if (!prob)
        prob = endpoint_call(res, acme, route, req);
    if (prob) {
        refusal_log(prob, req);
        acme_response_problem(res, prob, req->pool);
    }
    protocol_headers_add(res, acme, route, req);
}

void acme_publish_handle(acme_response_t *res, acme_t *acme,
                         const acme_request_t *req)
{
    problem_t *prob;
    acme_route_t *route;

    res->headers = apr_table_make(req->pool, 10);
    if (acme_publish_is_path(acme->conf, req->path)) {
        publication_answer(res, acme, req);
        return;
    }
    prob = acme_route_find(&route, acme->conf, req);
    if (!prob || prob->status != 404) {
        prob =
            problem_make(req->pool, PROBLEM_MALFORMED,
                         "ACME is spoken over HTTPS only; the directory of "
                         "this server is %s",
                         acme_route_near_url(acme->conf, req->path, req->pool));
        prob->status = 404;
    }
    refusal_log(prob, req);
    acme_response_problem(res, prob, req->pool);
    protocol_headers_add(res, acme, NULL, req);
}

static problem_type_e core_type(int status)
{
    if (status == 401 || status == 403)
        return PROBLEM_UNAUTHORIZED;
    if (status == 429)
        return PROBLEM_RATE_LIMITED;
    return status >= 500 ? PROBLEM_SERVER_INTERNAL : PROBLEM_MALFORMED;
}

static const char *core_detail(int status)
{
    switch (status) {
    case 401:
        return "the web server wants authentication for this URL";
    case 403:
        return "the web server does not admit this client to this URL";
    case 404:
        return "there is nothing at this URL";
    case 405:
        return "the web server does not allow this method here";
    case 408:
        return "the request did not arrive in time";
    case 413:
        return "the request body is too large";
    default:
        return "the web server refused or could not handle the request";
    }
}

void acme_core_error(acme_response_t *res, acme_t *acme,
                     const acme_request_t *req, int status, const char *detail)
{
    acme_route_t *route;
    problem_t *prob;

    res->headers = apr_table_make(req->pool, 10);
    prob = acme_route_find(&route, acme->conf, req);
    if (!prob || prob->status != status || detail) {
        prob = problem_make(req->pool, core_type(status), "%s",
                            detail ? detail : core_detail(status));
        prob->status = status;
    }
    acme_response_problem(res, prob, req->pool);
    protocol_headers_add(res, acme, route, req);
}
