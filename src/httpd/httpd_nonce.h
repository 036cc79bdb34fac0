/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_NONCE_H
#define HTTPD_NONCE_H

/*
 * The slotmem segment under acme_nonce.h: one for the whole server, made by the
 * parent, inherited by its children.
 *
 * slotmem makes a segment per generation and destroys it with the
 * configuration.  At a graceful restart the parent moves the nonces: out of the
 * old segment, one atomic exchange each, into memory of its own, and from there
 * into the new segment.  So a nonce is redeemable exactly once, though children
 * of both generations run; an old child that is shown a moved one answers
 * badNonce.
 */

#include <httpd.h>

#include "acme/acme_nonce.h"

/* In post_config.  When slotmem cannot make a segment (it says why) an
 * anonymous mapping does as well; APR_ENOMEM without even that. */
apr_status_t httpd_nonce_create(int slots, apr_pool_t *pconf,
                                server_rec *main_server)
    __attribute__((warn_unused_result));

/* In a child; NULL if there is no segment. */
acme_nonce_t *httpd_nonce_attach(apr_pool_t *pool);

#endif
