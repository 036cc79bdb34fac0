/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_USAGE_H
#define POLICY_USAGE_H

/* Key usages and extended key usages (RFC 5280 4.2.1.3, 4.2.1.12): how a policy
 * gets them, and what of a CSR's wishes is issued. */

#include <openssl/evp.h>

#include "policy/policy.h"

typedef enum {
    POLICY_ALLOW,
    POLICY_REQUIRE,
    POLICY_DENY,
    POLICY_NO_VERB
} policy_verb_e;

/* In any case of letters. */
policy_verb_e policy_verb_find(const char *verb);
/* "\"foo\" is no list; write …" */
const char *policy_verb_fault(const char *verb, apr_pool_t *pool);

/* What a certificate for key gets when these X509v3_KU_* are asked for. */
unsigned int policy_key_usage_issued(const policy_t *policy,
                                     const EVP_PKEY *key, unsigned int asked);
/* Those of asked (X509v3_KU_*) that the policy refuses. */
unsigned int policy_key_usage_refused(const policy_t *policy,
                                      unsigned int asked);

/* The same for extended key usages (of const char *, new lists). */
apr_array_header_t *policy_ext_key_usage_issued(const policy_t *policy,
                                                const apr_array_header_t *asked,
                                                apr_pool_t *pool);
apr_array_header_t *
policy_ext_key_usage_refused(const policy_t *policy,
                             const apr_array_header_t *asked, apr_pool_t *pool);

#endif
