/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_handler.h"

#include <string.h>

#include <apr_strings.h>

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>

#include "acme/acme.h"
#include "acme/acme_publish.h"
#include "base/identifier.h"
#include "httpd/httpd_body.h"
#include "httpd/httpd_conf.h"
#include "httpd/httpd_log.h"

#include "base/banned.h"

extern module AP_MODULE_DECLARE_DATA acme_server_module;

#define HANDLER "acme-server"
#define FILTER  "ACME_PROBLEM"

/* A request that is ours. */
typedef struct {
    const httpd_conf_t *conf; /* the ACME virtual host */
    int is_publication;       /* on a plain one that publishes for it */
    const char *path, *query; /* as they came */
} bound_t;

/* Under each error status: httpd's own text, no ErrorDocument. */
static char *responses[RESPONSE_CODES];
static ap_filter_rec_t *filter;

static bound_t *bound_get(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &acme_server_module);
}

static int is_below(const char *path, const char *base)
{
    apr_size_t len = strlen(base);

    return !strncmp(path, base, len) && (!path[len] || path[len] == '/');
}

static int has_name(const httpd_conf_t *conf, const char *name)
{
    int i;

    for (i = 0; name && i < conf->names->nelts; i++)
        if (!ap_cstr_casecmp(
                APR_ARRAY_IDX(conf->names, i, const identifier_t *)->value,
                name))
            return 1;
    return 0;
}

/* Of those for which a plain virtual host publishes: whose name was asked for;
 * of those of one name, whose path was. */
static const httpd_conf_t *published_choose(const apr_array_header_t *published,
                                            const char *name, const char *path)
{
    const httpd_conf_t *best = NULL;
    int i, best_fit = -1;

    for (i = 0; i < published->nelts; i++) {
        const httpd_conf_t *conf = APR_ARRAY_IDX(published, i, httpd_conf_t *);
        int fit = 2 * has_name(conf, name) + is_below(path, conf->acme->path);

        if (fit > best_fit) {
            best_fit = fit;
            best = conf;
        }
    }
    return best;
}

/* The ACME virtual host whose URLs this server has; NULL: none. */
static const httpd_conf_t *conf_find(const httpd_conf_t *conf,
                                     const request_rec *r, const char *path)
{
    if (conf->acme)
        return conf;
    /* A TLS virtual host of the same name is the operator's own business. */
    if (conf->publish != 1 && ap_ssl_conn_is_ssl(r->connection))
        return NULL;
    return published_choose(conf->published, r->hostname, path);
}

/* The path and query of the request line: "/path?query" or, to a proxy,
 * "https://host/path?query". */
static void url_split(bound_t *bound, const request_rec *r)
{
    const char *path = r->unparsed_uri, *end;

    if (*path != '/') {
        bound->path = r->parsed_uri.path ? r->parsed_uri.path : "";
        bound->query = r->parsed_uri.query;
        return;
    }
    end = strchr(path, '?');
    bound->query = end ? end + 1 : NULL;
    bound->path =
        end ? apr_pstrmemdup(r->pool, path, (apr_size_t)(end - path)) : path;
}

/* With "ACMEPath /" a plain virtual host keeps all but what is published, and
 * its own first page. */
static int is_ours(const bound_t *bound)
{
    const acme_conf_t *acme = bound->conf->acme;

    if (*bound->path != '/' || !is_below(bound->path, acme->path))
        return 0;
    return !bound->is_publication || *acme->path ||
           (bound->path[1] && acme_publish_is_path(acme, bound->path));
}

/* post_read_request */
static int request_bind(request_rec *r)
{
    core_request_config *core = ap_get_core_module_config(r->request_config);
    const httpd_conf_t *conf = httpd_conf_get(r->server);
    bound_t bound = {0};

    if (r->main || r->prev || !r->unparsed_uri ||
        (!conf->acme && !conf->published))
        return DECLINED;
    url_split(&bound, r);
    bound.conf = conf_find(conf, r, bound.path);
    bound.is_publication = !conf->acme;
    if (!bound.conf || !is_ours(&bound))
        return DECLINED;
    ap_set_module_config(r->request_config, &acme_server_module,
                         apr_pmemdup(r->pool, &bound, sizeof(bound)));
    core->response_code_strings =
        apr_pmemdup(r->pool, responses, sizeof(responses));
    /* Small answers, each to be had once: not worth compressing (H7). */
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
    return DECLINED;
}

/* pre_translate_name: nothing else translates, decodes or proxies it. */
static int request_pretranslate(request_rec *r)
{
    return bound_get(r) ? DONE : DECLINED;
}

/* translate_name: it is no file; its name is for other modules' log lines. */
static int request_translate(request_rec *r)
{
    const bound_t *bound = bound_get(r);

    if (!bound)
        return DECLINED;
    r->handler = HANDLER;
    r->filename = apr_pstrcat(r->pool, HANDLER ":", bound->path, NULL);
    return OK;
}

/* map_to_storage, type_checker: no directory walk, no type by file name. */
static int request_claim(request_rec *r)
{
    if (!bound_get(r))
        return DECLINED;
    r->handler = HANDLER;
    return OK;
}

static acme_request_t *request_make(request_rec *r, const bound_t *bound)
{
    acme_request_t *req = apr_pcalloc(r->pool, sizeof(*req));

    req->method = r->method;
    req->path = bound->path;
    req->query = bound->query;
    req->content_type = apr_table_get(r->headers_in, "Content-Type");
    req->user_agent = apr_table_get(r->headers_in, "User-Agent");
    req->accept = apr_table_get(r->headers_in, "Accept");
    req->client_ip = r->useragent_ip;
    req->user = r->user;
    req->log = httpd_log_request(r);
    req->pool = r->pool;
    return req;
}

static void env_set(request_rec *r, const acme_response_t *res)
{
    if (res->account)
        apr_table_setn(r->subprocess_env, "ACME_ACCOUNT", res->account);
    if (res->order)
        apr_table_setn(r->subprocess_env, "ACME_ORDER", res->order);
    if (res->problem)
        apr_table_setn(r->subprocess_env, "ACME_PROBLEM", res->problem);
}

/* Several of one name stay apart (H3). */
static int header_add(void *table, const char *name, const char *value)
{
    apr_table_addn(table, name, value);
    return 1;
}

static int header_unset(void *table, const char *name, const char *value)
{
    apr_table_unset(table, name);
    return 1;
}

/* mod_http2 would take the file as its own, so that a client that does not read
 * had a descriptor open for each of its streams, a hundred by connection, and
 * soon all.  What is shared it reads, bit by bit. */
static void file_share(apr_bucket *bucket, request_rec *r)
{
    apr_bucket_brigade *kept =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_bucket *copy;

    if (apr_bucket_copy(bucket, &copy) == APR_SUCCESS)
        APR_BRIGADE_INSERT_TAIL(kept, copy);
}

/* Read while it is sent: no memory, and, by sendfile(2), over plain HTTP with
 * the event MPM no thread, while a slow client takes it.  A map would end the
 * process if somebody cut the file. */
static void file_insert(apr_bucket_brigade *bb, request_rec *r,
                        const acme_response_t *res)
{
    const core_dir_config *dir = ap_get_core_module_config(r->per_dir_config);
    apr_file_t *file = res->file;
    apr_bucket *bucket;
    apr_os_file_t fd;

    /* Where it is broken: the same descriptor without the flag. */
    if (dir->enable_sendfile == ENABLE_SENDFILE_OFF &&
        apr_os_file_get(&fd, file) == APR_SUCCESS)
        apr_os_file_put(&file, &fd, APR_FOPEN_READ, r->pool);
    bucket =
        apr_brigade_insert_file(bb, file, 0, (apr_off_t)res->body_len, r->pool);
    apr_bucket_file_enable_mmap(bucket, 0);
    if (r->connection->master)
        file_share(bucket, r);
}

static apr_status_t body_send(request_rec *r, ap_filter_t *next,
                              const acme_response_t *res)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);

    if (res->content_type)
        ap_set_content_type(r, res->content_type);
    if (res->body || res->file)
        ap_set_content_length(r, (apr_off_t)res->body_len);
    if (res->file)
        file_insert(bb, r, res);
    else if (res->body)
        APR_BRIGADE_INSERT_TAIL(
            bb,
            apr_bucket_pool_create(res->body, res->body_len, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    return ap_pass_brigade(next, bb);
}

/* 304 and the like for what the client has already (RFC 9110 13).  httpd wants
 * to find the validators where it puts its own. */
static int is_needed(request_rec *r, const acme_response_t *res)
{
    if (!res->etag || res->status != HTTP_OK)
        return 1;
    apr_table_setn(r->headers_out, "ETag", res->etag);
    ap_update_mtime(r, apr_time_from_sec(res->modified));
    ap_set_last_modified(r);
    r->status = ap_meets_conditions(r);
    if (r->status == OK)
        r->status = HTTP_OK;
    return r->status == HTTP_OK;
}

/* Our own answer, whatever its status: returning that from the handler would
 * make httpd throw away headers and body.  The headers are among those that
 * stay, even if something fails on the way out (H1). */
static int response_send(request_rec *r, const acme_response_t *res)
{
    static const acme_response_t nothing;
    int needed;

    r->status = res->status;
    needed = is_needed(r, res);
    apr_table_do(header_add, r->err_headers_out, res->headers, NULL);
    env_set(r, res);
    /* A client that has gone away is no reason to fail. */
    (void)body_send(r, r->output_filters, needed ? res : &nothing);
    return OK;
}

/* There is no acme_t in this child: what it says is all that can be said. */
static int nothing_send(request_rec *r)
{
    static const char text[] =
        "{\"detail\":\"the server cannot answer just now\",\"type\":"
        "\"urn:ietf:params:acme:error:serverInternal\",\"status\":503}";
    acme_response_t res = {.status = HTTP_SERVICE_UNAVAILABLE,
                           .content_type = "application/problem+json",
                           .body = text,
                           .body_len = sizeof(text) - 1};

    res.headers = apr_table_make(r->pool, 1);
    apr_table_setn(res.headers, "Retry-After", "60");
    return response_send(r, &res);
}

static int request_handle(request_rec *r)
{
    const bound_t *bound = bound_get(r);
    acme_t *acme = bound ? bound->conf->handle : NULL;
    acme_response_t *res;
    acme_request_t *req;
    int status = 0;

    if (!bound)
        return DECLINED;
    if (!acme)
        return nothing_send(r);
    req = request_make(r, bound);
    res = apr_pcalloc(r->pool, sizeof(*res));
    if (!strcmp(r->method, "POST"))
        status = httpd_body_read(&req->body, &req->body_len,
                                 &req->is_body_too_large, ACME_BODY_MAX, r);
    if (status < 0)
        return status;
    if (status)
        acme_core_error(res, acme, req, status, NULL);
    else if (bound->is_publication)
        acme_publish_handle(res, acme, req);
    else
        acme_handle(res, acme, req);
    return response_send(r, res);
}

/* Output filter: our document in the place of httpd's text, which is thrown
 * away.  httpd has kept what must stay: WWW-Authenticate, Allow. */
static apr_status_t problem_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    const bound_t *bound = bound_get(r);
    acme_response_t res = {0};

    apr_brigade_cleanup(bb);
    if (f->ctx)
        return APR_SUCCESS;
    f->ctx = f;
    acme_core_error(&res, bound->conf->handle, request_make(r, bound),
                    r->status, NULL);
    apr_table_do(header_unset, r->headers_out, res.headers, NULL);
    apr_table_do(header_add, r->headers_out, res.headers, NULL);
    env_set(r, &res);
    return body_send(r, f->next, &res);
}

/* insert_error_filter: an error that is not ours.  What httpd refuses for its
 * headers alone (Expect, Content-Length, Transfer-Encoding, Host) has met no
 * other hook. */
static void problem_insert(request_rec *r)
{
    const bound_t *bound = bound_get(r);

    if (!bound && r->method) {
        (void)request_bind(r);
        bound = bound_get(r);
    }
    if (bound && bound->conf->handle && r->status >= HTTP_BAD_REQUEST)
        ap_add_output_filter_handle(filter, NULL, r, r->connection);
}

static void responses_init(void)
{
    static char own_text[] = "\"";
    int status;

    for (status = HTTP_BAD_REQUEST; status < 600; status++)
        responses[ap_index_of_response(status)] = own_text;
}

void httpd_handler_hooks(void)
{
    responses_init();
    filter = ap_register_output_filter(FILTER, problem_filter, NULL,
                                       AP_FTYPE_CONTENT_SET);
    ap_hook_post_read_request(request_bind, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_pre_translate_name(request_pretranslate, NULL, NULL,
                               APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(request_translate, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(request_claim, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_type_checker(request_claim, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(request_handle, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_insert_error_filter(problem_insert, NULL, NULL, APR_HOOK_LAST);
}
