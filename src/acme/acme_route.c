/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_route.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_account.h"
#include "acme/acme_authz.h"
#include "acme/acme_authz_new.h"
#include "acme/acme_cert.h"
#include "acme/acme_challenge.h"
#include "acme/acme_directory.h"
#include "acme/acme_finalize.h"
#include "acme/acme_keychange.h"
#include "acme/acme_order.h"
#include "acme/acme_renewal.h"
#include "acme/acme_revoke.h"
#include "base/token.h"

#include "base/banned.h"

#define GET  1
#define LIVE 1
#define ID   1
#define FREE ACME_ROUTE_FREE

/* name, noun, tail, id?, GET?, profile must be there?, signer, payload, who */
static const acme_endpoint_t table[ACME_ROUTE_COUNT] = {
    {ACME_ROUTE_DIRECTORY, "directory", NULL, 0, GET, LIVE, ACME_SIGNER_KID,
     ACME_PAYLOAD_EMPTY, acme_directory_get},
    {ACME_ROUTE_NEW_NONCE, "new-nonce", NULL, 0, GET, LIVE, ACME_SIGNER_KID,
     ACME_PAYLOAD_EMPTY, acme_directory_nonce},
    {ACME_ROUTE_NEW_ACCOUNT, "new-account", NULL, 0, 0, LIVE, ACME_SIGNER_JWK,
     ACME_PAYLOAD_OBJECT, acme_account_new},
    {ACME_ROUTE_NEW_AUTHZ, "new-authz", NULL, 0, 0, LIVE, ACME_SIGNER_KID,
     ACME_PAYLOAD_OBJECT, acme_authz_new},
    {ACME_ROUTE_NEW_ORDER, "new-order", NULL, 0, 0, LIVE, ACME_SIGNER_KID,
     ACME_PAYLOAD_OBJECT, acme_order_new},
    {ACME_ROUTE_KEY_CHANGE, "key-change", NULL, 0, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_OBJECT, acme_keychange_post},
    {ACME_ROUTE_REVOKE_CERT, "revoke-cert", NULL, 0, 0, 0, ACME_SIGNER_EITHER,
     ACME_PAYLOAD_OBJECT, acme_revoke_post},
    {ACME_ROUTE_RENEWAL_INFO, "renewal-info", NULL, FREE, GET, 0,
     ACME_SIGNER_KID, ACME_PAYLOAD_EMPTY, acme_renewal_get},
    {ACME_ROUTE_ACCOUNT, "acct", NULL, ID, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_ANY, acme_account_post},
    {ACME_ROUTE_ORDERS, "acct", "orders", ID, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_EMPTY, acme_order_list},
    {ACME_ROUTE_ORDER, "order", NULL, ID, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_EMPTY, acme_order_get},
    {ACME_ROUTE_FINALIZE, "order", "finalize", ID, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_OBJECT, acme_finalize_post},
    {ACME_ROUTE_AUTHZ, "authz", NULL, ID, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_ANY, acme_authz_post},
    {ACME_ROUTE_CHALLENGE, "chall", "*", ID, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_ANY, acme_challenge_post},
    {ACME_ROUTE_CERT, "cert", NULL, ID, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_EMPTY, acme_cert_get},
    {ACME_ROUTE_ALTERNATE, "cert", "*", ID, 0, 0, ACME_SIGNER_KID,
     ACME_PAYLOAD_EMPTY, acme_cert_get},
};

#define WORDS_MAX 4
#define CURSOR    "cursor="

/* "a/b/c" → its words.  0 unless there are 1 to WORDS_MAX, none of them empty,
 * all of characters that need no percent-encoding. */
static int path_split(char **words, char *text)
{
    int n = 0;

    for (;;) {
        apr_size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_.");

        if (n == WORDS_MAX || !len)
            return 0;
        words[n++] = text;
        text += len;
        if (!*text)
            return n;
        if (*text != '/')
            return 0;
        *text++ = '\0';
    }
}

static const acme_endpoint_t *endpoint_find(char **words, int n)
{
    int i;

    if (n < 1 || n > 3 || (n > 1 && !token_id_ok(words[1])))
        return NULL;
    for (i = 0; i < ACME_ROUTE_COUNT; i++) {
        const acme_endpoint_t *e = &table[i];

        if (strcmp(e->noun, words[0]) || e->has_id == FREE ||
            1 + e->has_id + !!e->tail != n)
            continue;
        /* NOLINTNEXTLINE(*core.CallAndMessage): what has a tail has an id */
        if (!e->tail || *e->tail == '*' || !strcmp(e->tail, words[2]))
            return e;
    }
    return NULL;
}

/* A query belongs to the signed URL, so what has no meaning is not ours.  On
 * the unsigned resources it is ignored. */
static int is_query_ok(acme_route_t *route, const acme_request_t *req)
{
    const char *query = req->query;

    if (!query)
        return 1;
    if (route->endpoint->is_get_allowed)
        return strcmp(req->method, "POST") != 0;
    if (route->endpoint->name != ACME_ROUTE_ORDERS ||
        strncmp(query, CURSOR, strlen(CURSOR)))
        return 0;
    route->cursor = query + strlen(CURSOR);
    route->path = apr_pstrcat(req->pool, req->path, "?", query, NULL);
    return token_id_ok(route->cursor);
}

/* "renewal-info[/<anything>]": the id, "" without; NULL: it is not that. */
static const char *free_id(const char *text)
{
    const char *noun = table[ACME_ROUTE_RENEWAL_INFO].noun;
    apr_size_t len = strlen(noun);

    if (strncmp(text, noun, len))
        return NULL;
    if (text[len] == '/')
        return text + len + 1;
    return text[len] ? NULL : "";
}

/* Fills in endpoint, directory, id; 0: it is another endpoint's path. */
static int free_parse(acme_route_t *route, const char *path, apr_pool_t *pool)
{
    const char *slash = strchr(path, '/');
    char *words[WORDS_MAX];

    route->directory = "";
    route->id = free_id(path);
    if (!route->id && slash) {
        words[0] = apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
        route->directory = words[0];
        route->id = free_id(slash + 1);
        if (route->id && path_split(words, words[0]) != 1)
            return 0;
    }
    route->endpoint = &table[ACME_ROUTE_RENEWAL_INFO];
    return route->id != NULL;
}

static int words_parse(acme_route_t *route, const char *path, apr_pool_t *pool)
{
    char *words[WORDS_MAX];
    int n = path_split(words, apr_pstrdup(pool, path)), first = 0;

    route->endpoint = endpoint_find(words, n);
    if (!route->endpoint && n > 1) {
        first = 1;
        route->endpoint = endpoint_find(words + 1, n - 1);
    }
    if (!route->endpoint)
        return 0;
    route->directory = first ? words[0] : "";
    /* NOLINTBEGIN(*core.uninitialized.Assign): so many words as it has */
    route->id = route->endpoint->has_id ? words[first + 1] : NULL;
    route->tail = route->endpoint->tail ? words[first + 2] : NULL;
    /* NOLINTEND(*core.uninitialized.Assign) */
    return 1;
}

static acme_route_t *route_parse(const acme_conf_t *conf,
                                 const acme_request_t *req)
{
    apr_size_t len = strlen(conf->path);
    acme_route_t *route;

    if (strncmp(req->path, conf->path, len) || req->path[len] != '/')
        return NULL;
    route = apr_pcalloc(req->pool, sizeof(*route));
    if (!free_parse(route, req->path + len + 1, req->pool) &&
        !words_parse(route, req->path + len + 1, req->pool))
        return NULL;
    route->path = req->path;
    route->profile = acme_conf_profile_at(conf, route->directory);
    if ((route->endpoint->is_profile_live && !route->profile) ||
        !is_query_ok(route, req))
        return NULL;
    return route;
}

const char *acme_route_directory_url(const acme_conf_t *conf,
                                     const acme_route_t *route,
                                     apr_pool_t *pool)
{
    const acme_profile_t *profile;
    const char *directory = "";

    if (route)
        directory = route->directory;
    else if (!acme_conf_profile_at(conf, "") && conf->profiles->nelts) {
        profile = APR_ARRAY_IDX(conf->profiles, 0, const acme_profile_t *);
        directory = profile->directory;
    }
    return acme_route_url(conf, ACME_ROUTE_DIRECTORY, directory, NULL, NULL,
                          pool);
}

const char *acme_route_near_url(const acme_conf_t *conf, const char *path,
                                apr_pool_t *pool)
{
    apr_size_t len = strlen(conf->path);
    const char *directory;

    if (strncmp(path, conf->path, len) || path[len] != '/')
        return acme_route_directory_url(conf, NULL, pool);
    path += len + 1;
    directory = apr_pstrmemdup(pool, path, strcspn(path, "/"));
    if (!*directory || !acme_conf_profile_at(conf, directory))
        return acme_route_directory_url(conf, NULL, pool);
    return acme_route_url(conf, ACME_ROUTE_DIRECTORY, directory, NULL, NULL,
                          pool);
}

/* RFC 8555 gives no way to guess: users paste the parent path, getssl tries
 * "/dir" (R25). */
static problem_t *problem_no_route(const acme_conf_t *conf,
                                   const acme_request_t *req)
{
    problem_t *prob =
        problem_make(req->pool, PROBLEM_MALFORMED,
                     "no ACME resource has this URL; the directory of this "
                     "server is %s",
                     acme_route_near_url(conf, req->path, req->pool));

    prob->status = 404;
    return prob;
}

static int is_method_ok(const acme_endpoint_t *endpoint, const char *method)
{
    if (!strcmp(method, "POST"))
        return 1;
    return endpoint->is_get_allowed &&
           (!strcmp(method, "GET") || !strcmp(method, "HEAD"));
}

problem_t *acme_route_find(acme_route_t **route, const acme_conf_t *conf,
                           const acme_request_t *req)
{
    problem_t *prob;
    const char *allow;

    *route = route_parse(conf, req);
    if (!*route)
        return problem_no_route(conf, req);
    if (is_method_ok((*route)->endpoint, req->method))
        return NULL;
    allow = acme_route_allow(*route);
    prob = problem_make(req->pool, PROBLEM_MALFORMED,
                        "this resource has no method %.16s, only %s",
                        req->method, allow);
    prob->status = 405;
    problem_header(prob, req->pool, "Allow", allow);
    return prob;
}

const char *acme_route_allow(const acme_route_t *route)
{
    return route->endpoint->is_get_allowed ? "GET, HEAD, POST" : "POST";
}

const char *acme_route_url(const acme_conf_t *conf, acme_route_e name,
                           const char *directory, const char *id,
                           const char *tail, apr_pool_t *pool)
{
    const acme_endpoint_t *e = &table[name];

    if (e->tail && *e->tail != '*')
        tail = e->tail;
    return apr_pstrcat(pool, conf->base_url, conf->path, *directory ? "/" : "",
                       directory, "/", e->noun, id ? "/" : "", id ? id : "",
                       tail && id ? "/" : "", tail && id ? tail : "", NULL);
}

/* What follows the base URL, or the alias of it, that url begins with. */
static const char *url_path(const char *base, const char *url)
{
    apr_size_t len = strlen(base);

    return strncmp(url, base, len) ? NULL : url + len;
}

/* The i-th of the base URLs that we answer to, the configured one first. */
static const char *base_url(const acme_conf_t *conf, int i)
{
    if (i == 0)
        return conf->base_url;
    if (!conf->base_url_aliases || i > conf->base_url_aliases->nelts)
        return NULL;
    return APR_ARRAY_IDX(conf->base_url_aliases, i - 1, const char *);
}

int acme_route_is_url(const acme_conf_t *conf, const acme_route_t *route,
                      const char *url)
{
    const char *base, *path;
    int i;

    for (i = 0, base = base_url(conf, 0); base; base = base_url(conf, ++i)) {
        path = url_path(base, url);
        if (path && !strcmp(path, route->path))
            return 1;
    }
    return 0;
}

const char *acme_route_id(const acme_conf_t *conf, acme_route_e name,
                          const char *directory, const char *url,
                          apr_pool_t *pool)
{
    const char *base, *path, *prefix;
    apr_size_t len;
    int i;

    /* Only endpoints without a tail are ever named by their URL alone. */
    prefix = apr_pstrcat(pool, conf->path, *directory ? "/" : "", directory,
                         "/", table[name].noun, "/", NULL);
    len = strlen(prefix);
    for (i = 0, base = base_url(conf, 0); base; base = base_url(conf, ++i)) {
        path = url_path(base, url);
        if (path && !strncmp(path, prefix, len) && token_id_ok(path + len))
            return path + len;
    }
    return NULL;
}
