/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_RSA_H
#define POLICY_RSA_H

/* Numbers that make a weak RSA key whatever their size.  Runs for every
 * certificate and every new account, so it costs tens of microseconds: trial
 * division by the primes below 1000, a hundred rounds of Fermat's method, and
 * ROCA's fingerprint on the way. */

#include <openssl/bn.h>

#include "policy/policy.h"

/* The reason why modulus n and exponent e are weak, as the end of a sentence
 * ("its modulus is even"), or NULL. */
const char *policy_rsa_fault(const BIGNUM *n, const BIGNUM *e,
                             apr_pool_t *pool);

#endif
