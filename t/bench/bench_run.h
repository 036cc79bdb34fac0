/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

/* Workers, flow after flow, and the line of figures that tells of them. */

#include "bench.h"

typedef struct {
    int done, failed;
    double p50, p95, p99; /* milliseconds */
    double seconds;
} bench_figures_t;

/* From now on SIGUSR1 says that no further flow is to begin. */
void bench_run_until_told(void);

/* label: the line's first word. */
bench_figures_t bench_run(const bench_options_t *o, const char *label,
                          apr_pool_t *pool);

#endif
