/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_ISSUER_H
#define CA_ISSUER_H

/*
 * An issuer generation: certificate, chain and signing key.  Made at start by
 * the parent, const afterwards, shared by all threads of all children
 * (OpenSSL keys and certificates are safe to read concurrently).
 *
 * Functions of ca/ that fail for a reason our operator must see return
 * problem_internal(): its cause names path, reason and remedy.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/problem.h"

/* The name constraints of one certificate (ca_constraints.h). */
typedef struct {
    NAME_CONSTRAINTS *value;
    const char *owner; /* its subject */
} ca_constraint_t;

typedef struct {
    const char *name; /* the issuer's: "automatic" */
    int generation;   /* 1, 2, … */
    X509 *cert;
    EVP_PKEY *key;             /* NULL where only the certificate is known */
    apr_array_header_t *chain; /* of X509 *: cert itself, then its issuers;
                                  ends before or with the root */
    X509 *root;                /* NULL if not in the files */
    const char *chain_pem;     /* what follows the leaf when downloaded: at
                                  least one certificate, the root only if
                                  it signs the leaf itself (R18) */
    apr_array_header_t *alternates;    /* of const char *: other chain_pem */
    apr_array_header_t *constraints;   /* of ca_constraint_t *: the name
                                          constraints of the chain */
    const char *fingerprint;           /* SHA-256 of cert, lower-case hex */
    const char *key_id;                /* SHA-256 of the SPKI, lower-case hex */
    apr_int64_t not_before, not_after; /* seconds since 1970 */
} ca_issuer_t;

/* Load and check (pki.md, Issuers, Internal): key belongs to certificate,
 * CA:TRUE, keyCertSign, chain builds, path length allows a leaf, valid at now
 * (0: whenever, for what only publishes).  cert_file: certificate, then its
 * chain in any order, PEM.  key_file may be NULL. */
problem_t *ca_issuer_load(ca_issuer_t **issuer, const char *name,
                          int generation, const char *cert_file,
                          const char *key_file, apr_int64_t now,
                          apr_pool_t *pool) __attribute__((warn_unused_result));

/* The same, of what has been read already; problems name the files. */
typedef struct {
    const char *name;
    int generation;
    apr_array_header_t *certs; /* of X509 *: the certificate, then its chain in
                                  any order */
    const char *cert_file;
    EVP_PKEY *key; /* NULL: none */
    const char *key_file;
} ca_issuer_parts_t;
problem_t *ca_issuer_make(ca_issuer_t **issuer, const ca_issuer_parts_t *parts,
                          apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Do the name constraints of the chain allow a leaf with these names (of
 * identifier_t *)?  rejectedIdentifier with one subproblem per refused name,
 * the constraint named. */
problem_t *ca_issuer_names_check(const ca_issuer_t *issuer,
                                 const apr_array_header_t *identifiers,
                                 apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* PEM or DER of a certificate in pool. */
const char *ca_cert_pem(X509 *cert, apr_pool_t *pool);
const unsigned char *ca_cert_der(apr_size_t *len, X509 *cert, apr_pool_t *pool);

#endif
