/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_KEY_H
#define POLICY_KEY_H

/* Is this public key strong enough?  The same hygiene for account keys
 * (type PROBLEM_BAD_PUBLIC_KEY) and certificate keys (PROBLEM_BAD_CSR): kind
 * and size on the list, RSA exponent odd and 3 < e < 2^64, modulus odd, free of
 * small factors, not from close primes (Fermat), not of ROCA's shape; EC keys
 * on a named curve, uncompressed; Ed25519 points not of small order; not on the
 * blocklist (may be NULL). */

#include <openssl/evp.h>

#include "policy/policy_blocklist.h"

problem_t *policy_key_check(const policy_t *policy, EVP_PKEY *key,
                            const policy_blocklist_t *blocklist,
                            problem_type_e type, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
