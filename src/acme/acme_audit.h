/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_AUDIT_H
#define ACME_AUDIT_H

/*
 * Who did what, and why: an event goes with the change that it tells of into
 * one transaction (store_event.h), and when that is on disk, as a line of JSON
 * to the audit log.
 *
 *   account.create account.update account.rekey account.deactivate
 *   order.create order.finalize order.fail
 *   authz.create                    (newAuthz's; newOrder's have no event)
 *   authz.valid authz.invalid       (took: milliseconds of the last try)
 *   authz.deactivate
 *   cert.issue                      (also this server's own)
 *   cert.revoke key.block account.revoke    (and of an operator)
 *   crl.sign
 *   issuer.add                      a generation that is new to the database
 *   request.refuse                  after a verified signature, rate-limited
 *
 * acmectl adds its own kinds: eab.*, ca.*, renewal.*.
 */

#include "acme/acme_request.h"
#include "store/store_event.h"

/* What `who` begins with where acmectl was it; the user follows. */
#define ACME_AUDIT_OPERATOR "acmectl:"

/* What limits the events of refusals: one for a process, any thread. */
typedef struct acme_audit_t acme_audit_t;
acme_audit_t *acme_audit_make(apr_pool_t *pool);

/* Of a verified request: time, account, external account key, owner and address
 * are filled in. */
store_event_t *acme_audit_event(const acme_verified_t *v, const char *kind);

/* detail: an object, whose reference is taken. */
void acme_audit_detail(store_event_t *event, json_t *detail, apr_pool_t *pool);

/* It is on disk: tell the audit log, and whoever chains it. */
void acme_audit_tell(acme_t *acme, const store_event_t *event,
                     apr_pool_t *pool);

/* The same for an event of acmectl, which is the database's: if acme has no log
 * the host looks for another. */
void acme_audit_relay(acme_t *acme, const store_event_t *event,
                      apr_pool_t *pool);

/* The request is refused. */
void acme_audit_refuse(acme_t *acme, const acme_verified_t *v,
                       const problem_t *prob);

/* {"problem", "why", "subproblems"?} of a problem, for details; a new
 * reference. */
json_t *acme_audit_problem(const problem_t *prob);

#endif
