/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quote.h"

#include <apr_strings.h>

#include "base/banned.h"

const char *quote_make(const char *text, apr_size_t len, apr_size_t max,
                       apr_pool_t *pool)
{
    apr_size_t shown_len = len < max ? len : max, i;
    char *shown = apr_pstrmemdup(pool, text, shown_len);

    for (i = 0; i < shown_len; ++i) {
        if (shown[i] < 0x20 || shown[i] > 0x7e || shown[i] == '"')
            shown[i] = '?';
    }
    return len > max ? apr_pstrcat(pool, shown, "…", NULL) : shown;
}
