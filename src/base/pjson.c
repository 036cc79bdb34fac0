/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pjson.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

#include "base/banned.h"

/* Is text nested deeper than PJSON_MAX_DEPTH?  Looked at before jansson sees
 * it, whose own limit is 2048 levels of recursion. */
static int too_deep(const char *text, apr_size_t len)
{
    int depth = 0, in_string = 0;
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        if (in_string) {
            if (text[i] == '\\')
                ++i;
            else if (text[i] == '"')
                in_string = 0;
        }
        else if (text[i] == '"') {
            in_string = 1;
        }
        else if (text[i] == '{' || text[i] == '[') {
            if (++depth > PJSON_MAX_DEPTH)
                return 1;
        }
        else if (text[i] == '}' || text[i] == ']') {
            --depth;
        }
    }
    return 0;
}

/* jansson's own words, but where they are a C programmer's. */
static const char *error_text(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string has the character \\u0000, which is not taken here";
    default:
        return error->text;
    }
}

problem_t *pjson_parse(json_t **json, const char *text, apr_size_t len,
                       const char *what, apr_pool_t *pool)
{
    json_error_t error;

    if (len > PJSON_MAX_SIZE)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The %s is longer than %d octets", what,
                            PJSON_MAX_SIZE);
    if (too_deep(text, len))
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The %s is JSON nested deeper than %d levels", what,
                            PJSON_MAX_DEPTH);
    *json =
        own_json(pool, json_loadb(text, len, JSON_REJECT_DUPLICATES, &error));
    if (!*json)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The %s is not valid JSON: %s (line %d, column %d)",
                            what, error_text(&error), error.line, error.column);
    return NULL;
}

static const char *type_name(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "null";
    }
}

problem_t *pjson_object_check(json_t *json, const char *what, apr_pool_t *pool)
{
    if (json_is_object(json))
        return NULL;
    return problem_make(pool, PROBLEM_MALFORMED,
                        "The %s must be a JSON object, not %s", what,
                        json ? type_name(json) : "nothing");
}

static problem_t *wrong_type(const char *name, const char *wanted,
                             const json_t *value, apr_pool_t *pool)
{
    return problem_make(pool, PROBLEM_MALFORMED,
                        "The member \"%s\" must be %s, not %s", name, wanted,
                        type_name(value));
}

problem_t *pjson_string(const char **value, json_t *object, const char *name,
                        apr_pool_t *pool)
{
    json_t *member = json_object_get(object, name);

    *value = json_string_value(member);
    if (member && !*value)
        return wrong_type(name, "a string", member, pool);
    return NULL;
}

problem_t *pjson_bool(int *value, json_t *object, const char *name,
                      apr_pool_t *pool)
{
    json_t *member = json_object_get(object, name);

    *value = json_is_true(member);
    if (member && !json_is_boolean(member))
        return wrong_type(name, "true or false", member, pool);
    return NULL;
}

problem_t *pjson_array(json_t **value, json_t *object, const char *name,
                       apr_pool_t *pool)
{
    json_t *member = json_object_get(object, name);

    *value = json_is_array(member) ? member : NULL;
    if (member && !*value)
        return wrong_type(name, "an array", member, pool);
    return NULL;
}

problem_t *pjson_object(json_t **value, json_t *object, const char *name,
                        apr_pool_t *pool)
{
    json_t *member = json_object_get(object, name);

    *value = json_is_object(member) ? member : NULL;
    if (member && !*value)
        return wrong_type(name, "an object", member, pool);
    return NULL;
}

problem_t *pjson_need_string(const char **value, json_t *object,
                             const char *name, apr_pool_t *pool)
{
    problem_t *prob = pjson_string(value, object, name, pool);

    if (!prob && !*value)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The member \"%s\" (a string) is missing", name);
    return prob;
}

json_t *pjson_strings_render(const apr_array_header_t *strings)
{
    json_t *json = json_array();
    int i;

    for (i = 0; strings && i < strings->nelts; i++)
        json_array_append_new(
            json, json_string(APR_ARRAY_IDX(strings, i, const char *)));
    return json;
}

apr_array_header_t *pjson_strings_parse(json_t *json, apr_pool_t *pool)
{
    apr_array_header_t *strings = apr_array_make(pool, 2, sizeof(const char *));
    json_t *value;
    size_t i;

    if (!json_is_array(json))
        return NULL;
    json_array_foreach(json, i, value)
    {
        if (!json_is_string(value))
            return NULL;
        APR_ARRAY_PUSH(strings, const char *) =
            apr_pstrdup(pool, json_string_value(value));
    }
    return strings;
}

const char *pjson_text(const json_t *json, int flags, apr_pool_t *pool)
{
    size_t how = JSON_ENCODE_ANY;
    char *dumped;
    const char *text;

    how |= (flags & PJSON_PRETTY) ? JSON_INDENT(2) : JSON_COMPACT;
    dumped = json_dumps(json, how);
    if (!dumped)
        return NULL;
    text = apr_pstrdup(pool, dumped);
    free(dumped);
    return text;
}
