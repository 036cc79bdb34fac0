/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_NETWORK_H
#define POLICY_NETWORK_H

/* ACMEPolicyNetwork: where names may resolve to and be requested from.  Each
 * network whose pattern matches a name (or one that a wildcard stands for)
 * binds it; several bind it all. */

#include "policy/policy_cidr.h"
#include "policy/policy_pattern.h"

typedef struct {
    policy_pattern_t *pattern;
    apr_array_header_t *resolves_to;    /* of policy_cidr_t *; NULL: anywhere */
    apr_array_header_t *requested_from; /* of policy_cidr_t *; NULL: anywhere */
} policy_network_t;

/* May client_ip request these identifiers?  rejectedIdentifier, one subproblem
 * each. */
problem_t *policy_network_requested_check(const policy_t *policy,
                                          const apr_array_header_t *identifiers,
                                          const char *client_ip,
                                          apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The networks (of const char *) that name must resolve to; NULL: any.  An
 * empty list means that there is none that satisfies all that is said. */
apr_array_header_t *policy_network_resolves_to(const policy_t *policy,
                                               const char *name,
                                               apr_pool_t *pool);

#endif
