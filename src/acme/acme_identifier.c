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
    int is_ours = !strcmp(type, identifier_type_name(IDENTIFIER_DNS));
    identifier_t *identifier;

    if (!is_ours && (strlen(type) > TYPE_MAX || strlen(value) > VALUE_MAX))
        return;
    identifier = apr_palloc(pool, sizeof(*identifier));
    identifier->type = IDENTIFIER_DNS;
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
