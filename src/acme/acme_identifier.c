/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_identifier.h"

#include <string.h>

#include <apr_strings.h>

#include "base/pjson.h"

#include "base/banned.h"

/* Of a type that we do not have it may be anything. */
#define TYPE_MAX  32
#define VALUE_MAX 256

/* What a subproblem shows of an identifier that is none. */
static void identifier_show(problem_t *prob, const char *type,
                            const char *value, apr_pool_t *pool)
{
    int number = identifier_type_find(type), is_ours = number >= 0;
    identifier_t *identifier;

    if (!is_ours && (strlen(type) > TYPE_MAX || strlen(value) > VALUE_MAX))
        return;
    identifier = apr_palloc(pool, sizeof(*identifier));
    identifier->type = is_ours ? (identifier_type_e)number : IDENTIFIER_DNS;
    identifier->value = apr_pstrdup(pool, value);
    prob->identifier = identifier;
    if (!is_ours)
        prob->identifier_type = apr_pstrdup(pool, type);
}

problem_t *acme_identifier_take(identifier_t **identifier, json_t *json,
                                int flags, apr_pool_t *pool)
{
    const char *type, *value;
    problem_t *prob;

    prob = pjson_object_check(json, "identifier", pool);
    if (prob)
        return prob;
    prob = pjson_need_string(&type, json, "type", pool);
    if (prob)
        return prob;
    prob = pjson_need_string(&value, json, "value", pool);
    if (prob)
        return prob;
    prob = identifier_parse(identifier, type, value, flags, pool);
    if (prob)
        identifier_show(prob, type, value, pool);
    return prob;
}

/* Whole labels: example.org is above www.example.org, not above
 * wwwexample.org. */
static int is_above(const char *ancestor, const char *name)
{
    apr_size_t len = strlen(ancestor), all = strlen(name);

    return all > len + 1 && name[all - len - 1] == '.' &&
           !strcmp(name + all - len, ancestor);
}

problem_t *acme_identifier_ancestor(identifier_t **ancestor, json_t *json,
                                    const identifier_t *identifier, int flags,
                                    apr_pool_t *pool)
{
    const char *text;
    problem_t *prob = pjson_string(&text, json, "ancestorDomain", pool);

    *ancestor = NULL;
    if (!prob && text)
        prob = identifier_parse(ancestor, "dns", text, flags, pool);
    if (!prob && *ancestor &&
        !is_above((*ancestor)->value, identifier_base(identifier)))
        prob = problem_make(pool, PROBLEM_MALFORMED,
                            "the \"ancestorDomain\" of %s is %s, which is no "
                            "domain above it",
                            identifier->value, (*ancestor)->value);
    if (prob)
        prob->identifier = identifier;
    return prob;
}
