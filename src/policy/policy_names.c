/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_names.h"

#include <apr_strings.h>

#include "policy/policy_rule.h"

#include "base/banned.h"

typedef struct {
    const policy_t *policy;
    const apr_array_header_t *key_patterns;
    int flags;
    apr_pool_t *pool;
} check_t;

static policy_attribute_e attribute_of(const identifier_t *id)
{
    return (policy_attribute_e)policy_attribute_find(
        identifier_type_name(id->type));
}

/* A wildcard passes only where a pattern was written for it. */
static const char *wildcard_fault(const check_t *check, const identifier_t *id)
{
    const policy_rule_t *rule = &check->policy->rules[attribute_of(id)];

    if (!policy_rule_is_list(rule))
        return apr_psprintf(check->pool,
                            "it is a wildcard name, and policy %s has no "
                            "pattern like \"wildcard:*.%s\"",
                            check->policy->name, identifier_base(id));
    return NULL;
}

/* "**" is all names, but no address. */
static int key_allows(const check_t *check, policy_attribute_e attribute,
                      const identifier_t *id)
{
    int i;

    for (i = 0; i < check->key_patterns->nelts; ++i) {
        const policy_pattern_t *pattern =
            APR_ARRAY_IDX(check->key_patterns, i, const policy_pattern_t *);

        if (pattern->attribute == attribute &&
            policy_pattern_matches(pattern, id->value))
            return 1;
    }
    return 0;
}

/* The reason why one name is refused, as the end of a sentence, or NULL. */
static const char *name_fault(const check_t *check, const identifier_t *id)
{
    policy_attribute_e attribute = attribute_of(id);
    const char *fault =
        policy_rule_fault(check->policy, attribute, id->value, check->pool);

    if (!fault && identifier_is_wildcard(id))
        fault = wildcard_fault(check, id);
    if (fault)
        return fault;
    if (check->key_patterns && !key_allows(check, attribute, id))
        return apr_psprintf(
            check->pool, "the account's external account key allows %s only",
            check->key_patterns->nelts
                ? policy_pattern_list(check->key_patterns, check->pool)
                : "no name");
    if (check->flags & POLICY_NAMES_LISTED && !check->key_patterns &&
        !policy_rule_is_list(&check->policy->rules[attribute]))
        return "nothing is validated here, and no list has it";
    return NULL;
}

static void sub_add(apr_array_header_t *subs, const check_t *check,
                    const identifier_t *id, const char *fault)
{
    problem_t *prob;

    if (id)
        prob = problem_make(check->pool, PROBLEM_REJECTED_IDENTIFIER,
                            "\"%s\" is refused: %s", id->value, fault);
    else
        prob =
            problem_make(check->pool, PROBLEM_REJECTED_IDENTIFIER, "%s", fault);
    prob->identifier = id;
    APR_ARRAY_PUSH(subs, problem_t *) = prob;
}

/* Each required pattern needs a name that matches it. */
static void missing_add(apr_array_header_t *subs, const check_t *check,
                        policy_attribute_e attribute,
                        const apr_array_header_t *values)
{
    apr_array_header_t *missing =
        policy_rule_missing(check->policy, attribute, values, check->pool);

    if (missing->nelts)
        sub_add(subs, check, NULL,
                apr_psprintf(check->pool,
                             "policy %s requires a name (%s) that matches %s",
                             check->policy->name,
                             policy_attribute_name(attribute),
                             policy_pattern_list(missing, check->pool)));
}

/* Names of the order that may be the certificate's CN. */
static int may_be_common_name(const check_t *check,
                              const apr_array_header_t *values)
{
    int i;

    for (i = 0; i < values->nelts; ++i) {
        if (!policy_rule_fault(check->policy, POLICY_CN,
                               APR_ARRAY_IDX(values, i, const char *),
                               check->pool))
            return 1;
    }
    return 0;
}

/* Where CN is not required, wildcard names and addresses alone do without.
 * Where no challenge proves it, it may be somebody's name, which only the CSR
 * has. */
static int is_common_name_needed(const check_t *check,
                                 const apr_array_header_t *identifiers)
{
    const policy_rule_t *rule = &check->policy->rules[POLICY_CN];
    int i;

    if (check->policy->needs_external_account)
        return 0;
    if (rule->require->nelts)
        return 1;
    for (i = 0; policy_rule_is_list(rule) && i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);

        if (id->type == IDENTIFIER_DNS && !identifier_is_wildcard(id))
            return 1;
    }
    return 0;
}

static void common_name_add(apr_array_header_t *subs, const check_t *check,
                            const apr_array_header_t *identifiers,
                            const apr_array_header_t *values)
{
    int i;

    if (subs->nelts || !is_common_name_needed(check, identifiers) ||
        may_be_common_name(check, values))
        return;
    if (!values->nelts)
        sub_add(subs, check, NULL,
                apr_psprintf(check->pool,
                             "policy %s requires a CN, which an IP address "
                             "cannot be",
                             check->policy->name));
    for (i = 0; i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);

        if (attribute_of(id) == POLICY_DNS)
            sub_add(subs, check, id,
                    policy_rule_fault(check->policy, POLICY_CN, id->value,
                                      check->pool));
    }
}

static apr_array_header_t *values_of(const apr_array_header_t *identifiers,
                                     policy_attribute_e attribute,
                                     apr_pool_t *pool)
{
    apr_array_header_t *values =
        apr_array_make(pool, identifiers->nelts, sizeof(const char *));
    int i;

    for (i = 0; i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);

        if (attribute_of(id) == attribute)
            APR_ARRAY_PUSH(values, const char *) = id->value;
    }
    return values;
}

problem_t *policy_names_check(const policy_t *policy,
                              const apr_array_header_t *key_patterns,
                              const apr_array_header_t *identifiers, int flags,
                              apr_pool_t *pool)
{
    const check_t check = {policy, key_patterns, flags, pool};
    apr_array_header_t *subs = apr_array_make(pool, 2, sizeof(problem_t *));
    int i;

    if (identifiers->nelts > policy->max_names)
        APR_ARRAY_PUSH(subs, problem_t *) =
            problem_make(pool, PROBLEM_MALFORMED,
                         "The order has %d identifiers; at most %d may "
                         "stand in one certificate",
                         identifiers->nelts, policy->max_names);
    for (i = 0; i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);
        const char *fault = name_fault(&check, id);

        if (fault)
            sub_add(subs, &check, id, fault);
    }
    for (i = POLICY_DNS; i <= POLICY_IP; ++i)
        missing_add(subs, &check, (policy_attribute_e)i,
                    values_of(identifiers, (policy_attribute_e)i, pool));
    common_name_add(subs, &check, identifiers,
                    values_of(identifiers, POLICY_DNS, pool));
    return problem_fold(subs, pool);
}

int policy_names_are_listed(const policy_t *policy)
{
    return policy_rule_is_list(&policy->rules[POLICY_DNS]) ||
           policy_rule_is_list(&policy->rules[POLICY_IP]);
}
