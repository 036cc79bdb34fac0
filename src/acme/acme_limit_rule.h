/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_LIMIT_RULE_H
#define ACME_LIMIT_RULE_H

/* Which limits there are (RFC 8555 6.6), and what ACMERateLimit says of them:
 * values only.  acme_limit.h counts, acme_limit_check.h decides. */

#include <apr_pools.h>

/* In the order of the table in acme_limit_rule.c. */
typedef enum {
    ACME_LIMIT_ACCOUNTS,
    ACME_LIMIT_ORDERS_ACCOUNT,
    ACME_LIMIT_ORDERS_ADDRESS,
    ACME_LIMIT_ORDERS_NAME,
    ACME_LIMIT_FAILURES,
    ACME_LIMIT_PENDING_ORDERS, /* from here on: at any one time */
    ACME_LIMIT_PENDING_AUTHZS,
    ACME_LIMIT_COUNT
} acme_limit_e;

typedef struct {
    apr_int64_t count; /* 0: no limit */
    apr_int64_t span;  /* seconds in which so many are possible; 0: at any
                          one time */
} acme_limit_rule_t;

/* "orders-per-account", and what it counts, in words for people. */
const char *acme_limit_name(acme_limit_e limit);
const char *acme_limit_words(acme_limit_e limit);

/* ACME_LIMIT_COUNT: none has this name. */
acme_limit_e acme_limit_find(const char *name);

/* Is it one with a time? */
int acme_limit_has_span(acme_limit_e limit);

void acme_limit_defaults(acme_limit_rule_t rules[ACME_LIMIT_COUNT]);

/* As the directive takes it: "300/3h", "1000", "off". */
const char *acme_limit_rule_text(const acme_limit_rule_t *rule,
                                 apr_pool_t *pool);

#endif
