/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_ROUTE_H
#define ACME_ROUTE_H

/*
 * The URL space (pki.md, Profiles), one table: path ↔ endpoint, methods, who
 * must sign, what payload.  The same table builds every URL that is handed out,
 * so that a URL is ours exactly if it is one we would hand out.
 *
 *     <ACMEPath>/[<directory>/]<noun>[/<id>[/<tail>]]
 *
 * The directory is "" (the default one) or a profile's name; everything made
 * under one directory is addressed under it and nowhere else.
 */

#include "acme/acme.h"

/* In the order of the table in acme_route.c. */
typedef enum {
    ACME_ROUTE_DIRECTORY,
    ACME_ROUTE_NEW_NONCE,
    ACME_ROUTE_NEW_ACCOUNT,
    ACME_ROUTE_NEW_AUTHZ,
    ACME_ROUTE_NEW_ORDER,
    ACME_ROUTE_KEY_CHANGE,
    ACME_ROUTE_REVOKE_CERT,
    ACME_ROUTE_RENEWAL_INFO,
    ACME_ROUTE_ACCOUNT,
    ACME_ROUTE_ORDERS, /* an account's list */
    ACME_ROUTE_ORDER,
    ACME_ROUTE_FINALIZE,
    ACME_ROUTE_AUTHZ,
    ACME_ROUTE_CHALLENGE, /* id: the authorization's; tail: the type */
    ACME_ROUTE_CERT,
    ACME_ROUTE_ALTERNATE, /* tail: which of the other chains, from "1" */
    ACME_ROUTE_COUNT
} acme_route_e;

typedef enum {
    ACME_SIGNER_JWK,
    ACME_SIGNER_KID,
    ACME_SIGNER_EITHER /* a jwk is a certificate's key then (RFC 8555 7.6) */
} acme_signer_e;

/* As an id: whatever the path has there, or nothing, as it was sent: the
 * endpoint looks at it. */
#define ACME_ROUTE_FREE 2

typedef enum {
    ACME_PAYLOAD_EMPTY,  /* POST-as-GET only */
    ACME_PAYLOAD_OBJECT, /* a JSON object only */
    ACME_PAYLOAD_ANY     /* either; NULL in acme_verified_t tells */
} acme_payload_e;

typedef struct acme_verified_t acme_verified_t;
typedef problem_t *(*acme_endpoint_fn)(acme_response_t *res, acme_t *acme,
                                       const acme_verified_t *v);

typedef struct {
    acme_route_e name;
    const char *noun;
    const char *tail;    /* NULL: none; "*": any word */
    int has_id;          /* a token_id follows the noun; ACME_ROUTE_FREE */
    int is_get_allowed;  /* GET and HEAD, unsigned, beside POST */
    int is_profile_live; /* 404 when no profile has this directory any more */
    acme_signer_e signer;
    acme_payload_e payload;
    acme_endpoint_fn run;
} acme_endpoint_t;

typedef struct {
    const acme_endpoint_t *endpoint;
    const char *path;      /* as the client sent it, cursor included; exactly
                              what acme_route_url makes, less the base URL */
    const char *directory; /* "" for the default one */
    const acme_profile_t *profile; /* of this directory; NULL: not (any more)
                                      there, possible where an id is */
    const char *id;                /* NULL where the endpoint has none */
    const char *tail;              /* of "*": the challenge's type */
    const char *cursor; /* of ACME_ROUTE_ORDERS: the order id of "?cursor="
                           (T44); NULL: the first page */
} acme_route_t;

/* What the request is for.  404 `malformed` when the path is not exactly ours
 * (naming the directory's URL, R25), 405 with Allow for a method the resource
 * does not have (T15).  *route is set on 405 too, NULL on 404. */
problem_t *acme_route_find(acme_route_t **route, const acme_conf_t *conf,
                           const acme_request_t *req)
    __attribute__((warn_unused_result));

/* The value of Allow: "POST" or "GET, HEAD, POST". */
const char *acme_route_allow(const acme_route_t *route);

/* "<base><path>[/<directory>]/<noun>[/<id>[/<tail>]]".  id and tail NULL where
 * the endpoint has none; a fixed tail is filled in. */
const char *acme_route_url(const acme_conf_t *conf, acme_route_e name,
                           const char *directory, const char *id,
                           const char *tail, apr_pool_t *pool);

/* The directory that route belongs to; without a route (NULL) the one to start
 * with. */
const char *acme_route_directory_url(const acme_conf_t *conf,
                                     const acme_route_t *route,
                                     apr_pool_t *pool);

/* The directory that was meant, probably, by a path that is none (R25). */
const char *acme_route_near_url(const acme_conf_t *conf, const char *path,
                                apr_pool_t *pool);

/* Is url the one of this route, under the base URL or one of its aliases? */
int acme_route_is_url(const acme_conf_t *conf, const acme_route_t *route,
                      const char *url);

/* The id in a URL of this endpoint and directory (base URL or alias), NULL if
 * it is not exactly such a one (T09). */
const char *acme_route_id(const acme_conf_t *conf, acme_route_e name,
                          const char *directory, const char *url,
                          apr_pool_t *pool);

#endif
