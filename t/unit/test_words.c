/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include <apr_strings.h>

#include "tap.h"

static void list(apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 1, sizeof(const char *));

    ok(!words_has(NULL, "a") && !words_has(words, "a"));
    words_add(words, "a");
    words_add(words, "b");
    words_add(words, apr_pstrdup(pool, "a"));
    is_int(words->nelts, 2);
    ok(words_has(words, "a") && words_has(words, "b"));
    ok(!words_has(words, "A") && !words_has(words, ""));
}

static void text(apr_pool_t *pool)
{
    ok(words_text_has("dns-01", "dns-01"));
    ok(words_text_has("xb b-x b", "b"));
    ok(words_text_has("a b c", "a") && words_text_has("a b c", "c"));
    ok(!words_text_has("ab bc b-", "b") && !words_text_has("aab", "ab"));
    ok(!words_text_has("a b", "a b c") && !words_text_has("", "a"));
    ok(!words_text_has("a", "") && !words_text_has("a ", ""));
}

const tap_case_t tap_cases[] = {{"a list has a word, once", list},
                                {"a text has whole words", text},
                                {NULL, NULL}};
