/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORDS_H
#define WORDS_H

/* Lists of words: arrays of const char *, or a text with blanks in between. */

#include <apr_tables.h>

/* NULL: there are none. */
int words_has(const apr_array_header_t *words, const char *word);
/* Unless it is there; it is not copied. */
void words_add(apr_array_header_t *words, const char *word);

/* "a b" has "a" and "b", and not "". */
int words_text_has(const char *text, const char *word);

#endif
