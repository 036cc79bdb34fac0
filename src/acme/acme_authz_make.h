/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_AUTHZ_MAKE_H
#define ACME_AUTHZ_MAKE_H

/* Where authorizations come from: what newOrder (7.4) and newAuthz (7.4.1)
 * have in common. */

#include "acme/acme_eab.h"
#include "store/store_authz.h"

/* A pending one of v's account, not yet stored, until expires_at; or a valid
 * one, where nothing needs to be proven (acme_eab_is_validated). */
store_authz_t *acme_authz_make(const acme_t *acme, const acme_verified_t *v,
                               const acme_profile_t *profile,
                               const acme_eab_t *eab,
                               const identifier_t *identifier,
                               apr_int64_t expires_at);

/* A valid one of v's account that will do; *authz stays NULL when there is
 * none. */
problem_t *
acme_authz_reuse(store_authz_t **authz, acme_t *acme, const acme_verified_t *v,
                 const acme_profile_t *profile, const acme_eab_t *eab,
                 const identifier_t *identifier)
    __attribute__((warn_unused_result));

#endif
