/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_rule.h"

#include <apr_strings.h>

#include "base/banned.h"

/* "the allow or require list (*.a, **.b)" */
static const char *lists_text(const policy_rule_t *rule, apr_pool_t *pool)
{
    apr_array_header_t *both =
        apr_array_append(pool, rule->allow, rule->require);

    return policy_pattern_list(both, pool);
}

/* "*.a" is no match of the pattern "*.a", which surprises. */
static const char *wildcard_text(const char *value, apr_pool_t *pool)
{
    if (value[0] != '*' || value[1] != '.')
        return "";
    return apr_psprintf(pool,
                        "; a wildcard name needs a pattern of its own, "
                        "\"wildcard:%s\"",
                        value);
}

const char *policy_rule_fault(const policy_t *policy,
                              policy_attribute_e attribute, const char *value,
                              apr_pool_t *pool)
{
    const policy_rule_t *rule = &policy->rules[attribute];
    const policy_pattern_t *denied =
        policy_pattern_find_covering(rule->deny, value);

    if (denied)
        return apr_psprintf(pool, "policy %s denies %s %s", policy->name,
                            policy_attribute_name(attribute), denied->text);
    if (!policy_rule_is_list(rule) || policy_pattern_find(rule->allow, value) ||
        policy_pattern_find(rule->require, value))
        return NULL;
    return apr_psprintf(pool, "policy %s allows %s %s only%s", policy->name,
                        policy_attribute_name(attribute),
                        lists_text(rule, pool), wildcard_text(value, pool));
}

apr_array_header_t *policy_rule_missing(const policy_t *policy,
                                        policy_attribute_e attribute,
                                        const apr_array_header_t *values,
                                        apr_pool_t *pool)
{
    const apr_array_header_t *require = policy->rules[attribute].require;
    apr_array_header_t *missing = apr_array_make(pool, 1, sizeof(void *));
    int i, k;

    for (i = 0; i < require->nelts; ++i) {
        policy_pattern_t *pattern =
            APR_ARRAY_IDX(require, i, policy_pattern_t *);

        for (k = 0; k < values->nelts; ++k) {
            if (policy_pattern_matches(pattern,
                                       APR_ARRAY_IDX(values, k, const char *)))
                break;
        }
        if (k == values->nelts)
            APR_ARRAY_PUSH(missing, policy_pattern_t *) = pattern;
    }
    return missing;
}
