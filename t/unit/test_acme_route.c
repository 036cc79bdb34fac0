/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_route.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

#define ID    "AAAAAAbcdefghijklmnopA" /* as token_id makes them */
#define OTHER "BBBBBBbcdefghijklmnopA"
#define BASE  "https://ca.example"

/* The default directory and one of a profile "web". */
static acme_conf_t *conf_make(apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);
    acme_profile_t *web = apr_pmemdup(
        pool, APR_ARRAY_IDX(conf->profiles, 0, acme_profile_t *), sizeof(*web));

    conf->server_name = "ca.example";
    conf->base_url = BASE;
    APR_ARRAY_PUSH(conf->base_url_aliases, const char *) =
        "https://old.example:8443/ca";
    web->name = "web";
    web->directory = "web";
    APR_ARRAY_PUSH(conf->profiles, acme_profile_t *) = web;
    return conf;
}

static problem_t *find(acme_route_t **route, const acme_conf_t *conf,
                       const char *method, const char *path, apr_pool_t *pool)
{
    acme_request_t *req = apr_pcalloc(pool, sizeof(*req));
    char *query;

    req->method = method;
    req->path = apr_pstrdup(pool, path);
    req->pool = pool;
    query = strchr(req->path, '?');
    if (query) {
        *query = '\0';
        req->query = query + 1;
    }
    return acme_route_find(route, conf, req);
}

static const struct {
    acme_route_e name;
    const char *path; /* behind "/acme" and, perhaps, "/web" */
    const char *id, *tail;
    int is_get_allowed;
} ours[] = {
    {ACME_ROUTE_DIRECTORY, "/directory", NULL, NULL, 1},
    {ACME_ROUTE_NEW_NONCE, "/new-nonce", NULL, NULL, 1},
    {ACME_ROUTE_NEW_ACCOUNT, "/new-account", NULL, NULL, 0},
    {ACME_ROUTE_NEW_AUTHZ, "/new-authz", NULL, NULL, 0},
    {ACME_ROUTE_NEW_ORDER, "/new-order", NULL, NULL, 0},
    {ACME_ROUTE_KEY_CHANGE, "/key-change", NULL, NULL, 0},
    {ACME_ROUTE_REVOKE_CERT, "/revoke-cert", NULL, NULL, 0},
    {ACME_ROUTE_RENEWAL_INFO, "/renewal-info/a.b", "a.b", NULL, 1},
    {ACME_ROUTE_ACCOUNT, "/acct/" ID, ID, NULL, 0},
    {ACME_ROUTE_ORDERS, "/acct/" ID "/orders", ID, "orders", 0},
    {ACME_ROUTE_ORDER, "/order/" ID, ID, NULL, 0},
    {ACME_ROUTE_FINALIZE, "/order/" ID "/finalize", ID, "finalize", 0},
    {ACME_ROUTE_AUTHZ, "/authz/" ID, ID, NULL, 0},
    {ACME_ROUTE_CHALLENGE, "/chall/" ID "/http-01", ID, "http-01", 0},
    {ACME_ROUTE_CERT, "/cert/" ID, ID, NULL, 0},
    {ACME_ROUTE_ALTERNATE, "/cert/" ID "/1", ID, "1", 0},
};
#define OURS ((int)(sizeof(ours) / sizeof(ours[0])))

static void one_found(const acme_conf_t *conf, int i, const char *directory,
                      apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, "/acme", *directory ? "/" : "",
                                   directory, ours[i].path, NULL);
    acme_route_t *route;

    ok(!find(&route, conf, "POST", path, pool), "%s", path);
    need(route);
    is_int(route->endpoint->name, ours[i].name);
    ok(route->endpoint->run);
    is_str(route->path, path);
    is_str(route->directory, directory);
    is_str(route->profile->directory, directory);
    is_str(route->id, ours[i].id);
    is_str(route->tail, ours[i].tail);
    ok(!route->cursor);
}

static void found(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_make(pool);
    int i;

    is_int(OURS, ACME_ROUTE_COUNT);
    for (i = 0; i < OURS; i++) {
        one_found(conf, i, "", pool);
        one_found(conf, i, "web", pool);
    }
}

/* What is handed out is what is answered. */
static void urls(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_make(pool);
    int i;

    for (i = 0; i < OURS; i++) {
        is_str(acme_route_url(conf, ours[i].name, "", ours[i].id, ours[i].tail,
                              pool),
               apr_pstrcat(pool, BASE "/acme", ours[i].path, NULL));
        is_str(acme_route_url(conf, ours[i].name, "web", ours[i].id,
                              ours[i].tail, pool),
               apr_pstrcat(pool, BASE "/acme/web", ours[i].path, NULL));
    }
    conf->path = "";
    is_str(acme_route_url(conf, ACME_ROUTE_DIRECTORY, "", NULL, NULL, pool),
           BASE "/directory");
}

/* T15: Allow names what there is. */
static void methods(apr_pool_t *pool)
{
    static const char *const all[] = {
        "GET",     "HEAD", "PUT", "DELETE", "PATCH", "TRACE",  "OPTIONS",
        "CONNECT", "post", "Get", "POSTX",  "",      "FOOBAR", NULL};
    acme_conf_t *conf = conf_make(pool);
    acme_route_t *route;
    problem_t *prob;
    int i, k;

    for (i = 0; i < OURS; i++) {
        for (k = 0; all[k]; k++) {
            prob = find(&route, conf, all[k],
                        apr_pstrcat(pool, "/acme", ours[i].path, NULL), pool);
            ok(route, "%s", ours[i].path);
            if (k < 2 && ours[i].is_get_allowed) {
                ok(!prob, "%s %s", all[k], ours[i].path);
                continue;
            }
            ok(prob, "%s %s", all[k], ours[i].path);
            if (!prob)
                continue;
            is_int(prob->status, 405);
            is_str(problem_name(prob->type), "malformed");
            is_str(apr_table_get(prob->headers, "Allow"),
                   ours[i].is_get_allowed ? "GET, HEAD, POST" : "POST");
        }
    }
}

static void lost(const acme_conf_t *conf, const char *path, apr_pool_t *pool)
{
    static const char *const all[] = {"GET", "HEAD", "POST", "PUT", NULL};
    acme_route_t *route;
    problem_t *prob;
    int i;

    for (i = 0; all[i]; i++) {
        prob = find(&route, conf, all[i], path, pool);
        ok(prob && !route, "%s %s", all[i], path);
        if (!prob)
            continue;
        is_int(prob->status, 404);
        is_str(problem_name(prob->type), "malformed");
        ok(strstr(prob->detail, acme_route_near_url(conf, path, pool)), "%s",
           prob->detail);
    }
}

/* R25: users paste the parent path, getssl guesses. */
static void guesses(apr_pool_t *pool)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "/acme",
                                      "/acme/",
                                      "/acme/dir",
                                      "/directory",
                                      "/acme/web",
                                      "/acme/web/",
                                      "/acme/acme/directory",
                                      "/acme/v2/directory",
                                      "/acme/directory/",
                                      "/acme/Directory",
                                      "/ACME/directory",
                                      "/acme/revoke-certs",
                                      "/.well-known/acme-challenge/x",
                                      NULL};
    acme_conf_t *conf = conf_make(pool);
    int i;

    for (i = 0; bad[i]; i++)
        lost(conf, bad[i], pool);
}

/* T14: a path in another spelling is another path. */
static void spellings(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "//acme/directory",
        "/acme//directory",
        "/acme/./directory",
        "/acme/web/../directory",
        "/acme/../acme/directory",
        "/acme/%64irectory",
        "/%61cme/directory",
        "/acme/directory%00",
        "/acme/directory;x",
        "/acme/directory%2f",
        "/acme/direc\ntory",
        "/acme/direc\xc3\xbctory",
        "/acmex/directory",
        "/acm",
        "acme/directory",
        "https://ca.example/acme/directory",
        "/acme/acct",
        "/acme/acct/",
        "/acme/acct/" ID "/",
        "/acme/acct/" ID "x",
        "/acme/acct/x",
        "/acme/acct/AAAAAAbcdefghijklmnop",  /* 21 */
        "/acme/acct/AAAAAAbcdefghijklmn.pA", /* no base64url */
        "/acme/acct/AAAAAAbcdefghijklmn%41A",
        "/acme/acct/" ID "/order",
        "/acme/acct/" ID "/orders/",
        "/acme/acct/" ID "/orders/x",
        "/acme/order/" ID "/Finalize",
        "/acme/order/" ID "/finalize/x",
        "/acme/chall/" ID,
        "/acme/chall/" ID "/",
        "/acme/chall/" ID "/http-01/x",
        "/acme/chall/" ID "/http%2d01",
        "/acme/web/web/directory",
        "/acme/a/b/c/d/e/f/g/h",
        "/acme/unknown/directory", /* no profile has it */
        "/acme/unknown/new-order",
        "/acme/unknown/new-account",
        "/acme/unknown/new-nonce",
        "/acme/default/directory", /* a name, not a directory */
        NULL};
    acme_conf_t *conf = conf_make(pool);
    int i;

    for (i = 0; bad[i]; i++)
        lost(conf, bad[i], pool);
}

/* A removed profile: what was made under it is still there (pki.md), and its
 * accounts may have new keys. */
static void removed_profile(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_make(pool);
    acme_route_t *route;
    int i;

    for (i = 0; i < OURS; i++) {
        const char *path = apr_pstrcat(pool, "/acme/gone", ours[i].path, NULL);

        if (!ours[i].id && ours[i].name != ACME_ROUTE_KEY_CHANGE &&
            ours[i].name != ACME_ROUTE_REVOKE_CERT) {
            lost(conf, path, pool);
            continue;
        }
        ok(!find(&route, conf, "POST", path, pool), "%s", path);
        need(route);
        is_str(route->directory, "gone");
        ok(!route->profile);
    }
}

/* With profiles of the operator's own the default directory may be absent. */
static void no_default(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_make(pool);
    acme_route_t *route;
    problem_t *prob;

    apr_array_pop(conf->profiles);
    APR_ARRAY_IDX(conf->profiles, 0, acme_profile_t *)->directory = "web";
    prob = find(&route, conf, "GET", "/acme/directory", pool);
    need(prob);
    is_int(prob->status, 404);
    ok(strstr(prob->detail, BASE "/acme/web/directory"), "%s", prob->detail);
    ok(!find(&route, conf, "GET", "/acme/web/directory", pool));
    is_str(acme_route_directory_url(conf, NULL, pool),
           BASE "/acme/web/directory");
}

static void directory_urls(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_make(pool);
    acme_route_t *route;

    is_str(acme_route_directory_url(conf, NULL, pool), BASE "/acme/directory");
    ok(!find(&route, conf, "POST", "/acme/web/order/" ID, pool));
    is_str(acme_route_directory_url(conf, route, pool),
           BASE "/acme/web/directory");
    ok(!find(&route, conf, "POST", "/acme/order/" ID, pool));
    is_str(acme_route_directory_url(conf, route, pool), BASE "/acme/directory");
}

/* T13: the URL that is signed, as a string. */
static void signed_urls(apr_pool_t *pool)
{
    static const char *const good[] = {
        BASE "/acme/order/" ID, "https://old.example:8443/ca/acme/order/" ID,
        NULL};
    static const char *const bad[] = {"",
                                      "/acme/order/" ID,
                                      BASE,
                                      BASE "/acme/order/" OTHER,
                                      BASE "/acme/order/" ID "/",
                                      BASE "/acme/order/" ID "?",
                                      BASE "/acme/order/" ID "?x=y",
                                      BASE "/acme/order/" ID "#x",
                                      BASE "/acme/order/" ID "/finalize",
                                      BASE "/acme/authz/" ID,
                                      BASE "/acme/web/order/" ID,
                                      BASE ":443/acme/order/" ID, /* T14 */
                                      BASE "//acme/order/" ID,
                                      BASE "/acme/%6frder/" ID,
                                      BASE ".evil.example/acme/order/" ID,
                                      "https://CA.example/acme/order/" ID,
                                      "HTTPS://ca.example/acme/order/" ID,
                                      "http://ca.example/acme/order/" ID,
                                      "https://ca.example./acme/order/" ID,
                                      "https://evil.example/acme/order/" ID,
                                      "https://old.example/ca/acme/order/" ID,
                                      "https://old.example:8443/acme/order/" ID,
                                      " " BASE "/acme/order/" ID,
                                      NULL};
    acme_conf_t *conf = conf_make(pool);
    acme_route_t *route;
    int i;

    ok(!find(&route, conf, "POST", "/acme/order/" ID, pool));
    for (i = 0; good[i]; i++)
        is_int(acme_route_is_url(conf, route, good[i]), 1);
    for (i = 0; bad[i]; i++)
        ok(!acme_route_is_url(conf, route, bad[i]), "%s", bad[i]);
    for (i = 0; i < OURS; i++) {
        ok(!find(&route, conf, "POST",
                 apr_pstrcat(pool, "/acme/web", ours[i].path, NULL), pool));
        ok(acme_route_is_url(conf, route,
                             acme_route_url(conf, ours[i].name, "web",
                                            ours[i].id, ours[i].tail, pool)));
    }
}

/* T09: a kid is a whole URL of this directory. */
static void ids_of_urls(apr_pool_t *pool)
{
    static const char *const bad[] = {"",
                                      ID,
                                      "/acme/acct/" ID,
                                      BASE "/acme/acct/",
                                      BASE "/acme/acct/x",
                                      BASE "/acme/acct/" ID "/",
                                      BASE "/acme/acct/" ID "/orders",
                                      BASE "/acme/acct/" ID "?",
                                      BASE "/acme/acct/" ID "#",
                                      BASE "/acme/acct//" ID,
                                      BASE "/acme/order/" ID,
                                      BASE "/acme/web/acct/" ID,
                                      BASE "/acct/" ID,
                                      BASE "/other/acct/" ID,
                                      "https://evil.example/acme/acct/" ID,
                                      "https://ca.example.evil/acme/acct/" ID,
                                      "http://ca.example/acme/acct/" ID,
                                      "https://ca.example:443/acme/acct/" ID,
                                      NULL};
    acme_conf_t *conf = conf_make(pool);
    int i;

    is_str(acme_route_id(conf, ACME_ROUTE_ACCOUNT, "", BASE "/acme/acct/" ID,
                         pool),
           ID);
    is_str(acme_route_id(conf, ACME_ROUTE_ACCOUNT, "",
                         "https://old.example:8443/ca/acme/acct/" ID, pool),
           ID);
    is_str(acme_route_id(conf, ACME_ROUTE_ACCOUNT, "web",
                         BASE "/acme/web/acct/" ID, pool),
           ID);
    for (i = 0; bad[i]; i++)
        ok(!acme_route_id(conf, ACME_ROUTE_ACCOUNT, "", bad[i], pool), "%s",
           bad[i]);
    ok(!acme_route_id(conf, ACME_ROUTE_ACCOUNT, "web", BASE "/acme/acct/" ID,
                      pool));
}

/* T44: a cursor is part of the URL that is signed. */
static void cursors(apr_pool_t *pool)
{
    static const char *const bad[] = {"",
                                      "cursor",
                                      "cursor=",
                                      "cursor=x",
                                      "cursor=" ID "x",
                                      "cursor=" ID "&x=y",
                                      "x=y&cursor=" ID,
                                      "Cursor=" ID,
                                      "x",
                                      NULL};
    acme_conf_t *conf = conf_make(pool);
    acme_route_t *route;
    int i;

    ok(!find(&route, conf, "POST", "/acme/acct/" ID "/orders?cursor=" OTHER,
             pool));
    need(route);
    is_str(route->id, ID);
    is_str(route->cursor, OTHER);
    is_int(acme_route_is_url(conf, route,
                             BASE "/acme/acct/" ID "/orders?cursor=" OTHER),
           1);
    is_int(acme_route_is_url(conf, route, BASE "/acme/acct/" ID "/orders"), 0);
    for (i = 0; bad[i]; i++)
        lost(conf, apr_pstrcat(pool, "/acme/acct/" ID "/orders?", bad[i], NULL),
             pool);
}

/* A query on what is not signed means nothing; on what is, it is not ours. */
static void queries(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_make(pool);
    acme_route_t *route;
    problem_t *prob;
    int i;

    for (i = 0; i < OURS; i++) {
        const char *path =
            apr_pstrcat(pool, "/acme", ours[i].path, "?x=y", NULL);

        prob = find(&route, conf, "POST", path, pool);
        ok(prob && prob->status == 404, "%s", path);
        prob = find(&route, conf, "GET", path, pool);
        if (ours[i].is_get_allowed)
            ok(!prob, "%s", path);
        else
            ok(prob && prob->status == 404, "%s", path);
    }
}

static void other_paths(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_make(pool);
    acme_route_t *route;

    conf->path = "";
    ok(!find(&route, conf, "GET", "/directory", pool));
    ok(!find(&route, conf, "GET", "/web/directory", pool));
    ok(find(&route, conf, "GET", "/acme/directory", pool));
    conf->path = "/a/b";
    ok(!find(&route, conf, "GET", "/a/b/directory", pool));
    ok(find(&route, conf, "GET", "/a/directory", pool));
    ok(find(&route, conf, "GET", "/a/bc/directory", pool));
    is_str(acme_route_directory_url(conf, NULL, pool), BASE "/a/b/directory");
}

static void near(apr_pool_t *pool)
{
    static const struct {
        const char *path, *directory;
    } rows[] = {{"/acme/web", "/acme/web/directory"},
                {"/acme/web/", "/acme/web/directory"},
                {"/acme/web/dir", "/acme/web/directory"},
                {"/acme/", "/acme/directory"},
                {"/acme", "/acme/directory"},
                {"/acmes/web/", "/acme/directory"},
                {"/acme/webs/", "/acme/directory"},
                {"/acme//web", "/acme/directory"},
                {"", "/acme/directory"}};
    acme_conf_t *conf = conf_make(pool);
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        is_str(acme_route_near_url(conf, rows[i].path, pool),
               apr_pstrcat(pool, BASE, rows[i].directory, NULL));
    conf->path = "";
    is_str(acme_route_near_url(conf, "/web/", pool), BASE "/web/directory");
}

const tap_case_t tap_cases[] = {
    {"every resource is found, in each directory", found},
    {"every URL that is handed out", urls},
    {"T15 methods: 405 with Allow", methods},
    {"R25 guessed paths: 404 that names the directory", guesses},
    {"R25 of the profile that was meant", near},
    {"T14 other spellings of a path are no path of ours", spellings},
    {"a removed profile's objects are still there", removed_profile},
    {"no default directory", no_default},
    {"T30 the directory that a route belongs to", directory_urls},
    {"T13 T14 the signed URL is compared as a string", signed_urls},
    {"T09 the id in a kid", ids_of_urls},
    {"T44 cursors", cursors},
    {"queries", queries},
    {"other ACMEPaths", other_paths},
    {NULL, NULL}};
