/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CHALLENGE_H
#define POLICY_CHALLENGE_H

/* Which challenges an identifier is offered: those of its profile
 * (ACMEProfileChallenges) that can prove what it is. */

#include "base/identifier.h"
#include "base/problem.h"

/* Drafts', offered only where they are switched on (ACMEDNSAccount,
 * ACMEDNSPersist). */
#define POLICY_CHALLENGE_ACCOUNT "dns-account-01"
#define POLICY_CHALLENGE_PERSIST "dns-persist-01"

/* Is there such a type? */
int policy_challenge_is_known(const char *type);

/* Those that a profile offers when nothing is said: of const char *. */
apr_array_header_t *policy_challenge_defaults(apr_pool_t *pool);

/* "http-01, dns-01": every type there is. */
const char *policy_challenge_list(apr_pool_t *pool);

/* Those of types (of const char *) that prove the identifier, with blanks in
 * between; "" if there are none. */
const char *policy_challenge_offer(const apr_array_header_t *types,
                                   const identifier_t *identifier,
                                   apr_pool_t *pool);

/* rejectedIdentifier, with a subproblem for each that none of them proves. */
problem_t *policy_challenge_check(const apr_array_header_t *types,
                                  const apr_array_header_t *identifiers,
                                  apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
