/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUOTE_H
#define QUOTE_H

/* Text that a stranger chose, made harmless for a terminal, a log and JSON:
 * what is not printable ASCII, and '"', becomes '?', and after max octets it
 * ends with "…". */

#include <apr_pools.h>

const char *quote_make(const char *text, apr_size_t len, apr_size_t max,
                       apr_pool_t *pool);

/* Text for HTML and XML, in an element or in a quoted attribute: what marks up
 * becomes an entity, a control character '?', all else stays. */
const char *quote_markup(const char *text, apr_pool_t *pool);

#endif
