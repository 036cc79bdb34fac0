/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PROFILE_H
#define ACME_PROFILE_H

/*
 * Which profile an order uses (pki.md, Profiles; draft-ietf-acme-profiles).  A
 * profile's own directory has that one; the default directory has its own, and
 * every other one for those who ask.  A profile that requires an external
 * account is for accounts whose key is of that profile.
 */

#include "acme/acme_eab.h"
#include "store/store_order.h"

/* newOrder's: the one that the payload names, else the directory's. */
problem_t *acme_profile_select(const acme_profile_t **profile,
                               const acme_t *acme, const acme_verified_t *v,
                               const acme_eab_t *eab)
    __attribute__((warn_unused_result));

/* finalize's: the order's, if it is still offered to this account. */
problem_t *acme_profile_of_order(const acme_profile_t **profile,
                                 const acme_t *acme, const store_order_t *order,
                                 const acme_eab_t *eab, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* All that speaks against these names (of identifier_t *) in a certificate of
 * this profile for this account, asked for by this client: the policy, the key,
 * where the client is, the issuer's name constraints.  The profile's issuer is
 * ready. */
problem_t *
acme_profile_names_check(const acme_profile_t *profile, const acme_t *acme,
                         const acme_verified_t *v, const acme_eab_t *eab,
                         const apr_array_header_t *identifiers)
    __attribute__((warn_unused_result));
/* What it and others found, as one list of subproblems. */
void acme_profile_refusal_add(apr_array_header_t *subs, problem_t *prob,
                              const apr_array_header_t *identifiers);

/* Where these names must resolve to (of dcv_bound_t *); NULL: anywhere. */
apr_array_header_t *acme_profile_bounds(const acme_profile_t *profile,
                                        const apr_array_header_t *identifiers,
                                        apr_pool_t *pool);

/* ACMEProfileSubject (of policy_value_t *). */
apr_array_header_t *acme_profile_subject(const acme_profile_t *profile,
                                         apr_pool_t *pool);

/* meta.profiles of a directory, name → description, a new reference: what may
 * be asked for there is advertised, and what is not advertised is
 * invalidProfile (T87).  In a profile's own directory that is the one. */
json_t *acme_profile_list(const acme_conf_t *conf, const char *directory);

#endif
