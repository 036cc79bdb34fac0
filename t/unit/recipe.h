/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECIPE_H
#define RECIPE_H

/* CSRs from recipes, and what policy_csr_check says of them, for the tests of
 * policy_csr*.c.  A recipe with no member is an empty CSR with a P-256 key. */

#include <openssl/x509.h>

#include "policy/policy_csr.h"
#include "tap.h"

#define CSR_MAX_PARTS 8

typedef struct {
    EVP_PKEY *key;                      /* in the CSR */
    EVP_PKEY *signer;                   /* if it is another */
    const EVP_MD *md;                   /* SHA-256 unless Ed25519 or Ed448 */
    int pss;                            /* RSA-PSS signature */
    const char *subject[CSR_MAX_PARTS]; /* "CN=a.test"; "+…" in the same RDN */
    const char *cn;                     /* raw CN of this ASN.1 type */
    int cn_type, cn_len;
    const char *ext[CSR_MAX_PARTS]; /* "subjectAltName=DNS:a.test" */
    int nid;                        /* of the attribute, NID_ext_req */
    void (*change)(X509_REQ *req);  /* before it is signed */
    const char *from, *to;          /* octets exchanged before that */
} recipe_t;

typedef struct {
    unsigned char *data;
    apr_size_t len;
} der_t;

/* "P-256", "secp256k1", "RSA-2048", "RSA-PSS", "ED25519" … */
EVP_PKEY *recipe_key(const char *kind, apr_pool_t *pool);

der_t recipe_der(const recipe_t *recipe, apr_pool_t *pool);

/* "a.test b.test" → the order's identifiers */
apr_array_header_t *recipe_ids(const char *names, apr_pool_t *pool);

problem_t *recipe_check(policy_csr_t **csr, der_t der, const char *names,
                        EVP_PKEY *account, apr_pool_t *pool);

/* The CSR is accepted. */
policy_csr_t *recipe_good(const char *names, der_t der, apr_pool_t *pool);

/* The CSR is refused as badCSR, with why in the detail. */
problem_t *recipe_bad(const char *why, const char *names, der_t der,
                      apr_pool_t *pool);

/* For use where pool is in scope. */
#define CSR(...)             recipe_der(&(recipe_t){__VA_ARGS__}, pool)
#define GOOD(names, ...)     recipe_good(names, CSR(__VA_ARGS__), pool)
#define BAD(why, names, ...) recipe_bad(why, names, CSR(__VA_ARGS__), pool)

#endif
