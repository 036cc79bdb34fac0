/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HOLES_H
#define BENCH_HOLES_H

/*
 * Validations that hang: accounts whose names lead to nobody.  A name server on
 * 127.0.0.4 gives every name the address 127.0.0.1, but for these kinds, which
 * come by turns:
 *
 *   http   http-01, h<i>.http.hole.<zone>: 127.0.0.2 takes the connection and
 *          is silent
 *   syn    http-01, h<i>.syn.hole.<zone>: 127.0.0.3 does not even do that
 *   https  http-01, h<i>.https.hole.<zone>: 127.0.0.5 leads to https of the
 *          first kind
 *   tls    tls-alpn-01, h<i>.tls.hole.<zone>: 127.0.0.2 again
 *   dns    dns-01, in dns.hole.<zone>: no answer from the name server
 *   name   http-01, the same
 *
 * i is below BENCH_HOLES_NAMES, but for those that are asked for in vain.  The
 * server must ask that name server (t/bench/run).
 */

#include "bench.h"

#define BENCH_HOLES_NAMES 10
/* That accept at a time: more than the server lets wait (ACMEValidationWait).
 */
#define BENCH_HOLES_CLIENTS 64

typedef struct bench_holes_t bench_holes_t;

/* Before all others: the name server. */
const char *bench_holes_serve(const bench_options_t *o, apr_pool_t *pool);
/* Accepts o->holes challenges.  NULL, or what went wrong. */
const char *bench_holes_start(bench_holes_t **holes, const bench_options_t *o,
                              apr_pool_t *pool);
/* How many seconds that took. */
double bench_holes_took(const bench_holes_t *holes);
/* Could all of them still hang, for so many seconds more? */
int bench_holes_hang(const bench_holes_t *holes, double seconds);
/* Waits until they should have ended; prints what came of them. */
void bench_holes_end(bench_holes_t *holes);

#endif
