/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_STATE_H
#define ACME_STATE_H

/*
 * What the rows say about the state of things (RFC 8555 7.1.6).  The rows hold
 * what happened; pending, ready, processing, expired are computed here at each
 * read, so that the last authorization becoming valid and the order becoming
 * ready is one and the same event (T53, R16).  Pure functions.
 */

#include "base/problem.h"
#include "store/store_authz.h"
#include "store/store_order.h"

typedef enum {
    ACME_AUTHZ_PENDING,
    ACME_AUTHZ_VALID,
    ACME_AUTHZ_INVALID,
    ACME_AUTHZ_DEACTIVATED,
    ACME_AUTHZ_EXPIRED,
    ACME_AUTHZ_REVOKED
} acme_authz_status_e;

typedef enum {
    ACME_CHALLENGE_PENDING,
    ACME_CHALLENGE_PROCESSING,
    ACME_CHALLENGE_VALID,
    ACME_CHALLENGE_INVALID
} acme_challenge_status_e;

typedef enum {
    ACME_ORDER_PENDING,
    ACME_ORDER_READY,
    ACME_ORDER_PROCESSING,
    ACME_ORDER_VALID,
    ACME_ORDER_INVALID
} acme_order_status_e;

/* The wire's words. */
const char *acme_state_authz_name(acme_authz_status_e status);
const char *acme_state_challenge_name(acme_challenge_status_e status);
const char *acme_state_order_name(acme_order_status_e status);

/* A valid authorization expires; a pending one that nobody fulfilled in time
 * is invalid (RFC 8555 7.1.4 `expires`, 7.1.6). */
acme_authz_status_e acme_state_authz(const store_authz_t *authz,
                                     apr_int64_t now);

/* type is one of those that authz offers. */
acme_challenge_status_e acme_state_challenge(const store_authz_t *authz,
                                             const char *type, apr_int64_t now);

/* Once an authorization is decided only the challenge that decided it is shown
 * (RFC 8555 7.1.4, T62). */
int acme_state_is_challenge_shown(const store_authz_t *authz, const char *type,
                                  apr_int64_t now);

/* Does the order's status depend on its authorizations? */
int acme_state_needs_authzs(const store_order_t *order, apr_int64_t now);

/* authzs: of store_authz_t *; not looked at when they are not needed. */
acme_order_status_e acme_state_order(const store_order_t *order,
                                     const apr_array_header_t *authzs,
                                     apr_int64_t now);

/* Why an order is invalid that has no error of its own (T54); authzs as above.
 */
problem_t *acme_state_order_problem(const store_order_t *order,
                                    const apr_array_header_t *authzs,
                                    apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* 404 `malformed`: there is no such thing, or it is somebody else's, which is
 * told in the same words (T29, T72). */
problem_t *acme_state_not_found(const char *what, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
