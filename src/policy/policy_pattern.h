/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

/*
 * Patterns for the values of one attribute:
 *
 * dns    "*" is exactly one label, "**" one or more; "*.acme.com" passes
 *        www.acme.com, not a.b.acme.com and not acme.com.  "wildcard:*.x"
 *        passes the wildcard name *.x and nothing else; only such a pattern
 *        passes a wildcard name.  Upper and lower case are the same.
 * ip     an address or a CIDR; a v4-mapped address is the IPv4 address.
 * CN     a dns pattern where it could be one, else as the subject's rest.
 * O … DC "*" is any run of characters, none included; case counts.
 * email  local@domain: "*" in the local part is a run without "@", the domain
 *        is a dns pattern; upper and lower case are the same.
 * uri    scheme://authority/path: "*" in the authority is one label ("**" one
 *        or more), in the path a run without "/", "**" one with it; neither
 *        crosses "?" and "#".  Case counts from the path on.
 *
 * A wildcard name stands for all the names below it, so deny patterns and
 * networks ask policy_pattern_covers: "deny admin.x" refuses *.x too.
 */

#include "policy/policy.h"

typedef struct policy_pattern_t {
    const char *text; /* as it was written */
    policy_attribute_e attribute;
    int kind;            /* the file's own */
    const char *normal;  /* lower case where case does not count */
    const void *network; /* of an ip pattern */
} policy_pattern_t;

/* NULL, or the reason why text is no such pattern and what to do. */
const char *policy_pattern_parse(policy_pattern_t **pattern,
                                 policy_attribute_e attribute, const char *text,
                                 apr_pool_t *pool);

/* As ip if it looks like an address or a network, else as dns: the names that
 * an external account key allows, the names of a network. */
const char *policy_pattern_name_parse(policy_pattern_t **pattern,
                                      const char *text, apr_pool_t *pool);

/* value in its normal form. */
int policy_pattern_matches(const policy_pattern_t *pattern, const char *value);
/* Does it match value, or, where value is a wildcard name, one that it stands
 * for? */
int policy_pattern_covers(const policy_pattern_t *pattern, const char *value);

/* Of policy_pattern_t *: the first that does, or NULL.  list may be NULL. */
const policy_pattern_t *policy_pattern_find(const apr_array_header_t *list,
                                            const char *value);
/* The same by policy_pattern_covers. */
const policy_pattern_t *
policy_pattern_find_covering(const apr_array_header_t *list, const char *value);

/* "*.a, **.b and 5 more" */
const char *policy_pattern_list(const apr_array_header_t *list,
                                apr_pool_t *pool);

#endif
