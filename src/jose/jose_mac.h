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

#include "base/problem.h"

typedef struct {
    const char *alg;    /* "HS256" */
    const char *digest; /* OpenSSL's name */
    const char *kid;    /* printable ASCII */
    const char *url;
    const char *payload; /* decoded, NUL behind it */
    apr_size_t payload_len;
    const char *signing_input;
    apr_size_t signing_input_len;
    const unsigned char *mac;
    apr_size_t mac_len;
} jose_mac_t;

/* what names it in problems: "externalAccountBinding". */
problem_t *jose_mac_parse(jose_mac_t **mac, json_t *json, const char *what,
                          apr_pool_t *pool) __attribute__((warn_unused_result));

/* Is it right by key[key_len]?  Compared in constant time. */
int jose_mac_is_right(const jose_mac_t *mac, const unsigned char *key,
                      apr_size_t key_len);

#endif
