/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOSE_MAC_H
#define JOSE_MAC_H

/*
 * A flattened JWS with a MAC instead of a signature, as RFC 8555 7.3.4 wants
 * it for external account bindings: alg is HS256, HS384 or HS512, there is a
 * kid and a url, and neither a nonce nor a jwk.  What is not so is `malformed`.
 */

#include <apr_pools.h>
#include <jansson.h>

#include "jose/jose_parts.h"

typedef struct {
    const char *alg;    /* "HS256" */
    const char *digest; /* OpenSSL's name */
    const char *kid;    /* printable ASCII */
    const char *url;
    jose_parts_t parts; /* the signature is the MAC */
} jose_mac_t;

/* what names it in problems: "externalAccountBinding". */
problem_t *jose_mac_parse(jose_mac_t **mac, json_t *json, const char *what,
                          apr_pool_t *pool) __attribute__((warn_unused_result));

/* Is it right by key[key_len]?  Compared in constant time. */
int jose_mac_is_right(const jose_mac_t *mac, const unsigned char *key,
                      apr_size_t key_len);

#endif
