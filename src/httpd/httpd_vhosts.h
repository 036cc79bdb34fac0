/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_VHOSTS_H
#define HTTPD_VHOSTS_H

/*
 * Which of a child's virtual hosts (of httpd_conf_t *) something is about.  One
 * without a handle takes part in nothing.
 */

#include "acme/acme.h"
#include "httpd/httpd_conf.h"

/* Its number; how many there are when acme is none of them. */
int httpd_vhosts_find(const apr_array_header_t *vhosts, const acme_t *acme);

/* Is the one of this number the first that has its store? */
int httpd_vhosts_is_first(const apr_array_header_t *vhosts, int i);

/* Whose job it is, among those that share any's store. */
acme_t *httpd_vhosts_for_job(const apr_array_header_t *vhosts, acme_t *any,
                             const store_job_t *job);

/* Has one of them an issuer with a list of revoked certificates? */
int httpd_vhosts_have_lists(const apr_array_header_t *vhosts);

#endif
