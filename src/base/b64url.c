/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64url.h"

#include <apr_encode.h>
#include <string.h>

#include "base/banned.h"

#define FLAGS (APR_ENCODE_BASE64URL | APR_ENCODE_NOPADDING)

const char *b64url_encode(const void *data, apr_size_t len, apr_pool_t *pool)
{
    return apr_pencode_base64_binary(pool, data, (apr_ssize_t)len, FLAGS, NULL);
}

apr_status_t b64url_decode(const unsigned char **data, apr_size_t *len,
                           const char *text, apr_size_t text_len,
                           apr_pool_t *pool)
{
    unsigned char *octets = apr_palloc(pool, text_len / 4 * 3 + 4);
    char *again = apr_palloc(pool, text_len + 8);
    apr_size_t n = 0, again_len = 0;

    if (text_len > 0) {
        if (apr_decode_base64_binary(octets, text, (apr_ssize_t)text_len, FLAGS,
                                     &n) != APR_SUCCESS ||
            n > text_len / 4 * 3 + 3)
            return APR_EINVAL;
    }
    /* APR takes both alphabets, padding and any leftover bits.  There is just
     * one strict text for some octets, and that is what encoding gives. */
    if (n > 0) {
        if (apr_encode_base64_binary(again, octets, (apr_ssize_t)n, FLAGS,
                                     &again_len) != APR_SUCCESS)
            return APR_EINVAL;
    }
    if (again_len != text_len || memcmp(again, text, text_len) != 0)
        return APR_EINVAL;
    octets[n] = '\0';
    *data = octets;
    *len = n;
    return APR_SUCCESS;
}
