/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CONTACT_H
#define POLICY_CONTACT_H

/* Contact URLs (RFC 8555 7.3, T36, R29): soft.  `mailto:` with one address and
 * no header fields; white space around the address is dropped and an empty
 * address too; any other scheme is unsupportedContact; at most 10. */

#include <jansson.h>

#include "policy/policy.h"

/* contact: the client's JSON array → normalised array of strings, new. */
problem_t *policy_contact_check(json_t **normal, const json_t *contact,
                                apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
