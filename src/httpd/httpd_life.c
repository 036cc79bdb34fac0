/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_life.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <curl/curl.h>

#include <http_config.h>
#include <http_core.h>
#include <mpm_common.h>

#include "acme/acme_audit.h"
#include "acme/acme_ocsp_keep.h"
#include "httpd/httpd_audit.h"
#include "httpd/httpd_check.h"
#include "httpd/httpd_conf.h"
#include "httpd/httpd_dirs.h"
#include "httpd/httpd_limit.h"
#include "httpd/httpd_load.h"
#include "httpd/httpd_log.h"
#include "httpd/httpd_nonce.h"

#include "base/banned.h"

/* Public keys of accounts, 2 KiB each in OpenSSL.  What counts is that those of
 * one order's requests find it: every child gets full of them. */
#define KEYS_KEPT 256

/* For the children of one generation; in pconf. */
static apr_proc_mutex_t *gate;
/* Set in child_init, before there are threads. */
static httpd_worker_t *child_worker;

int httpd_life_is_real_start(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG;
}

httpd_worker_t *httpd_life_worker(void)
{
    return child_worker;
}

/* NULL with PostgreSQL: the state directory's is made for acmectl, which
 * becomes its owner. */
static const char *db_dir(const acme_conf_t *acme, apr_pool_t *pool)
{
    const char *slash;

    if (!strcmp(acme->store.driver, "pgsql"))
        return NULL;
    slash = strrchr(acme->store.params, '/');
    return apr_pstrndup(pool, acme->store.params,
                        slash ? (apr_size_t)(slash - acme->store.params) : 0);
}

/* Each directory that there is. */
static void directories_tell(const acme_conf_t *acme, const log_t *log)
{
    int i, count = 0;

    for (i = 0; i < acme->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(acme->profiles, i, const acme_profile_t *);

        if (!profile->enrollment)
            continue;
        count++;
        log_write(log, LOG_LEVEL_NOTICE, "AS0406", APR_SUCCESS,
                  "ACME server: profile %s: directory %s%s%s%s/directory",
                  profile->name, acme->base_url, acme->path,
                  *profile->directory ? "/" : "", profile->directory);
    }
    if (acme->default_profile)
        log_write(log, LOG_LEVEL_NOTICE, "AS0424", APR_SUCCESS,
                  "ACME server: profile %s by default: directory "
                  "%s%s/directory",
                  acme->default_profile, acme->base_url, acme->path);
    if (!count)
        log_write(log, LOG_LEVEL_WARNING, "AS0425", APR_SUCCESS,
                  "%s has no profile with ACMEProfileEnrollment acme, and so "
                  "no directory: nobody can ask it for a certificate",
                  acme->server_name);
}

static void handshake_tell(const httpd_conf_t *conf, server_rec *main_server,
                           const log_t *log, apr_pool_t *pool)
{
    if (!httpd_check_is_handshake_limited(conf->server, main_server, pool))
        log_write(log, LOG_LEVEL_NOTICE, "AS0433", APR_SUCCESS,
                  "%s: TLS handshakes have no limit of their own, so a few "
                  "hundred clients that stop in one keep everybody waiting for "
                  "Timeout; write RequestReadTimeout handshake=5 "
                  "(mod_reqtimeout) outside of all virtual hosts",
                  conf->acme->server_name);
}

static void vhost_prepare(httpd_conf_t *conf, server_rec *main_server,
                          apr_pool_t *pconf)
{
    acme_conf_t *acme = conf->acme;
    const log_t *log = httpd_log_server(conf->server, pconf);
    httpd_dirs_t dirs;

    httpd_dirs_ensure(&dirs, acme->state_dir, db_dir(acme, pconf), pconf);
    httpd_load_vhost(conf, dirs.ca_problem, pconf);
    if (!httpd_life_is_real_start())
        return;
    httpd_audit_open(conf, pconf);
    if (dirs.db_problem && dirs.db_problem != dirs.ca_problem)
        log_write(log, LOG_LEVEL_CRIT, "AS0405", APR_SUCCESS,
                  "%s %s its database: %s", acme->server_name,
                  dirs.is_db_exposed ? "does not keep others from"
                                     : "cannot use",
                  dirs.db_problem);
    directories_tell(acme, log);
    handshake_tell(conf, main_server, log, pconf);
}

/* Before mod_ssl's, which asks for certificates (httpd_tls.c). */
static int parent_prepare(apr_pool_t *pconf, apr_pool_t *plog,
                          apr_pool_t *ptemp, server_rec *main_server)
{
    server_rec *server;
    int slots = 0;

    for (server = main_server; server; server = server->next) {
        httpd_conf_t *conf = httpd_conf_get(server);

        if (!conf->acme)
            continue;
        vhost_prepare(conf, main_server, pconf);
        if (conf->acme->nonce_slots > slots)
            slots = conf->acme->nonce_slots;
    }
    if (!slots || !httpd_life_is_real_start())
        return OK;
    /* Not thread-safe everywhere, so before there are threads. */
    curl_global_init(CURL_GLOBAL_DEFAULT);
    /* Robust: a child that is killed inside gives it back. */
    if (apr_proc_mutex_create(&gate, NULL, APR_LOCK_PROC_PTHREAD, pconf) !=
        APR_SUCCESS)
        gate = NULL;
    if (httpd_limit_create(main_server->process->pool) != APR_SUCCESS)
        log_write(httpd_log_server(main_server, ptemp), LOG_LEVEL_ERROR,
                  "AS0431", APR_ENOMEM,
                  "there is no memory to count what ACMERateLimit limits: "
                  "there are no limits");
    if (httpd_nonce_create(slots, pconf, main_server) != APR_SUCCESS)
        log_write(httpd_log_server(main_server, ptemp), LOG_LEVEL_CRIT,
                  "AS0407", APR_ENOMEM,
                  "there is no memory for %d nonces; ACMENonceSlots sets their "
                  "number",
                  slots);
    return OK;
}

void httpd_life_look(server_rec *main_server, apr_pool_t *pool)
{
    server_rec *server;

    for (server = main_server; server; server = server->next) {
        httpd_conf_t *conf = httpd_conf_get(server);
        httpd_dirs_t dirs;
        const log_t *log;

        if (!conf->acme)
            continue;
        log = httpd_log_startup(server, pool);
        httpd_dirs_look(&dirs, conf->acme->state_dir, db_dir(conf->acme, pool),
                        pool);
        if (dirs.ca_problem)
            log_write(log, LOG_LEVEL_WARNING, "AS0408", APR_SUCCESS,
                      "%s would issue nothing now: %s", conf->acme->server_name,
                      dirs.ca_problem);
        if (dirs.db_problem && dirs.db_problem != dirs.ca_problem)
            log_write(log, LOG_LEVEL_WARNING, "AS0409", APR_SUCCESS,
                      "%s %s: %s", conf->acme->server_name,
                      dirs.is_db_exposed
                          ? "would not keep others from its database"
                          : "could not use its database now",
                      dirs.db_problem);
        httpd_load_look(conf, dirs.ca_problem, pool);
        httpd_audit_look(conf, pool);
    }
}

/* One store for each database. */
static store_t *store_share(const apr_array_header_t *vhosts,
                            const acme_conf_t *acme)
{
    int i;

    for (i = 0; i < vhosts->nelts; i++) {
        const httpd_conf_t *other =
            APR_ARRAY_IDX(vhosts, i, const httpd_conf_t *);

        if (other->handle && other->acme != acme &&
            !strcmp(other->acme->store.driver, acme->store.driver) &&
            !strcmp(other->acme->store.params, acme->store.params))
            return other->handle->store;
    }
    return NULL;
}

/* common: what all of them have. */
static void handle_make(httpd_conf_t *conf, const apr_array_header_t *vhosts,
                        const acme_t *common, apr_pool_t *pool)
{
    acme_t *acme = apr_pmemdup(pool, common, sizeof(*common));
    apr_status_t rv = APR_SUCCESS;

    acme->conf = conf->acme;
    acme->ocsp = acme_ocsp_make(pool);
    acme->log = httpd_log_server(conf->server, pool);
    acme->store = store_share(vhosts, conf->acme);
    if (!acme->store)
        rv = store_open(&acme->store, &conf->acme->store, acme->log, pool);
    if (rv == APR_SUCCESS) {
        store_gate_set(acme->store, gate);
        conf->handle = acme;
    }
    else
        log_write(acme->log, LOG_LEVEL_CRIT, "AS0415", rv,
                  "%s answers 503: its database cannot be opened",
                  conf->acme->server_name);
}

/* The child's pool goes, and the process with it. */
static apr_status_t child_end(void *data)
{
    httpd_worker_stop(child_worker);
    httpd_worker_join(child_worker);
    return APR_SUCCESS;
}

/* The process ends, and a thread is late: nothing that it uses goes before. */
static void exit_late(int status, void *baton)
{
    if (httpd_worker_is_running(child_worker))
        _exit(status);
}

/* A reference of our own: the parent's goes with its configuration, while the
 * last requests of this child are still at the gate. */
static void gate_attach(apr_pool_t *pool)
{
    if (gate && apr_proc_mutex_child_init(&gate, NULL, pool) != APR_SUCCESS)
        gate = NULL;
}

static void handles_make(const apr_array_header_t *vhosts, acme_nonce_t *nonces,
                         apr_pool_t *pool)
{
    acme_t common = {0};
    int i;

    common.nonces = nonces;
    common.limits = httpd_limit_attach(pool);
    common.keys = jose_cache_make(KEYS_KEPT, pool);
    common.audit = acme_audit_make(pool);
    common.clock = &clock_system;
    common.host = httpd_worker_host(child_worker);
    common.owner = store_owner_make(pool);
    common.since = clock_seconds(&clock_system);
    for (i = 0; i < vhosts->nelts; i++)
        handle_make(APR_ARRAY_IDX(vhosts, i, httpd_conf_t *), vhosts, &common,
                    pool);
}

static void child_make(apr_pool_t *pchild, server_rec *main_server)
{
    apr_pool_t *pool = httpd_queue_pool(1);
    apr_array_header_t *vhosts;
    acme_nonce_t *nonces;
    server_rec *server;

    if (!pool)
        return;
    vhosts = apr_array_make(pool, 2, sizeof(httpd_conf_t *));
    for (server = main_server; server; server = server->next)
        if (httpd_conf_get(server)->acme)
            APR_ARRAY_PUSH(vhosts, httpd_conf_t *) = httpd_conf_get(server);
    nonces = httpd_nonce_attach(pool);
    if (!vhosts->nelts || !nonces)
        return;
    json_object_seed(0);
    child_worker =
        httpd_worker_create(vhosts, httpd_log_server(main_server, pool));
    if (!child_worker)
        return;
    gate_attach(pool);
    on_exit(exit_late, NULL);
    handles_make(vhosts, nonces, pool);
    httpd_worker_begin(child_worker);
    apr_pool_pre_cleanup_register(pchild, NULL, child_end);
}

/* The prefork MPM ends a child in its handler of these, pools and all, wherever
 * it is: so not in the middle of malloc here. */
static void child_start(apr_pool_t *pchild, server_rec *main_server)
{
    sigset_t ends, before;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    child_make(pchild, main_server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void child_stop(apr_pool_t *pchild, int graceful)
{
    if (child_worker && !graceful)
        httpd_worker_stop(child_worker);
}

void httpd_life_hooks(void)
{
    static const char *const before_ssl[] = {"mod_ssl.c", NULL};

    ap_hook_post_config(parent_prepare, NULL, before_ssl, APR_HOOK_FIRST);
    ap_hook_child_init(child_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(child_stop, NULL, NULL, APR_HOOK_MIDDLE);
}
