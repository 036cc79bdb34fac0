/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_NAMESERVER_H
#define BENCH_NAMESERVER_H

/* A name server, on a thread of its own: every name has one IPv4 address, and
 * nothing else; or is asked for in vain. */

#include <apr_pools.h>

/* The address of a name, NULL: no answer. */
typedef const char *(*bench_address_fn)(const char *name);

/* NULL, or what went wrong. */
const char *bench_nameserver_start(const char *address, int port,
                                   bench_address_fn fn, apr_pool_t *pool);

#endif
