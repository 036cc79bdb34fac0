/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_status.h"

#include <apr_optional.h>

#include <httpd.h>
#include <http_main.h>
#include <http_protocol.h>
#include <mod_status.h>

#include "httpd/httpd_conf.h"
#include "httpd/httpd_life.h"

#include "base/banned.h"

static void vhost_print(request_rec *r, const acme_conf_t *acme, int is_short)
{
    const acme_issuer_t *found = acme_conf_issuer(acme, ACME_ISSUER_AUTOMATIC);
    const ca_issuer_t *issuer = found->set ? found->set->issuer : NULL;
    const char *until = issuer ? clock_rfc3339(issuer->not_after, r->pool) : "";

    if (is_short)
        ap_rprintf(r, "ACMEServer: %s%s %s %s\n", acme->base_url, acme->path,
                   issuer ? issuer->fingerprint : "-",
                   issuer ? until : found->problem);
    else
        ap_rprintf(r, "<dt>%s%s/directory</dt>\n<dd>%s%s, until %s</dd>\n",
                   ap_escape_html(r->pool, acme->base_url),
                   ap_escape_html(r->pool, acme->path),
                   issuer ? "issuer " : "no CA: ",
                   issuer ? issuer->fingerprint
                          : ap_escape_html(r->pool, found->problem),
                   issuer ? until : "then");
}

static void worker_print(request_rec *r, int is_short)
{
    httpd_worker_t *worker = httpd_life_worker();
    httpd_queue_count_t count;
    int threads;

    if (!worker)
        return;
    threads = httpd_worker_count(&count, worker);
    ap_rprintf(
        r,
        is_short ? "ACMEChildThreads: %d\nACMEChildQueued: %d\n"
                   "ACMEChildActive: %d\nACMEChildDone: %" APR_UINT64_T_FMT "\n"
                 : "<dt>This child</dt>\n<dd>%d job threads, %d jobs "
                   "queued, %d under way, %" APR_UINT64_T_FMT " done</dd>\n",
        threads, count.queued, count.active, count.done);
}

static int status_print(request_rec *r, int flags)
{
    int is_short = flags & AP_STATUS_SHORT, found = 0;
    server_rec *server;

    for (server = ap_server_conf; server; server = server->next) {
        const acme_conf_t *acme = httpd_conf_get(server)->acme;

        if (!acme)
            continue;
        if (!found++ && !is_short)
            ap_rputs("<hr>\n<h2>ACME servers</h2>\n<dl>\n", r);
        vhost_print(r, acme, is_short);
    }
    if (!found)
        return DECLINED;
    worker_print(r, is_short);
    if (!is_short)
        ap_rputs("</dl>\n", r);
    return OK;
}

void httpd_status_hooks(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, status_print, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
