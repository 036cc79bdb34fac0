/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_WORKER_H
#define HTTPD_WORKER_H

/*
 * The background threads of a child, around acme_work.h: a few job threads that
 * sign and record, one that runs dcv_loop.  All are started by the first thing
 * there is to do, with all signals blocked.
 *
 *   submit, claim → queue → job thread: acme_work_start
 *                             → loop thread → queue → acme_work_done
 *
 * A child looks for jobs that the dead left behind, and for events to chain,
 * when it begins, once a second for a minute after it was used, and when it is
 * told to (acme_host_t.wake, wrote).  Later only where lists of revoked
 * certificates must be renewed: every quarter of a minute.
 */

#include "acme/acme.h"
#include "httpd/httpd_conf.h"
#include "httpd/httpd_queue.h"

typedef struct httpd_worker_t httpd_worker_t;

/* vhosts: of httpd_conf_t *, whose handles are set before the first request.
 * NULL: no memory. */
httpd_worker_t *httpd_worker_create(const apr_array_header_t *vhosts,
                                    const log_t *log);

/* What acme_t.host points to. */
const acme_host_t *httpd_worker_host(const httpd_worker_t *worker);

/* The virtual hosts have their handles: begin with what no request asks for,
 * lists of revoked certificates, and have one look for what the dead left. */
void httpd_worker_begin(httpd_worker_t *worker);

/* Look soon whether there are newer certificates for the virtual hosts
 * themselves (httpd_tls_refresh). */
void httpd_worker_refresh(httpd_worker_t *worker);

/* End all that can be ended quickly; what was under way is left to whoever
 * finds its lease held by the dead.  Returns at once.  Async-signal-safe, and
 * takes no lock: SIGTERM may run it inside a signal handler. */
void httpd_worker_stop(httpd_worker_t *worker);

/* Wait for the threads to end, two seconds at most; no lock either. */
void httpd_worker_join(httpd_worker_t *worker);
int httpd_worker_is_running(httpd_worker_t *worker);

/* For mod_status; returns the number of job threads. */
int httpd_worker_count(httpd_queue_count_t *count, httpd_worker_t *worker);

#endif
