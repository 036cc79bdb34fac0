/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme.h"

#include <pthread.h>
#include <string.h>

#include "handle.h"
#include "store/store_account.h"
#include "store/store_cert.h"
#include "tap.h"

/* Several processes at once, as far as acme/ and store/ can tell: each has its
 * own connections and nonces. */
#define RACERS 4
#define ROUNDS 5

typedef struct {
    client_t *client;
    const reply_t *order;
    const char *csr; /* or the URL to post to */
    reply_t *r;
} racer_t;

static pthread_barrier_t start;

static void racers_make(racer_t *racers, const client_t *c)
{
    int i;

    for (i = 0; i < RACERS; i++) {
        apr_pool_t *pool;

        apr_pool_create(&pool, NULL); /* its thread's alone */
        racers[i].client =
            client_twin(c, handle_twin(c->h, c->h->acme.owner, pool));
        racers[i].r = NULL;
    }
}

static void race(racer_t *racers, void *(*run)(void *))
{
    pthread_t threads[RACERS];
    int i;

    pthread_barrier_init(&start, NULL, RACERS);
    for (i = 0; i < RACERS; i++)
        pthread_create(&threads[i], NULL, run, &racers[i]);
    for (i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}

static int count(const racer_t *racers, int status)
{
    int i, n = 0;

    for (i = 0; i < RACERS; i++)
        n += racers[i].r->status == status;
    return n;
}

static void racers_end(racer_t *racers)
{
    int i;

    for (i = 0; i < RACERS; i++)
        apr_pool_destroy(racers[i].client->h->pool);
}

static void *finalize_run(void *baton)
{
    racer_t *racer = baton;

    pthread_barrier_wait(&start);
    racer->r = client_finalize(racer->client, racer->order, racer->csr);
    return NULL;
}

static int certs(const handle_t *h)
{
    apr_array_header_t *list;

    if (store_cert_list(&list, h->acme.store, NULL, NULL, 1000, h->pool) !=
        APR_SUCCESS)
        return -1;
    return list->nelts;
}

static void finalize(apr_pool_t *pool, int is_same)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    client_t *c = client_make(h, "P-256");
    racer_t racers[RACERS];
    int i, round;

    client_register(c);
    for (round = 1; round <= ROUNDS; round++) {
        reply_t *order = client_ready(c, "a.test");

        racers_make(racers, c);
        for (i = 0; i < RACERS; i++) {
            racers[i].order = order;
            racers[i].csr = is_same && i ? racers[0].csr
                                         : csr_make(key_make("P-256", pool),
                                                    "a.test", NULL, pool);
        }
        race(racers, finalize_run);
        is_int(count(racers, 200), is_same ? RACERS : 1);
        is_int(count(racers, 403), is_same ? 0 : RACERS - 1);
        for (i = 0; i < RACERS; i++)
            ok(racers[i].r->status == 200 ||
               !strcmp(racers[i].r->problem, "orderNotReady"));
        is_int(certs(h), round);
        racers_end(racers);
    }
}

static void finalize_different(apr_pool_t *pool)
{
    finalize(pool, 0);
}

static void finalize_same(apr_pool_t *pool)
{
    finalize(pool, 1);
}

static void *register_run(void *baton)
{
    racer_t *racer = baton;

    pthread_barrier_wait(&start);
    racer->r = client_post(racer->client,
                           handle_url(racer->client->h, "new-account"), "{}");
    return NULL;
}

static void register_same(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    apr_array_header_t *list;
    racer_t racers[RACERS];
    int i, round;

    for (round = 1; round <= ROUNDS; round++) {
        racers_make(racers, client_make(h, "P-256"));
        race(racers, register_run);
        is_int(count(racers, 201), 1);
        is_int(count(racers, 200), RACERS - 1);
        for (i = 1; i < RACERS; i++)
            is_str(racers[i].r->location, racers[0].r->location);
        need(store_account_list(&list, h->acme.store, NULL, NULL, 100, pool) ==
             APR_SUCCESS);
        is_int(list->nelts, round);
        racers_end(racers);
    }
}

static void *challenge_run(void *baton)
{
    racer_t *racer = baton;

    pthread_barrier_wait(&start);
    racer->r = client_post(racer->client, racer->csr, "{}");
    return NULL;
}

static void challenge_same(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    client_t *c = client_make(h, "P-256");
    racer_t racers[RACERS];
    int i, round, jobs;

    client_register(c);
    h->conf->authz_reuse = 0;
    for (round = 1; round <= ROUNDS; round++) {
        reply_t *order = client_order(c, "a.test");
        reply_t *authz =
            client_post(c, reply_text(order, "authorizations/0"), "");

        racers_make(racers, c);
        for (i = 0; i < RACERS; i++)
            racers[i].csr = reply_text(authz, "challenges/0/url");
        race(racers, challenge_run);
        is_int(count(racers, 200), RACERS);
        for (i = jobs = 0; i < RACERS; i++)
            jobs += racers[i].client->h->jobs->nelts;
        is_int(jobs, 1);
        racers_end(racers);
    }
}

const tap_case_t tap_cases[] = {
    {"T60 finalizes at once with different CSRs: one certificate",
     finalize_different},
    {"T60 R13 with one CSR: one certificate, all 200", finalize_same},
    {"T81 one key registers at once: one account", register_same},
    {"T65 one challenge accepted at once: one validation", challenge_same},
    {NULL, NULL}};
