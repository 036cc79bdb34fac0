/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_KEYCHANGE_H
#define ACME_KEYCHANGE_H

/*
 * Account key rollover (RFC 8555 7.3.5).  The request is signed with the old
 * key, and its payload, the inner JWS, with the new one, so that both agree.
 *
 * Orders, authorizations and certificates are the account's, not the key's, and
 * stay; a validation that is under way goes on with the key authorization that
 * its challenge was accepted with (T43).
 */

#include "acme/acme_request.h"

/* POST keyChange: 200 with the account; 409 with the Location of whoever has
 * the new key already (T42, R21). */
problem_t *acme_keychange_post(acme_response_t *res, acme_t *acme,
                               const acme_verified_t *v)
    __attribute__((warn_unused_result));

#endif
