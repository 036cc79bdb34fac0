/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PUBLISH_H
#define ACME_PUBLISH_H

/*
 * What anybody may fetch, over plain HTTP too (pki.md, Trust and publication),
 * unsigned, GET and HEAD, OCSP also by POST; below ACMEPath, which itself is
 * the page for people:
 *
 *     roots.pem|p7c|mobileconfig    every root
 *     root.pem|cer                  the signing issuer's root
 *     chain.pem                     what follows a leaf
 *     chain.p7c                     the same and the root
 *     issuer/<fingerprint>.cer|pem  one issuer or root
 *     issuer/<fingerprint>.crl      what it has revoked, also of a root
 *                                   (ca_list.h)
 *     issuer/<fingerprint>.ocsp     the same by OCSP (acme_ocsp.h)
 *
 * (.pem: PEM, .cer: DER, .p7c: PKCS #7, .mobileconfig: for Apple's machines)
 *
 * Lists, and certificates of issuers that have one, are served from their files
 * (acme_pub.h) when the issuer, its key or the database is gone.
 */

#include "acme/acme_response.h"

/* Is path (raw, as in acme_request_t) among them? */
int acme_publish_is_path(const acme_conf_t *conf, const char *path);

/* Where certificates say that this is; suffix: ".cer".  NULL: it is not known
 * to be anywhere (ACMEIssuerURL, ACMEPublish). */
const char *acme_publish_url(const acme_conf_t *conf,
                             const acme_issuer_t *issuer,
                             const char *fingerprint, const char *suffix,
                             apr_pool_t *pool);

/* For Allow: what this path takes. */
const char *acme_publish_methods(const acme_conf_t *conf, const char *path);

problem_t *acme_publish_get(acme_response_t *res, const acme_t *acme,
                            const acme_request_t *req)
    __attribute__((warn_unused_result));

#endif
