/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme-bench: load for an ACME server, ours or another's.  `acme-bench --help`
 * says how.  Prints one line of figures per run; the one to quote on a noisy
 * machine is the CPU time of the server's process tree per flow.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_time.h>

#include "bench_flow.h"
#include "bench_holes.h"
#include "bench_proc.h"
#include "bench_responder.h"
#include "bench_run.h"

#include "base/banned.h"

static const apr_getopt_option_t option_table[] = {
    {"directory", 'd', 1, "URL of the ACME directory"},
    {"ca", 'c', 1, "FILE of the roots to trust (default: verify nothing)"},
    {"scenario", 's', 1, bench_flow_names},
    {"workers", 'w', 1, "N clients at once (8)"},
    {"flows", 'n', 1, "N flows in all (200)"},
    {"warm-up", 'u', 1, "N flows of each worker before the clock runs (0)"},
    {"names", 'i', 1, "N names per certificate (1)"},
    {"zone", 'z', 1, "DOMAIN: names are w<worker>-n<i>.DOMAIN (bench.test)"},
    {"key", 'k', 1, "P-256 or RSA-2048: certificate keys (P-256)"},
    {"reuse-account", 'r', 0, "one account per worker, not per flow"},
    {"new-connection", 'N', 0, "no keep-alive between flows' requests"},
    {"http-port", 'p', 1, "PORT on 127.0.0.1 that answers HTTP-01 (none)"},
    {"server-pid", 'P', 1, "PID of the server: measure its process tree"},
    {"syncs", 'f', 1, "FILE in which t/preload/count_syncs.c counts"},
    {"seconds", 't', 1, "N: for so long, or until SIGUSR1"},
    {"sturdy", 'S', 1, "SECONDS to try again after no answer or a 503 (0)"},
    {"log", 'l', 1, "FILE that gets a line for each flow"},
    {"listener", 'L', 1, "FD of a listening socket, instead of --http-port"},
    {"addresses", 'a', 0, "each worker comes from an address of its own"},
    {"black-holes", 'b', 1,
     "N validations that hang: before, while and after they do"},
    {"hole-kinds", 'K', 1,
     "of http,syn,https,tls,dns,name (all): bench_holes.h"},
    {"hole-accounts", 'A', 1, "N accounts that have them (1)"},
    {"hole-seconds", 'T', 1, "N: the server's ACMEValidationTimeout (30)"},
    {"tls-port", 'x', 1, "PORT of tls-alpn-01, for black holes"},
    {"dns-port", 'y', 1, "PORT of their name server"},
    {"verbose", 'v', 0, "print each worker's first error"},
    {"help", 'h', 0, "this text"},
    {NULL, 0, 0, NULL}};

static int usage(int status)
{
    const apr_getopt_option_t *o;

    printf("usage: acme-bench --directory URL [options]\n");
    for (o = option_table; o->name; o++)
        printf("  --%-15s %s\n", o->name, o->description);
    return status;
}

static int *number_of(bench_options_t *o, int letter)
{
    const struct {
        int letter, *number;
    } numbers[] = {{'w', &o->workers},       {'n', &o->flows},
                   {'i', &o->names},         {'p', &o->http_port},
                   {'P', &o->server_pid},    {'t', &o->seconds},
                   {'S', &o->sturdy},        {'L', &o->listener},
                   {'r', &o->reuse_account}, {'N', &o->new_connection},
                   {'a', &o->addresses},     {'v', &o->verbose},
                   {'b', &o->holes},         {'A', &o->hole_accounts},
                   {'T', &o->hole_seconds},  {'x', &o->tls_port},
                   {'y', &o->dns_port},      {'u', &o->warm_up}};
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (numbers[i].letter == letter)
            return numbers[i].number;
    }
    return NULL;
}

static int option_set(bench_options_t *o, int letter, const char *value)
{
    int *number = number_of(o, letter);

    if (number)
        *number = value ? atoi(value) : 1;
    else if (letter == 'd')
        o->directory = value;
    else if (letter == 'c')
        o->ca_file = value;
    else if (letter == 's')
        o->scenario = value;
    else if (letter == 'z')
        o->zone = value;
    else if (letter == 'k')
        o->key = value;
    else if (letter == 'f')
        o->syncs = value;
    else if (letter == 'K')
        o->hole_kinds = value;
    else if (letter == 'l')
        o->log = fopen(value, "a");
    else
        return 0;
    if (o->log)
        setvbuf(o->log, NULL, _IOLBF, 0);
    return letter != 'l' || o->log;
}

/* Seconds in which nobody but what hangs does anything. */
#define QUIET 3

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* What hanging costs by itself. */
static void quiet_print(const bench_options_t *o, const bench_proc_t *idle,
                        double seconds)
{
    bench_proc_t before = bench_proc_read(o->server_pid, NULL), after;

    apr_sleep(apr_time_from_sec(QUIET));
    after = bench_proc_read(o->server_pid, NULL);
    printf("holes: %d in %.1f s; pss=%.1fMiB (%+.1f) files=%d (%+d) "
           "cpu=%.1fms/s\n",
           o->holes, seconds, after.pss_kib / 1024.0,
           (after.pss_kib - idle->pss_kib) / 1024.0, after.files,
           after.files - idle->files, (after.cpu_ms - before.cpu_ms) / QUIET);
    fflush(stdout);
}

/* Before, while and after validations hang. */
static int holes_run(const bench_options_t *o, apr_pool_t *pool)
{
    const char *err = bench_holes_serve(o, pool);
    bench_options_t crowd = *o;
    bench_figures_t before, loaded, after;
    bench_holes_t *holes;
    bench_proc_t idle;

    crowd.workers = BENCH_HOLES_CLIENTS;
    crowd.flows = 20 * crowd.workers;
    crowd.seconds = 0;
    if (!err) {
        /* As many clients as later, so that their memory is not taken for that
         * of what hangs. */
        bench_run(&crowd, "crowd", pool);
        before = bench_run(o, "before", pool);
        idle = bench_proc_read(o->server_pid, NULL);
        err = bench_holes_start(&holes, o, pool);
    }
    if (err) {
        fprintf(stderr, "acme-bench: holes: %s\n", err);
        return 1;
    }
    if (o->server_pid)
        quiet_print(o, &idle, bench_holes_took(holes));
    loaded = bench_run(o, "loaded", pool);
    if (!bench_holes_hang(holes, 0))
        printf("holes: they began to end before that; raise --hole-seconds\n");
    bench_holes_end(holes);
    after = bench_run(o, "after", pool);
    printf("holes: p95 loaded/idle=%.2f p50 loaded/idle=%.2f\n",
           ratio(loaded.p95, (before.p95 + after.p95) / 2),
           ratio(loaded.p50, (before.p50 + after.p50) / 2));
    return 0;
}

int main(int argc, const char *const *argv)
{
    bench_options_t o = {.scenario = "full",
                         .key = "P-256",
                         .workers = 8,
                         .flows = 200,
                         .names = 1,
                         .zone = "bench.test",
                         .hole_kinds = "http,syn,https,tls,dns,name",
                         .hole_accounts = 1,
                         .hole_seconds = 30};
    apr_getopt_t *getopt;
    apr_pool_t *pool;
    const char *value, *err = NULL;
    apr_status_t rv;
    int letter;

    bench_run_until_told();
    apr_app_initialize(&argc, &argv, NULL);
    apr_pool_create(&pool, NULL);
    apr_getopt_init(&getopt, pool, argc, argv);
    for (rv = apr_getopt_long(getopt, option_table, &letter, &value);
         rv == APR_SUCCESS;
         rv = apr_getopt_long(getopt, option_table, &letter, &value)) {
        if (!option_set(&o, letter, value))
            return usage(letter == 'h' ? 0 : 2);
    }
    if (rv != APR_EOF || !o.directory || o.workers < 1 || o.flows < 1 ||
        o.names < 1 || o.hole_accounts < 1 || !bench_flow_is(o.scenario))
        return usage(2);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (o.listener)
        err = bench_responder_serve(o.listener, pool);
    else if (o.http_port)
        err = bench_responder_start(o.http_port, pool);
    if (err) {
        fprintf(stderr, "acme-bench: %s\n", err);
        return 1;
    }
    if (o.holes)
        return holes_run(&o, pool);
    bench_run(&o, o.scenario, pool);
    return 0;
}
