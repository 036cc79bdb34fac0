/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_FILE_H
#define DCV_FILE_H

/* A small text file that may change under us: /etc/hosts, /etc/resolv.conf. */

#include <apr_errno.h>
#include <apr_pools.h>
#include <sys/types.h>
#include <time.h>

typedef struct {
    const char *path;
    int was_looked_at;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
} dcv_file_t; /* zeroed but for its path */

/* Is it another one than at the last call (the first time: yes)?  A file that
 * is not there has size 0. */
int dcv_file_is_changed(dcv_file_t *file);

/* Its text, cut at max octets and at a NUL.  APR_EINVAL: no regular file. */
apr_status_t dcv_file_read(char **text, const char *path, apr_size_t max,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The next line, without its comment, moving *text behind it; NULL at the end.
 * Written into the text. */
char *dcv_file_line(char **text);

/* The next word of a line, moving *line behind it; NULL at the end. */
char *dcv_file_word(char **line);

#endif
