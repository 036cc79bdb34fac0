/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOSE_PARTS_H
#define JOSE_PARTS_H

/* The three members of a flattened JWS (RFC 7515 7.2.2) as RFC 8555 6.2 allows
 * them, decoded: what jose_jws_t and jose_mac_t are made of.  For jose/ only,
 * but for the members. */

#include <apr_pools.h>
#include <jansson.h>

#include "base/problem.h"

typedef struct {
    json_t *header;      /* protected, an object without crit and b64 */
    const char *payload; /* decoded, NUL behind it */
    apr_size_t payload_len;
    const char *signing_input; /* "<protected>.<payload>" as received */
    apr_size_t signing_input_len;
    const unsigned char *signature;
    apr_size_t signature_len;
} jose_parts_t;

/* what names the whole in problems, all of which are `malformed`. */
problem_t *jose_parts_parse(jose_parts_t *parts, json_t *json, const char *what,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
