/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme.h"

#include <pthread.h>
#include <string.h>

#include <apr_strings.h>

#include "base/b64url.h"
#include "handle.h"
#include "tap.h"

/* One process, as httpd's children are with most MPMs: all threads have one
 * acme_t, with its store, nonces, limits, and what it keeps of keys, accounts
 * and OCSP's answers.  For ThreadSanitizer above all. */
#define THREADS 4
#define ROUNDS  8

typedef struct {
    handle_t *h;
    client_t *shared; /* an account that all of them use */
    int id, done, faults;
} worker_t;

static pthread_barrier_t start;

static void expect(worker_t *w, const reply_t *r, int status)
{
    if (r->status == status)
        return;
    w->faults++;
    tap_diag("thread %d: %d instead of %d: %s", w->id, r->status, status,
             r->body);
}

static void look(worker_t *w, const char *method, const char *name)
{
    expect(w, handle_request(w->h, method, handle_url(w->h, name)), 200);
}

static void cert_revoke(worker_t *w, client_t *c, const reply_t *downloaded)
{
    X509 *cert = APR_ARRAY_IDX(reply_certs(downloaded), 0, X509 *);
    apr_pool_t *pool = w->h->pool;
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);

    expect(w,
           client_post(c, handle_url(w->h, "revoke-cert"),
                       apr_pstrcat(pool, "{\"certificate\":\"",
                                   b64url_encode(der, (apr_size_t)len, pool),
                                   "\",\"reason\":4}", NULL)),
           200);
    OPENSSL_free(der);
}

/* From an order to a certificate, and back. */
static void flow(worker_t *w, client_t *c, const char *name, EVP_PKEY *key)
{
    reply_t *order = client_ready(c, name), *got;

    got = client_finalize(c, order, csr_make(key, name, NULL, w->h->pool));
    expect(w, got, 200);
    if (got->status != 200)
        return;
    got = client_post(c, reply_text(got, "certificate"), "");
    expect(w, got, 200);
    cert_revoke(w, c, got);
    w->done++;
}

static void round_run(worker_t *w, int round, EVP_PKEY *key)
{
    client_t *own = client_make(w->h, round % 2 ? "P-256" : "ED25519");
    const char *name = apr_psprintf(w->h->pool, "n%d-%d.test", w->id, round);

    look(w, "GET", "directory");
    look(w, "HEAD", "new-nonce");
    client_register(own);
    flow(w, own, name, key);
    flow(w, w->shared, apr_pstrcat(w->h->pool, "shared-", name, NULL), key);
    expect(w,
           client_post(w->shared, w->shared->kid,
                       apr_psprintf(w->h->pool,
                                    "{\"contact\":[\"mailto:a%d@b.test\"]}",
                                    round)),
           200);
    expect(w, client_post(own, own->kid, "{\"status\":\"deactivated\"}"), 200);
    expect(w, client_order(own, name), 401);
}

static void *worker_run(void *baton)
{
    worker_t *w = baton;
    EVP_PKEY *key = key_make("P-256", w->h->pool);
    int round;

    pthread_barrier_wait(&start);
    for (round = 0; round < ROUNDS; round++)
        round_run(w, round, key);
    return NULL;
}

static void flows(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    client_t *shared = client_make(h, "P-256");
    worker_t workers[THREADS] = {{0}};
    pthread_t threads[THREADS];
    int i;

    client_register(shared);
    pthread_barrier_init(&start, NULL, THREADS);
    for (i = 0; i < THREADS; i++) {
        apr_pool_t *own;

        apr_pool_create_unmanaged_ex(&own, NULL, NULL); /* its thread's alone */
        workers[i].h = handle_thread(h, own);
        workers[i].shared = client_twin(shared, workers[i].h);
        workers[i].id = i;
        pthread_create(&threads[i], NULL, worker_run, &workers[i]);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        is_int(workers[i].faults, 0);
        is_int(workers[i].done, 2 * ROUNDS);
        apr_pool_destroy(workers[i].h->pool);
    }
    pthread_barrier_destroy(&start);
}

const tap_case_t tap_cases[] = {{"many threads of one process", flows},
                                {NULL, NULL}};
