/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_ISSUE_H
#define ACME_ISSUE_H

/*
 * From a plan to a certificate row.  Pure: reads no database and writes none.
 *
 * Why a job may run twice, by two processes at once, at any speed:
 *
 *   - The claim (store_order_claim) writes order and plan in one transaction,
 *     so a claimed order has exactly one plan, with one certificate id and one
 *     serial number, and nothing is signed by a job that was not planned
 *     durably.  (What is signed at once, acme_claim.h, is taken and stored in
 *     one transaction: bytes that lose it are thrown away, unseen.)
 *   - Both runs make certificates with that id and serial, the same names, key
 *     and usages; at most the times and the signature's bits differ.
 *   - store_order_complete sets order.cert_id WHERE it was NULL and inserts the
 *     row in the same transaction: one of them wins, the other gets APR_EEXIST
 *     and throws its bytes away.  Only what is in the row is ever handed out.
 *   - A process that dies between signing and completing leaves its job's
 *     lease; the next one signs the same plan again.  The bytes that died with
 *     it were seen by nobody, and their serial is the one on record, so that
 *     revoking the recorded certificate would revoke them as well.
 *   - A run that fails for good (store_order_fail) is the same kind of
 *     conditional update: an order is completed or failed, never both.
 */

#include "acme/acme_plan.h"
#include "store/store_cert.h"

/* Can the issuer of this name sign now?  503 serverInternal with Retry-After if
 * not: no order is accepted and none is finalized then. */
problem_t *acme_issue_ready_check(const acme_t *acme, const char *issuer,
                                  apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The same for the issuer of this profile, whose signatures its policy must
 * allow too. */
problem_t *acme_issue_profile_check(const acme_t *acme,
                                    const acme_profile_t *profile,
                                    apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* When a certificate of this profile would begin and end if it were signed now;
 * refused as ca_profile_validity says, and by the policy's limit.  The
 * profile's issuer is ready. */
problem_t *acme_issue_validity(apr_int64_t *not_before, apr_int64_t *not_after,
                               const acme_t *acme,
                               const acme_profile_t *profile,
                               apr_int64_t wish_before, apr_int64_t wish_after,
                               apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Could this plan be carried out now?  Asked before the order is claimed. */
problem_t *acme_issue_check(const acme_t *acme, const acme_plan_t *plan,
                            apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Sign what was planned; order_id is for the row (NULL: the vhost's own).
 * Status 503: not now, try again later; any other problem: never. */
problem_t *acme_issue_sign(store_cert_t **cert, const acme_t *acme,
                           const acme_plan_t *plan, const char *order_id,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
