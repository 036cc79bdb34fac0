/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_LEAF_H
#define CA_LEAF_H

/* Certificates that ca_issue makes or refuses, and what is in them. */

#include "ca_fixture.h"

static inline X509 *issue(const ca_issuer_t *issuer,
                          const ca_request_t *request, apr_pool_t *pool)
{
    ca_cert_t *cert = NULL;
    problem_t *prob = ca_issue(&cert, issuer, request, pool);

    ok(!prob, "%s", prob ? prob->cause : "");
    return prob ? NULL : parsed(cert, pool);
}

static inline void refused(const char *why, const ca_issuer_t *issuer,
                           const ca_request_t *request, apr_pool_t *pool)
{
    ca_cert_t *cert = NULL;
    problem_t *prob = ca_issue(&cert, issuer, request, pool);

    ok(prob && !cert, "%s", why);
    if (!prob)
        return;
    is_int(prob->status, 503);
    ok(strstr(prob->cause, why), "%s: %s", why, prob->cause);
    is_int(ERR_peek_error(), 0);
}

/* The extension's value as OpenSSL prints it; NULL unless there is one. */
static inline const char *extension(X509 *cert, int nid, apr_pool_t *pool)
{
    int place = X509_get_ext_by_NID(cert, nid, -1);
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    char *text;
    long len;

    if (place < 0 || X509_get_ext_by_NID(cert, nid, place) >= 0)
        return NULL;
    if (X509_EXTENSION_get_critical(X509_get_ext(cert, place)))
        BIO_printf(bio, "critical ");
    X509V3_EXT_print(bio, X509_get_ext(cert, place), 0, 0);
    len = BIO_get_mem_data(bio, &text);
    return apr_pstrmemdup(pool, text, (apr_size_t)len);
}

#endif
