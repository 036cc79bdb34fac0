/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_URL_H
#define DCV_URL_H

/* Where a redirect leads, and whether http-01 may follow (R26). */

#include <apr_pools.h>

typedef struct {
    const char *text; /* the whole URL, as curl gets it */
    const char *host; /* lower case, no brackets, no dot at the end */
    int port;
} dcv_url_t;

/* NULL, or why not: "it names port 8080, only 80 and 443 are allowed".
 * http01_port is allowed besides. */
const char *dcv_url_parse(dcv_url_t **url, const char *text, int http01_port,
                          apr_pool_t *pool) __attribute__((warn_unused_result));

/* location, as the answer to base has it, in full; what cannot be understood
 * is left as it is. */
const char *dcv_url_join(const char *base, const char *location,
                         apr_pool_t *pool);

#endif
