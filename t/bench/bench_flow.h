/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

/* The scenarios: what a worker does once and is timed for. */

#include "bench.h"

/* "full; nonce, …", for --help. */
extern const char bench_flow_names[];
int bench_flow_is(const char *scenario);
/* One account per worker, whatever --reuse-account says? */
int bench_flow_keeps(const char *scenario);

/* Before the clock runs: what the first flow needs.  NULL, or what is wrong. */
const char *bench_flow_prepare(bench_worker_t *w);
const char *bench_flow(bench_worker_t *w);

#endif
