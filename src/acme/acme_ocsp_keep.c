/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_ocsp_keep.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "base/banned.h"

/* Together a megabyte, if all are in use. */
#define SLOTS        512
#define RESPONSE_MAX 2048
#define SHA256_LEN   64

/* A signer lives that many times as long as a response, and is replaced when
 * the half of that is left. */
#define SIGNER_LIVES 4
/* Seconds until one that could not be made is tried again. */
#define RETRY 60

typedef struct {
    char sha256[SHA256_LEN + 1]; /* "": free */
    acme_ocsp_response_t response;
    unsigned char *der; /* RESPONSE_MAX octets */
} slot_t;

typedef struct {
    const ca_issuer_t *generation;
    ca_ocsp_hashes_t hashes;
    int has_hashes;
    apr_pool_t *pool; /* the signer's */
    ca_ocsp_signer_t *signer;
    apr_int64_t retry_at;
} office_t;

struct acme_ocsp_t {
    apr_pool_t *pool; /* of its own allocator, under the mutex */
    apr_thread_mutex_t *mutex;
    apr_array_header_t *offices; /* of office_t * */
    slot_t slots[SLOTS];
};

acme_ocsp_t *acme_ocsp_make(apr_pool_t *pool)
{
    acme_ocsp_t *ocsp = apr_pcalloc(pool, sizeof(*ocsp));

    apr_allocator_t *allocator;

    if (apr_allocator_create(&allocator) != APR_SUCCESS)
        return NULL;
    if (apr_pool_create_ex(&ocsp->pool, pool, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, ocsp->pool);
    ocsp->offices = apr_array_make(ocsp->pool, 2, sizeof(office_t *));
    return apr_thread_mutex_create(&ocsp->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pool) == APR_SUCCESS
               ? ocsp
               : NULL;
}

/* The mutex is held. */
static office_t *office_of(acme_ocsp_t *ocsp, const ca_issuer_t *generation)
{
    office_t *office;
    int i;

    for (i = 0; i < ocsp->offices->nelts; i++) {
        office = APR_ARRAY_IDX(ocsp->offices, i, office_t *);
        if (office->generation == generation)
            return office;
    }
    office = apr_pcalloc(ocsp->pool, sizeof(*office));
    office->generation = generation;
    office->has_hashes = ca_ocsp_hashes_init(&office->hashes, generation);
    APR_ARRAY_PUSH(ocsp->offices, office_t *) = office;
    return office;
}

/* Good for responses of this life, or as good as any can be. */
static int is_signer_good(const office_t *office, apr_int64_t life,
                          apr_int64_t now)
{
    const ca_ocsp_signer_t *signer = office->signer;

    return signer && now >= signer->not_before && now < signer->not_after &&
           (signer->not_after - now >= life * SIGNER_LIVES / 2 ||
            signer->not_after == office->generation->not_after);
}

/* The old one stays, if there is one, when there is no new one.  The problem is
 * reason's. */
static problem_t *signer_renew(office_t *office, acme_ocsp_t *ocsp,
                               apr_int64_t life, apr_int64_t now,
                               apr_pool_t *reason)
{
    ca_ocsp_signer_t *signer;
    apr_pool_t *pool;
    problem_t *prob;

    if (apr_pool_create(&pool, ocsp->pool) != APR_SUCCESS)
        return problem_internal(reason, APR_ENOMEM, "make an OCSP signer");
    prob = ca_ocsp_signer_make(&signer, office->generation, now,
                               life * SIGNER_LIVES, pool);
    if (prob) {
        office->retry_at = now + RETRY;
        prob = problem_internal(reason, prob->rv, "%s", prob->cause);
        apr_pool_destroy(pool);
        return prob;
    }
    if (office->pool)
        apr_pool_destroy(office->pool);
    office->pool = pool;
    office->signer = signer;
    return NULL;
}

problem_t *acme_ocsp_signer(ca_ocsp_signer_t **signer, acme_ocsp_t *ocsp,
                            const ca_issuer_t *generation, apr_int64_t life,
                            apr_int64_t now, apr_pool_t *pool)
{
    problem_t *prob = NULL;
    office_t *office;

    *signer = NULL;
    apr_thread_mutex_lock(ocsp->mutex);
    office = office_of(ocsp, generation);
    if (!is_signer_good(office, life, now) && now >= office->retry_at)
        prob = signer_renew(office, ocsp, life, now, pool);
    if (office->signer && now < office->signer->not_after)
        *signer = ca_ocsp_signer_share(office->signer, pool);
    apr_thread_mutex_unlock(ocsp->mutex);
    return prob;
}

int acme_ocsp_is_for(acme_ocsp_t *ocsp, const ca_issuer_t *generation,
                     const ca_ocsp_request_t *request)
{
    const office_t *office;

    apr_thread_mutex_lock(ocsp->mutex);
    office = office_of(ocsp, generation);
    apr_thread_mutex_unlock(ocsp->mutex);
    return office->has_hashes && ca_ocsp_is_for(request, &office->hashes);
}

static slot_t *slot_of(acme_ocsp_t *ocsp, const char *sha256)
{
    char digits[5];

    apr_cpystrn(digits, sha256, sizeof(digits));
    return &ocsp->slots[strtoul(digits, NULL, 16) % SLOTS];
}

static int is_status(const ca_ocsp_status_t *a, const ca_ocsp_status_t *b)
{
    return a->state == b->state && a->at == b->at && a->reason == b->reason;
}

static int is_fit(const acme_ocsp_response_t *response,
                  const ca_ocsp_status_t *status, apr_int64_t now)
{
    apr_int64_t end = response->next_update;

    if (status && !is_status(&response->status, status))
        return 0;
    if (status)
        end = response->this_update +
              (response->next_update - response->this_update) / 2;
    return now >= response->this_update && now < end;
}

int acme_ocsp_find(acme_ocsp_response_t *response, acme_ocsp_t *ocsp,
                   const char *sha256, const ca_ocsp_status_t *status,
                   apr_int64_t now, apr_pool_t *pool)
{
    const slot_t *slot = slot_of(ocsp, sha256);
    int is_found;

    apr_thread_mutex_lock(ocsp->mutex);
    is_found =
        !strcmp(slot->sha256, sha256) && is_fit(&slot->response, status, now);
    if (is_found) {
        *response = slot->response;
        response->der = apr_pmemdup(pool, slot->der, response->len);
    }
    apr_thread_mutex_unlock(ocsp->mutex);
    return is_found;
}

void acme_ocsp_keep(acme_ocsp_t *ocsp, const char *sha256,
                    const acme_ocsp_response_t *response)
{
    slot_t *slot = slot_of(ocsp, sha256);

    if (response->len > RESPONSE_MAX)
        return;
    apr_thread_mutex_lock(ocsp->mutex);
    if (!slot->der)
        slot->der = apr_palloc(ocsp->pool, RESPONSE_MAX);
    memcpy(slot->der, response->der, response->len);
    slot->response = *response;
    slot->response.der = NULL;
    apr_cpystrn(slot->sha256, sha256, sizeof(slot->sha256));
    apr_thread_mutex_unlock(ocsp->mutex);
}
