/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_LOG_H
#define HTTPD_LOG_H

/* log_t over httpd's error log.  A tag comes in front of its text, the client's
 * address and the request come from httpd. */

#include <httpd.h>

#include "base/log.h"

/* In the request's pool. */
const log_t *httpd_log_request(request_rec *r);

/* For what no request has to do with. */
const log_t *httpd_log_server(server_rec *server, apr_pool_t *pool);

/* The same while the configuration is read, when nobody wants to see times and
 * process ids. */
const log_t *httpd_log_startup(server_rec *server, apr_pool_t *pool);

#endif
