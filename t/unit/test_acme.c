/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/acme_route.h"
#include "base/b64url.h"
#include "handle.h"
#include "tap.h"

static handle_t *start(apr_pool_t *pool)
{
    return handle_make(tap_tmpdir(), pool);
}

static const char *directory(const handle_t *h)
{
    return handle_url(h, "directory");
}

/* What every answer of the protocol has. */
static void common_headers(const handle_t *h, const reply_t *r)
{
    const unsigned char *raw;
    apr_size_t len;

    ok(r->nonce && !reply_header(r, "Replay-Nonce", 1), "one nonce");
    ok(r->nonce && b64url_decode(&raw, &len, r->nonce, strlen(r->nonce),
                                 r->pool) == APR_SUCCESS);
    is_str(reply_header(r, "Cache-Control", 0), "no-store");
    is_str(reply_header(r, "Access-Control-Allow-Origin", 0), "*");
    ok(reply_has_link(r, directory(h), "index"));
}

static void headers_of_success(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");
    reply_t *r;

    common_headers(h, client_register(c));
    common_headers(h, client_post(c, c->kid, ""));
    r = client_order(c, "a.test");
    common_headers(h, r);
    is_str(r->type, "application/json");
    common_headers(h, client_post(c, r->location, ""));
    common_headers(h, handle_request(h, "HEAD", handle_url(h, "new-nonce")));
}

static void headers_of_errors(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");
    twist_t twist = {.content_type = "text/plain"};
    struct {
        int status;
        reply_t *r;
    } errors[7];
    apr_size_t i;

    client_register(c);
    errors[0].status = 405;
    errors[0].r = handle_request(h, "GET", handle_url(h, "new-order"));
    errors[1].status = 404;
    errors[1].r = handle_request(h, "GET", handle_url(h, "nothing"));
    errors[2].status = 415;
    errors[2].r = client_twisted(c, c->kid, "", &twist);
    errors[3].status = 400;
    errors[3].r = client_post(c, handle_url(h, "new-order"), "{}");
    errors[4].status = 404;
    errors[4].r =
        client_post(c, handle_url(h, "order/AAAAAAAAAAAAAAAAAAAAAA"), "");
    errors[5].status = 405;
    errors[5].r = handle_request(h, "PUT", handle_url(h, "directory"));
    handle_database_away(h);
    errors[6].status = 503;
    errors[6].r = client_post(c, c->kid, "");
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        reply_t *r = errors[i].r;

        is_int(r->status, errors[i].status);
        common_headers(h, r);
        is_str(r->type, "application/problem+json");
        is_str(reply_text(r, "status"),
               apr_psprintf(pool, "%d", errors[i].status));
        ok(!strncmp(reply_text(r, "type"), "urn:ietf:params:acme:error:", 27));
        ok(*r->detail);
        ok(!reply_text(r, "identifier/value"));
    }
}

static void no_index_on_directory(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    acme_request_t ruby = {.method = "GET",
                           .path = "/acme/directory",
                           .user_agent = "Acme::Client v2.0.9 (https://…)",
                           .pool = pool};
    reply_t *r = handle_request(h, "GET", directory(h));

    is_int(r->status, 200);
    ok(r->nonce);
    ok(!reply_header(r, "Link", 0));
    r = handle_raw(h, &ruby);
    is_int(r->status, 200);
    ok(!r->nonce, "Ruby's client dies of it");
    r = handle_request(h, "PUT", directory(h));
    is_int(r->status, 405);
    ok(r->nonce);
}

#define ID "AAAAAAAAAAAAAAAAAAAAAA"

/* Every endpoint, and some of what is published. */
static const struct {
    const char *path, *allow;
} every[] = {
    {"directory", "GET, HEAD, POST"},
    {"new-nonce", "GET, HEAD, POST"},
    {"new-account", "POST"},
    {"new-authz", "POST"},
    {"new-order", "POST"},
    {"key-change", "POST"},
    {"revoke-cert", "POST"},
    {"renewal-info/a.b", "GET, HEAD, POST"},
    {"acct/" ID, "POST"},
    {"acct/" ID "/orders", "POST"},
    {"order/" ID, "POST"},
    {"order/" ID "/finalize", "POST"},
    {"authz/" ID, "POST"},
    {"chall/" ID "/http-01", "POST"},
    {"cert/" ID, "POST"},
    {"cert/" ID "/1", "POST"},
    {"roots.pem", "GET, HEAD"},
    {"chain.p7c", "GET, HEAD"},
    {"limits.html", "GET, HEAD"},
};
#define EVERY     (sizeof(every) / sizeof(every[0]))
#define PUBLISHED 3

static int has_method(const char *allow, const char *method)
{
    const char *at = strstr(allow, method);

    return at && (at == allow || at[-1] == ' ') &&
           (!at[strlen(method)] || at[strlen(method)] == ',');
}

static void method_not_allowed(apr_pool_t *pool)
{
    static const char *const methods[] = {"GET",    "HEAD",  "POST",  "PUT",
                                          "DELETE", "PATCH", "TRACE", "get"};
    handle_t *h = start(pool);
    apr_size_t i, k;

    is_int(EVERY, ACME_ROUTE_COUNT + PUBLISHED);
    for (i = 0; i < EVERY; i++)
        for (k = 0; k < sizeof(methods) / sizeof(methods[0]); k++) {
            reply_t *r;

            if (has_method(every[i].allow, methods[k]))
                continue;
            r = handle_request(h, methods[k], handle_url(h, every[i].path));
            ok(r->status == 405, "%s %s: %d", methods[k], every[i].path,
               r->status);
            is_str(r->problem, "malformed");
            is_str(reply_header(r, "Allow", 0), every[i].allow);
            common_headers(h, r);
        }
}

/* What a browser asks before it sends a request with our content type. */
static void preflight(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    apr_size_t i;

    for (i = 0; i < EVERY; i++) {
        reply_t *r = handle_request(h, "OPTIONS", handle_url(h, every[i].path));

        ok(r->status == 204 && !*r->body, "OPTIONS %s: %d", every[i].path,
           r->status);
        is_str(reply_header(r, "Allow", 0), every[i].allow);
        is_str(reply_header(r, "Access-Control-Allow-Methods", 0),
               every[i].allow);
        is_str(reply_header(r, "Access-Control-Allow-Headers", 0),
               "Content-Type");
        is_str(reply_header(r, "Access-Control-Allow-Origin", 0), "*");
        ok(!reply_header(r, "Access-Control-Allow-Origin", 1), "once");
    }
}

static void options(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    acme_request_t getssl = {.method = "GET",
                             .path = "/acme/directory",
                             .user_agent = "getssl/2.51",
                             .pool = pool};
    reply_t *r = handle_request(h, "OPTIONS", handle_url(h, "new-order"));

    is_int(r->status, 204);
    is_str(reply_header(r, "Allow", 0), "POST");
    is_str(reply_header(r, "Access-Control-Allow-Methods", 0), "POST");
    is_str(reply_header(r, "Access-Control-Allow-Headers", 0), "Content-Type");
    is_str(reply_header(r, "Access-Control-Expose-Headers", 0),
           "Link, Location, Replay-Nonce, Retry-After");
    is_str(reply_header(r, "Access-Control-Allow-Origin", 0), "*");
    r = handle_raw(h, &getssl);
    is_str(reply_header(r, "Access-Control-Allow-Origin", 0), "*");
    ok(!reply_header(r, "Access-Control-Expose-Headers", 0),
       "getssl takes it for the Location");
    is_int(handle_request(h, "OPTIONS", handle_url(h, "none"))->status, 404);
    is_int(handle_request(h, "OPTIONS", handle_url(h, "roots.pem"))->status,
           204);
}

static void parent_path(apr_pool_t *pool)
{
    static const char *const paths[] = {"", "dir", "directory/", "acme"};
    handle_t *h = start(pool);
    apr_size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        reply_t *r = handle_request(h, "GET", handle_url(h, paths[i]));

        is_int(r->status, 404);
        ok(strstr(r->detail, directory(h)), "the right URL is named");
    }
}

static void access_log(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256");
    reply_t *r = client_register(c);
    const char *id = strrchr(c->kid, '/') + 1;

    is_str(r->res.account, id);
    ok(!r->res.problem);
    r = client_order(c, "a.test");
    is_str(r->res.account, id);
    is_str(r->res.order, strrchr(r->location, '/') + 1);
    r = client_post(c, handle_url(h, "new-order"), "{}");
    is_str(r->res.account, id);
    is_str(r->res.problem, "malformed");
}

static void one_line(apr_pool_t *pool)
{
    handle_t *h = start(pool);

    handle_request(h, "GET", handle_url(h, "nothing"));
    is_str(h->log_tag, "AS0300");
    is_int(h->log_level, LOG_LEVEL_INFO);
    ok(strstr(h->log_text, "GET /acme/nothing refused: 404 malformed: "));
    handle_issuer(h)->set = NULL;
    handle_issuer(h)->problem = "the moon is full";
    handle_request(h, "GET", handle_url(h, "roots.pem"));
    is_str(h->log_tag, "AS0301");
    ok(strstr(h->log_text, "the moon is full"), "the cause is logged");
}

static void core_errors(apr_pool_t *pool)
{
    static const struct {
        int status;
        const char *problem;
    } rows[] = {{401, "unauthorized"},  {403, "unauthorized"},
                {404, "malformed"},     {405, "malformed"},
                {408, "malformed"},     {413, "malformed"},
                {429, "rateLimited"},   {500, "serverInternal"},
                {503, "serverInternal"}};
    handle_t *h = start(pool);
    acme_request_t req = {.method = "POST", .path = "/acme/new-order"};
    apr_size_t i;

    req.pool = pool;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        acme_response_t res = {0};

        acme_core_error(&res, &h->acme, &req, rows[i].status, NULL);
        is_int(res.status, rows[i].status);
        is_str(res.problem, rows[i].problem);
        is_str(res.content_type, "application/problem+json");
        ok(apr_table_get(res.headers, "Replay-Nonce"));
        ok(apr_table_get(res.headers, "Link"));
    }
}

static void core_error_detail(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    acme_request_t req = {.method = "GET", .path = "/elsewhere"};
    acme_response_t res = {0};

    req.pool = pool;
    acme_core_error(&res, &h->acme, &req, 403, "not from there");
    is_int(res.status, 403);
    ok(strstr(res.body, "not from there"));
}

static void publish_only(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    acme_request_t req = {.method = "GET", .path = "/acme/directory"};
    acme_response_t res = {0};

    req.pool = pool;
    acme_publish_handle(&res, &h->acme, &req);
    is_int(res.status, 404);
    ok(strstr(res.body, "HTTPS"));
    memset(&res, 0, sizeof(res));
    req.path = "/acme/roots.pem";
    acme_publish_handle(&res, &h->acme, &req);
    is_int(res.status, 200);
    memset(&res, 0, sizeof(res));
    req.path = "/acme/nothing";
    acme_publish_handle(&res, &h->acme, &req);
    is_int(res.status, 404);
}

const tap_case_t tap_cases[] = {
    {"T18 T30 R2 R3 R6 headers of every success", headers_of_success},
    {"T18 T27 T28 T30 R2 R6 and of every error", headers_of_errors},
    {"T30 R2 the directory has a nonce, where it does no harm, no index link",
     no_index_on_directory},
    {"T15 other methods are 405 with Allow", method_not_allowed},
    {"T26 CORS", options},
    {"T26 OPTIONS of every resource", preflight},
    {"R25 a wrong path names the directory", parent_path},
    {"account, order and problem for the access log", access_log},
    {"one log line per refused request, with its cause", one_line},
    {"core errors are problem documents", core_errors},
    {"core errors may bring their detail", core_error_detail},
    {"plain HTTP publishes and refers to HTTPS", publish_only},
    {NULL, NULL}};
