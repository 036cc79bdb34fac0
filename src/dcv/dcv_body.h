/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_BODY_H
#define DCV_BODY_H

/* Is this body the key authorization?  Compared as it comes, never kept. */

#include <apr_pools.h>

/* What a message may show of a body (protocol.md). */
#define DCV_BODY_SHOWN 64

typedef struct {
    const char *want;
    apr_size_t want_len, len;
    int is_wrong;
    char first[DCV_BODY_SHOWN];
} dcv_body_t;

void dcv_body_init(dcv_body_t *body, const char *want);

/* The next octets; 0: no more are needed. */
int dcv_body_take(dcv_body_t *body, const char *data, apr_size_t len);

/* NULL: status and body are right.  Else what was got, and a hint (or NULL). */
const char *dcv_body_judge(const char **hint, const dcv_body_t *body,
                           int status, apr_pool_t *pool);

#endif
