/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include <string.h>

#include "base/banned.h"

int words_has(const apr_array_header_t *words, const char *word)
{
    int i;

    for (i = 0; words && i < words->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(words, i, const char *), word))
            return 1;
    return 0;
}

void words_add(apr_array_header_t *words, const char *word)
{
    if (!words_has(words, word))
        APR_ARRAY_PUSH(words, const char *) = word;
}

int words_text_has(const char *text, const char *word)
{
    apr_size_t len = strlen(word);
    const char *at = len ? strstr(text, word) : NULL;

    for (; at; at = strstr(at + 1, word))
        if ((at == text || at[-1] == ' ') && (!at[len] || at[len] == ' '))
            return 1;
    return 0;
}
