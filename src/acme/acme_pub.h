/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PUB_H
#define ACME_PUB_H

/*
 * Published files, <ACMEStateDir>/pub/<name>: what they hold is served without
 * a database and without a key.  A file is written under another name, fsynced
 * and renamed, so readers see the old one or the new one, whole.
 */

#include "acme/acme_conf.h"

/* Others, threads and processes, wait until it is released (-1: it could not be
 * taken, errno says why). */
int acme_pub_lock(const acme_conf_t *conf, apr_pool_t *pool);
void acme_pub_unlock(int lock);

/* Nothing is done if that is what the file holds. */
apr_status_t acme_pub_write(const acme_conf_t *conf, const char *name,
                            const void *data, apr_size_t len, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* *modified: seconds since 1970. */
apr_status_t acme_pub_read(const char **data, apr_size_t *len,
                           apr_int64_t *modified, const acme_conf_t *conf,
                           const char *name, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The same of a file that is too large to be held in memory for each client
 * that is slow to take it: open, and the SHA-256 of what is in it, in hex.
 * APR_EOF: it is small. */
#define ACME_PUB_LARGE 65536
apr_status_t acme_pub_open(apr_file_t **file, const char **sha256,
                           apr_size_t *len, apr_int64_t *modified,
                           const acme_conf_t *conf, const char *name,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

int acme_pub_has(const acme_conf_t *conf, const char *name, apr_pool_t *pool);

#endif
