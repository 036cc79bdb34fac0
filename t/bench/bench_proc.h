/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H

/* What the server's process tree costs, read from /proc. */

typedef struct {
    double cpu_ms; /* user and system, dead and waited-for children too */
    long pss_kib;  /* 0 when it may not be read */
    int processes, files; /* descriptors; 0 when they may not be counted */
    long syncs;
} bench_proc_t;

/* The tree whose root is pid (0: none), and what preload/count_syncs.c has
 * counted in this file (NULL: nothing). */
bench_proc_t bench_proc_read(int pid, const char *syncs);

#endif
