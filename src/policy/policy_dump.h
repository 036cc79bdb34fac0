/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_DUMP_H
#define POLICY_DUMP_H

/* A policy to and from JSON, for the dump that acmectl reads. */

#include <jansson.h>

#include "policy/policy.h"

/* New reference, the caller's. */
json_t *policy_render(const policy_t *policy);

/* NULL if a member is missing, of another type or makes no sense. */
policy_t *policy_parse(json_t *json, apr_pool_t *pool);

#endif
