/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fields.h"

#include <stddef.h>

#include "base/own.h"
#include "base/words.h"
#include "tap.h"

typedef struct {
    const char *text, *maybe, *optional;
    int number;
    apr_int64_t large;
    apr_array_header_t *strings, *more;
} thing_t;

#define AT(member) offsetof(thing_t, member)

static const fields_row_t rows[] = {
    {"text", FIELDS_TEXT, AT(text)},
    {"maybe", FIELDS_MAYBE, AT(maybe)},
    {"optional", FIELDS_OPTIONAL, AT(optional)},
    {"number", FIELDS_INT, AT(number)},
    {"large", FIELDS_INT64, AT(large)},
    {"strings", FIELDS_STRINGS, AT(strings)},
    {"more", FIELDS_STRINGS_OPTIONAL, AT(more)},
    {NULL, FIELDS_TEXT, 0},
};

/* All there is. */
#define FULL                                                                   \
    "{\"text\":\"a\",\"maybe\":\"b\",\"optional\":\"c\",\"number\":-2,"        \
    "\"large\":5000000000,\"strings\":[\"d\",\"e\"],\"more\":[\"f\"]}"
/* As little as there may be. */
#define BARE                                                                   \
    "{\"text\":\"\",\"maybe\":null,\"number\":0,\"large\":0,\"strings\":[]}"

static json_t *json_of(const char *text, apr_pool_t *pool)
{
    return own_json(pool, json_loads(text, 0, NULL));
}

/* What was parsed is rendered as it was. */
static void there_and_back(thing_t *thing, const char *text, apr_pool_t *pool)
{
    json_t *json = json_of(text, pool), *back = own_json(pool, json_object());

    need(fields_parse(thing, rows, json, pool));
    fields_render(back, rows, thing);
    ok(json_equal(back, json), "%s", text);
    json_object_clear(json);
}

static void kinds(apr_pool_t *pool)
{
    thing_t thing = {0};

    there_and_back(&thing, FULL, pool);
    is_str(thing.text, "a");
    is_str(thing.maybe, "b");
    is_str(thing.optional, "c");
    is_int(thing.number, -2);
    is_int(thing.large, 5000000000);
    ok(words_has(thing.strings, "d") && words_has(thing.strings, "e"));
    ok(words_has(thing.more, "f"));
    there_and_back(&thing, BARE, pool);
    is_str(thing.text, "");
    ok(!thing.maybe && !thing.optional);
    need(thing.strings && thing.more);
    is_int(thing.strings->nelts + thing.more->nelts, 0);
}

/* Each member in turn missing, null, or of another kind. */
static void refusals(apr_pool_t *pool)
{
    const fields_row_t *row;
    thing_t thing;

    for (row = rows; row->name; row++) {
        json_t *json = json_of(FULL, pool);
        int may_miss = row->kind == FIELDS_OPTIONAL ||
                       row->kind == FIELDS_STRINGS_OPTIONAL;

        json_object_set_new(json, row->name, json_true());
        ok(!fields_parse(&thing, rows, json, pool), "%s", row->name);
        json_object_set_new(json, row->name, json_null());
        is_int(fields_parse(&thing, rows, json, pool),
               row->kind == FIELDS_MAYBE);
        json_object_del(json, row->name);
        is_int(fields_parse(&thing, rows, json, pool), may_miss);
    }
    ok(!fields_parse(&thing, rows, NULL, pool));
    ok(!fields_parse(&thing, rows, json_of("[]", pool), pool));
}

static void lists(apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(thing_t *));
    json_t *json = json_of("[" FULL "," BARE "]", pool);

    need(fields_list_parse(list, sizeof(thing_t), rows, json, pool));
    is_int(list->nelts, 2);
    is_str(APR_ARRAY_IDX(list, 0, thing_t *)->maybe, "b");
    ok(json_equal(own_json(pool, fields_list_render(list, rows)), json));
    ok(!fields_list_parse(list, sizeof(thing_t), rows, NULL, pool));
    ok(!fields_list_parse(list, sizeof(thing_t), rows, json_of("{}", pool),
                          pool));
    ok(!fields_list_parse(list, sizeof(thing_t), rows,
                          json_of("[" BARE ",{}]", pool), pool));
    apr_array_clear(list);
    ok(fields_list_parse(list, sizeof(thing_t), rows, json_of("[]", pool),
                         pool));
    is_int(list->nelts, 0);
}

const tap_case_t tap_cases[] = {
    {"each kind, there and back", kinds},
    {"what is missing or of another kind is refused", refusals},
    {"lists", lists},
    {NULL, NULL}};
