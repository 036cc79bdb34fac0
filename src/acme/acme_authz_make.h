/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_AUTHZ_MAKE_H
#define ACME_AUTHZ_MAKE_H

/* Where authorizations come from: what newOrder (7.4) and newAuthz (7.4.1)
 * have in common. */

#include "acme/acme_eab.h"
#include "store/store_authz.h"

/* Seconds that a valid authorization must still live to be reused. */
#define ACME_AUTHZ_REUSE_MIN 3600

/* A pending one of v's account, not yet stored, until expires_at; or a valid
 * one, where nothing needs to be proven (acme_eab_is_validated). */
store_authz_t *acme_authz_make(const acme_t *acme, const acme_verified_t *v,
                               const acme_profile_t *profile,
                               const acme_eab_t *eab,
                               const identifier_t *identifier,
                               apr_int64_t expires_at);

/* The same for identifier and all names below it (RFC 9444): proven by dns-01
 * only. */
store_authz_t *
acme_authz_make_above(const acme_t *acme, const acme_verified_t *v,
                      const acme_profile_t *profile, const acme_eab_t *eab,
                      const identifier_t *identifier, apr_int64_t expires_at);

/* A valid one of v's account that is for identifier and all names below it;
 * *authz stays NULL when there is none. */
problem_t *acme_authz_reuse_above(store_authz_t **authz, acme_t *acme,
                                  const acme_verified_t *v,
                                  const acme_profile_t *profile,
                                  const identifier_t *identifier)
    __attribute__((warn_unused_result));

/* A valid one of v's account that will do, perhaps one for names below its own;
 * *authz stays NULL when there is none. */
problem_t *
acme_authz_reuse(store_authz_t **authz, acme_t *acme, const acme_verified_t *v,
                 const acme_profile_t *profile, const acme_eab_t *eab,
                 const identifier_t *identifier)
    __attribute__((warn_unused_result));

#endif
