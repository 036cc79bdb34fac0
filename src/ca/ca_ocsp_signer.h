/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_OCSP_SIGNER_H
#define CA_OCSP_SIGNER_H

/*
 * Who signs OCSP responses for an issuer generation: a key of its own, made
 * here, with a certificate of a short life that the generation signed for it
 * (RFC 6960 4.2.2.2: id-kp-OCSPSigning; 4.2.2.2.1: id-pkix-ocsp-nocheck).  So
 * answering strangers never touches the issuer's key, and costs one P-256
 * signature whatever that key is.
 */

#include "ca/ca_issuer.h"

typedef struct {
    EVP_PKEY *key;
    X509 *cert;
    apr_int64_t not_before, not_after; /* seconds since 1970 */
} ca_ocsp_signer_t;

/* A new key and its certificate, which ends life seconds from now, or with the
 * generation. */
problem_t *ca_ocsp_signer_make(ca_ocsp_signer_t **signer,
                               const ca_issuer_t *issuer, apr_int64_t now,
                               apr_int64_t life, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* For another pool. */
ca_ocsp_signer_t *ca_ocsp_signer_share(const ca_ocsp_signer_t *signer,
                                       apr_pool_t *pool);

#endif
