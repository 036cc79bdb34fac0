/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_cache.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>

#include "base/own.h"
#include "tap.h"

static jose_jwk_t *key_make(apr_pool_t *pool)
{
    return jose_jwk_from_pkey(own_pkey(pool, EVP_EC_gen("P-256")), pool);
}

static jose_jwk_t *find(jose_cache_t *cache, const jose_jwk_t *key,
                        apr_pool_t *pool)
{
    return jose_cache_find(cache, key->thumbprint, key->canonical, pool);
}

static void found_again(apr_pool_t *pool)
{
    jose_cache_t *cache = jose_cache_make(64, pool);
    jose_jwk_t *key = key_make(pool), *other = key_make(pool), *found;

    need(cache && key && other);
    ok(!find(cache, key, pool));
    jose_cache_put(cache, key);
    found = find(cache, key, pool);
    need(found);
    is_str(found->thumbprint, key->thumbprint);
    is_str(found->canonical, key->canonical);
    is_str(found->kty, "EC");
    is_str(found->crv, "P-256");
    is_int(EVP_PKEY_eq(found->pkey, key->pkey), 1);
    ok(!find(cache, other, pool), "another key is not this one");
}

static void no_cache(apr_pool_t *pool)
{
    jose_jwk_t *key = key_make(pool);

    jose_cache_put(NULL, key);
    ok(!find(NULL, key, pool));
}

static void newcomer_wins(apr_pool_t *pool)
{
    jose_cache_t *cache = jose_cache_make(1, pool);
    jose_jwk_t *a = key_make(pool), *b = key_make(pool), *held;

    jose_cache_put(cache, a);
    held = find(cache, a, pool);
    jose_cache_put(cache, b);
    ok(!find(cache, a, pool));
    ok(find(cache, b, pool));
    need(held);
    is_int(EVP_PKEY_get_bits(held->pkey), 256);
}

static void outlives_its_maker(apr_pool_t *pool)
{
    jose_cache_t *cache = jose_cache_make(8, pool);
    apr_pool_t *request;
    jose_jwk_t *key, *found;
    char thumbprint[64];

    apr_pool_create(&request, pool);
    key = key_make(request);
    apr_cpystrn(thumbprint, key->thumbprint, sizeof(thumbprint));
    jose_cache_put(cache, key);
    apr_pool_destroy(request);
    found = jose_cache_find(cache, thumbprint, "", pool);
    need(found);
    is_int(EVP_PKEY_get_bits(found->pkey), 256);
}

typedef struct {
    jose_cache_t *cache;
    jose_jwk_t *keys[8];
    int wrong;
} crowd_t;

static void *APR_THREAD_FUNC member(apr_thread_t *thread, void *data)
{
    crowd_t *crowd = data;
    apr_pool_t *pool;
    int i, wrong = 0;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    for (i = 0; i < 4000; i++) {
        jose_jwk_t *key = crowd->keys[i % 8];
        jose_jwk_t *found = find(crowd->cache, key, pool);

        if (found && EVP_PKEY_eq(found->pkey, key->pkey) != 1)
            wrong = 1;
        if (!found)
            jose_cache_put(crowd->cache, key);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    if (wrong)
        crowd->wrong = 1;
    return NULL;
}

static void many_threads(apr_pool_t *pool)
{
    crowd_t crowd = {jose_cache_make(3, pool), {NULL}, 0};
    apr_thread_t *threads[4];
    apr_status_t rv;
    int i;

    for (i = 0; i < 8; i++)
        crowd.keys[i] = key_make(pool);
    for (i = 0; i < 4; i++)
        is_int(apr_thread_create(&threads[i], NULL, member, &crowd, pool), 0);
    for (i = 0; i < 4; i++)
        apr_thread_join(&rv, threads[i]);
    ok(!crowd.wrong, "nobody was given another's key");
}

const tap_case_t tap_cases[] = {
    {"a key that was put is found by its thumbprint", found_again},
    {"without a cache nothing is found", no_cache},
    {"a newcomer takes the slot, who holds the old key keeps it",
     newcomer_wins},
    {"a key outlives the request that brought it", outlives_its_maker},
    {"threads that push each other out get their own keys", many_threads},
    {NULL, NULL}};
