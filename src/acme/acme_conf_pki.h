/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CONF_PKI_H
#define ACME_CONF_PKI_H

/* What acme_conf_check says of issuers and profiles, and the words in which the
 * two files say it. */

#include "acme/acme_conf.h"

void acme_conf_pki_check(apr_array_header_t *findings, const acme_conf_t *conf);

/* "directive value: reason; remedy" */
void acme_conf_finding(apr_array_header_t *findings, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A link for people or in certificates; NULL is none. */
void acme_conf_link_check(apr_array_header_t *findings, const char *directive,
                          const char *url);

#endif
