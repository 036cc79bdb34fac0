/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_run.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "bench_flow.h"
#include "bench_proc.h"

#include "base/banned.h"

/* A worker, and what all of them wait at: prepared; the clock runs. */
typedef struct {
    bench_worker_t worker;
    pthread_barrier_t *barrier;
    pthread_t thread;
} hand_t;

static volatile sig_atomic_t was_told;

static void told(int number)
{
    was_told = 1;
}

void bench_run_until_told(void)
{
    struct sigaction action = {.sa_handler = told, .sa_flags = SA_RESTART};

    sigaction(SIGUSR1, &action, NULL);
}

/* For the next flow's figure. */
static void room_make(bench_worker_t *w)
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

static int is_over(const bench_worker_t *w, apr_time_t start)
{
    int seconds = w->options->seconds;

    if (was_told)
        return 1;
    return seconds ? apr_time_now() - start >= apr_time_from_sec(seconds)
                   : w->done + w->failed >= w->share;
}

static void log_failed(const bench_worker_t *w, const char *err)
{
    fprintf(w->options->log, "failed %ld %.*s\n",
            (long)apr_time_sec(apr_time_now()), (int)strcspn(err, "\n"), err);
}

static int is_kept(const bench_options_t *o)
{
    return o->reuse_account || bench_flow_keeps(o->scenario);
}

/* Where the flow needs nothing prepared. */
static const char *warm_up(bench_worker_t *w)
{
    const bench_options_t *o = w->options;
    int i, n = bench_flow_keeps(o->scenario) ? 0 : o->warm_up;
    const char *err = NULL;

    for (i = 0; !err && i < n; i++) {
        err = bench_flow(w);
        if (err)
            err = apr_pstrdup(w->pool, err);
        bench_acme_reset(&w->acme, is_kept(o));
    }
    if (!n)
        bench_acme_reset(&w->acme, is_kept(o));
    return err;
}

static const char *prepare(bench_worker_t *w)
{
    const bench_options_t *o = w->options;
    const char *err =
        bench_acme_init(&w->acme, o->directory, o->ca_file, w->pool);

    if (err)
        return err;
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
    err = bench_flow_prepare(w);
    return err ? apr_pstrdup(w->pool, err) : warm_up(w);
}

static void flows_run(bench_worker_t *w)
{
    const bench_options_t *o = w->options;
    apr_time_t birth = apr_time_now();

    while (!is_over(w, birth)) {
        apr_time_t start = apr_time_now();
        const char *err;

        room_make(w);
        err = bench_flow(w);
        if (err && o->log)
            log_failed(w, err);
        if (err && !w->first_error)
            w->first_error = apr_pstrdup(w->pool, err);
        if (err)
            w->failed++;
        else
            w->ms[w->done++] = (apr_time_now() - start) / 1000.0;
        bench_acme_reset(&w->acme, is_kept(o));
    }
}

static void *hand_run(void *baton)
{
    hand_t *hand = baton;
    bench_worker_t *w = &hand->worker;

    w->first_error = prepare(w);
    if (w->first_error && w->options->log)
        log_failed(w, w->first_error);
    pthread_barrier_wait(hand->barrier);
    pthread_barrier_wait(hand->barrier);
    if (w->first_error)
        w->failed = w->share;
    else
        flows_run(w);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

typedef struct {
    long requests, bad_nonces, cuts;
    double *ms, max;
} sums_t;

static void sum_up(bench_figures_t *f, sums_t *sums, const hand_t *hands,
                   const bench_options_t *o, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < o->workers; i++)
        f->done += hands[i].worker.done;
    sums->ms = apr_palloc(pool, (f->done + 1) * sizeof(*sums->ms));
    for (i = 0, f->done = 0; i < o->workers; i++) {
        const bench_worker_t *w = &hands[i].worker;

        if (w->done)
            memcpy(sums->ms + f->done, w->ms, w->done * sizeof(*w->ms));
        f->done += w->done;
        f->failed += w->failed;
        sums->requests += w->acme.requests;
        sums->bad_nonces += w->acme.bad_nonces;
        sums->cuts += w->acme.cuts;
        if (w->first_error && o->verbose)
            printf("worker %d: %s\n", i, w->first_error);
    }
    if (!f->done)
        return;
    qsort(sums->ms, f->done, sizeof(*sums->ms), by_value);
    f->p50 = sums->ms[f->done / 2];
    f->p95 = sums->ms[f->done * 95 / 100];
    f->p99 = sums->ms[f->done * 99 / 100];
    sums->max = sums->ms[f->done - 1];
}

static void report(bench_figures_t *f, const hand_t *hands,
                   const bench_options_t *o, const char *label,
                   const bench_proc_t *spent, apr_pool_t *pool)
{
    sums_t sums = {0, 0, 0, NULL, 0};

    sum_up(f, &sums, hands, o, pool);
    if (!f->done) {
        printf("%s: no flow finished; %d failed\n", label, f->failed);
        return;
    }
    printf("%s workers=%d flows=%d failed=%d badNonce=%ld cut=%ld "
           "requests=%ld flows/s=%.1f p50=%.1fms p95=%.1fms p99=%.1fms "
           "max=%.1fms",
           label, o->workers, f->done, f->failed, sums.bad_nonces, sums.cuts,
           sums.requests, f->done / f->seconds, f->p50, f->p95, f->p99,
           sums.max);
    if (o->server_pid)
        printf(" cpu/flow=%.3fms pss=%.1fMiB processes=%d",
               spent->cpu_ms / f->done, spent->pss_kib / 1024.0,
               spent->processes);
    if (o->syncs)
        printf(" syncs/flow=%.2f", (double)spent->syncs / f->done);
    printf("\n");
    fflush(stdout);
}

static void hands_start(hand_t *hands, const bench_options_t *o,
                        pthread_barrier_t *barrier)
{
    int i;

    for (i = 0; i < o->workers; i++) {
        bench_worker_t *w = &hands[i].worker;

        hands[i].barrier = barrier;
        w->options = o;
        w->number = i;
        w->share = o->flows / o->workers + (i < o->flows % o->workers);
        apr_pool_create_unmanaged_ex(&w->pool, NULL, NULL);
        if (pthread_create(&hands[i].thread, NULL, hand_run, &hands[i]))
            abort();
    }
}

static void hands_end(hand_t *hands, const bench_options_t *o)
{
    int i;

    for (i = 0; i < o->workers; i++) {
        bench_worker_t *w = &hands[i].worker;

        if (w->acme.curl)
            bench_acme_done(&w->acme);
        EVP_PKEY_free(w->cert_key);
        apr_pool_destroy(w->pool);
    }
}

bench_figures_t bench_run(const bench_options_t *o, const char *label,
                          apr_pool_t *pool)
{
    hand_t *hands = apr_pcalloc(pool, o->workers * sizeof(*hands));
    bench_proc_t before, spent;
    bench_figures_t figures = {0};
    pthread_barrier_t barrier;
    apr_time_t start;
    int i;

    pthread_barrier_init(&barrier, NULL, o->workers + 1);
    hands_start(hands, o, &barrier);
    pthread_barrier_wait(&barrier);
    before = bench_proc_read(o->server_pid, o->syncs);
    start = apr_time_now();
    pthread_barrier_wait(&barrier);
    for (i = 0; i < o->workers; i++)
        pthread_join(hands[i].thread, NULL);
    figures.seconds = (apr_time_now() - start) / 1e6;
    spent = bench_proc_read(o->server_pid, o->syncs);
    spent.cpu_ms -= before.cpu_ms;
    spent.syncs -= before.syncs;
    report(&figures, hands, o, label, &spent, pool);
    hands_end(hands, o);
    pthread_barrier_destroy(&barrier);
    return figures;
}
