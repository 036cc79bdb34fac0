/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_REVOKE_H
#define ACME_REVOKE_H

/*
 * Revocation by clients (RFC 8555 7.6).  Who may: the account that the
 * certificate was issued to; an account of the same directory with valid
 * authorizations for all that the certificate names; whoever signs with the
 * certificate's own key, which proves that it is in more hands than it should
 * be, or says so.
 */

#include "acme/acme_request.h"

/* POST {certificate, reason?}: 200 without a body, and on disk (T73-T76). */
problem_t *acme_revoke_post(acme_response_t *res, acme_t *acme,
                            const acme_verified_t *v)
    __attribute__((warn_unused_result));

#endif
