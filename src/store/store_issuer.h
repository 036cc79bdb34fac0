/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ISSUER_H
#define STORE_ISSUER_H

/* Issuer generations: every one that ever signed stays known. */

#include "store/store_event.h"

typedef struct {
    const char *fingerprint; /* SHA-256 of the certificate, hex */
    const char *key_id;      /* SHA-256 of its SPKI, hex */
    const char *name;
    int generation;
    const char *cert_pem;
    const char *chain_pem; /* what follows a leaf */
    apr_int64_t not_before, not_after;
} store_issuer_t;

/* Make sure the row is there (fingerprint decides).  Durable when new; costs a
 * SELECT when not. */
apr_status_t store_issuer_ensure(store_t *store, const store_issuer_t *issuer,
                                 const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));
apr_status_t store_issuer_get(store_issuer_t **issuer, store_t *store,
                              const char *fingerprint, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
