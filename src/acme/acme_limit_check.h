/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_LIMIT_CHECK_H
#define ACME_LIMIT_CHECK_H

/*
 * Rate limits (RFC 8555 6.6, T25): which of them a request meets, and what a
 * client is told.  What is refused is counted by none.  Addresses are networks
 * of clients: one address of IPv4, the first 64 bits of one of IPv6.
 *
 * A client that runs into a limit learns which one it is, how many are possible
 * in which time, from when on one more is, and what the operator can do.
 */

#include "acme/acme_limit.h"
#include "acme/acme_request.h"

/* What was counted for a request that may still fail; in its pool. */
typedef struct {
    acme_t *acme;
    apr_array_header_t *ones; /* NULL: nothing */
} acme_limit_spent_t;

/* One more account from this address. */
problem_t *acme_limit_account(acme_limit_spent_t *spent, acme_t *acme,
                              const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* One more order of this account, from this address, with these names (of
 * identifier_t *). */
problem_t *acme_limit_order(acme_limit_spent_t *spent, acme_t *acme,
                            const acme_verified_t *v,
                            const apr_array_header_t *identifiers)
    __attribute__((warn_unused_result));

/* One more try to renew this certificate, after one that came to nothing. */
problem_t *acme_limit_again(acme_limit_spent_t *spent, acme_t *acme,
                            const acme_verified_t *v, const char *cert_id)
    __attribute__((warn_unused_result));

void acme_limit_give_back(const acme_limit_spent_t *spent);

/* May this account have this name validated once more?  After each failure one
 * less. */
problem_t *acme_limit_validation(acme_t *acme, const acme_verified_t *v,
                                 const identifier_t *identifier)
    __attribute__((warn_unused_result));
void acme_limit_failure(acme_t *acme, const char *account_id, const char *name);

/* Several requests that accept one challenge at a time have it asked for once,
 * whichever processes they are in: while a client waits, at most for patience,
 * nobody else begins. */
typedef struct {
    acme_t *acme; /* NULL: it is somebody else's, or nobody counts */
    acme_limit_rule_t rule;
    acme_limit_key_t key;
    apr_time_t at;
} acme_limit_held_t;

/* 0: it is somebody else's. */
int acme_limit_hold(acme_limit_held_t *held, acme_t *acme, const char *id,
                    apr_interval_time_t patience);
/* It is over. */
void acme_limit_unhold(const acme_limit_held_t *held);

/* So many wait already: limit is one without a time. */
problem_t *acme_limit_pending(const acme_t *acme, acme_limit_e limit,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result, returns_nonnull));

/* rateLimited; Retry-After is at most ten minutes (R19), whatever wait is. */
problem_t *acme_limit_problem(const acme_conf_t *conf, apr_int64_t wait,
                              const char *detail, apr_pool_t *pool)
    __attribute__((warn_unused_result, returns_nonnull));

#endif
