/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_OCSP_H
#define CA_OCSP_H

/*
 * OCSP (RFC 6960, nonces by RFC 9654): a request is read, a response signed.
 * Who asks, and what became of the certificates, is somebody else's business.
 *
 * A request names certificates by hashes of their issuer's name and key, SHA-1
 * or SHA-256, and their serial numbers.
 */

#include <openssl/ocsp.h>

#include "ca/ca_ocsp_signer.h"

/* More certificates than this in one request, and longer requests, are refused.
 */
#define CA_OCSP_COUNT_MAX   20
#define CA_OCSP_REQUEST_MAX 16384

typedef struct {
    OCSP_REQUEST *value;
    int has_nonce;
    apr_array_header_t *serials; /* of const char *: 32 hex digits; NULL: a
                                    number that no certificate here can have */
} ca_ocsp_request_t;

/* NULL: malformedRequest. */
ca_ocsp_request_t *ca_ocsp_request_parse(const void *der, apr_size_t len,
                                         apr_pool_t *pool);

/* What names the issuer in requests. */
typedef struct {
    struct {
        unsigned char name[EVP_MAX_MD_SIZE], key[EVP_MAX_MD_SIZE];
        int len;
    } by[2];
} ca_ocsp_hashes_t;

/* 0 if OpenSSL cannot. */
int ca_ocsp_hashes_init(ca_ocsp_hashes_t *hashes, const ca_issuer_t *issuer);

/* Is all that the request asks for of this issuer? */
int ca_ocsp_is_for(const ca_ocsp_request_t *request,
                   const ca_ocsp_hashes_t *hashes);

typedef enum { CA_OCSP_GOOD, CA_OCSP_REVOKED, CA_OCSP_UNKNOWN } ca_ocsp_state_e;

typedef struct {
    ca_ocsp_state_e state;
    apr_int64_t at; /* when it was revoked, seconds since 1970 */
    int reason;     /* RFC 5280 5.3.1; -1: none */
} ca_ocsp_status_t;

/* status: one for each of the request's serials.  A nonce comes back. */
typedef struct {
    const ca_ocsp_request_t *request;
    const ca_ocsp_status_t *status;
    apr_int64_t this_update, next_update;
} ca_ocsp_answer_t;

problem_t *ca_ocsp_respond(const unsigned char **der, apr_size_t *len,
                           const ca_ocsp_answer_t *answer,
                           const ca_ocsp_signer_t *signer, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Unsigned: OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, TRYLATER, UNAUTHORIZED … */
const unsigned char *ca_ocsp_refuse(apr_size_t *len, int status,
                                    apr_pool_t *pool);

#endif
