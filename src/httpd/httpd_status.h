/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_STATUS_H
#define HTTPD_STATUS_H

/* A section of mod_status's page: each ACME virtual host and its CA, and what
 * the child that answers has to do. */
void httpd_status_hooks(void);

#endif
