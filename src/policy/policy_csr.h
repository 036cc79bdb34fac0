/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CSR_H
#define POLICY_CSR_H

/*
 * A certificate signing request (PKCS #10) against an order (RFC 8555 7.4,
 * T56, T57, T58).  All violations at once, as badCSR.  What is approved is one
 * value; nothing else of the CSR reaches the signer.
 */

#include <openssl/evp.h>

#include "policy/policy_blocklist.h"
#include "policy/policy_subject.h"

/* What a CSR is held against. */
typedef struct {
    const policy_t *policy;
    const apr_array_header_t *identifiers; /* the order's, sorted */
    EVP_PKEY *account_key; /* may not be the certificate's; NULL skips that */
    const policy_blocklist_t *blocklist; /* NULL: none */
    const apr_array_header_t *defaults;  /* of policy_value_t *: for attributes
                                            that the CSR has not; may be NULL */
    int common_name; /* without a CN: the first name that may be one */
} policy_csr_terms_t;

typedef struct {
    EVP_PKEY *key;                     /* the subscriber's public key */
    const char *sha256;                /* of the DER, lower-case hex */
    const char *spki_sha256;           /* of the key's DER, lower-case hex */
    const char *common_name;           /* NULL: none */
    apr_array_header_t *subject;       /* of policy_value_t *: all but the CN */
    apr_array_header_t *emails;        /* of const char * */
    apr_array_header_t *uris;          /* of const char * */
    unsigned int key_usage;            /* X509v3_KU_* to issue */
    apr_array_header_t *ext_key_usage; /* of const char *, to issue */
} policy_csr_t;

/*
 * der[der_len] is untrusted.  Checked: it is one DER PKCS #10 without trailing
 * bytes, its signature holds and is of an algorithm that the policy allows, the
 * key passes policy_key_check, SAN dns names plus CN are exactly the order's
 * names (case-insensitive; the detail lists missing and extra ones), every
 * other name, subject attribute, key usage and extended key usage is allowed,
 * what the policy requires is there, no CA:TRUE.  A CN that is no dns name is
 * none of the order's, and needs a pattern of the policy's for CN.
 */
problem_t *policy_csr_check(policy_csr_t **csr, const policy_csr_terms_t *terms,
                            const unsigned char *der, apr_size_t der_len,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* What a certificate for key gets where nobody asks for anything: the
 * vhost's own, for one. */
unsigned int policy_csr_key_usage(const policy_t *policy, const EVP_PKEY *key);

#endif
