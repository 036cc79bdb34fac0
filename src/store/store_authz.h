/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_AUTHZ_H
#define STORE_AUTHZ_H

/*
 * Authorizations (RFC 8555 7.1.4) with their challenges in the same row: all
 * challenges of an authorization share its token, only one of them can be
 * attempted, and what happened to it is the authorization's own state.
 */

#include "store/store_event.h"
#include "store/store_job.h"

typedef struct {
    const char *id;
    const char *account_id;
    const char *realm, *directory;
    const char *type, *value; /* identifier, without "*." */
    int wildcard;
    const char *status; /* "pending" "valid" "invalid"
                           "deactivated" "revoked"; expiry is
                           computed by acme_state */
    const char *token;
    const char *challenges;   /* offered: "http-01 dns-01" */
    const char *attempted;    /* type of the attempted one, NULL: none */
    apr_int64_t attempted_at; /* or will be, once more */
    const char *thumbprint;   /* account key's when accepted (T43) */
    const char *error;        /* problem JSON, NULL: none */
    apr_int64_t validated_at;
    apr_int64_t created_at, expires_at;
    const char *profile;  /* of the order that it was made for; NULL: made
                             before that was written down */
    const char *order_id; /* with which it was made; NULL: with none */
    int subdomains;       /* it is good for names below it, too (RFC 9444) */
} store_authz_t;

apr_status_t store_authz_get(store_authz_t **authz, store_t *store,
                             const char *id, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* One without an order.  Durable.  STORE_FULL_AUTHZS: max_pending of the
 * account (0: no limit) wait already. */
apr_status_t store_authz_create(store_t *store, const store_authz_t *authz,
                                int max_pending, const store_event_t *event,
                                apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The newest valid one of the account and profile for this identifier that
 * lives beyond min_expires, else APR_ENOENT. */
apr_status_t store_authz_get_reusable(store_authz_t **authz, store_t *store,
                                      const char *account_id,
                                      const char *profile, const char *type,
                                      const char *value, int wildcard,
                                      apr_int64_t min_expires, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Has the account a valid authorization for this identifier, and, if asked so,
 * for what is below it?  One that nobody has proven counts for its own profile
 * only.  APR_ENOENT: it has none. */
apr_status_t store_authz_holds(store_t *store, const char *account_id,
                               const char *profile, const char *type,
                               const char *value, int wildcard, int subdomains,
                               apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The same that is for names below this one, too. */
apr_status_t store_authz_get_above(store_authz_t **authz, store_t *store,
                                   const char *account_id, const char *profile,
                                   const char *type, const char *value,
                                   apr_int64_t min_expires, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Accept a challenge response.  Relaxed; one transaction: pending and not
 * attempted → attempted, and the job, leased from birth as job says.
 * APR_EEXIST: attempted already, or no longer pending. */
apr_status_t store_authz_attempt(store_t *store, const char *id,
                                 const char *challenge_type,
                                 const char *thumbprint, apr_int64_t now,
                                 const store_job_t *job,
                                 const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* An attempt failed, and there is another one at due_at: error is the
 * challenge's until then.  Relaxed; one transaction: the job is free and due
 * then.  APR_EEXIST: no longer pending; the job is gone. */
apr_status_t store_authz_retry(store_t *store, const char *id,
                               const char *job_id, const char *error,
                               apr_int64_t due_at, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* That attempt now, by who takes the job with this lease; *job is then as
 * store_job_claim gives it.  Relaxed.  APR_ENOENT: it does not wait. */
apr_status_t store_authz_hurry(store_job_t **job, store_t *store,
                               const char *id, const char *job_id,
                               const char *owner, apr_int64_t lease_until,
                               apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Record how an attempt ended.  Relaxed; one transaction: attempted and pending
 * → valid (error NULL; expires_at becomes valid_until) or invalid, and the job
 * is gone.  APR_EEXIST: no longer pending (deactivated meanwhile); the job is
 * gone then as well. */
apr_status_t store_authz_record(store_t *store, const char *id,
                                const char *job_id, const char *error,
                                apr_int64_t valid_until, apr_int64_t now,
                                const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* store_authz_attempt and store_authz_record in one, for a proof that came at
 * once: authz is as it was read, and becomes as it is written (attempted,
 * attempted_at and thumbprint are the caller's to set).  Relaxed; one
 * transaction: pending, and not attempted in another way → valid until
 * valid_until; a job of this id is gone.  APR_EEXIST: it was not. */
apr_status_t store_authz_prove(store_authz_t *authz, store_t *store,
                               const char *job_id, apr_int64_t valid_until,
                               apr_int64_t now, const store_event_t *event)
    __attribute__((warn_unused_result));

/* Newest first (of store_authz_t *), at most limit, older than authorization
 * `before` (NULL: from the newest).  account_id NULL: all.  For acmectl. */
apr_status_t store_authz_list(apr_array_header_t **authzs, store_t *store,
                              const char *account_id, const char *before,
                              int limit, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  pending or valid → deactivated; APR_EEXIST otherwise. */
apr_status_t store_authz_deactivate(store_t *store, const char *id,
                                    const store_event_t *event,
                                    apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
