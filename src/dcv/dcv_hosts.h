/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_HOSTS_H
#define DCV_HOSTS_H

/* The hosts file: read when it is needed, and again when it has changed. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/log.h"

typedef struct dcv_hosts_t dcv_hosts_t;

dcv_hosts_t *dcv_hosts_make(const char *path, const log_t *log,
                            apr_pool_t *pool);
const char *dcv_hosts_path(const dcv_hosts_t *hosts);

/* Addresses (const dcv_address_t *) of name, lower case; NULL if it is not in
 * the file.  They live until the next call. */
const apr_array_header_t *dcv_hosts_find(dcv_hosts_t *hosts, const char *name);

#endif
