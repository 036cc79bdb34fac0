/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_audit.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include <http_log.h>
#include <http_main.h>

#include "httpd/httpd_log.h"

#include "base/banned.h"

struct httpd_audit_t {
    apr_file_t *file;
    atomic_int is_failing; /* told already */
};

static httpd_audit_t *shared_find(const httpd_conf_t *conf)
{
    server_rec *server;

    for (server = ap_server_conf; server; server = server->next) {
        const httpd_conf_t *other = httpd_conf_get(server);

        if (other != conf && other->audit &&
            !strcmp(other->acme->audit_log, conf->acme->audit_log))
            return other->audit;
    }
    return NULL;
}

static apr_file_t *file_open(const httpd_conf_t *conf, apr_pool_t *pconf)
{
    const char *log = conf->acme->audit_log;
    piped_log *pipe;
    apr_file_t *file = NULL;
    apr_status_t rv = APR_EGENERAL;

    if (*log == '|') {
        pipe = ap_open_piped_log(pconf, log + 1);
        file = pipe ? ap_piped_log_write_fd(pipe) : NULL;
    }
    else
        rv = apr_file_open(&file, log,
                           APR_FOPEN_WRITE | APR_FOPEN_APPEND |
                               APR_FOPEN_CREATE | APR_FOPEN_LARGEFILE,
                           APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_GREAD,
                           pconf);
    if (!file)
        log_write(httpd_log_server(conf->server, pconf), LOG_LEVEL_CRIT,
                  "AS0421", rv,
                  "ACMEAuditLog %s: it cannot be %s; events are in the "
                  "database only until the next reload",
                  log, *log == '|' ? "started" : "opened");
    return file;
}

void httpd_audit_open(httpd_conf_t *conf, apr_pool_t *pconf)
{
    apr_file_t *file;

    if (!conf->acme->audit_log)
        return;
    conf->audit = shared_find(conf);
    if (conf->audit)
        return;
    file = file_open(conf, pconf);
    if (!file)
        return;
    conf->audit = apr_pcalloc(pconf, sizeof(*conf->audit));
    conf->audit->file = file;
}

void httpd_audit_look(httpd_conf_t *conf, apr_pool_t *pool)
{
    const char *log = conf->acme->audit_log, *dir;

    if (!log || *log == '|' || access(log, W_OK) == 0)
        return;
    dir = apr_pstrndup(pool, log, (apr_size_t)(strrchr(log, '/') - log) + 1);
    if (access(log, F_OK) == 0 || access(dir, W_OK | X_OK) != 0)
        log_write(httpd_log_startup(conf->server, pool), LOG_LEVEL_WARNING,
                  "AS0422", APR_FROM_OS_ERROR(errno),
                  "ACMEAuditLog %s: it could not be opened now", log);
}

/* One writev: appended as a whole to a file, and to a pipe up to PIPE_BUF. */
static apr_status_t line_write(apr_file_t *file, const char *line)
{
    struct iovec parts[2];
    apr_size_t written;

    parts[0].iov_base = (char *)line;
    parts[0].iov_len = strlen(line);
    parts[1].iov_base = "\n";
    parts[1].iov_len = 1;
    return apr_file_writev_full(file, parts, 2, &written);
}

static void event_write(httpd_conf_t *conf, const char *line)
{
    httpd_audit_t *audit = conf->audit;
    apr_status_t rv;

    if (!audit)
        return;
    rv = line_write(audit->file, line);
    if (!atomic_exchange(&audit->is_failing, rv != APR_SUCCESS) &&
        rv != APR_SUCCESS)
        log_write(conf->handle->log, LOG_LEVEL_ERROR, "AS0423", rv,
                  "ACMEAuditLog %s: it cannot be written to; events are in the "
                  "database only",
                  conf->acme->audit_log);
}

/* acme's log; without one it is an event of acmectl, which is for the first
 * program that is a log for the same database. */
static int is_log_of(const httpd_conf_t *conf, const acme_t *acme)
{
    if (acme->conf->audit_log)
        return conf->handle == acme;
    return conf->audit && *conf->acme->audit_log == '|' && conf->handle &&
           conf->handle->store == acme->store;
}

void httpd_audit_event(const apr_array_header_t *vhosts, const acme_t *acme,
                       const char *line)
{
    int i;

    for (i = 0; i < vhosts->nelts; i++) {
        httpd_conf_t *conf = APR_ARRAY_IDX(vhosts, i, httpd_conf_t *);

        if (!is_log_of(conf, acme))
            continue;
        event_write(conf, line);
        break;
    }
}
