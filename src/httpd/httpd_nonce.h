/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_NONCE_H
#define HTTPD_NONCE_H

/*
 * The slotmem segment under acme_nonce.h: one for the whole server, made by the
 * parent, inherited by its children.
 *
 * slotmem makes a segment per generation and destroys it with the
 * configuration.  So beside it there is a shared mapping that lives as long as
 * the parent and that children of all generations have.  At a graceful restart
 * the parent moves the nonces there, one atomic exchange each, and there old
 * children issue those of their last answers.  Everybody redeems from both: a
 * nonce is good exactly once, whichever generation is asked.
 */

#include <httpd.h>

#include "acme/acme_nonce.h"

/* In post_config.  When slotmem cannot make a segment (it says why) that
 * mapping does its work; APR_ENOMEM without even that. */
apr_status_t httpd_nonce_create(int slots, apr_pool_t *pconf,
                                server_rec *main_server)
    __attribute__((warn_unused_result));

/* In a child; NULL if there is no segment. */
acme_nonce_t *httpd_nonce_attach(apr_pool_t *pool);

#endif
