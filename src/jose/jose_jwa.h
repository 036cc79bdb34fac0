/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOSE_JWA_H
#define JOSE_JWA_H

/* The signature algorithms of RFC 7518 3 and RFC 8037 that RFC 8555 6.2 lets
 * a client use.  One row each: ES256 ES384 ES512 RS256 EdDSA. */

#include <apr_pools.h>
#include <apr_tables.h>

typedef struct {
    const char *name;   /* "ES256" */
    const char *kty;    /* "EC" "RSA" "OKP" */
    const char *crv;    /* "P-256", "Ed25519", NULL for RSA */
    const char *digest; /* OpenSSL's name, NULL for EdDSA */
    int coordinate_len; /* half of a raw ECDSA signature, 0 for others */
} jose_jwa_t;

const jose_jwa_t *jose_jwa_find(const char *name); /* NULL: not supported */
/* The names, for `algorithms` of badSignatureAlgorithm (of const char *). */
apr_array_header_t *jose_jwa_names(apr_pool_t *pool);

#endif
