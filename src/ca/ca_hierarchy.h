/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_HIERARCHY_H
#define CA_HIERARCHY_H

/* Make the certificates above the leaves: roots and intermediates.  Pure
 * OpenSSL, no files. */

#include <apr_pools.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/problem.h"

/* spec: "P-256" "P-384" "RSA-2048" "RSA-3072" "RSA-4096" "ED25519".  NULL on a
 * spec not in the list.  The private key is freed with pool. */
EVP_PKEY *ca_key_make(const char *spec, apr_pool_t *pool);
/* The kind of a key; NULL if ca_key_make does not know it. */
const char *ca_key_kind(const EVP_PKEY *key);
/* Private key in PEM (PKCS #8, not encrypted), overwritten when pool is
 * cleared; NULL if OpenSSL cannot. */
const char *ca_key_pem(EVP_PKEY *key, apr_pool_t *pool);

typedef struct {
    const char *common_name;
    const char *organization; /* may be NULL */
    const X509_NAME *name;    /* instead of both; NULL: they are it */
    EVP_PKEY *key;            /* the subject's */
    apr_int64_t not_before, not_after;
    int path_len;                  /* -1: none */
    NAME_CONSTRAINTS *constraints; /* NULL: none */
    X509 *issuer;                  /* NULL: self-signed with key */
    EVP_PKEY *issuer_key;
} ca_subject_t;

/* A CA certificate: CA:TRUE critical, keyCertSign and cRLSign critical, name
 * constraints critical, SKI, AKI, random serial. */
problem_t *ca_hierarchy_make(X509 **cert, const ca_subject_t *subject,
                             apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* A request, in PEM, for an outside CA to sign: name, key, and the extensions
 * that the certificate should have; times and issuer are the other's. */
problem_t *ca_hierarchy_csr(const char **pem, const ca_subject_t *subject,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
