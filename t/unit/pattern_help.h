/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PATTERN_HELP_H
#define PATTERN_HELP_H

/* Tables of patterns and values, for the tests of policy_pattern.c. */

#include <string.h>

#include "policy/policy_pattern.h"
#include "tap.h"

/* One row per question: does pattern match value, and does it cover it? */
typedef struct {
    const char *pattern, *value;
    int matches, covers;
} row_t;

static inline policy_pattern_t *parsed(policy_attribute_e attribute,
                                       const char *text, apr_pool_t *pool)
{
    policy_pattern_t *pattern = NULL;
    const char *fault = policy_pattern_parse(&pattern, attribute, text, pool);

    ok(!fault, "%s: %s", text, fault ? fault : "");
    ok(!pattern == !!fault);
    return pattern;
}

static inline void rows(policy_attribute_e attribute, const row_t *row,
                        apr_pool_t *pool)
{
    for (; row->pattern; ++row) {
        policy_pattern_t *pattern = parsed(attribute, row->pattern, pool);

        if (!pattern)
            continue;
        is_str(pattern->text, row->pattern);
        ok(policy_pattern_matches(pattern, row->value) == row->matches,
           "%s %s: matches", row->pattern, row->value);
        ok(policy_pattern_covers(pattern, row->value) == row->covers,
           "%s %s: covers", row->pattern, row->value);
    }
}

static inline void refused(policy_attribute_e attribute,
                           const char *const (*row)[2], apr_pool_t *pool)
{
    for (; (*row)[0]; ++row) {
        policy_pattern_t *pattern = NULL;
        const char *fault =
            policy_pattern_parse(&pattern, attribute, (*row)[0], pool);

        ok(fault && !pattern, "%s is refused", (*row)[0]);
        ok(fault && strstr(fault, (*row)[1]), "%s: want \"%s\" in \"%s\"",
           (*row)[0], (*row)[1], fault ? fault : "");
        ok(fault && strstr(fault, policy_attribute_name(attribute)));
    }
}

#endif
