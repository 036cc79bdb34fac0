/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quote.h"

#include <string.h>

#include "tap.h"

static void harmless(apr_pool_t *pool)
{
    static const char hostile[] = "a\0b\x1b[2J\x7f\xff\"\n~ z";

    is_str(quote_make("", 0, 10, pool), "");
    is_str(quote_make("a.test", 6, 10, pool), "a.test");
    is_str(quote_make(hostile, sizeof(hostile) - 1, 80, pool),
           "a?b?[2J????~ z");
}

static void cut(apr_pool_t *pool)
{
    is_str(quote_make("abcdef", 6, 6, pool), "abcdef");
    is_str(quote_make("abcdef", 6, 5, pool), "abcde…");
    is_str(quote_make("abcdef", 6, 0, pool), "…");
}

static void markup(apr_pool_t *pool)
{
    is_str(quote_markup("", pool), "");
    is_str(quote_markup("a.test", pool), "a.test");
    is_str(quote_markup("<a href=\"x\" id='y'>&\n\t\x1b\x7f\xc3\xa4", pool),
           "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;\n\t??\xc3\xa4");
}

const tap_case_t tap_cases[] = {{"what is not printable is a \"?\"", harmless},
                                {"what is too long is cut", cut},
                                {"nothing marks up", markup},
                                {NULL, NULL}};
