/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CONNINFO_H
#define STORE_CONNINFO_H

/*
 * What ACMEDatabase pgsql says, libpq's "keyword=value keyword='va lue'".  It
 * is checked before libpq sees it, whose complaints would quote the password
 * of one that is malformed.
 */

#include <apr_pools.h>

/* What is wrong with it, without any value of it; NULL: nothing. */
const char *store_conninfo_fault(const char *conninfo, apr_pool_t *pool);

/* The same without passwords, for logs and prints; up to where it is
 * malformed. */
const char *store_conninfo_public(const char *conninfo, apr_pool_t *pool);

#endif
