/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CSR_H
#define POLICY_CSR_H

/*
 * A certificate signing request (PKCS #10) against an order (RFC 8555 7.4,
 * T56, T57, T58).  All violations at once, as badCSR.  What is approved is one
 * value; nothing else of the CSR reaches the signer.
 */

#include <openssl/evp.h>

#include "policy/policy.h"

typedef struct {
    EVP_PKEY *key;           /* the subscriber's public key */
    const char *common_name; /* the CSR's, normalised; NULL without */
    const char *sha256;      /* of the DER, lower-case hex */
} policy_csr_t;

/*
 * der[der_len] is untrusted.  identifiers is the order's list (sorted); account
 * key may not be the certificate's (NULL skips that).  Checked: it is one
 * DER PKCS #10 without trailing bytes, its signature holds and is not MD5 or
 * SHA-1, the key passes policy_key_check, SAN dns names plus CN are exactly the
 * order's names (case-insensitive; the detail lists missing and extra ones),
 * no e-mail, URI, IP or other SAN, no subject attribute beyond CN, no more than
 * one CN, requested key usages and extended key usages within the policy's,
 * no CA:TRUE.
 */
problem_t *policy_csr_check(policy_csr_t **csr, const policy_t *policy,
                            const unsigned char *der, apr_size_t der_len,
                            const apr_array_header_t *identifiers,
                            EVP_PKEY *account_key, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
