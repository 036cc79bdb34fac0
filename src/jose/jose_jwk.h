/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOSE_JWK_H
#define JOSE_JWK_H

/*
 * Public keys as JWK (RFC 7517, RFC 7518 6, RFC 8037).  A jose_jwk_t is
 * immutable once made and may be read by any thread.
 */

#include <apr_pools.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "base/problem.h"

typedef struct {
    const char *kty; /* "EC" "RSA" "OKP" */
    const char *crv; /* "P-256" …, NULL for RSA */
    EVP_PKEY *pkey;
    const char *canonical;  /* RFC 7638 3.1: required members only, sorted */
    const char *thumbprint; /* base64url SHA-256 of canonical, 43 characters */
} jose_jwk_t;

/* A client's JWK.  badPublicKey with the reason for: unknown kty or crv, a
 * private member ("d"…), coordinates of wrong length, a point not on its curve,
 * leading zeros in n or e, RSA outside 2048..8192 bits, e even or < 3 or too
 * long, even n, a small-order Ed25519 point. `malformed` for members that are
 * missing or no strings.  Whether we are willing is policy_key's question. */
problem_t *jose_jwk_parse(jose_jwk_t **jwk, json_t *json, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* jose_jwk_t.thumbprint of such a canonical form (RFC 7638 3). */
const char *jose_jwk_thumbprint(const char *canonical, apr_pool_t *pool);

/* From text that jose_jwk_t.canonical once was (the store's): cheap, no
 * checks beyond what OpenSSL needs.  NULL if it is not such text. */
jose_jwk_t *jose_jwk_from_canonical(const char *canonical, apr_pool_t *pool);

/* The JWK of a public (or private) key; NULL if its kind is not in the table.
 */
jose_jwk_t *jose_jwk_from_pkey(EVP_PKEY *pkey, apr_pool_t *pool);

#endif
