/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pjson.h"

#include <apr_strings.h>
#include <string.h>

#include "base/own.h"
#include "tap.h"

static json_t *good(const char *text, apr_pool_t *pool)
{
    json_t *json = NULL;
    problem_t *prob = pjson_parse(&json, text, strlen(text), "payload", pool);

    ok(!prob, "%s: %s", text, prob ? prob->detail : "");
    return json;
}

static const char *fault_len(const char *text, apr_size_t len, apr_pool_t *pool)
{
    json_t *json = NULL;
    problem_t *prob = pjson_parse(&json, text, len, "payload", pool);

    ok(prob, "%.60s", text);
    if (!prob)
        return "";
    is_int(prob->type, PROBLEM_MALFORMED);
    ok(strstr(prob->detail, "payload"));
    return prob->detail;
}

static const char *fault(const char *text, apr_pool_t *pool)
{
    return fault_len(text, strlen(text), pool);
}

static void strict(apr_pool_t *pool)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "1",
                                      "\"a\"",
                                      "null",
                                      "{",
                                      "{}x",
                                      "{} {}",
                                      "{'a':1}",
                                      "{\"a\":1,}",
                                      "[1,]",
                                      "{\"a\"}",
                                      "{\"a\":01}",
                                      "{\"a\":nul}",
                                      "\xef\xbb\xbf{}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\\ud800\"}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{\"\\u0000\":1}",
                                      "{\"a\":1e999}",
                                      "{\"a\":99999999999999999999}",
                                      NULL};
    int i;

    for (i = 0; bad[i]; ++i)
        fault(bad[i], pool);
    ok(strstr(fault("{\"a\":1,\"a\":2}", pool), "duplicate"));
    ok(strstr(fault("{\"a\":\"\\u0000\"}", pool), "character \\u0000, which"));
    ok(strstr(fault("{\"\\u0000\":1}", pool), "character \\u0000, which"));
    fault("{\"x\":{\"a\":1,\"b\":3,\"\\u0061\":2}}", pool);
    fault_len("{\"a\":\"x\0y\"}", 11, pool);
    fault_len("{}\0", 3, pool);
    good("{}", pool);
    good(" {\"a\" : [1, 2.5, true, null, \"\xc3\xbc\"]}\r\n", pool);
}

static void depth(apr_pool_t *pool)
{
    char text[3000];
    int i;

    for (i = 0; i < PJSON_MAX_DEPTH; ++i) {
        text[i] = '[';
        text[2 * PJSON_MAX_DEPTH - 1 - i] = ']';
    }
    text[2 * PJSON_MAX_DEPTH] = '\0';
    good(text, pool);
    ok(strstr(fault(apr_pstrcat(pool, "[", text, "]", NULL), pool), "deeper"));
    memset(text, '[', sizeof(text));
    ok(strstr(fault_len(text, sizeof(text), pool), "deeper"));
    memset(text, '[', sizeof(text));
    memcpy(text, "{\"\\\"[[\":\"", 9);
    text[2000] = '"';
    text[2001] = '}';
    text[2002] = '\0';
    good(text, pool);
}

static void size(apr_pool_t *pool)
{
    char *text = apr_palloc(pool, PJSON_MAX_SIZE + 1);

    memset(text, ' ', PJSON_MAX_SIZE + 1);
    memcpy(text, "{}", 2);
    ok(strstr(fault_len(text, PJSON_MAX_SIZE + 1, pool), "longer"));
}

static void getters(apr_pool_t *pool)
{
    json_t *json = good("{\"s\":\"x\",\"t\":true,\"f\":false,\"a\":[1],"
                        "\"o\":{},\"n\":null,\"i\":5}",
                        pool);
    const char *s;
    json_t *v;
    int b;

    need(json);
    ok(!pjson_string(&s, json, "s", pool));
    is_str(s, "x");
    ok(!pjson_string(&s, json, "none", pool) && s == NULL);
    ok(!pjson_need_string(&s, json, "s", pool) && s);
    ok(!pjson_bool(&b, json, "t", pool) && b);
    ok(!pjson_bool(&b, json, "f", pool) && !b);
    ok(!pjson_bool(&b, json, "none", pool) && !b);
    ok(!pjson_array(&v, json, "a", pool) && json_array_size(v) == 1);
    ok(!pjson_array(&v, json, "none", pool) && !v);
    ok(!pjson_object(&v, json, "o", pool) && v);
    ok(!pjson_object(&v, json, "none", pool) && !v);
    ok(!pjson_object_check(json, "payload", pool));
}

static void reasons(apr_pool_t *pool)
{
    json_t *json = good("{\"s\":\"x\",\"n\":null,\"i\":5,\"a\":[]}", pool);
    const char *s;
    problem_t *prob;
    json_t *v;
    int b;

    need(json);
    prob = pjson_string(&s, json, "i", pool);
    need(prob);
    is_int(prob->type, PROBLEM_MALFORMED);
    is_str(prob->detail, "The member \"i\" must be a string, not a number");
    ok(pjson_string(&s, json, "n", pool) != NULL);
    ok(pjson_bool(&b, json, "n", pool) != NULL);
    ok(pjson_bool(&b, json, "s", pool) != NULL);
    ok(pjson_array(&v, json, "s", pool) != NULL && !v);
    ok(pjson_object(&v, json, "a", pool) != NULL && !v);
    prob = pjson_need_string(&s, json, "none", pool);
    need(prob);
    is_str(prob->detail, "The member \"none\" (a string) is missing");
    prob = pjson_object_check(json_object_get(json, "a"), "payload", pool);
    need(prob);
    is_str(prob->detail, "The payload must be a JSON object, not an array");
    ok(pjson_object_check(NULL, "payload", pool) != NULL);
}

static void text(apr_pool_t *pool)
{
    json_t *json =
        good("{\"z\":\"https://ca.example/\xc3\xbc\",\"a\":[1,{}]}", pool);

    need(json);
    is_str(pjson_text(json, 0, pool),
           "{\"z\":\"https://ca.example/\xc3\xbc\",\"a\":[1,{}]}");
    is_str(pjson_text(good("{\"b\":\"c\",\"a\":{\"d\":1}}", pool), PJSON_PRETTY,
                      pool),
           "{\n  \"b\": \"c\",\n  \"a\": {\n    \"d\": 1\n  }\n}");
}

static void strings(apr_pool_t *pool)
{
    static const char *const not_strings[] = {"\"a\"", "{\"a\":\"b\"}", "null",
                                              "[\"a\", 1]", "[[\"a\"]]"};
    json_t *json = own_json(
        pool, json_pack("[s, s, s]", "b", "a \"quoted\" \xc3\xa4", ""));
    apr_array_header_t *list = pjson_strings_parse(json, pool);
    size_t i;

    need(list && list->nelts == 3);
    is_str(APR_ARRAY_IDX(list, 0, const char *), "b");
    is_str(APR_ARRAY_IDX(list, 1, const char *), "a \"quoted\" \xc3\xa4");
    is_str(APR_ARRAY_IDX(list, 2, const char *), "");
    ok(json_equal(own_json(pool, pjson_strings_render(list)), json));
    json_array_clear(json);
    is_str(APR_ARRAY_IDX(list, 0, const char *), "b");
    list = pjson_strings_parse(json, pool);
    ok(list && !list->nelts);
    ok(json_equal(own_json(pool, pjson_strings_render(list)), json));
    ok(json_equal(own_json(pool, pjson_strings_render(NULL)), json));
    for (i = 0; i < sizeof(not_strings) / sizeof(not_strings[0]); i++)
        ok(!pjson_strings_parse(
               own_json(pool,
                        json_loads(not_strings[i], JSON_DECODE_ANY, NULL)),
               pool),
           "%s", not_strings[i]);
    ok(!pjson_strings_parse(NULL, pool));
}

const tap_case_t tap_cases[] = {
    {"T03 duplicates, garbage, NUL and bad UTF-8 are refused", strict},
    {"depth is capped before anything recurses", depth},
    {"size is capped", size},
    {"T35 getters: absent members are fine", getters},
    {"problems name the member and what it should be", reasons},
    {"R24 text keeps the order and shows a member per line", text},
    {"arrays of strings, there and back", strings},
    {NULL, NULL}};
