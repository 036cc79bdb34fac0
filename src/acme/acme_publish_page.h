/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PUBLISH_PAGE_H
#define ACME_PUBLISH_PAGE_H

/* The page for people at <ACMEPath>/: fingerprints of the roots, how to install
 * them, what to tell ACME clients.  HTML without scripts and without anything
 * from elsewhere; nothing of a policy is told. */

#include "acme/acme_response.h"

/* Does this Accept header (NULL: none) name HTML, as browsers' do?  That any
 * type is welcome is what programs say. */
int acme_publish_page_is_wanted(const char *accept);

/* roots: of X509 *. */
void acme_publish_page(acme_response_t *res, const acme_conf_t *conf,
                       const apr_array_header_t *roots, apr_pool_t *pool);

/* From <ACMEPath>, whose slash is missing. */
void acme_publish_page_redirect(acme_response_t *res, const acme_conf_t *conf,
                                apr_pool_t *pool);

#endif
