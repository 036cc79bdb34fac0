/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOB_H
#define STORE_JOB_H

/*
 * Leased background work.  A job is a row; whoever holds its lease works on it.
 * A job is written together with the state that makes it necessary, leased from
 * birth by the child that took the request, and deleted together with the state
 * that it brought about.  A child that dies leaves a lease whose owner is dead:
 * anybody may claim it.
 */

#include "store/store.h"

typedef struct {
    const char *id;
    const char *kind;    /* "validate" "issue" "vhost" "prune" "crl" … */
    const char *subject; /* id of the authorization, order … */
    const char *data;    /* the plan, JSON text; may be NULL */
    apr_int64_t due_at;
    const char *lease_owner; /* store_owner_make(); NULL: free */
    apr_int64_t lease_until; /* for owners on other machines */
    int attempts;
} store_job_t;

/* "<boot id>/<pid namespace>/<pid>/<start time>" of this process. */
const char *store_owner_make(apr_pool_t *pool);
/* Does that process certainly not exist any more?  False for other machines,
 * boots aside: an owner of an earlier boot of this machine cannot be told from
 * another machine and waits for its lease's end. */
int store_owner_is_dead(const char *owner, apr_pool_t *pool);

/* Take up to max due jobs (of store_job_t *) whose lease is free, over, or held
 * by a dead owner; they are leased to owner until lease_until.  To take one
 * over whose lease was not given back counts as an attempt.  Empty when there
 * are none; costs one SELECT then.  After a write of this process has failed,
 * jobs leased to owner are among them, too: whoever works on one of them leaves
 * it as it is. */
apr_status_t store_job_claim(apr_array_header_t **jobs, store_t *store,
                             const char *owner, apr_int64_t lease_until,
                             int max, apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Relaxed: give the lease back, due again at due_at, one more attempt. */
apr_status_t store_job_postpone(store_t *store, const char *id,
                                apr_int64_t due_at, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Relaxed: hold on to the lease.  APR_EEXIST: lost it. */
apr_status_t store_job_extend(store_t *store, const char *id, const char *owner,
                              apr_int64_t lease_until, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Relaxed: done, and to be done once more at due_at, as if for the first time.
 */
apr_status_t store_job_again(store_t *store, const char *id, apr_int64_t due_at,
                             apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* A job without other state.  APR_EEXIST: one of this kind and subject is
 * there already. */
apr_status_t store_job_add(store_t *store, const store_job_t *job,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* When is the job of this kind and subject due that store_job_add added?
 * APR_ENOENT: there is none. */
apr_status_t store_job_due(apr_int64_t *due_at, store_t *store,
                           const char *kind, const char *subject,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));
apr_status_t store_job_delete(store_t *store, const char *id, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
