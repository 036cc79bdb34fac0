/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CSR_H
#define ACME_CSR_H

/* What finalize (RFC 8555 7.4) says of a CSR, but for the order: policy_csr.h
 * the issuer's name constraints, and the keys that the database knows.  The
 * profile's issuer is ready. */

#include "acme/acme.h"
#include "jose/jose_jwk.h"
#include "policy/policy_csr.h"

typedef struct {
    const acme_profile_t *profile;
    const apr_array_header_t *identifiers; /* the order's, sorted */
    EVP_PKEY *account_key;                 /* NULL: nobody's yet */
    const unsigned char *der;
    apr_size_t len;
} acme_csr_wish_t;

/* What is approved, and its key once more. */
problem_t *acme_csr_check(policy_csr_t **csr, jose_jwk_t **key,
                          const acme_t *acme, const acme_csr_wish_t *wish,
                          apr_pool_t *pool) __attribute__((warn_unused_result));

#endif
