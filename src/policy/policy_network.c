/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_network.h"

#include <apr_strings.h>

#include "base/quote.h"

#include "base/banned.h"

#define ADDRESS_MAX 80

static const policy_network_t *network_at(const policy_t *policy, int i)
{
    return APR_ARRAY_IDX(policy->networks, i, const policy_network_t *);
}

static const char *requested_fault(const policy_t *policy,
                                   const identifier_t *id,
                                   const char *client_ip, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < policy->networks->nelts; ++i) {
        const policy_network_t *network = network_at(policy, i);

        if (network->requested_from &&
            policy_pattern_covers(network->pattern, id->value) &&
            !policy_cidr_list_contains(network->requested_from, client_ip))
            return apr_psprintf(
                pool,
                "policy %s takes requests for %s from %s only, not from "
                "%s",
                policy->name, network->pattern->text,
                policy_cidr_list_text(network->requested_from, pool),
                quote_make(client_ip, strlen(client_ip), ADDRESS_MAX, pool));
    }
    return NULL;
}

problem_t *policy_network_requested_check(const policy_t *policy,
                                          const apr_array_header_t *identifiers,
                                          const char *client_ip,
                                          apr_pool_t *pool)
{
    apr_array_header_t *subs = apr_array_make(pool, 2, sizeof(problem_t *));
    problem_t *prob;
    int i;

    for (i = 0; i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);
        const char *fault =
            requested_fault(policy, id, client_ip ? client_ip : "", pool);

        if (!fault)
            continue;
        prob = problem_make(pool, PROBLEM_REJECTED_IDENTIFIER,
                            "\"%s\" is refused: %s", id->value, fault);
        prob->identifier = id;
        APR_ARRAY_PUSH(subs, problem_t *) = prob;
    }
    return problem_fold(subs, pool);
}

/* Of policy_cidr_t *; NULL: anywhere. */
static apr_array_header_t *resolves_to(const policy_t *policy, const char *name,
                                       apr_pool_t *pool)
{
    apr_array_header_t *all = NULL;
    int i;

    for (i = 0; i < policy->networks->nelts; ++i) {
        const policy_network_t *network = network_at(policy, i);

        if (!network->resolves_to ||
            !policy_pattern_covers(network->pattern, name))
            continue;
        all = all ? policy_cidr_list_common(all, network->resolves_to, pool)
                  : network->resolves_to;
    }
    return all;
}

apr_array_header_t *policy_network_resolves_to(const policy_t *policy,
                                               const char *name,
                                               apr_pool_t *pool)
{
    apr_array_header_t *networks = resolves_to(policy, name, pool), *texts;
    int i;

    if (!networks)
        return NULL;
    texts = apr_array_make(pool, networks->nelts, sizeof(const char *));
    for (i = 0; i < networks->nelts; ++i)
        APR_ARRAY_PUSH(texts, const char *) =
            APR_ARRAY_IDX(networks, i, const policy_cidr_t *)->text;
    return texts;
}
