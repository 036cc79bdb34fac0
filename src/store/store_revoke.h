/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REVOKE_H
#define STORE_REVOKE_H

/*
 * Revocation: once, and for good.  Where the private key is known to be
 * compromised its public key is blocked in the same transaction, and accounts
 * that sign with it are revoked: whoever else has the key must not have them.
 */

#include "store/store_blocked.h"
#include "store/store_cert.h"
#include "store/store_job.h"

typedef struct {
    const store_cert_t *cert;
    apr_int64_t at;
    int reason;             /* RFC 5280 5.3.1; -1: none */
    const store_job_t *job; /* makes the issuer's list anew */
    const store_event_t *event;

    /* The key is compromised; NULL: nothing is known about it. */
    const store_blocked_t *blocked;
    const char *thumbprint; /* the same key's, as accounts have it; NULL: no
                               account can have such a key */
    const store_event_t *block_event;
    const store_event_t *account_event; /* account_id is filled in */
} store_revoke_t;

/* Durable; one transaction.  APR_EEXIST: it was revoked before; what is to be
 * blocked is blocked all the same, and keyCompromise becomes the reason then.
 * *events are those that were written (of const store_event_t *). */
apr_status_t store_cert_revoke(apr_array_header_t **events, store_t *store,
                               const store_revoke_t *revoke, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
