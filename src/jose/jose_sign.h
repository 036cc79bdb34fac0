/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOSE_SIGN_H
#define JOSE_SIGN_H

/* Make a flattened JWS: for tests, the self-test and upstream issuers. */

#include <apr_pools.h>
#include <openssl/evp.h>

/* protected_json is the header as text; the algorithm is the key's own
 * (P-256 → ES256, …).  NULL if the key fits no row of the table. */
const char *jose_sign(EVP_PKEY *key, const char *protected_json,
                      const char *payload, apr_size_t payload_len,
                      apr_pool_t *pool);
/* The name of the algorithm that jose_sign will use with this key. */
const char *jose_sign_alg(EVP_PKEY *key);

#endif
