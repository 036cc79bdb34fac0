/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_PRESET_H
#define POLICY_PRESET_H

/* What a policy begins with. */

#include "policy/policy.h"

/* Everything but the name; 0 for an unknown preset. */
int policy_preset_fill(policy_t *policy, const char *preset, apr_pool_t *pool);

/* "tls-server, tls-client, …" */
const char *policy_preset_list(apr_pool_t *pool);

#endif
