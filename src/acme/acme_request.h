/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_REQUEST_H
#define ACME_REQUEST_H

/*
 * From a body to a verified request, in one fixed order (house.md 2.4,
 * protocol.md "Check order"):
 *
 *   content type → JWS shape → alg → jwk or kid, as the endpoint wants → key →
 *   signature → url → nonce → payload
 *
 * The nonce comes after the signature and the url, so that a stranger cannot
 * burn nonces; it is spent even where the request fails afterwards (T21).
 */

#include "acme/acme_route.h"
#include "jose/jose_jwk.h"
#include "store/store_account.h"

/* What was proven; endpoints get this.  For an unsigned GET account, key and
 * payload are NULL. */
struct acme_verified_t {
    const acme_request_t *req; /* client_ip, user, method */
    const acme_route_t *route; /* endpoint, directory and its profile, id */
    store_account_t *account;  /* NULL when the request came with a jwk */
    jose_jwk_t *key;
    json_t *payload; /* NULL: POST-as-GET */
    const char *url; /* as it was signed: ours, or an alias of it */
    apr_int64_t now; /* the request's one reading of the clock */
    apr_pool_t *pool;
    const log_t *log;
};

/* Nothing proven yet: all that an unsigned GET needs. */
acme_verified_t *acme_request_make(const acme_t *acme,
                                   const acme_route_t *route,
                                   const acme_request_t *req);

/* A client's key, sound, strong, and on none of the configured lists. */
problem_t *acme_request_key(jose_jwk_t **key, const acme_t *acme, json_t *jwk,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Prove v->req to be what it says; key, account and payload are then filled.
 * After a problem account is whom the request claims to come from. */
problem_t *acme_request_verify(acme_verified_t *v, acme_t *acme)
    __attribute__((warn_unused_result));

#endif
