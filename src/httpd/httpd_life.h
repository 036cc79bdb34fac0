/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_LIFE_H
#define HTTPD_LIFE_H

/*
 * What lives how long.
 *
 *   parent, post_config, as root: directories, the CA and its keys, the segment
 *     of the nonces.  No database (no handle survives a fork, and children own
 *     the file).  A fact of the moment (a disk that is not mounted, a key that
 *     cannot be read) is one critical line and 503s, never a failed start.
 *   child: stores, one for each database; an acme_t for each virtual host;
 *     worker threads, when there is something to do.  They are in pools of
 *     their own, which the process's end alone destroys.
 *   stop: an ungraceful one cancels at once; at a graceful one requests and
 *     their jobs go on until the child's last connection is gone.
 */

#include <httpd.h>

#include "httpd/httpd_worker.h"

void httpd_life_hooks(void);

/* `httpd -t`: warn of facts of the moment that a start would find. */
void httpd_life_look(server_rec *main_server, apr_pool_t *pool);

/* httpd runs post_config twice at its first start: is this the one that counts?
 */
int httpd_life_is_real_start(void);

/* This child's; NULL in the parent, and where memory is short. */
httpd_worker_t *httpd_life_worker(void);

#endif
