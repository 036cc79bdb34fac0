/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_TLS_H
#define HTTPD_TLS_H

/*
 * An ACME virtual host's own certificate, from its own CA, through mod_ssl's
 * hooks, where the operator gave none.  The parent makes it and holds the key.
 * Children put a newer one, for the same key, into each handshake of this
 * virtual host: mod_ssl's ssl_init_server hook is the one place that knows
 * which SSL_CTX is whose, SNI or not.
 *
 * When the certificate cannot be made, the virtual host starts with one that
 * nobody trusts, and answers 503: the start never fails for it.
 */

#include "httpd/httpd_conf.h"

void httpd_tls_hooks(void);

/* On a background thread of a child: ask the store for a newer certificate,
 * have one made when it is time (acme_work_vhost_refresh). */
void httpd_tls_refresh(httpd_conf_t *conf, apr_pool_t *pool);

#endif
