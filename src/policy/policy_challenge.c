/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_challenge.h"

#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

/* What a challenge can prove, as bits. */
#define NAME     0x1u
#define WILDCARD 0x2u /* RFC 8555 7.1.4, RFC 8737 3: dns-01 alone */
#define ADDRESS  0x4u /* RFC 8738 4: not dns-01 */

static const struct {
    const char *type;
    unsigned int proves;
    int is_default;
} table[] = {
    {"http-01", NAME | ADDRESS, 1},
    {"dns-01", NAME | WILDCARD, 1},
    {"tls-alpn-01", NAME | ADDRESS, 1},
    {POLICY_CHALLENGE_ACCOUNT, NAME | WILDCARD, 0},
    {POLICY_CHALLENGE_PERSIST, NAME | WILDCARD, 0},
};
#define COUNT (int)(sizeof(table) / sizeof(table[0]))

static unsigned int proves(const char *type)
{
    int i;

    for (i = 0; i < COUNT; i++) {
        if (!strcmp(table[i].type, type))
            return table[i].proves;
    }
    return 0;
}

static unsigned int kind_of(const identifier_t *identifier)
{
    if (identifier->type == IDENTIFIER_IP)
        return ADDRESS;
    return identifier_is_wildcard(identifier) ? WILDCARD : NAME;
}

int policy_challenge_is_known(const char *type)
{
    return proves(type) != 0;
}

apr_array_header_t *policy_challenge_defaults(apr_pool_t *pool)
{
    apr_array_header_t *types = apr_array_make(pool, COUNT, sizeof(char *));
    int i;

    for (i = 0; i < COUNT; i++) {
        if (table[i].is_default)
            APR_ARRAY_PUSH(types, const char *) = table[i].type;
    }
    return types;
}

static const char *types_text(unsigned int kind, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < COUNT; i++) {
        if (table[i].proves & kind)
            text =
                apr_pstrcat(pool, text, *text ? ", " : "", table[i].type, NULL);
    }
    return text;
}

const char *policy_challenge_list(apr_pool_t *pool)
{
    return types_text(~0u, pool);
}

const char *policy_challenge_offer(const apr_array_header_t *types,
                                   const identifier_t *identifier,
                                   apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < types->nelts; i++) {
        const char *type = APR_ARRAY_IDX(types, i, const char *);

        if (proves(type) & kind_of(identifier))
            text = apr_pstrcat(pool, text, *text ? " " : "", type, NULL);
    }
    return text;
}

static const char *kind_text(const identifier_t *identifier)
{
    switch (kind_of(identifier)) {
    case WILDCARD:
        return "it is a wildcard name";
    case ADDRESS:
        return "it is an IP address";
    default:
        return "it is a name";
    }
}

static problem_t *refusal_make(const identifier_t *identifier,
                               const apr_array_header_t *types,
                               apr_pool_t *pool)
{
    problem_t *prob = problem_make(
        pool, PROBLEM_REJECTED_IDENTIFIER,
        "\"%s\" is refused: %s, which none of the challenges here (%s) can "
        "prove; it takes one of: %s",
        identifier->value, kind_text(identifier),
        apr_array_pstrcat(pool, types, ' '),
        types_text(kind_of(identifier), pool));

    prob->identifier = identifier;
    return prob;
}

problem_t *policy_challenge_check(const apr_array_header_t *types,
                                  const apr_array_header_t *identifiers,
                                  apr_pool_t *pool)
{
    apr_array_header_t *subs = apr_array_make(pool, 1, sizeof(problem_t *));
    int i;

    for (i = 0; i < identifiers->nelts; i++) {
        const identifier_t *identifier =
            APR_ARRAY_IDX(identifiers, i, const identifier_t *);

        if (!*policy_challenge_offer(types, identifier, pool))
            APR_ARRAY_PUSH(subs, problem_t *) =
                refusal_make(identifier, types, pool);
    }
    return problem_fold(subs, pool);
}
