/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_GLOB_H
#define POLICY_GLOB_H

/* Patterns with "*" and "**" over names and over text.  The time taken is at
 * most the product of both lengths, whatever they hold. */

#include <apr_pools.h>

/* Longest pattern and value. */
#define POLICY_GLOB_MAX 256

/* "*" is exactly one label, "**" one or more.  With is_covering the label "*"
 * of a wildcard name is any label. */
int policy_glob_labels(const char *pattern, const char *name, int is_covering);

/* What runs hold not: "*" nothing of once, "**" nothing of twice. */
typedef struct {
    const char *once, *twice;
    int may_be_empty; /* a run */
    int any_case;     /* of ASCII letters */
} policy_glob_t;

int policy_glob_text(const policy_glob_t *glob, const char *pattern,
                     const char *text);

#endif
