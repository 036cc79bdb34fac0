/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_RESPONDER_H
#define BENCH_RESPONDER_H

/* The HTTP-01 side of the load generator: one thread that answers
 * /.well-known/acme-challenge/<token> on loopback with what was set. */

#include <apr_pools.h>

/* Listens on 127.0.0.1:port. NULL, or what went wrong. */
const char *bench_responder_start(int port, apr_pool_t *pool);
/* The same for a socket that listens already, in another network perhaps. */
const char *bench_responder_serve(int listener, apr_pool_t *pool);
/* Any thread.  Both strings are copied. */
void bench_responder_set(const char *token, const char *key_authz);
void bench_responder_unset(const char *token);

#endif
