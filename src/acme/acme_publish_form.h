/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PUBLISH_FORM_H
#define ACME_PUBLISH_FORM_H

/* Certificates in the forms that machines import. */

#include "acme/acme_response.h"

/* Of every issuer, once each (of X509 *): the automatic one may have made this
 * server's own certificate while others sign. */
apr_array_header_t *acme_publish_roots(const acme_conf_t *conf,
                                       apr_pool_t *pool);

void acme_publish_pem(acme_response_t *res, const apr_array_header_t *certs,
                      apr_pool_t *pool);
void acme_publish_der(acme_response_t *res, X509 *cert, apr_pool_t *pool);

/* certs and, if it is not NULL, root, as PKCS #7 without a signature. */
problem_t *acme_publish_pkcs7(acme_response_t *res,
                              const apr_array_header_t *certs, X509 *root,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* roots as an Apple configuration profile.  Its identifiers are made of the
 * server's name and the roots' fingerprints, so that it replaces what was
 * installed from here before. */
void acme_publish_mobileconfig(acme_response_t *res, const acme_conf_t *conf,
                               const apr_array_header_t *roots,
                               apr_pool_t *pool);

/* SHA-256 in lower-case hex. */
const char *acme_publish_fingerprint(X509 *cert, apr_pool_t *pool);

#endif
