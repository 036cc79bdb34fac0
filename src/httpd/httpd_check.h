/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_CHECK_H
#define HTTPD_CHECK_H

/* The hooks in which the configuration is looked at: check_config, where
 * mistakes end a start and `httpd -t` alike, all of them told at once; and
 * test_config, which prints the resolved configuration for acmectl. */

#include <httpd.h>

/* Has a TLS handshake with this virtual host a time limit, as far as the
 * directives tell: of mod_reqtimeout, which takes it from the first virtual
 * host of the address?  1 without TLS, and for the main server. */
int httpd_check_is_handshake_limited(server_rec *server,
                                     server_rec *main_server, apr_pool_t *pool);

void httpd_check_hooks(void);

#endif
