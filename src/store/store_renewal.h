/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_RENEWAL_H
#define STORE_RENEWAL_H

/*
 * Renewals that an operator has pulled forward (acmectl renew): a window, and
 * the certificates that are to be renewed in it.  These are written down in
 * batches, and count from the moment on that store_renewal_begin says so: what
 * dies before that has done nothing.  Rows go when the last certificate does.
 */

#include "store/store_cert.h"

typedef struct {
    apr_int64_t number;     /* from 1; given by the store */
    const char *selection;  /* JSON: what was asked for */
    apr_int64_t start, end; /* the window */
    const char *url;        /* why; NULL: nobody says */
    const char *who;
    apr_int64_t created_at;
    apr_int64_t cancelled_at;    /* 0: not */
    apr_int64_t certs, replaced; /* how many: all, and with a successor */
} store_renewal_t;

/* Relaxed: a row of its own, which means nothing yet; number is filled in. */
apr_status_t store_renewal_add(store_t *store, store_renewal_t *renewal,
                               apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* Relaxed: these certificates (ids, of const char *) belong to it; some of them
 * may be gone. */
apr_status_t store_renewal_add_certs(store_t *store, apr_int64_t number,
                                     const apr_array_header_t *cert_ids,
                                     apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* Durable.  APR_EEXIST: it has begun already, or is gone. */
apr_status_t store_renewal_begin(store_t *store, apr_int64_t number,
                                 apr_int64_t now, const store_event_t *event,
                                 apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* Durable.  APR_EEXIST: it is cancelled already; APR_ENOENT: there is none. */
apr_status_t store_renewal_cancel(store_t *store, apr_int64_t number,
                                  apr_int64_t now, const store_event_t *event,
                                  apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Those that have begun: one, or newest first (of store_renewal_t *), at most
 * limit, older than `before` (0: from the newest). */
apr_status_t store_renewal_get(store_renewal_t **renewal, store_t *store,
                               apr_int64_t number, apr_pool_t *pool)
    __attribute__((warn_unused_result));
apr_status_t store_renewal_list(apr_array_header_t **renewals, store_t *store,
                                apr_int64_t before, int limit, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The one that wants this certificate renewed soonest, without its counts.
 * APR_ENOENT: none does. */
apr_status_t store_renewal_of_cert(store_renewal_t **renewal, store_t *store,
                                   const char *cert_id, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Its certificates and who follows. */
typedef struct {
    const char *cert_id, *serial, *account_id, *identifiers;
    apr_int64_t not_after, revoked_at;
    const char *replaced_by; /* its certificate; NULL: none yet */
    apr_int64_t replaced_at; /* by an order that said so … */
    int is_guess;          /* … or a later one of its account for its names */
    const char *replacing; /* order that is at it; NULL: none */
} store_renewal_cert_t;
/* Of store_renewal_cert_t *, by id, at most limit, behind this id ("": from
 * the first); is_open: only those without a successor. */
apr_status_t store_renewal_certs(apr_array_header_t **certs, store_t *store,
                                 apr_int64_t number, int is_open,
                                 const char *after, int limit, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
