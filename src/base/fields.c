/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fields.h"

#include <apr_strings.h>

#include "base/pjson.h"

#include "base/banned.h"

/* NULL: it is absent. */
static json_t *value_render(const void *at, fields_kind_e kind)
{
    const char *text;
    const apr_array_header_t *list;

    switch (kind) {
    case FIELDS_INT:
        return json_integer(*(const int *)at);
    case FIELDS_INT64:
        return json_integer(*(const apr_int64_t *)at);
    case FIELDS_STRINGS:
        return pjson_strings_render(*(apr_array_header_t *const *)at);
    case FIELDS_STRINGS_OPTIONAL:
        list = *(apr_array_header_t *const *)at;
        return list && list->nelts ? pjson_strings_render(list) : NULL;
    default:
        text = *(const char *const *)at;
        if (text)
            return json_string(text);
        return kind == FIELDS_OPTIONAL ? NULL : json_null();
    }
}

void fields_render(json_t *json, const fields_row_t *rows, const void *base)
{
    for (; rows->name; rows++) {
        json_t *value =
            value_render((const char *)base + rows->offset, rows->kind);

        if (value)
            json_object_set_new(json, rows->name, value);
    }
}

static int text_parse(void *at, fields_kind_e kind, const json_t *value,
                      apr_pool_t *pool)
{
    *(const char **)at = apr_pstrdup(pool, json_string_value(value));
    return json_is_string(value) ||
           (kind == FIELDS_MAYBE && json_is_null(value)) ||
           (kind == FIELDS_OPTIONAL && !value);
}

static int strings_parse(void *at, fields_kind_e kind, json_t *value,
                         apr_pool_t *pool)
{
    apr_array_header_t *list =
        !value && kind == FIELDS_STRINGS_OPTIONAL
            ? apr_array_make(pool, 1, sizeof(const char *))
            : pjson_strings_parse(value, pool);

    *(apr_array_header_t **)at = list;
    return list != NULL;
}

static int value_parse(void *at, fields_kind_e kind, json_t *value,
                       apr_pool_t *pool)
{
    switch (kind) {
    case FIELDS_INT:
        *(int *)at = (int)json_integer_value(value);
        return json_is_integer(value);
    case FIELDS_INT64:
        *(apr_int64_t *)at = json_integer_value(value);
        return json_is_integer(value);
    case FIELDS_STRINGS:
    case FIELDS_STRINGS_OPTIONAL:
        return strings_parse(at, kind, value, pool);
    default:
        return text_parse(at, kind, value, pool);
    }
}

int fields_parse(void *base, const fields_row_t *rows, json_t *json,
                 apr_pool_t *pool)
{
    for (; rows->name; rows++)
        if (!value_parse((char *)base + rows->offset, rows->kind,
                         json_object_get(json, rows->name), pool))
            return 0;
    return 1;
}

json_t *fields_list_render(const apr_array_header_t *list,
                           const fields_row_t *rows)
{
    json_t *json = json_array();
    int i;

    for (i = 0; i < list->nelts; i++) {
        json_t *one = json_object();

        fields_render(one, rows, APR_ARRAY_IDX(list, i, const void *));
        json_array_append_new(json, one);
    }
    return json;
}

int fields_list_parse(apr_array_header_t *list, apr_size_t size,
                      const fields_row_t *rows, json_t *json, apr_pool_t *pool)
{
    json_t *value;
    size_t i;

    json_array_foreach(json, i, value)
    {
        void *one = apr_pcalloc(pool, size);

        if (!fields_parse(one, rows, value, pool))
            return 0;
        APR_ARRAY_PUSH(list, void *) = one;
    }
    return json_is_array(json);
}
