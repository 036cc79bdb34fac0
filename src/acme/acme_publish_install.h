/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PUBLISH_INSTALL_H
#define ACME_PUBLISH_INSTALL_H

/* How to make machines trust a root, in HTML. */

#include <apr_pools.h>

/* url: what is published is below it; fingerprint: of the root, in hex. */
const char *acme_publish_install(const char *url, const char *fingerprint,
                                 apr_pool_t *pool);

#endif
