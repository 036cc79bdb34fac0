/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_SPKI_H
#define POLICY_SPKI_H

/* A SubjectPublicKeyInfo (RFC 5280 4.1) from a stranger → a key of the kinds
 * that a policy can allow: RSA, EC on a named curve, Ed25519.  Others are not
 * decoded at all, and what is not DER is refused, so that one key has one
 * encoding and one hash.  Why not d2i_PUBKEY(): base/pubkey.h. */

#include <openssl/evp.h>

#include "policy/policy.h"

/* The reason why *key cannot be had, as the end of a sentence, or NULL. */
const char *policy_spki_fault(EVP_PKEY **key, const unsigned char *der,
                              apr_size_t der_len, apr_pool_t *pool);

/* SHA-256 of the key's SubjectPublicKeyInfo as DER has it, however a stranger
 * encoded it; 0 if OpenSSL fails. */
int policy_spki_sha256(unsigned char hash[32], EVP_PKEY *key);

#endif
