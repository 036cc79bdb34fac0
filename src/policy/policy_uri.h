/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_URI_H
#define POLICY_URI_H

/* URIs and e-mail addresses for a subjectAltName (RFC 5280 4.2.1.6), and
 * patterns for them (policy_pattern.h).  Each …_fault is the reason why text is
 * none, or NULL.  A value with dot segments, credentials or needlessly encoded
 * characters is refused: two readers could take it for two things. */

#include <apr_pools.h>

const char *policy_uri_fault(const char *uri);
const char *policy_uri_pattern_fault(const char *pattern);
/* Scheme and authority in lower case. */
const char *policy_uri_normal(const char *uri, apr_pool_t *pool);
int policy_uri_matches(const char *pattern, const char *uri, int is_covering);

const char *policy_email_fault(const char *email);
const char *policy_email_pattern_fault(const char *pattern);
int policy_email_matches(const char *pattern, const char *email,
                         int is_covering);

/* The reason why name is no pattern for dns names (without "wildcard:"), or
 * NULL. */
const char *policy_name_pattern_fault(const char *name);

#endif
