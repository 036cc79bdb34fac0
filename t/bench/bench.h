/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_H
#define BENCH_H

/* What the parts of acme-bench share: its options, and a worker, who is a
 * client with a thread. */

#include <stdio.h>

#include "bench_acme.h"

typedef struct {
    const char *directory, *ca_file, *scenario, *key, *zone, *syncs;
    int workers, flows, names, reuse_account, new_connection;
    int http_port, server_pid, verbose, seconds, sturdy, listener, addresses;
    int warm_up;
    /* what hangs: bench_holes.h */
    const char *hole_kinds;
    int holes, hole_accounts, hole_seconds, tls_port, dns_port;
    FILE *log;
} bench_options_t;

typedef struct {
    const bench_options_t *options;
    int number;
    int share; /* of the flows */
    bench_acme_t acme;
    apr_pool_t *pool;
    EVP_PKEY *cert_key;
    const char **certs; /* to be revoked: b64url */
    const char *cert;   /* to be renewed: renewal information's name for it */
    const char *orders; /* the URL of its account's list */
    double *ms;         /* of each finished flow */
    int room, done, failed;
    unsigned int seed;
    const char *first_error;
} bench_worker_t;

#endif
