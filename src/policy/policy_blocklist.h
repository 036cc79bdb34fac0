/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BLOCKLIST_H
#define POLICY_BLOCKLIST_H

/*
 * Keys that nobody may use, from files (ACMEKeyBlocklist).  A line is
 *
 *   64 hex digits: the SHA-256 of a SubjectPublicKeyInfo's DER
 *   20 hex digits: as in Debian's openssl-blacklist (CVE-2008-0166), the end of
 *                  the SHA-1 of "Modulus=" and the RSA modulus in upper-case
 *                  hex, with a newline
 *   empty, or a comment that begins with "#"
 *
 * Read once by the parent, sorted, const afterwards.
 */

#include <openssl/evp.h>

#include "policy/policy.h"

typedef struct policy_blocklist_t policy_blocklist_t;

policy_blocklist_t *policy_blocklist_make(apr_pool_t *pool);

/* Add a file's lines.  NULL, or "reason; remedy" with the line's number. */
const char *policy_blocklist_read(policy_blocklist_t *list, const char *file,
                                  apr_pool_t *pool);

/* Add the lists for keys of 2048 bits and more that lie in dir, which is
 * POLICY_BLOCKLIST_DEBIAN where the package openssl-blacklist is installed;
 * what is not there is left out.  NULL, or "file: reason; remedy". */
#define POLICY_BLOCKLIST_DEBIAN "/usr/share/openssl-blacklist"
const char *policy_blocklist_debian_read(policy_blocklist_t *list,
                                         const char *dir, apr_pool_t *pool);

int policy_blocklist_is_empty(const policy_blocklist_t *list);

/* The reason why key is refused, as the end of a sentence, or NULL.  list may
 * be NULL. */
const char *policy_blocklist_fault(const policy_blocklist_t *list,
                                   EVP_PKEY *key, apr_pool_t *pool);

#endif
