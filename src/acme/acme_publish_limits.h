/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PUBLISH_LIMITS_H
#define ACME_PUBLISH_LIMITS_H

/* The page for people who ran into a limit: which there are, and what to do. */

#include "acme/acme_response.h"

/* Its name below <ACMEPath>/. */
#define ACME_PUBLISH_LIMITS "limits.html"

void acme_publish_limits(acme_response_t *res, const acme_conf_t *conf,
                         apr_pool_t *pool);

#endif
