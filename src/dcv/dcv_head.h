/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_HEAD_H
#define DCV_HEAD_H

/* What the header of an answer says. */

#include <curl/curl.h>

#include <apr_pools.h>

/* 0: there is no answer. */
int dcv_head_status(CURL *easy);

/* Where a redirect points to, as it is written; NULL: it is none. */
const char *dcv_head_location(CURL *easy, apr_pool_t *pool);

/* Does this line say that the body has other transfer codings than chunks?
 * curl unpacks those, though nobody asked for them, one in another, and a few
 * octets can keep it busy for hours. */
int dcv_head_is_coded(const char *line, apr_size_t len);

#endif
