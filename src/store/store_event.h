/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

/*
 * The audit trail: rows that are only ever added.  A function that changes
 * state takes the event that tells of it and writes both in one transaction:
 * neither is there without the other, and it costs no commit of its own.  An
 * event that comes with a change that did not happen (APR_EEXIST, APR_ENOENT,
 * STORE_BUDGET …) is not written.
 *
 * The rows are chained later, in batches: hash is the SHA-256, in lower-case
 * hex, of the hash before it (64 letters, "0" for the first row ever) and the
 * columns id, at, kind, account_id, order_id, authz_id, cert_id, eab_kid, who,
 * ip, detail, in this order, each as "<octets>:<text>," and "-," where it is
 * NULL.  So nobody can change, insert or remove a row without changing every
 * hash after it.  Whoever notes the last hash elsewhere can prove that.
 */

#include "store/store.h"

typedef struct {
    apr_int64_t id; /* from 1, without gaps; given by the store; 0: none yet
                       (PostgreSQL gives it when the event is chained) */
    apr_int64_t at;
    const char *kind;       /* "order.create"; what happened */
    const char *account_id; /* what it is about; NULL where it is not */
    const char *order_id, *authz_id, *cert_id, *eab_kid;
    const char *who;    /* r->user, "acmectl:root" …; NULL: nobody but ACME */
    const char *ip;     /* the client's; NULL: none */
    const char *detail; /* JSON object text; NULL: nothing more to say */
    const char *prev;   /* the hash before; NULL: not known yet */
    const char *hash;   /* NULL: not chained yet */
} store_event_t;

#define STORE_HASH_LEN 64
#define STORE_HASH_FIRST                                                       \
    "0000000000000000000000000000000000000000000000000000000000000000"

/* An event that changes nothing else (refusals, what acmectl does to files).
 * is_durable: on disk before this returns; a refusal need not be. */
apr_status_t store_event_add(store_t *store, const store_event_t *event,
                             int is_durable, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Give fn every event after the one of this id (0: all), oldest first, read in
 * pages.  The event and pool last until fn returns; what it returns but
 * APR_SUCCESS ends the walk and is returned. */
typedef apr_status_t (*store_event_fn)(void *baton, const store_event_t *event,
                                       apr_pool_t *pool);
apr_status_t store_event_walk(store_t *store, apr_int64_t after,
                              store_event_fn fn, void *baton, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Chain up to max events that are not yet; *count says how many (max: there
 * may be more).  Any process may call it at any time: one of several at once
 * does it, the others get 0.  So each event is chained by one of them, which
 * gives it to fn (NULL: to nobody), prev left out.  Costs one SELECT when there
 * is nothing to do. */
apr_status_t store_event_chain(int *count, store_t *store, int max,
                               store_event_fn fn, void *baton, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Where to begin a walk over what happened at this time and later: *after is
 * the id of the last event before it.  Takes for granted that the clock did
 * not go back; costs a few SELECTs. */
apr_status_t store_event_before(apr_int64_t *after, store_t *store,
                                apr_int64_t at, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* What verifying found. */
typedef struct {
    apr_int64_t count;     /* chained events that were looked at */
    apr_int64_t waiting;   /* events that are not chained yet */
    apr_int64_t last_id;   /* of the last chained one; 0: none */
    const char *last_hash; /* to be noted elsewhere */
    apr_int64_t broken_id; /* the first that does not fit; 0: none, or not
                              this one but the whole */
    const char *why;       /* NULL: the chain holds */
} store_chain_t;

/* Compute all hashes again, in pages.  APR_SUCCESS whatever was found. */
apr_status_t store_event_verify(store_chain_t *chain, store_t *store,
                                apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
