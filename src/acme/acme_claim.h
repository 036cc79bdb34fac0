/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CLAIM_H
#define ACME_CLAIM_H

/*
 * From an approved plan to an order that is not ready any more (R12), in one of
 * two ways:
 *
 *   - At once, where nobody has to be asked first: a background thread signs,
 *     and one transaction (store_order_issue) takes the order and completes it.
 *     Until then nothing is promised: a process that dies leaves an order that
 *     is ready, and a client without an answer, who asks again.
 *   - By a job, when the names have to be looked at once more, or there is too
 *     much to do: the claim and its plan are on disk first (acme_issue.h), and
 *     the job is waited for, a few seconds at most.
 */

#include "acme/acme_order.h"
#include "acme/acme_plan.h"

/* order becomes what it is now.  is_lost: it could not be had, for somebody was
 * faster, or its account or an authorization is not valid any more. */
problem_t *acme_claim_run(int *is_lost, acme_order_t *order, acme_t *acme,
                          const acme_verified_t *v, const acme_plan_t *plan,
                          const char *csr_sha256)
    __attribute__((warn_unused_result));

#endif
