/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CIDR_H
#define POLICY_CIDR_H

/* Networks and addresses.  IPv4 is kept as v4-mapped IPv6, so that
 * ::ffff:10.0.0.1, which a dual-stack socket sees, is 10.0.0.1. */

#include "policy/policy.h"

typedef struct {
    const char *text;
    unsigned char octets[16];
    int length; /* bits */
} policy_cidr_t;

/* "10.0.0.0/8", "10.1.2.3", "2001:db8::/32": NULL, or the reason why not and
 * what to do. */
const char *policy_cidr_parse(policy_cidr_t **cidr, const char *text,
                              apr_pool_t *pool);
/* The same for "a,b,c", appended to list (of policy_cidr_t *). */
const char *policy_cidr_list_parse(apr_array_header_t *list, const char *text,
                                   apr_pool_t *pool);

/* 0 for what is no address, too. */
int policy_cidr_contains(const policy_cidr_t *cidr, const char *address);
/* In any of list? */
int policy_cidr_list_contains(const apr_array_header_t *list,
                              const char *address);
/* What lies in both; the narrower networks of either. */
apr_array_header_t *policy_cidr_list_common(const apr_array_header_t *a,
                                            const apr_array_header_t *b,
                                            apr_pool_t *pool);
/* "10.0.0.0/8, 2001:db8::/32" */
const char *policy_cidr_list_text(const apr_array_header_t *list,
                                  apr_pool_t *pool);

#endif
