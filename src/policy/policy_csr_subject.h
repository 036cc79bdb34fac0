/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CSR_SUBJECT_H
#define POLICY_CSR_SUBJECT_H

/* Who the certificate is for, beside the order's names: the CSR's wishes held
 * against the policy's lists, and what it is silent about filled in. */

#include "policy/policy_csr.h"
#include "policy/policy_csr_wishes.h"

/* Adds faults and defaults to wishes; returns the CN that the certificate
 * gets, or NULL. */
const char *policy_csr_subject_check(policy_csr_wishes_t *wishes,
                                     const policy_csr_terms_t *terms,
                                     apr_pool_t *pool);

#endif
