/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_ORDER_H
#define ACME_ORDER_H

/* Orders on the wire (RFC 8555 7.1.3, 7.4): newOrder (acme_order_new.c),
 * reading one, an account's list of them. */

#include "acme/acme_request.h"
#include "acme/acme_state.h"

/* An order as it is now. */
typedef struct {
    store_order_t *row;
    apr_array_header_t *authzs; /* of store_authz_t *; NULL where the status
                                   does not depend on them */
    acme_order_status_e status;
} acme_order_t;

/* POST newOrder {identifiers, notBefore?, notAfter?, profile?, replaces?}: 201
 */
problem_t *acme_order_new(acme_response_t *res, acme_t *acme,
                          const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* POST-as-GET */
problem_t *acme_order_get(acme_response_t *res, acme_t *acme,
                          const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* POST-as-GET of the account's `orders` (7.1.2.1): newest first, without the
 * invalid ones, in pages; the cursor is the last order of the page before. */
problem_t *acme_order_list(acme_response_t *res, acme_t *acme,
                           const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* The order of the URL, if it is the account's; else 404. */
problem_t *acme_order_load(acme_order_t *order, acme_t *acme,
                           const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* Whosever it is; order->row is NULL when there is none. */
problem_t *acme_order_find(acme_order_t *order, acme_t *acme, const char *id,
                           apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* When an issuance takes unusually long somebody looks after it. */
void acme_order_progress(acme_t *acme, const acme_order_t *order,
                         const acme_verified_t *v);

/* The order object with its Location; Retry-After while it is processing. */
void acme_order_answer(acme_response_t *res, const acme_t *acme,
                       const acme_verified_t *v, const acme_order_t *order,
                       int status);

#endif
