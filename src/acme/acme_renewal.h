/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_RENEWAL_H
#define ACME_RENEWAL_H

/*
 * Renewal information (RFC 9773): when a certificate should be renewed, and
 * which one a new order replaces.
 *
 * A certificate is named by the key id in its authority key identifier and its
 * serial number (section 4.1), which is one of ours if a row has that serial
 * number and that key id.
 */

#include "acme/acme_request.h"
#include "store/store_cert.h"

/* GET <renewalInfo>/<id>, for everybody, and POST-as-GET: 200 with Retry-After,
 * 404 for a certificate that is none of ours, 400 for what is no id (T86, R34).
 * The answer to GET may be kept for a while, and has no nonce therefore. */
problem_t *acme_renewal_get(acme_response_t *res, acme_t *acme,
                            const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* What a newOrder says to replace, checked. */
typedef struct {
    const char *id; /* as the client wrote it */
    const store_cert_t *cert;
    const char *after; /* an invalid order that was to replace it; NULL: none */
    /* A renewal that we have asked for: the window has begun, and no name is
     * asked for that is not in the certificate.  No rate limit may stand in its
     * way.  An order that becomes invalid gives its certificate back, so this
     * says nothing about failed validations. */
    int is_due;
} acme_replaces_t;

/* newOrder's "replaces" (section 5); *replaces is NULL without.  `malformed`
 * for what is no id, for no certificate of this account, and where no name is
 * in both; alreadyReplaced (409) when another order has it that is not
 * invalid.  identifiers: the order's (of identifier_t *). */
problem_t *acme_renewal_replaces(acme_replaces_t **replaces, acme_t *acme,
                                 const acme_verified_t *v,
                                 const apr_array_header_t *identifiers)
    __attribute__((warn_unused_result));

/* 409: this certificate has its successor, or an order for one. */
problem_t *acme_renewal_problem_replaced(const store_cert_t *cert,
                                         apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
