/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_LOAD_H
#define HTTPD_LOAD_H

/*
 * What the parent reads for its children, as root, in post_config: issuers and
 * their keys, the key file of external accounts' secrets, the list of blocked
 * keys.  A fact of the moment (a file that cannot be read, a key that does not
 * fit, a CA that has expired) is told once, and is a 503 where it matters,
 * until the reload that finds it mended.
 */

#include "httpd/httpd_conf.h"

/* For a virtual host whose directories are there (ca_problem NULL) or not. */
void httpd_load_vhost(httpd_conf_t *conf, const char *ca_problem,
                      apr_pool_t *pconf);

/* The automatic CA of a virtual host, made if nobody made it, unless there is a
 * ca_problem; NULL when it can be used, or why not. */
const char *httpd_load_automatic(httpd_conf_t *conf, const char *ca_problem,
                                 apr_pool_t *pconf);

/* `httpd -t`: the same, but nothing is made, and what would be told at a start
 * is a warning. */
void httpd_load_look(httpd_conf_t *conf, const char *ca_problem,
                     apr_pool_t *pool);

#endif
