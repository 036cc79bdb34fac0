/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_FILE_H
#define CA_FILE_H

/*
 * Keys and certificates in files, so that a crash at any moment leaves either
 * the whole file or none, and no key that is there is ever overwritten.
 *
 * A file is written under a temporary name, fsynced, and linked to its own name
 * (which fails when that exists), and its directory is fsynced.  Problems name
 * the path, the reason, and the command that mends it.
 */

#include <apr_tables.h>
#include <openssl/evp.h>

#include "base/log.h"
#include "base/problem.h"

/* Is there something at path?  A link that leads nowhere counts too. */
int ca_file_exists(const char *path);

/* Make dir (0700) if it is not there; warn when its owner or mode is not what
 * it should be. */
problem_t *ca_file_dir_ensure(const char *dir, const log_t *log,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Lock dir against other processes until lock_pool is cleared, waiting half
 * a minute at most, and remove what a dead process left unfinished. */
problem_t *ca_file_lock(const char *dir, apr_pool_t *lock_pool,
                        apr_pool_t *pool) __attribute__((warn_unused_result));

/* Write text to path, which must not exist. */
problem_t *ca_file_create(const char *path, const char *text, int mode,
                          apr_pool_t *pool) __attribute__((warn_unused_result));
/* The same, and the file that is there is replaced at once. */
problem_t *ca_file_replace(const char *path, const char *text, int mode,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* APR_EEXIST if there is something at path; remedy ends the sentence. */
problem_t *ca_file_vacant_check(const char *path, const char *remedy,
                                apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Text in pool, overwritten when that is cleared. */
problem_t *ca_file_read(const char **text, apr_size_t *len, const char *path,
                        apr_pool_t *pool) __attribute__((warn_unused_result));
/* A private key, PEM without passphrase.  What is read here is a regular file
 * of at most 1 MiB. */
problem_t *ca_file_key_read(EVP_PKEY **key, const char *path, apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* The key that is there, or else a new one of this kind (ca_key_make). */
problem_t *ca_file_key_ensure(EVP_PKEY **key, const char *path,
                              const char *spec, apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* What these, or ca_issuer.h, say of a file that is only named on a command
 * line: without telling to move it away, as it may be another's. */
problem_t *ca_file_argument(problem_t *prob, const char *path,
                            apr_pool_t *pool);
/* Write key to path, which must not exist. */
problem_t *ca_file_key_create(const char *path, EVP_PKEY *key, apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* Warn if others than we and root can get at the key. */
void ca_file_key_warn(const char *path, const log_t *log);
/* All certificates of a file (of X509 *), at least one: PEM; or PKCS #7, or one
 * certificate in DER. */
problem_t *ca_file_certs_read(apr_array_header_t **certs, const char *path,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
