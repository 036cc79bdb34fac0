/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_IDENTIFIER_H
#define ACME_IDENTIFIER_H

/* Identifiers as clients write them: {"type", "value"} (RFC 8555 9.7.7). */

#include <jansson.h>

#include "base/identifier.h"
#include "base/problem.h"

/* flags as in identifier_parse; the problem says which identifier it is. */
problem_t *acme_identifier_take(identifier_t **identifier, json_t *json,
                                int flags, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* "ancestorDomain" of an identifier (RFC 9444 4.3); *ancestor is NULL without.
 */
problem_t *acme_identifier_ancestor(identifier_t **ancestor, json_t *json,
                                    const identifier_t *identifier, int flags,
                                    apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
