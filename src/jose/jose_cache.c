/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_cache.h"

#include <apr_thread_mutex.h>
#include <string.h>

#include "base/own.h"
#include "jose/jose_jwa.h"

#include "base/banned.h"

#define THUMBPRINT_LEN 43

typedef struct {
    char thumbprint[THUMBPRINT_LEN + 1]; /* "" when the slot is free */
    const jose_jwa_t *jwa;
    EVP_PKEY *pkey; /* one reference is ours */
} slot_t;

struct jose_cache_t {
    apr_thread_mutex_t *mutex;
    unsigned int count;
    slot_t *slots;
};

static apr_status_t slots_free(void *data)
{
    jose_cache_t *cache = data;
    unsigned int i;

    for (i = 0; i < cache->count; i++)
        EVP_PKEY_free(cache->slots[i].pkey);
    return APR_SUCCESS;
}

jose_cache_t *jose_cache_make(int slots, apr_pool_t *pool)
{
    jose_cache_t *cache = apr_palloc(pool, sizeof(*cache));

    if (apr_thread_mutex_create(&cache->mutex, APR_THREAD_MUTEX_DEFAULT,
                                pool) != APR_SUCCESS)
        return NULL;
    cache->count = (unsigned int)slots;
    cache->slots = apr_pcalloc(pool, (apr_size_t)slots * sizeof(slot_t));
    apr_pool_cleanup_register(pool, cache, slots_free, apr_pool_cleanup_null);
    return cache;
}

/* A thumbprint is evenly spread already. */
static slot_t *slot_of(const jose_cache_t *cache, const char *thumbprint)
{
    unsigned int hash = 0;
    int i;

    for (i = 0; i < 8; i++)
        hash = hash * 67 + (unsigned char)thumbprint[i];
    return &cache->slots[hash % cache->count];
}

jose_jwk_t *jose_cache_find(jose_cache_t *cache, const char *thumbprint,
                            const char *canonical, apr_pool_t *pool)
{
    const jose_jwa_t *jwa = NULL;
    EVP_PKEY *pkey = NULL;
    jose_jwk_t *jwk;
    slot_t *slot;

    if (!cache || strlen(thumbprint) != THUMBPRINT_LEN)
        return NULL;
    slot = slot_of(cache, thumbprint);
    apr_thread_mutex_lock(cache->mutex);
    if (!strcmp(slot->thumbprint, thumbprint) && EVP_PKEY_up_ref(slot->pkey)) {
        jwa = slot->jwa;
        pkey = slot->pkey;
    }
    apr_thread_mutex_unlock(cache->mutex);
    if (!pkey)
        return NULL;
    jwk = apr_palloc(pool, sizeof(*jwk));
    jwk->kty = jwa->kty;
    jwk->crv = jwa->crv;
    jwk->pkey = own_pkey(pool, pkey);
    jwk->canonical = canonical;
    jwk->thumbprint = thumbprint;
    return jwk;
}

void jose_cache_put(jose_cache_t *cache, const jose_jwk_t *jwk)
{
    const jose_jwa_t *jwa = jose_jwa_for_pkey(jwk->pkey);
    EVP_PKEY *old;
    slot_t *slot;

    if (!cache || !jwa || strlen(jwk->thumbprint) != THUMBPRINT_LEN ||
        !EVP_PKEY_up_ref(jwk->pkey))
        return;
    slot = slot_of(cache, jwk->thumbprint);
    apr_thread_mutex_lock(cache->mutex);
    old = slot->pkey;
    memcpy(slot->thumbprint, jwk->thumbprint, THUMBPRINT_LEN + 1);
    slot->jwa = jwa;
    slot->pkey = jwk->pkey;
    apr_thread_mutex_unlock(cache->mutex);
    EVP_PKEY_free(old);
}
