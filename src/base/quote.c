/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quote.h"

#include <apr_strings.h>
#include <apr_tables.h>

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

/* NULL: c stands for itself. */
static const char *entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
    case '\t':
        return NULL;
    default:
        return c < 0x20 || c == 0x7f ? "?" : NULL;
    }
}

const char *quote_markup(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 8, sizeof(const char *));
    const char *from = text, *c;

    for (c = text; *c; c++) {
        const char *instead = entity((unsigned char)*c);

        if (!instead)
            continue;
        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrmemdup(pool, from, (apr_size_t)(c - from));
        APR_ARRAY_PUSH(parts, const char *) = instead;
        from = c + 1;
    }
    if (from == text)
        return text;
    APR_ARRAY_PUSH(parts, const char *) = from;
    return apr_array_pstrcat(pool, parts, 0);
}
