/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme-bench: load for an ACME server, ours or another's.  `acme-bench --help`
 * says how.  Prints one line of figures per run; the one to quote on a noisy
 * machine is the CPU time of the server's process tree per flow.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_strings.h>
#include <apr_time.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/own.h"
#include "bench_acme.h"
#include "bench_garbage.h"
#include "bench_proc.h"
#include "bench_responder.h"

#include "base/banned.h"

typedef struct {
    const char *directory, *ca_file, *scenario, *key, *zone;
    int workers, flows, names, reuse_account, new_connection;
    int http_port, server_pid, verbose, seconds, sturdy, listener, addresses;
    FILE *log;
} options_t;

typedef struct {
    const options_t *options;
    int number;
    bench_acme_t acme;
    apr_pool_t *pool;
    EVP_PKEY *cert_key;
    double *ms; /* of each finished flow */
    int room, done, failed;
    unsigned int seed;
    const char *first_error;
} worker_t;

static const apr_getopt_option_t option_table[] = {
    {"directory", 'd', 1, "URL of the ACME directory"},
    {"ca", 'c', 1, "FILE of the roots to trust (default: verify nothing)"},
    {"scenario", 's', 1,
     "full; nonce, directory, account, order: only these; accept: validations "
     "are started; garbage: mutated requests"},
    {"workers", 'w', 1, "N clients at once (8)"},
    {"flows", 'n', 1, "N flows in all (200)"},
    {"names", 'i', 1, "N names per certificate (1)"},
    {"zone", 'z', 1, "DOMAIN: names are w<worker>-n<i>.DOMAIN (bench.test)"},
    {"key", 'k', 1, "P-256 or RSA-2048: certificate keys (P-256)"},
    {"reuse-account", 'r', 0, "one account per worker, not per flow"},
    {"new-connection", 'N', 0, "no keep-alive between flows' requests"},
    {"http-port", 'p', 1, "PORT on 127.0.0.1 that answers HTTP-01 (none)"},
    {"server-pid", 'P', 1, "PID of the server: measure its process tree"},
    {"seconds", 't', 1, "N: for so long, however many flows"},
    {"sturdy", 'S', 1, "SECONDS to try again after no answer or a 503 (0)"},
    {"log", 'l', 1, "FILE that gets a line for each flow"},
    {"listener", 'L', 1, "FD of a listening socket, instead of --http-port"},
    {"addresses", 'a', 0, "each worker comes from an address of its own"},
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

/* What a test compares with the database. */
static void log_issued(const worker_t *w, const char *order_url,
                       const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *leaf = own_x509(w->acme.pool, PEM_read_bio_X509(bio, NULL, NULL, 0));
    const ASN1_INTEGER *serial = leaf ? X509_get0_serialNumber(leaf) : NULL;
    BIGNUM *number = serial ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
    char *hex = number ? BN_bn2hex(number) : NULL;

    fprintf(w->options->log, "ok %s %s\n", order_url, hex ? hex : "-");
    OPENSSL_free(hex);
    BN_free(number);
    BIO_free(bio);
}

static void log_failed(const worker_t *w, const char *err)
{
    fprintf(w->options->log, "failed %ld %.*s\n",
            (long)apr_time_sec(apr_time_now()), (int)strcspn(err, "\n"), err);
}

static const char *flow_full(worker_t *w)
{
    const options_t *o = w->options;
    const char *err, *order_url = NULL, *pem = NULL;
    const char **names = apr_pcalloc(w->acme.pool, o->names * sizeof(*names));
    json_t *order;
    int i;

    for (i = 0; i < o->names; i++)
        names[i] =
            apr_psprintf(w->acme.pool, "w%d-n%d.%s", w->number, i, o->zone);
    err = w->acme.kid ? NULL : bench_acme_register(&w->acme);
    if (!err)
        err = bench_acme_order(&w->acme, names, o->names, &order_url, &order);
    if (!err && !strcmp(o->scenario, "order"))
        return NULL;
    if (!err)
        err = bench_acme_prove(&w->acme, order, strcmp(o->scenario, "accept"));
    if (!err && !strcmp(o->scenario, "accept"))
        return NULL;
    if (!err)
        err = bench_acme_finalize(&w->acme, order_url, order, names, o->names,
                                  w->cert_key, &pem);
    if (!err && !strstr(pem, "-----BEGIN CERTIFICATE-----"))
        err = "no certificate came";
    if (!err && o->log)
        log_issued(w, order_url, pem);
    return err;
}

/* For newOrder if there is to be an account. */
static const char *flow_garbage(worker_t *w)
{
    const char *err = NULL;

    if (w->options->reuse_account && !w->acme.kid)
        err = bench_acme_register(&w->acme);
    return err ? err : bench_garbage(&w->acme, &w->seed);
}

static const char *flow(worker_t *w)
{
    const options_t *o = w->options;

    if (!strcmp(o->scenario, "nonce"))
        return bench_acme_get(&w->acme, w->acme.new_nonce, 1);
    if (!strcmp(o->scenario, "directory"))
        return bench_acme_get(&w->acme, o->directory, 0);
    if (!strcmp(o->scenario, "account"))
        return bench_acme_register(&w->acme);
    if (!strcmp(o->scenario, "garbage"))
        return flow_garbage(w);
    return flow_full(w);
}

/* For the next flow's figure. */
static void room_make(worker_t *w)
{
    double *all;

    if (w->done < w->room)
        return;
    w->room = w->room ? 2 * w->room : 256;
    all = apr_palloc(w->pool, w->room * sizeof(*all));
    if (w->done)
        memcpy(all, w->ms, w->done * sizeof(*all));
    w->ms = all;
}

static int is_over(const worker_t *w, int share, apr_time_t start)
{
    int seconds = w->options->seconds;

    return seconds ? apr_time_now() - start >= apr_time_from_sec(seconds)
                   : w->done + w->failed >= share;
}

static void *worker_run(void *baton)
{
    worker_t *w = baton;
    const options_t *o = w->options;
    int share = o->flows / o->workers + (w->number < o->flows % o->workers);
    apr_time_t birth = apr_time_now();
    const char *err =
        bench_acme_init(&w->acme, o->directory, o->ca_file, w->pool);

    if (err) {
        w->first_error = err;
        w->failed = share;
        return NULL;
    }
    w->acme.sturdy = o->sturdy;
    w->seed = (unsigned int)(getpid() * 1000 + w->number);
    if (o->addresses)
        bench_acme_from(&w->acme,
                        apr_psprintf(w->pool, "127.0.%d.%d",
                                     1 + w->number / 200, 1 + w->number % 200));
    if (o->new_connection)
        bench_acme_disconnect(&w->acme);
    w->cert_key =
        !strcmp(o->key, "P-256") ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    while (!is_over(w, share, birth)) {
        apr_time_t start = apr_time_now();

        room_make(w);
        err = flow(w);
        if (err && o->log)
            log_failed(w, err);
        if (err && !w->first_error)
            w->first_error = apr_pstrdup(w->pool, err);
        if (err)
            w->failed++;
        else
            w->ms[w->done++] = (apr_time_now() - start) / 1000.0;
        bench_acme_reset(&w->acme, o->reuse_account);
    }
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void report(worker_t *workers, const options_t *o, double seconds,
                   const bench_proc_t *before, const bench_proc_t *after)
{
    long requests = 0, bad_nonces = 0, cuts = 0;
    int done = 0, failed = 0, i;
    double *all;

    for (i = 0; i < o->workers; i++)
        done += workers[i].done;
    all = malloc((done + 1) * sizeof(*all));
    for (i = 0, done = 0; i < o->workers && all; i++) {
        if (workers[i].done)
            memcpy(all + done, workers[i].ms, workers[i].done * sizeof(*all));
        done += workers[i].done;
        failed += workers[i].failed;
        requests += workers[i].acme.requests;
        bad_nonces += workers[i].acme.bad_nonces;
        cuts += workers[i].acme.cuts;
        if (workers[i].first_error && o->verbose)
            printf("worker %d: %s\n", i, workers[i].first_error);
    }
    if (!all || !done) {
        printf("no flow finished; %d failed\n", failed);
        free(all);
        return;
    }
    qsort(all, done, sizeof(*all), by_value);
    printf(
        "%s workers=%d flows=%d failed=%d badNonce=%ld cut=%ld "
        "requests=%ld flows/s=%.1f p50=%.1fms p95=%.1fms p99=%.1fms max=%.1fms",
        o->scenario, o->workers, done, failed, bad_nonces, cuts, requests,
        done / seconds, all[done / 2], all[done * 95 / 100],
        all[done * 99 / 100], all[done - 1]);
    if (o->server_pid)
        printf(" cpu/flow=%.3fms pss=%.1fMiB processes=%d",
               (after->cpu_ms - before->cpu_ms) / done, after->pss_kib / 1024.0,
               after->processes);
    printf("\n");
    free(all);
}

static int *number_of(options_t *o, int letter)
{
    const struct {
        int letter, *number;
    } numbers[] = {{'w', &o->workers},       {'n', &o->flows},
                   {'i', &o->names},         {'p', &o->http_port},
                   {'P', &o->server_pid},    {'t', &o->seconds},
                   {'S', &o->sturdy},        {'L', &o->listener},
                   {'r', &o->reuse_account}, {'N', &o->new_connection},
                   {'a', &o->addresses},     {'v', &o->verbose}};
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (numbers[i].letter == letter)
            return numbers[i].number;
    }
    return NULL;
}

static int option_set(options_t *o, int letter, const char *value)
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
    else if (letter == 'l')
        o->log = fopen(value, "a");
    else
        return 0;
    if (o->log)
        setvbuf(o->log, NULL, _IOLBF, 0);
    return letter != 'l' || o->log;
}

static void run(const options_t *o, apr_pool_t *pool)
{
    worker_t *workers = apr_pcalloc(pool, o->workers * sizeof(*workers));
    pthread_t *threads = apr_pcalloc(pool, o->workers * sizeof(*threads));
    bench_proc_t before = {0, 0, 0}, after = {0, 0, 0};
    apr_time_t start;
    int i;

    if (o->server_pid)
        before = bench_proc_read(o->server_pid);
    start = apr_time_now();
    for (i = 0; i < o->workers; i++) {
        workers[i].options = o;
        workers[i].number = i;
        apr_pool_create_unmanaged_ex(&workers[i].pool, NULL, NULL);
        if (pthread_create(&threads[i], NULL, worker_run, &workers[i]))
            abort();
    }
    for (i = 0; i < o->workers; i++)
        pthread_join(threads[i], NULL);
    if (o->server_pid)
        after = bench_proc_read(o->server_pid);
    report(workers, o, (apr_time_now() - start) / 1e6, &before, &after);
    for (i = 0; i < o->workers; i++) {
        if (workers[i].acme.curl)
            bench_acme_done(&workers[i].acme);
        EVP_PKEY_free(workers[i].cert_key);
    }
}

int main(int argc, const char *const *argv)
{
    options_t o = {.scenario = "full",
                   .key = "P-256",
                   .workers = 8,
                   .flows = 200,
                   .names = 1,
                   .zone = "bench.test"};
    apr_getopt_t *getopt;
    apr_pool_t *pool;
    const char *value, *err = NULL;
    apr_status_t rv;
    int letter;

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
        o.names < 1)
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
    run(&o, pool);
    return 0;
}
