/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIELDS_H
#define FIELDS_H

/*
 * Plain members of a struct to JSON and back, by a table: a row each, with the
 * member's name in JSON, its kind, its place (offsetof); a name NULL ends it.
 * For our own text: what is not as rendered is refused, without a word why.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

typedef enum {
    FIELDS_TEXT,            /* const char * */
    FIELDS_MAYBE,           /* the same; NULL is null */
    FIELDS_OPTIONAL,        /* the same; NULL is absent */
    FIELDS_INT,             /* int, unsigned int */
    FIELDS_INT64,           /* apr_int64_t */
    FIELDS_STRINGS,         /* apr_array_header_t *, of const char * */
    FIELDS_STRINGS_OPTIONAL /* the same; empty or NULL is absent, then empty */
} fields_kind_e;

typedef struct {
    const char *name;
    fields_kind_e kind;
    apr_size_t offset;
} fields_row_t;

/* Adds to json what the struct at base has. */
void fields_render(json_t *json, const fields_row_t *rows, const void *base);
/* 0: a member is missing, or of another kind.  Values are copies in pool. */
int fields_parse(void *base, const fields_row_t *rows, json_t *json,
                 apr_pool_t *pool) __attribute__((warn_unused_result));

/* An array (of pointers to structs) as one of objects, a new reference. */
json_t *fields_list_render(const apr_array_header_t *list,
                           const fields_row_t *rows);
/* Appends to list structs of this size, zeros but for their members; 0: json
 * is no array of such. */
int fields_list_parse(apr_array_header_t *list, apr_size_t size,
                      const fields_row_t *rows, json_t *json, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
