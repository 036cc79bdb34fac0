/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_FINALIZE_H
#define ACME_FINALIZE_H

/*
 * POST finalize {csr} (RFC 8555 7.4).  In this order:
 *
 *   - A CSR that has claimed this order before gets the order as it is: asking
 *     again is no mistake (R13).
 *   - Any other needs an order that is ready: 403 orderNotReady (T55).
 *   - Everything that was checked at newOrder is checked again, and the CSR
 *     against it; badCSR leaves the order ready.
 *   - One of many wins the claim (T60); it is carried out at once, or by a job
 *     that is waited for, a few seconds at most (acme_claim.h).
 *
 * The answer is 200 with the order, valid or processing, never ready (R12).
 */

#include "acme/acme_request.h"

problem_t *acme_finalize_post(acme_response_t *res, acme_t *acme,
                              const acme_verified_t *v)
    __attribute__((warn_unused_result));

#endif
