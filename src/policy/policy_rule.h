/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

/* One value, or all values of an attribute, against the policy's lists. */

#include "policy/policy_pattern.h"

/* The reason why value is refused, as the end of a sentence ("it matches …"),
 * or NULL.  An attribute without lists passes everything here. */
const char *policy_rule_fault(const policy_t *policy,
                              policy_attribute_e attribute, const char *value,
                              apr_pool_t *pool);

/* Of policy_pattern_t *: the required patterns that none of values (of const
 * char *) matches. */
apr_array_header_t *policy_rule_missing(const policy_t *policy,
                                        policy_attribute_e attribute,
                                        const apr_array_header_t *values,
                                        apr_pool_t *pool);

#endif
