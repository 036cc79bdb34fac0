/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_acme_server: a virtual host that is an ACME (RFC 8555) certificate
 * authority.  This is the table of contents; src/README is the map.
 */

#include <httpd.h>
#include <http_config.h>

#include "httpd/httpd_check.h"
#include "httpd/httpd_conf.h"
#include "httpd/httpd_handler.h"
#include "httpd/httpd_life.h"
#include "httpd/httpd_status.h"
#include "httpd/httpd_tls.h"

static void register_hooks(apr_pool_t *pool)
{
    httpd_check_hooks();   /* check_config, test_config */
    httpd_life_hooks();    /* post_config, child_init, child_stopping */
    httpd_tls_hooks();     /* mod_ssl: the virtual host's own certificate */
    httpd_handler_hooks(); /* requests, and errors of httpd's own making */
    httpd_status_hooks();  /* mod_status */
}

AP_DECLARE_MODULE(acme_server) = {
    STANDARD20_MODULE_STUFF,
    NULL, /* no per-directory configuration */
    NULL,
    httpd_conf_create,
    httpd_conf_merge,
    httpd_cmds,
    register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE,
#endif
};
