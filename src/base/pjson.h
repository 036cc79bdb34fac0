/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PJSON_H
#define PJSON_H

/*
 * Strict JSON in and out, tied to pools.  In: UTF-8, no duplicate members, no
 * NUL in strings, no trailing garbage, size and depth capped.  The getters
 * return a `malformed` problem that names the member and says what it should
 * be.  Values returned by getters are borrowed from their object.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

#include "base/problem.h"

#define PJSON_MAX_DEPTH 16
#define PJSON_MAX_SIZE  (1024 * 1024)

/* Parse text[len]; what names the text in problems ("payload").  The value is
 * freed with pool. */
problem_t *pjson_parse(json_t **json, const char *text, apr_size_t len,
                       const char *what, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The value must be an object. */
problem_t *pjson_object_check(json_t *json, const char *what, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Optional members: *value is NULL (false, for bool) when the member is absent;
 * a member of another type, null included, is a problem. */
problem_t *pjson_string(const char **value, json_t *object, const char *name,
                        apr_pool_t *pool) __attribute__((warn_unused_result));
problem_t *pjson_bool(int *value, json_t *object, const char *name,
                      apr_pool_t *pool) __attribute__((warn_unused_result));
problem_t *pjson_array(json_t **value, json_t *object, const char *name,
                       apr_pool_t *pool) __attribute__((warn_unused_result));
problem_t *pjson_object(json_t **value, json_t *object, const char *name,
                        apr_pool_t *pool) __attribute__((warn_unused_result));

/* The same, where absence is a problem too. */
problem_t *pjson_need_string(const char **value, json_t *object,
                             const char *name, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* An array of strings, a new reference; strings (of const char *) may be NULL.
 */
json_t *pjson_strings_render(const apr_array_header_t *strings);
/* The same back, as copies in pool; NULL if it is no array of strings. */
apr_array_header_t *pjson_strings_parse(json_t *json, apr_pool_t *pool);

/* Compact (flags 0) or one member per line (PJSON_PRETTY, R24) text in pool,
 * members in insertion order. */
#define PJSON_PRETTY 1
const char *pjson_text(const json_t *json, int flags, apr_pool_t *pool);

#endif
