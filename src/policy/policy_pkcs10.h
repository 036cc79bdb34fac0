/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_PKCS10_H
#define POLICY_PKCS10_H

/* The shape of a CSR (RFC 2986 4), read by OpenSSL's ASN.1 and not by
 * d2i_X509_REQ(), which would decode the key at a high price (policy_spki.h).
 * The version is not looked at: old certbots wrote a 2 instead of the 0. */

#include <openssl/x509.h>

#include "policy/policy.h"

typedef struct {
    X509_NAME *subject;
    STACK_OF(X509_ATTRIBUTE) * attributes; /* NULL without */
    const unsigned char *spki;             /* RFC 5280 SubjectPublicKeyInfo */
    apr_size_t spki_len;
    const X509_ALGOR *algorithm; /* of the signature */
    const ASN1_BIT_STRING *signature;
    const ASN1_STRING *info; /* what is signed */
} policy_pkcs10_t;

/* der[der_len] is exactly one; all of it lives as long as pool. */
problem_t *policy_pkcs10_parse(policy_pkcs10_t **pkcs10,
                               const unsigned char *der, apr_size_t der_len,
                               apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The reason why its algorithm is none of the policy's or its signature by key
 * is bad, as the end of a sentence, or NULL.  With key NULL only the algorithm
 * is looked at. */
const char *policy_pkcs10_signature_fault(const policy_pkcs10_t *pkcs10,
                                          const policy_t *policy, EVP_PKEY *key,
                                          apr_pool_t *pool);

#endif
