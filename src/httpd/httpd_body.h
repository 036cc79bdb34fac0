/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_BODY_H
#define HTTPD_BODY_H

/* A request's body, of a bounded size. */

#include <httpd.h>

/* Read all of it.  0: *body[*len] with a NUL behind it, or NULL and
 * *is_too_large.  Else the HTTP status of what went wrong, or AP_FILTER_ERROR,
 * when an answer is under way already.
 * The connection is closed after the answer where reading the rest would be a
 * waste. */
int httpd_body_read(const char **body, apr_size_t *len, int *is_too_large,
                    apr_size_t max, request_rec *r)
    __attribute__((warn_unused_result));

#endif
