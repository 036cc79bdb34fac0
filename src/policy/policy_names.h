/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_NAMES_H
#define POLICY_NAMES_H

/* May these identifiers (of identifier_t *) stand in a certificate?  Too many
 * of them is malformed; refused ones are rejectedIdentifier, one subproblem
 * each.  Today wildcards are refused: no challenge offered can prove them. */

#include "policy/policy.h"

problem_t *policy_names_check(const policy_t *policy,
                              const apr_array_header_t *identifiers,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
