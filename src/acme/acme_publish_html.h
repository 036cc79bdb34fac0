/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PUBLISH_HTML_H
#define ACME_PUBLISH_HTML_H

/* What the pages for people have in common: HTML without scripts and without
 * anything from elsewhere. */

#include "acme/acme_response.h"

typedef struct {
    const acme_conf_t *conf;
    apr_array_header_t *parts; /* of const char * */
    apr_pool_t *pool;
} acme_html_t;

/* Up to the heading, "<title> <server name>"; title is a literal. */
acme_html_t *acme_html_make(const acme_conf_t *conf, const char *title,
                            apr_pool_t *pool);

/* What is not a literal in fmt has been through quote_markup, or is made of
 * letters and digits. */
void acme_html_say(acme_html_t *html, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* 200 with all that was said. */
void acme_html_answer(acme_response_t *res, acme_html_t *html);

#endif
