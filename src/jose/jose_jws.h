/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOSE_JWS_H
#define JOSE_JWS_H

/*
 * Flattened JWS as RFC 8555 6.2 restricts it.  parse refuses, as `malformed`:
 * anything but an object of exactly protected, payload, signature (so also
 * `signatures`, `header`, compact form, duplicates), bad base64url, a
 * protected header that is no JSON object or has `crit` or `b64`, alg or url
 * missing, alg/url/nonce/kid of wrong type, both or neither of jwk and kid; as
 * badSignatureAlgorithm (with `algorithms`): alg none, HMAC, unknown.
 * A nonce that is no base64url is malformed (T20); its absence is left to the
 * caller, which answers badNonce (T19).
 */

#include <apr_pools.h>
#include <jansson.h>

#include "base/problem.h"
#include "jose/jose_jwa.h"
#include "jose/jose_jwk.h"
#include "jose/jose_parts.h"

typedef struct {
    const jose_jwa_t *alg;
    const char *url;
    const char *nonce; /* NULL when absent */
    const char *kid;   /* exactly one of kid … */
    json_t *jwk;       /* … and jwk */
    jose_parts_t parts;
} jose_jws_t;

problem_t *jose_jws_parse(jose_jws_t **jws, const char *body,
                          apr_size_t body_len, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The same of a JWS that is JSON already: one inside another's payload. */
problem_t *jose_jws_read(jose_jws_t **jws, json_t *json, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* alg must fit the key (badPublicKey, T06), the signature its form and length
 * (T12: raw R||S, never DER) and be right (`malformed`, T11). */
problem_t *jose_jws_verify(const jose_jws_t *jws, const jose_jwk_t *key,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
