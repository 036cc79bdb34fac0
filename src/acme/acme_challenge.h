/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CHALLENGE_H
#define ACME_CHALLENGE_H

/* Challenges on the wire (RFC 8555 7.1.5, 7.5.1).  They live in their
 * authorization's row; what becomes of them is its state. */

#include "acme/acme_request.h"
#include "store/store_authz.h"

/* Any JSON object says "go ahead" (T63), once; POST-as-GET only reads (T64).
 * Both answer with the challenge as it is and Link rel="up". */
problem_t *acme_challenge_post(acme_response_t *res, acme_t *acme,
                               const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* The object for the challenge of this type, members in the order that acme.sh
 * needs (R7).  A new reference, the caller's. */
json_t *acme_challenge_render(const acme_t *acme, const store_authz_t *authz,
                              const char *type, const acme_verified_t *v);

#endif
