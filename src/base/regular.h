/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGULAR_H
#define REGULAR_H

/* Files that an operator names. */

#include <apr_file_io.h>

/* To read it; flags: APR_FOPEN_BUFFERED or 0.  APR_EINVAL for what is no
 * regular file: a FIFO would hold us up until somebody writes to it, or say
 * nothing. */
apr_status_t regular_open(apr_file_t **file, const char *path,
                          apr_int32_t flags, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
