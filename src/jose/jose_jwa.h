/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOSE_JWA_H
#define JOSE_JWA_H

/* The signature algorithms of RFC 7518 3 and RFC 8037 that RFC 8555 6.2 lets
 * a client use.  One row each: ES256 ES384 ES512 RS256 EdDSA. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <openssl/evp.h>

typedef struct {
    const char *name;   /* "ES256" */
    const char *kty;    /* "EC" "RSA" "OKP" */
    const char *crv;    /* "P-256", "Ed25519", NULL for RSA */
    const char *digest; /* OpenSSL's name, NULL for EdDSA */
    int coordinate_len; /* of x and y, half of a raw ECDSA signature; or 0 */
    int pkey_id;        /* what EVP_PKEY_get_base_id() says of such a key */
} jose_jwa_t;

const jose_jwa_t *jose_jwa_find(const char *name); /* NULL: not supported */
/* The row for a kind of key, crv NULL for RSA; NULL without. */
const jose_jwa_t *jose_jwa_for_kind(const char *kty, const char *crv);
const jose_jwa_t *jose_jwa_for_pkey(const EVP_PKEY *pkey);
/* The names, for `algorithms` of badSignatureAlgorithm (of const char *). */
apr_array_header_t *jose_jwa_names(apr_pool_t *pool);

#endif
