/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_NAMES_H
#define POLICY_NAMES_H

/*
 * May these identifiers (of identifier_t *) stand in a certificate?  Too many
 * of them is malformed; refused ones are rejectedIdentifier, one subproblem
 * each, that says which rule refuses it.
 *
 * The certificate's CN is one of the names, so where the policy has a list for
 * CN, one name at least must be on it.
 */

#include "policy/policy.h"

/* Nothing is proved (validation is off): a name must be on a list, the
 * policy's or the key's. */
#define POLICY_NAMES_LISTED 1

/* key_patterns: what the account's external account key allows, of
 * policy_pattern_t *; NULL: no such limit. */
problem_t *policy_names_check(const policy_t *policy,
                              const apr_array_header_t *key_patterns,
                              const apr_array_header_t *identifiers, int flags,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Has the policy a list of names, as profiles without validation need? */
int policy_names_are_listed(const policy_t *policy);

#endif
