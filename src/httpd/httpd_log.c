/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_log.h"

#include <http_config.h>
#include <http_log.h>

#include "base/banned.h"

APLOG_USE_MODULE(acme_server);

/* By log_level_e. */
static const int levels[] = {APLOG_CRIT,   APLOG_ERR,  APLOG_WARNING,
                             APLOG_NOTICE, APLOG_INFO, APLOG_DEBUG,
                             APLOG_TRACE1};

/* The least important of our levels that httpd's LogLevel lets through; as
 * everywhere in httpd, notices cannot be suppressed. */
static log_level_e level_of(int httpd_level)
{
    int level = LOG_LEVEL_TRACE;

    while (level > LOG_LEVEL_NOTICE && levels[level] > httpd_level)
        level--;
    return level;
}

static void request_write(void *baton, log_level_e level, const char *tag,
                          apr_status_t rv, const char *text)
{
    request_rec *r = baton;

    ap_log_rerror(APLOG_MARK, levels[level], rv, r, "%s%s%s", tag ? tag : "",
                  tag ? ": " : "", text);
}

static void server_write(void *baton, log_level_e level, const char *tag,
                         apr_status_t rv, const char *text)
{
    server_rec *server = baton;

    ap_log_error(APLOG_MARK, levels[level], rv, server, "%s%s%s",
                 tag ? tag : "", tag ? ": " : "", text);
}

static void startup_write(void *baton, log_level_e level, const char *tag,
                          apr_status_t rv, const char *text)
{
    server_rec *server = baton;

    ap_log_error(APLOG_MARK, APLOG_STARTUP | levels[level], rv, server,
                 "%s%s%s", tag ? tag : "", tag ? ": " : "", text);
}

const log_t *httpd_log_request(request_rec *r)
{
    log_t *log = apr_palloc(r->pool, sizeof(*log));

    log->write = request_write;
    log->baton = r;
    log->level =
        level_of(ap_get_request_module_loglevel(r, APLOG_MODULE_INDEX));
    return log;
}

const log_t *httpd_log_server(server_rec *server, apr_pool_t *pool)
{
    log_t *log = apr_palloc(pool, sizeof(*log));

    log->write = server_write;
    log->baton = server;
    log->level =
        level_of(ap_get_server_module_loglevel(server, APLOG_MODULE_INDEX));
    return log;
}

const log_t *httpd_log_startup(server_rec *server, apr_pool_t *pool)
{
    log_t *log = apr_palloc(pool, sizeof(*log));

    *log = *httpd_log_server(server, pool);
    log->write = startup_write;
    return log;
}
