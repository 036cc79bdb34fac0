/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_challenge.h"

#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

/* What a challenge can prove, as bits. */
#define NAME     0x1u
#define WILDCARD 0x2u /* RFC 8555 7.1.4, RFC 8737 3: dns-01 alone */
#define ADDRESS  0x4u /* RFC 8738 4: not dns-01 */

/* Where its record is: this, and the name. */
#define CHALLENGE "_acme-challenge."
#define ACCOUNT   "_0123456789abcdef." CHALLENGE
#define PERSIST   "_validation-persist."

#define NAME_MAX_OCTETS 253
/* From here on there are challenges that it is too long for. */
#define LONG (NAME_MAX_OCTETS - sizeof(ACCOUNT))

typedef struct {
    const char *type;
    unsigned int proves;
    int is_default;
    apr_size_t prefix_len;
} row_t;

static const row_t table[] = {
    {"http-01", NAME | ADDRESS, 1, 0},
    {"dns-01", NAME | WILDCARD, 1, sizeof(CHALLENGE) - 1},
    {"tls-alpn-01", NAME | ADDRESS, 1, 0},
    {POLICY_CHALLENGE_ACCOUNT, NAME | WILDCARD, 0, sizeof(ACCOUNT) - 1},
    {POLICY_CHALLENGE_PERSIST, NAME | WILDCARD, 0, sizeof(PERSIST) - 1},
};
#define COUNT (int)(sizeof(table) / sizeof(table[0]))

static const row_t *row_find(const char *type)
{
    int i;

    for (i = 0; i < COUNT; i++) {
        if (!strcmp(table[i].type, type))
            return &table[i];
    }
    return NULL;
}

static unsigned int kind_of(const identifier_t *identifier)
{
    if (identifier->type == IDENTIFIER_IP)
        return ADDRESS;
    return identifier_is_wildcard(identifier) ? WILDCARD : NAME;
}

/* Not where the name is so long that there is none for its record. */
static int can_prove(const row_t *row, const identifier_t *identifier)
{
    return row->proves & kind_of(identifier) &&
           row->prefix_len + strlen(identifier_base(identifier)) <=
               NAME_MAX_OCTETS;
}

int policy_challenge_is_known(const char *type)
{
    return row_find(type) != NULL;
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

/* Those that can prove identifier; NULL: whatever there is. */
static const char *types_text(const identifier_t *identifier, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < COUNT; i++) {
        if (!identifier || can_prove(&table[i], identifier))
            text =
                apr_pstrcat(pool, text, *text ? ", " : "", table[i].type, NULL);
    }
    return text;
}

const char *policy_challenge_list(apr_pool_t *pool)
{
    return types_text(NULL, pool);
}

const char *policy_challenge_offer(const apr_array_header_t *types,
                                   const identifier_t *identifier,
                                   apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < types->nelts; i++) {
        const char *type = APR_ARRAY_IDX(types, i, const char *);
        const row_t *row = row_find(type);

        if (row && can_prove(row, identifier))
            text = apr_pstrcat(pool, text, *text ? " " : "", type, NULL);
    }
    return text;
}

static const char *kind_text(const identifier_t *identifier, apr_pool_t *pool)
{
    const char *text = "it is a name";

    if (kind_of(identifier) == WILDCARD)
        text = "it is a wildcard name";
    if (kind_of(identifier) == ADDRESS)
        text = "it is an IP address";
    return strlen(identifier->value) > LONG
               ? apr_psprintf(pool, "%s of %d octets", text,
                              (int)strlen(identifier->value))
               : text;
}

static problem_t *refusal_make(const identifier_t *identifier,
                               const apr_array_header_t *types,
                               apr_pool_t *pool)
{
    const char *others = types_text(identifier, pool);
    problem_t *prob = problem_make(
        pool, PROBLEM_REJECTED_IDENTIFIER,
        "\"%s\" is refused: %s, which none of the challenges here (%s) can "
        "prove; %s%s",
        identifier->value, kind_text(identifier, pool),
        apr_array_pstrcat(pool, types, ' '),
        *others ? "it takes one of: " : "nor can any other", others);

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
