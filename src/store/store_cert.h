/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CERT_H
#define STORE_CERT_H

/* Issued certificates.  A row is written once and is complete. */

#include "store/store_event.h"

typedef struct {
    const char *id;
    const char *serial;     /* 32 lower-case hex digits */
    const char *account_id; /* NULL: the vhost's own */
    const char *order_id;   /* NULL: the vhost's own */
    const char *realm, *directory, *profile;
    const char *issuer;      /* fingerprint of the issuer generation */
    const char *identifiers; /* identifier_list_text */
    const char *spki_sha256; /* hex */
    const unsigned char *der;
    apr_size_t der_len;
    apr_int64_t not_before, not_after, issued_at;
    apr_int64_t revoked_at;
    int revoked_reason; /* -1: none */
    /* RFC 9773 5; a new row has none of these. */
    const char *replacing;   /* the order that is to replace it, or was: an
                                invalid one lets go of it */
    const char *replaced_by; /* the certificate that has */
    apr_int64_t replaced_at;
} store_cert_t;

apr_status_t store_cert_get(store_cert_t **cert, store_t *store, const char *id,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));
apr_status_t store_cert_get_by_serial(store_cert_t **cert, store_t *store,
                                      const char *serial, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  For certificates without an order (the vhost's own); APR_EEXIST:
 * its serial is there already. */
apr_status_t store_cert_add(store_t *store, const store_cert_t *cert,
                            const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Newest first (of store_cert_t *), at most limit, older than certificate
 * `before` (NULL: from the newest).  account_id NULL: all. */
apr_status_t store_cert_list(apr_array_header_t **certs, store_t *store,
                             const char *account_id, const char *before,
                             int limit, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Which certificates of accounts; NULL: whatever it is. */
typedef struct {
    const char *account_id, *eab_kid, *profile, *spki_sha256;
    const char *issuer; /* fingerprint of a generation, or the issuer's name */
    int is_blocked;     /* their key is on the list of blocked ones */
    apr_int64_t now;    /* they end later */
} store_choice_t;

/* What is neither revoked nor replaced, oldest first (of store_cert_t *), at
 * most limit, younger than certificate `after` (NULL: from the oldest). */
apr_status_t store_cert_choose(apr_array_header_t **certs, store_t *store,
                               const store_choice_t *choice, const char *after,
                               int limit, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The newest certificate without an order for these identifiers and key. */
apr_status_t store_cert_get_vhost(store_cert_t **cert, store_t *store,
                                  const char *identifiers,
                                  const char *spki_sha256, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
