/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_ocsp_keep.c"

#include <pthread.h>

#include "handle.h"
#include "tap.h"

#define LIFE 1000

static ca_ocsp_signer_t *signer_at(acme_ocsp_t *ocsp, handle_t *h,
                                   apr_int64_t now)
{
    ca_ocsp_signer_t *signer;
    problem_t *prob = acme_ocsp_signer(
        &signer, ocsp, handle_issuer(h)->set->issuer, LIFE, now, h->pool);

    ok(!prob);
    return signer;
}

static void renewal(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_ocsp_t *ocsp = acme_ocsp_make(pool);
    ca_issuer_t *issuer = handle_issuer(h)->set->issuer;
    ca_ocsp_signer_t *a = signer_at(ocsp, h, HANDLE_NOW), *b;
    apr_int64_t end = issuer->not_after;

    is_int(a->not_after, HANDLE_NOW + 4 * LIFE);
    b = signer_at(ocsp, h, HANDLE_NOW + 2 * LIFE);
    ok(a->cert == b->cert, "the same for half of its life");
    b = signer_at(ocsp, h, HANDLE_NOW + 2 * LIFE + 1);
    ok(a->cert != b->cert, "then a new one");
    is_int(EVP_PKEY_eq(X509_get0_pubkey(a->cert), a->key), 1);
    a = signer_at(ocsp, h, end - 100);
    is_int(a->not_after, end);
    b = signer_at(ocsp, h, end - 50);
    ok(a->cert == b->cert, "none can be better");
}

static void failure(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_ocsp_t *ocsp = acme_ocsp_make(pool);
    ca_issuer_t *issuer = handle_issuer(h)->set->issuer;
    EVP_PKEY *key = issuer->key;
    ca_ocsp_signer_t *a = signer_at(ocsp, h, HANDLE_NOW), *b;
    apr_int64_t now = HANDLE_NOW + 3 * LIFE;

    issuer->key = NULL;
    ok(acme_ocsp_signer(&b, ocsp, issuer, LIFE, now, pool), "told");
    ok(b && b->cert == a->cert, "the old one goes on");
    b = signer_at(ocsp, h, now + 1);
    ok(b->cert == a->cert);
    ok(acme_ocsp_signer(&b, ocsp, issuer, LIFE, HANDLE_NOW + 4 * LIFE, pool));
    ok(!b, "until its end");
    issuer->key = key;
    ok(signer_at(ocsp, h, HANDLE_NOW + 4 * LIFE + RETRY));
}

static acme_ocsp_response_t response_of(const char *text)
{
    acme_ocsp_response_t response = {(const unsigned char *)text,
                                     strlen(text),
                                     {CA_OCSP_GOOD, 0, -1},
                                     HANDLE_NOW,
                                     HANDLE_NOW + LIFE};

    return response;
}

static void kept(apr_pool_t *pool)
{
    static const char sha256[] = "0001"
                                 "567890123456789012345678901234567890"
                                 "123456789012345678901234";
    static const char other[] = "0201"
                                "567890123456789012345678901234567890"
                                "123456789012345678901234";
    acme_ocsp_t *ocsp = acme_ocsp_make(pool);
    acme_ocsp_response_t got, one = response_of("one"),
                              two = response_of("two");
    ca_ocsp_status_t bad = {CA_OCSP_REVOKED, 5, 1};
    char *big = apr_pcalloc(pool, RESPONSE_MAX + 2);

    ok(!acme_ocsp_find(&got, ocsp, sha256, NULL, HANDLE_NOW, pool));
    acme_ocsp_keep(ocsp, sha256, &one);
    ok(acme_ocsp_find(&got, ocsp, sha256, &one.status, HANDLE_NOW, pool));
    ok(got.len == 3 && !memcmp(got.der, "one", 3));
    ok(!acme_ocsp_find(&got, ocsp, sha256, &bad, HANDLE_NOW, pool));
    ok(!acme_ocsp_find(&got, ocsp, sha256, &one.status, HANDLE_NOW + LIFE / 2,
                       pool));
    ok(acme_ocsp_find(&got, ocsp, sha256, NULL, HANDLE_NOW + LIFE - 1, pool));
    ok(!acme_ocsp_find(&got, ocsp, sha256, NULL, HANDLE_NOW + LIFE, pool));
    ok(!acme_ocsp_find(&got, ocsp, sha256, NULL, HANDLE_NOW - 1, pool));
    ok(!acme_ocsp_find(&got, ocsp, other, NULL, HANDLE_NOW, pool));
    acme_ocsp_keep(ocsp, other, &two);
    ok(!acme_ocsp_find(&got, ocsp, sha256, NULL, HANDLE_NOW, pool),
       "one slot for both");
    ok(acme_ocsp_find(&got, ocsp, other, NULL, HANDLE_NOW, pool));
    memset(big, 'x', RESPONSE_MAX + 1);
    one = response_of(big);
    acme_ocsp_keep(ocsp, other, &one);
    ok(acme_ocsp_find(&got, ocsp, other, NULL, HANDLE_NOW, pool) &&
           got.len == 3,
       "too long to be kept");
}

typedef struct {
    acme_ocsp_t *ocsp;
    const ca_issuer_t *generation;
    int seed, faults;
} crowd_t;

static void *crowd_run(void *baton)
{
    crowd_t *crowd = baton;
    apr_pool_t *pool;
    int i;

    for (i = 0; i < 200; i++) {
        apr_int64_t now = HANDLE_NOW + i * LIFE / 20;
        acme_ocsp_response_t got, one = response_of("one");
        const char *sha256;
        ca_ocsp_signer_t *signer;

        apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
        sha256 = apr_psprintf(pool, "%064x", (unsigned)(crowd->seed + i) << 28);
        if (acme_ocsp_signer(&signer, crowd->ocsp, crowd->generation, LIFE, now,
                             pool) ||
            EVP_PKEY_eq(X509_get0_pubkey(signer->cert), signer->key) != 1)
            crowd->faults++;
        acme_ocsp_keep(crowd->ocsp, sha256, &one);
        if (acme_ocsp_find(&got, crowd->ocsp, sha256, NULL, HANDLE_NOW, pool) &&
            memcmp(got.der, "one", 3))
            crowd->faults++;
        apr_pool_destroy(pool);
    }
    return NULL;
}

static void crowds(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_ocsp_t *ocsp = acme_ocsp_make(pool);
    crowd_t crowd[4];
    pthread_t threads[4];
    int i;

    for (i = 0; i < 4; i++) {
        crowd[i] = (crowd_t){ocsp, handle_issuer(h)->set->issuer, i, 0};
        need(!pthread_create(&threads[i], NULL, crowd_run, &crowd[i]));
    }
    for (i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        is_int(crowd[i].faults, 0);
    }
}

const tap_case_t tap_cases[] = {
    {"a signer is renewed in time", renewal},
    {"one that cannot be renewed goes on, and is told of once in a while",
     failure},
    {"many threads at once", crowds},
    {"responses are kept as long as they are true", kept},
    {NULL, NULL}};
