/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_REVOCATION_H
#define ACME_REVOCATION_H

/*
 * What a revocation is made of, whoever asks for it: a client (acme_revoke.h)
 * or an operator (acmectl cert revoke).
 *
 * A key is blocked for ever when its compromise is proven, that is by whoever
 * signs with it, or when an operator says so.  An account that says so without
 * the key's signature is believed as to its certificate, which is revoked, and
 * no further: it must not take keys from others.
 */

#include "acme/acme.h"
#include "store/store_revoke.h"

/* RFC 5280 5.3.1 */
#define ACME_REASON_NONE           (-1)
#define ACME_REASON_KEY_COMPROMISE 1

/* "keyCompromise"; NULL: there is no such reason. */
const char *acme_revocation_reason_name(int reason);

/* From "keyCompromise" or "1"; 0: there is none of this name that a certificate
 * of ours can have. */
int acme_revocation_reason_find(int *reason, const char *text);

/* May a client give it (T75)?  A certificate that is on hold comes back, and
 * what a CA, or its operator, takes away is not the client's to tell. */
int acme_revocation_is_for_clients(int reason);

/* "0 (unspecified), 1 (keyCompromise), …": for clients, or for all. */
const char *acme_revocation_reasons(int for_clients, apr_pool_t *pool);

/* base: an event with what is known of who asks: time, who, address, account.
 * by: on what ground he may, for the event's detail.  is_bad: the key is to be
 * blocked. */
typedef struct {
    const store_cert_t *cert;
    int reason;
    int is_bad;
    const char *by;
    const store_event_t *base;
} acme_revocation_t;

/* All that store_cert_revoke wants. */
store_revoke_t *acme_revocation_make(const acme_revocation_t *revocation,
                                     apr_pool_t *pool);

#endif
