/* SPDX-License-Identifier: Apache-2.0 */
#ifndef B64URL_H
#define B64URL_H

/* base64url without padding, strict (RFC 7515 2, RFC 8555 6.1): a "=", an
 * octet outside the alphabet, an impossible length and non-zero leftover bits
 * are all refused.  The tables are APR's (apr_encode.h). */

#include <apr_pools.h>

const char *b64url_encode(const void *data, apr_size_t len, apr_pool_t *pool);

/* *data gets len octets and a NUL behind them.  APR_EINVAL if text is not
 * strict base64url. */
apr_status_t b64url_decode(const unsigned char **data, apr_size_t *len,
                           const char *text, apr_size_t text_len,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
