/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_HELP_H
#define POLICY_HELP_H

/* Policies from lines like those of <ACMEPolicy>, for the tests of policy/. */

#include "policy/policy_make.h"
#include "tap.h"

/* "subject CN allow *.a.test", "san dns deny x *.y", "key ec:P-256", "ku allow
 * keyEncipherment", "eku deny clientAuth", "preset tls-client", "signature
 * sha384", "network *.a.test resolves-to=10.0.0.0/8"; words with blanks in
 * quotes.  The reason why not, or NULL. */
const char *policy_help_line(policy_t *policy, const char *line,
                             apr_pool_t *pool);

/* Lines apart by ";", all of which must be right. */
policy_t *policy_help_make(const char *lines, apr_pool_t *pool);

/* "a.test *.b.test" → identifiers, in that order */
apr_array_header_t *policy_help_ids(const char *names, apr_pool_t *pool);

#endif
