/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_AUDIT_H
#define HTTPD_AUDIT_H

/*
 * ACMEAuditLog: a file that is only appended to, or a program that httpd starts
 * and restarts as it does for its own logs.  Opened by the parent, as root;
 * children inherit it.  A line is one write, so lines of several children do
 * not mix.
 *
 * What is told here is in the database already: a log that cannot be written to
 * is told of, and stops nobody.
 */

#include "acme/acme.h"
#include "httpd/httpd_conf.h"

/* conf->audit, in pconf; virtual hosts with the same log share it. */
void httpd_audit_open(httpd_conf_t *conf, apr_pool_t *pconf);

/* `httpd -t`: warn of what a start would find. */
void httpd_audit_look(httpd_conf_t *conf, apr_pool_t *pool);

/* An event's line, without its newline, into the log of acme's events, if any;
 * vhosts: of httpd_conf_t *.  On any thread. */
void httpd_audit_event(const apr_array_header_t *vhosts, const acme_t *acme,
                       const char *line);

#endif
