/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_WORDS_H
#define HTTPD_WORDS_H

/* What setters of directives make of their arguments, and how they call a
 * mistake: directive, value, reason, remedy. */

#include <httpd.h>
#include <http_config.h>

/* "ACMENonceSlots many: it is no number; write a whole number" */
const char *httpd_mistake(const cmd_parms *cmd, const char *value,
                          const char *why);

/* Of const char *: args as words; quotes hold words together, behind a "=" too.
 * NULL, or the mistake: no word at all is one. */
const char *httpd_words(apr_array_header_t **words, const cmd_parms *cmd,
                        const char *args);

/* Absolute, or below ServerRoot; without slash at the end.  NULL, or the
 * mistake. */
const char *httpd_path_parse(const char **path, const cmd_parms *cmd,
                             const char *arg);

/* A whole number from 0 on; 0 if it is none. */
int httpd_number_parse(int *number, const char *text);

/* httpd's units (ms s min h) and, longer, d w y; seconds without a unit.  NULL,
 * or the mistake. */
const char *httpd_span_parse(apr_interval_time_t *span, const cmd_parms *cmd,
                             const char *text);

#endif
