/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_AUTHZ_NEW_H
#define ACME_AUTHZ_NEW_H

/* POST newAuthz {identifier, profile?} (RFC 8555 7.4.1): 201 with an
 * authorization for later orders of that profile.  What newOrder would refuse
 * is refused here; a valid authorization that would be reused is answered. */

#include "acme/acme_request.h"

problem_t *acme_authz_new(acme_response_t *res, acme_t *acme,
                          const acme_verified_t *v)
    __attribute__((warn_unused_result));

#endif
