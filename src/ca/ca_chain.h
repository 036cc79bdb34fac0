/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_CHAIN_H
#define CA_CHAIN_H

/* Certificates of CAs above each other, of X509 *, the lowest first. */

#include <apr_tables.h>
#include <openssl/x509.h>

#include "base/problem.h"

int ca_chain_has_signed(X509 *issuer, X509 *cert);

/* From the first of certs upward, as far as they go; each must have its place
 * in it.  root: the last one if it is self-signed, else NULL.  file is what
 * problems name. */
problem_t *ca_chain_build(apr_array_header_t **chain, X509 **root,
                          const apr_array_header_t *certs, const char *file,
                          apr_pool_t *pool) __attribute__((warn_unused_result));

/* All are CAs and allow what is below them; the first may sign CRLs; all are
 * valid at now (0: whenever). */
problem_t *ca_chain_check(const apr_array_header_t *chain, const char *file,
                          apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* As a verifier sees the first of chain who trusts the last: signatures,
 * lengths, name constraints, algorithms of at least 112 bits. */
problem_t *ca_chain_verify(const apr_array_header_t *chain, const char *file,
                           apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* What strict verifiers will say to certificates of TLS servers below chain,
 * and what to do about it; of const char *. */
apr_array_header_t *ca_chain_warnings(const apr_array_header_t *chain,
                                      apr_pool_t *pool);

/* What follows a leaf: the CAs, without the root unless it signs leaves. */
const char *ca_chain_pem(const apr_array_header_t *chain, apr_pool_t *pool);

/* Have both the same name and the same key? */
int ca_chain_is_twin(X509 *a, X509 *b);

/* chain up to the certificate that is a twin of other's first, or was signed by
 * that, and from there on other, as ca_chain_pem has it; NULL if there is no
 * such certificate. */
const char *ca_chain_graft(const apr_array_header_t *chain,
                           const apr_array_header_t *other, apr_pool_t *pool);

#endif
