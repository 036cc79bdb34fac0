/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOSE_CACHE_H
#define JOSE_CACHE_H

/*
 * Public keys that were parsed before, by their thumbprint: making an EVP_PKEY
 * of its numbers costs OpenSSL 3.0 about as much as verifying a signature with
 * it.  A thumbprint is the hash of the key itself (RFC 7638), so an entry is
 * never out of date and nobody has to be told of a key change.
 *
 * A table of fixed size, one for a process; a newcomer takes the place of
 * whoever has its slot.  Any thread may call; the lock is held for a few
 * instructions.
 */

#include "jose/jose_jwk.h"

typedef struct jose_cache_t jose_cache_t;

/* NULL if the system has no mutex to give. */
jose_cache_t *jose_cache_make(int slots, apr_pool_t *pool);

/* The key with this thumbprint and canonical form (both borrowed), NULL if it
 * is not there; its EVP_PKEY is the cache's too and freed with pool.  cache
 * NULL: nothing is there. */
jose_jwk_t *jose_cache_find(jose_cache_t *cache, const char *thumbprint,
                            const char *canonical, apr_pool_t *pool);

/* cache NULL: nothing happens. */
void jose_cache_put(jose_cache_t *cache, const jose_jwk_t *jwk);

#endif
