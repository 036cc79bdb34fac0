/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_OCSP_KEEP_H
#define ACME_OCSP_KEEP_H

/*
 * What a process keeps to answer OCSP, for all of its threads: for each issuer
 * generation a signer and what requests call the issuer; and some responses, so
 * that what everybody asks for is signed once.
 *
 * Each process makes its own signer when it is first asked, and a new one
 * in time: no key is stored or shared.  A response that is kept is given out
 * only for a certificate whose status is still the same in the database, or
 * when that cannot be read; so a revocation is seen at once, by all processes.
 */

#include "acme/acme.h"
#include "ca/ca_ocsp.h"

typedef struct acme_ocsp_t acme_ocsp_t;

/* A little of it, the rest when needed; NULL: there is no memory. */
acme_ocsp_t *acme_ocsp_make(apr_pool_t *pool);

/* For responses that live as long as life from now; the signer is pool's. */
problem_t *acme_ocsp_signer(ca_ocsp_signer_t **signer, acme_ocsp_t *ocsp,
                            const ca_issuer_t *generation, apr_int64_t life,
                            apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Is all of the request about certificates of this generation? */
int acme_ocsp_is_for(acme_ocsp_t *ocsp, const ca_issuer_t *generation,
                     const ca_ocsp_request_t *request);

typedef struct {
    const unsigned char *der;
    apr_size_t len;
    ca_ocsp_status_t status;
    apr_int64_t this_update, next_update;
} acme_ocsp_response_t;

/* The response to the request with this SHA-256 (hex).  status: what must be
 * so, and then none that is past its middle; NULL: anything that is good still.
 * 0: there is none. */
int acme_ocsp_find(acme_ocsp_response_t *response, acme_ocsp_t *ocsp,
                   const char *sha256, const ca_ocsp_status_t *status,
                   apr_int64_t now, apr_pool_t *pool);
void acme_ocsp_keep(acme_ocsp_t *ocsp, const char *sha256,
                    const acme_ocsp_response_t *response);

#endif
