/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H

/* Accounts on the wire (RFC 8555 7.3).  The orders list is acme_order's. */

#include "acme/acme_request.h"

/* POST newAccount {contact?, termsOfServiceAgreed?, onlyReturnExisting?}: 201,
 * or 200 for a key that has an account, whose row decides then (T33). */
problem_t *acme_account_new(acme_response_t *res, acme_t *acme,
                            const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* POST-as-GET reads, {contact} updates, {"status": "deactivated"} is for ever
 * (7.3.2, 7.3.6). */
problem_t *acme_account_post(acme_response_t *res, acme_t *acme,
                             const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* 401 `unauthorized`: the account is deactivated or revoked (T10, T39). */
problem_t *acme_account_problem(const store_account_t *account,
                                apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The account's public key, ready to verify with.  The only place where it is
 * made from a row. */
problem_t *acme_account_key(jose_jwk_t **key, acme_t *acme,
                            const store_account_t *account, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Was this key blocked at run time?  (acme_request_key knows those that are
 * configured.) */
problem_t *acme_account_key_check(acme_t *acme, const jose_jwk_t *key,
                                  apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* 200, the account as it is, and its URL in Location. */
void acme_account_answer(acme_response_t *res, const acme_t *acme,
                         const store_account_t *account, apr_pool_t *pool);

#endif
