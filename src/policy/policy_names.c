/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_names.h"

#include "base/banned.h"

static problem_t *name_check(const identifier_t *identifier, apr_pool_t *pool)
{
    if (identifier_is_wildcard(identifier))
        return problem_make(pool, PROBLEM_REJECTED_IDENTIFIER,
                            "\"%s\" is a wildcard name, which this server "
                            "does not issue: only dns-01 can prove it, and "
                            "that is not offered; list the host names instead",
                            identifier->value);
    return NULL;
}

problem_t *policy_names_check(const policy_t *policy,
                              const apr_array_header_t *identifiers,
                              apr_pool_t *pool)
{
    apr_array_header_t *subs = apr_array_make(pool, 2, sizeof(problem_t *));
    int i;

    if (identifiers->nelts > policy->max_names)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The order has %d identifiers; at most %d may "
                            "stand in one certificate",
                            identifiers->nelts, policy->max_names);
    for (i = 0; i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);
        problem_t *prob = name_check(id, pool);

        if (prob) {
            prob->identifier = id;
            APR_ARRAY_PUSH(subs, problem_t *) = prob;
        }
    }
    return problem_fold(subs, pool);
}
