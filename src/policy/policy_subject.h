/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_SUBJECT_H
#define POLICY_SUBJECT_H

/* Attributes of a certificate's subject: what a CSR has, what the profile fills
 * in where it is silent (ACMEProfileSubject). */

#include "policy/policy.h"

typedef struct {
    policy_attribute_e attribute; /* of the subject */
    const char *value;            /* UTF-8 */
} policy_value_t;

/* "O=Example Corp" → value; NULL, or the reason why not and what to do. */
const char *policy_value_parse(policy_value_t **value, const char *text,
                               apr_pool_t *pool);

/* The reason why value cannot stand in a certificate (RFC 5280 A.1: length;
 * ISO 3166 for C), or NULL. */
const char *policy_value_fault(policy_attribute_e attribute, const char *value,
                               apr_pool_t *pool);

/* What policy says of defaults (of policy_value_t *): const char * findings
 * ("reason; remedy"), empty when all is well. */
apr_array_header_t *policy_subject_findings(const policy_t *policy,
                                            const apr_array_header_t *defaults,
                                            apr_pool_t *pool);

#endif
