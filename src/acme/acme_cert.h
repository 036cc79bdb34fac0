/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CERT_H
#define ACME_CERT_H

/* Certificates on the wire (RFC 8555 7.4.2). */

#include "acme/acme_request.h"

/* POST-as-GET: the leaf, then what certifies it, as PEM: at least two
 * certificates (T70, R18).  For the account that it was issued to (T72).  Other
 * chains have URLs of their own, and every chain links to the others (T71).
 *
 * A client that prefers it (Accept) gets the same certificates as PKCS #7
 * (application/pkcs7-mime, certs-only), or the leaf alone in DER
 * (application/pkix-cert) with Link rel="up" to its issuer.  Whoever accepts
 * none of these gets PEM nevertheless, as RFC 9110 12.5.1 allows: there are
 * clients that say application/json with every request. */
problem_t *acme_cert_get(acme_response_t *res, acme_t *acme,
                         const acme_verified_t *v)
    __attribute__((warn_unused_result));

#endif
