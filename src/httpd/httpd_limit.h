/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_LIMIT_H
#define HTTPD_LIMIT_H

/*
 * ACMERateLimit, and the memory under acme_limit.h: one shared mapping for the
 * whole server, made by the parent, that lives as long as it does.  So children
 * of all generations count together, and a reload forgets nothing.
 */

#include <httpd.h>
#include <http_config.h>

#include "acme/acme_limit.h"

/* The directive's setter. */
const char *httpd_limit_set(cmd_parms *cmd, void *dir, const char *what,
                            const char *rule);

/* What the lines (of httpd_conf_t.limits) say, one after the other. */
void httpd_limit_resolve(acme_limit_rule_t rules[ACME_LIMIT_COUNT],
                         const apr_array_header_t *lines);

/* In post_config. */
apr_status_t httpd_limit_create(apr_pool_t *process_pool)
    __attribute__((warn_unused_result));

/* In a child; NULL if there is no memory. */
acme_limit_t *httpd_limit_attach(apr_pool_t *pool);

#endif
