/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_AUTHZ_H
#define ACME_AUTHZ_H

/* Authorizations on the wire (RFC 8555 7.1.4, 7.5). */

#include "acme/acme_request.h"
#include "store/store_authz.h"

/* POST-as-GET reads; {"status": "deactivated"} is for ever (7.5.2). */
problem_t *acme_authz_post(acme_response_t *res, acme_t *acme,
                           const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* The authorization whose id is in the URL, if it is the account's; else 404.
 */
problem_t *acme_authz_load(store_authz_t **authz, acme_t *acme,
                           const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* The authorization object. */
void acme_authz_answer(acme_response_t *res, const acme_t *acme,
                       const store_authz_t *authz, const acme_verified_t *v,
                       int status);

/* What the account has just begun is mostly over in a moment: wait for that,
 * and look again.  Not if a try is due later only, nor without patience. */
problem_t *acme_authz_wait(store_authz_t **authz, acme_t *acme,
                           const acme_verified_t *v,
                           apr_interval_time_t patience)
    __attribute__((warn_unused_result));

/* While a validation is under way the answer says when to come back, and when
 * that takes unusually long somebody looks after it. */
void acme_authz_progress(acme_response_t *res, acme_t *acme,
                         const store_authz_t *authz, const acme_verified_t *v);

#endif
