/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OWN_H
#define OWN_H

/*
 * Tie an OpenSSL or jansson object to a pool in the expression that makes it:
 *
 *     csr = own_x509_req(pool, d2i_X509_REQ(NULL, &der, len));
 *
 * NULL passes through, so the result is checked as if own_ were not there.
 * The object is freed when the pool is; never free it by hand.
 */

#include <apr_pools.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* kind, type, free function */
#define OWN_KINDS(X)                                                           \
    X(bio, BIO, BIO_free_all)                                                  \
    X(bn, BIGNUM, BN_free)                                                     \
    X(ecdsa_sig, ECDSA_SIG, ECDSA_SIG_free)                                    \
    X(json, json_t, json_decref)                                               \
    X(md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)                                     \
    X(ocsp_request, OCSP_REQUEST, OCSP_REQUEST_free)                           \
    X(pkcs7, PKCS7, PKCS7_free)                                                \
    X(pkey, EVP_PKEY, EVP_PKEY_free)                                           \
    X(x509, X509, X509_free)                                                   \
    X(x509_crl, X509_CRL, X509_CRL_free)                                       \
    X(x509_req, X509_REQ, X509_REQ_free)                                       \
    X(name_constraints, NAME_CONSTRAINTS, NAME_CONSTRAINTS_free)

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a type */
#define X(kind, type, free_fn) type *own_##kind(apr_pool_t *pool, type *object);
OWN_KINDS(X)
#undef X

/* Overwrite mem[len], which lives in pool, when pool is cleared: for secrets.
 */
void own_cleanse(apr_pool_t *pool, void *mem, apr_size_t len);

#endif
