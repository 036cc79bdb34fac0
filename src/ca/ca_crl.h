/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_CRL_H
#define CA_CRL_H

/*
 * The list of what an issuer generation has revoked (RFC 5280 5): version 2,
 * with authority key identifier, number and, critical, an issuing distribution
 * point that says that it is about leaves only.  It names no URL there, so that
 * it serves certificates that were made before the issuer had one, or had
 * another one, as well: OpenSSL wants the two to be the same.
 *
 * What is handed out was parsed again and its signature verified.
 */

#include "ca/ca_issuer.h"

typedef struct {
    const char *serial; /* hex digits, an even number, 40 at most; another text
                           is no certificate's, and left out */
    apr_int64_t at;     /* seconds since 1970 */
    int reason;         /* RFC 5280 5.3.1; -1: none.  0 and what none can
                           have is not written down */
} ca_revoked_t;

typedef struct {
    const apr_array_header_t *revoked; /* of ca_revoked_t * */
    apr_int64_t number;                /* from 1 */
    apr_int64_t this_update, next_update;
    int is_for_all; /* CAs' certificates, too: without that point (ca_list.h) */
} ca_crl_request_t;

typedef struct {
    const unsigned char *der;
    apr_size_t der_len;
    int count; /* of entries */
} ca_crl_t;

problem_t *ca_crl_make(ca_crl_t **crl, const ca_issuer_t *issuer,
                       const ca_crl_request_t *request, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The number of such a list; 0: it is none. */
apr_int64_t ca_crl_number(const void *der, apr_size_t len);

#endif
