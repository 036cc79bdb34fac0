/* SPDX-License-Identifier: Apache-2.0 */
#include "handle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "engine.h"
#include "handle_must.h"
#include "acme/acme_audit.h"
#include "acme/acme_ocsp_keep.h"
#include "base/own.h"
#include "policy/policy_spki.h"
#include "store_block.h"

#define NONCES 1024
#define LIMITS 1024

static apr_time_t clock_read(void *baton)
{
    return apr_time_from_sec(((handle_t *)baton)->now);
}

static void log_keep(void *baton, log_level_e level, const char *tag,
                     apr_status_t rv, const char *text)
{
    handle_t *h = baton;

    if (level > LOG_LEVEL_INFO)
        return;
    h->log_tag = tag;
    h->log_text = apr_pstrdup(h->pool, text);
    h->log_level = level;
}

static store_job_t *job_copy(const store_job_t *job, apr_pool_t *pool)
{
    store_job_t *copy = apr_pmemdup(pool, job, sizeof(*job));

    copy->id = apr_pstrdup(pool, job->id);
    copy->kind = apr_pstrdup(pool, job->kind);
    copy->subject = apr_pstrdup(pool, job->subject);
    copy->data = apr_pstrdup(pool, job->data);
    copy->lease_owner = apr_pstrdup(pool, job->lease_owner);
    return copy;
}

static void host_submit(void *baton, acme_t *acme, const store_job_t *job)
{
    handle_t *h = baton;

    must(acme == &h->acme);
    APR_ARRAY_PUSH(h->jobs, store_job_t *) = job_copy(job, h->pool);
    if (!h->is_idle)
        handle_run(h, handle_job(h));
}

static void host_wake(void *baton)
{
    ((handle_t *)baton)->wakes++;
}

static apr_status_t host_wait(void *baton, const char *job_id,
                              apr_interval_time_t timeout, int is_brief)
{
    handle_t *h = baton;

    return h->done_id && !strcmp(h->done_id, job_id) ? APR_SUCCESS : APR_TIMEUP;
}

static void host_audit(void *baton, acme_t *acme, const char *line)
{
    handle_t *h = baton;

    must(acme == &h->acme);
    APR_ARRAY_PUSH(h->audit, const char *) = apr_pstrdup(h->pool, line);
}

void handle_run(handle_t *h, const store_job_t *job)
{
    dcv_result_t result = {0};
    dcv_job_t *work;
    apr_pool_t *pool;

    apr_pool_create(&pool, h->pool);
    work = acme_work_start(&h->acme, job, pool);
    if (work) {
        result.problem = h->verdict;
        result.is_retryable = h->is_retryable;
        result.took = apr_time_from_msec(12);
        acme_work_done(&h->acme, job, &result, pool);
    }
    h->done_id = job->id;
    apr_pool_destroy(pool);
}

const store_job_t *handle_job(const handle_t *h)
{
    must(h->jobs->nelts);
    return APR_ARRAY_IDX(h->jobs, h->jobs->nelts - 1, const store_job_t *);
}

/* All processes on a database share it, as they do a server's memory. */
static void limits_init(handle_t *h)
{
    if (!h->limits) {
        h->limits = apr_pcalloc(h->pool, acme_limit_size(LIMITS));
        acme_limit_init(h->limits, apr_time_from_sec(h->now));
    }
    h->acme.limits = acme_limit_attach(h->limits, LIMITS, h->pool);
}

static log_t *host_init(handle_t *h)
{
    acme_host_t *host = apr_palloc(h->pool, sizeof(*host));
    clock_source_t *clock = apr_palloc(h->pool, sizeof(*clock));
    log_t *log = apr_palloc(h->pool, sizeof(*log));

    *host = (acme_host_t){.submit = host_submit,
                          .wake = host_wake,
                          .wait = host_wait,
                          .baton = h,
                          .audit = host_audit};
    *clock = (clock_source_t){clock_read, h};
    *log = (log_t){log_keep, h, LOG_LEVEL_TRACE};
    h->jobs = apr_array_make(h->pool, 8, sizeof(store_job_t *));
    h->audit = apr_array_make(h->pool, 8, sizeof(const char *));
    h->acme.clock = clock;
    h->acme.log = log;
    h->acme.host = host;
    return log;
}

static void process_init(handle_t *h, const char *owner)
{
    const log_t *log = host_init(h);

    h->acme.conf = h->conf;
    h->acme.owner = owner;
    h->acme.keys = jose_cache_make(16, h->pool);
    h->acme.audit = acme_audit_make(h->pool);
    limits_init(h);
    h->acme.ocsp = acme_ocsp_make(h->pool);
    h->acme.nonces = acme_nonce_attach(
        apr_pcalloc(h->pool, acme_nonce_size(NONCES)), NONCES, h->pool);
    must(store_open(&h->acme.store, &h->conf->store, log, h->pool) ==
         APR_SUCCESS);
    must(acme_work_setup(&h->acme, h->pool) == APR_SUCCESS);
}

acme_issuer_t *handle_issuer(const handle_t *h)
{
    return acme_conf_issuer(h->conf, ACME_ISSUER_AUTOMATIC);
}

/* So that what happens to them in one process does not in another. */
static apr_array_header_t *issuers_copy(const apr_array_header_t *issuers,
                                        apr_pool_t *pool)
{
    apr_array_header_t *copy = apr_array_copy(pool, issuers);
    int i;

    for (i = 0; i < copy->nelts; i++) {
        acme_issuer_t **issuer = &APR_ARRAY_IDX(copy, i, acme_issuer_t *);

        *issuer = apr_pmemdup(pool, *issuer, sizeof(**issuer));
    }
    return copy;
}

handle_t *handle_make(const char *dir, apr_pool_t *pool)
{
    static int databases;
    handle_t *h = apr_pcalloc(pool, sizeof(*h));
    const char *ca = apr_pstrcat(pool, dir, "/ca", NULL);
    problem_t *prob;

    h->pool = pool;
    h->dir = dir;
    h->now = HANDLE_NOW;
    h->conf = acme_conf_make(pool);
    h->conf->dcv->retry = 0;
    h->conf->server_name = "ca.example";
    h->conf->base_url = HANDLE_BASE;
    h->conf->state_dir = dir;
    handle_issuer(h)->crl = 0; /* no jobs but those that a test makes */
    h->conf->store = engine_make(
        apr_psprintf(pool, "%s/db-%d.sqlite", dir, ++databases), pool);
    mkdir(ca, 0700);
    prob = ca_auto_ensure(&handle_issuer(h)->set, ca, "Test CA", HANDLE_NOW,
                          NULL, pool);
    if (prob)
        fprintf(stderr, "%s\n", prob->cause ? prob->cause : prob->detail);
    must(!prob);
    process_init(h, store_owner_make(pool));
    return h;
}

handle_t *handle_twin(const handle_t *h, const char *owner, apr_pool_t *pool)
{
    handle_t *twin = apr_pmemdup(pool, h, sizeof(*h));

    twin->pool = pool;
    twin->conf = apr_pmemdup(pool, h->conf, sizeof(*h->conf));
    twin->conf->issuers = issuers_copy(h->conf->issuers, pool);
    process_init(twin, owner);
    return twin;
}

handle_t *handle_thread(const handle_t *h, apr_pool_t *pool)
{
    handle_t *thread = apr_pmemdup(pool, h, sizeof(*h));

    thread->pool = pool;
    host_init(thread);
    return thread;
}

void handle_database_away(handle_t *h)
{
    store_conf_t conf = h->conf->store;

    conf.params = apr_pstrcat(h->pool, engine_is_pgsql() ? "host=" : "", h->dir,
                              "/no/such/folder/db", NULL);
    must(store_open(&h->acme.store, &conf, h->acme.log, h->pool) ==
         APR_SUCCESS);
}

void handle_database_back(handle_t *h)
{
    must(store_open(&h->acme.store, &h->conf->store, h->acme.log, h->pool) ==
         APR_SUCCESS);
}

const char *handle_url(const handle_t *h, const char *rest)
{
    return apr_pstrcat(h->pool, h->conf->base_url, h->conf->path, "/", rest,
                       NULL);
}

const char *handle_nonce(handle_t *h)
{
    char *nonce = apr_palloc(h->pool, ACME_NONCE_LEN + 1);

    acme_nonce_issue(h->acme.nonces, nonce);
    return nonce;
}

reply_t *handle_raw(handle_t *h, const acme_request_t *req)
{
    reply_t *r = apr_pcalloc(h->pool, sizeof(*r));

    r->pool = h->pool;
    acme_handle(&r->res, &h->acme, req);
    r->status = r->res.status;
    r->type = r->res.content_type;
    r->body = r->res.body
                  ? apr_pstrmemdup(h->pool, r->res.body, r->res.body_len)
                  : "";
    r->problem = r->res.problem;
    r->location = apr_table_get(r->res.headers, "Location");
    r->nonce = apr_table_get(r->res.headers, "Replay-Nonce");
    r->retry_after = apr_table_get(r->res.headers, "Retry-After");
    if (r->res.body)
        r->json = own_json(h->pool,
                           json_loadb(r->res.body, r->res.body_len,
                                      JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                                      NULL));
    r->detail = r->problem ? reply_text(r, "detail") : "";
    return r;
}

/* Path and query as on the request line. */
static acme_request_t *request_make(handle_t *h, const char *method,
                                    const char *url)
{
    acme_request_t *req = apr_pcalloc(h->pool, sizeof(*req));
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : url;
    const char *query = strchr(path, '?');

    req->method = method;
    req->path = query ? apr_pstrmemdup(h->pool, path, (size_t)(query - path))
                      : apr_pstrdup(h->pool, path);
    req->query = query ? query + 1 : NULL;
    req->client_ip = "192.0.2.1";
    req->log = h->acme.log;
    req->pool = h->pool;
    return req;
}

reply_t *handle_request(handle_t *h, const char *method, const char *url)
{
    return handle_raw(h, request_make(h, method, url));
}

reply_t *handle_get(handle_t *h, const char *url, const char *accept)
{
    acme_request_t *req = request_make(h, "GET", url);

    req->accept = accept;
    return handle_raw(h, req);
}

EVP_PKEY *key_make(const char *spec, apr_pool_t *pool)
{
    EVP_PKEY *key;

    if (!strncmp(spec, "RSA-", 4))
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(spec + 4));
    else if (!strncmp(spec, "P-", 2))
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", spec);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, spec);
    must(key);
    return own_pkey(pool, key);
}

void handle_block(handle_t *h, EVP_PKEY *key, const char *reason)
{
    store_blocked_t row = {NULL, reason, h->now};
    unsigned char hash[32];

    must(policy_spki_sha256(hash, key));
    row.spki_sha256 = apr_pescape_hex(h->pool, hash, sizeof(hash), 0);
    must(block_key(h->acme.store, &row) == APR_SUCCESS);
}

/* NULL: there is nothing at path. */
static json_t *json_find(const reply_t *r, const char *path)
{
    char *state, *words = apr_pstrdup(r->pool, path);
    char *word = apr_strtok(words, "/", &state);
    json_t *at = r->json;

    for (; word && at; word = apr_strtok(NULL, "/", &state))
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(word))
                               : json_object_get(at, word);
    return at;
}

const char *reply_text(const reply_t *r, const char *path)
{
    json_t *at = json_find(r, path);

    if (json_is_string(at))
        return json_string_value(at);
    if (json_is_integer(at))
        return apr_psprintf(r->pool, "%" APR_INT64_T_FMT,
                            (apr_int64_t)json_integer_value(at));
    if (json_is_boolean(at))
        return json_is_true(at) ? "true" : "false";
    return NULL;
}

int reply_count(const reply_t *r, const char *path)
{
    json_t *at = json_find(r, path);

    if (json_is_array(at))
        return (int)json_array_size(at);
    return json_is_object(at) ? (int)json_object_size(at) : -1;
}

const char *reply_header(const reply_t *r, const char *name, int n)
{
    const apr_array_header_t *all = apr_table_elts(r->res.headers);
    const apr_table_entry_t *e = (const apr_table_entry_t *)all->elts;
    int i;

    for (i = 0; i < all->nelts; i++)
        if (!strcasecmp(e[i].key, name) && !n--)
            return e[i].val;
    return NULL;
}

int reply_has_link(const reply_t *r, const char *url, const char *rel)
{
    const char *want =
        apr_pstrcat(r->pool, "<", url, ">;rel=\"", rel, "\"", NULL);
    const char *link;
    int i;

    for (i = 0; (link = reply_header(r, "Link", i)); i++)
        if (!strcmp(link, want))
            return 1;
    return 0;
}

apr_array_header_t *reply_certs(const reply_t *r)
{
    apr_array_header_t *certs = apr_array_make(r->pool, 3, sizeof(X509 *));
    BIO *bio = own_bio(r->pool, BIO_new_mem_buf(r->body, -1));
    X509 *cert;

    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        APR_ARRAY_PUSH(certs, X509 *) = own_x509(r->pool, cert);
    ERR_clear_error();
    return certs;
}
