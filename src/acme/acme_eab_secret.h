/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_EAB_SECRET_H
#define ACME_EAB_SECRET_H

/*
 * The secrets of external account keys (RFC 8555 7.3.4): made, sealed for the
 * database, opened again.
 *
 * A sealed secret is base64url text of
 *
 *     format (1 octet, 0x01) | key id (4) | nonce (12) | ciphertext | tag (16)
 *
 * by AES-256-GCM; format, key id and the external account key's KID are
 * authenticated with it, so that a row's secret is of no use in another row.
 *
 * The key file holds one key a line, "<key id, 8 hex> <key, 64 hex>"; empty
 * lines and lines that begin with "#" say nothing.  The first key seals, all of
 * them open: to rotate it, put a new line at the top.
 */

#include <apr_pools.h>

#include "base/log.h"
#include "base/problem.h"

typedef struct acme_eab_keys_t acme_eab_keys_t;

/* Read the key file; may_make: make it (0600) if there is none.  Its problems
 * name path, reason and remedy. */
problem_t *acme_eab_keys_load(acme_eab_keys_t **keys, const char *path,
                              int may_make, const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* 16 random octets in letters and digits: nothing that a shell, or a program
 * that takes options, could misread. */
const char *acme_eab_kid_make(apr_pool_t *pool);

/* 48 random octets as base64url that is the same in plain base64: without "-",
 * "_" and padding (R28).  Overwritten when pool is cleared. */
const char *acme_eab_secret_make(apr_pool_t *pool);

/* secret as acme_eab_secret_make gave it; NULL if OpenSSL cannot. */
const char *acme_eab_secret_seal(const acme_eab_keys_t *keys, const char *kid,
                                 const char *secret, apr_pool_t *pool);

/* Overwritten when pool is cleared.  500 when the text is damaged or is another
 * key's; 503 when it was sealed by a key that is not in the file, which the
 * operator can put back. */
problem_t *acme_eab_secret_open(const char **secret,
                                const acme_eab_keys_t *keys, const char *kid,
                                const char *sealed, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
