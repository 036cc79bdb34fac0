/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CRL_H
#define STORE_CRL_H

/*
 * Lists of revoked certificates: the current one of each issuer generation.
 *
 * Generations that have one key stand for each other, and so do their lists:
 * each has the certificates of all of them, and they share one sequence of
 * numbers.
 *
 * A list is made from a basis and stored unless there is one of a newer basis:
 * so numbers only grow, and no list replaces one that has a certificate which
 * it lacks.  What was revoked since that basis is another list's matter: so
 * there are new lists however often something is revoked.
 */

#include "store/store_event.h"

typedef struct {
    const char *issuer; /* fingerprint of the generation */
    apr_int64_t number;
    apr_int64_t this_update; /* when it was made; what the list itself says is
                                a little earlier */
    apr_int64_t next_update;
    apr_int64_t revision; /* of the basis that it was made of */
    apr_int64_t entries;
    const unsigned char *der;
    apr_size_t der_len;
} store_crl_t;

/* APR_ENOENT: it has none yet. */
apr_status_t store_crl_get(store_crl_t **crl, store_t *store,
                           const char *issuer, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Without its octets, which may be megabytes: der is NULL. */
apr_status_t store_crl_get_head(store_crl_t **crl, store_t *store,
                                const char *issuer, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The lists of all issuers, without their octets, with the issuer's name and
 * generation (of store_crl_head_t *), by name and age.  For acmectl. */
typedef struct {
    store_crl_t crl;
    const char *name; /* NULL: nobody has written the issuer down */
    int generation;
} store_crl_head_t;
apr_status_t store_crl_list(apr_array_header_t **heads, store_t *store,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));

typedef struct {
    const char *serial;
    apr_int64_t at;
    int reason; /* -1: none */
} store_revoked_t;

typedef struct {
    apr_int64_t number;       /* the last one used, 0 without */
    apr_int64_t revision;     /* grows with each revocation (store_crl_due) */
    apr_int64_t listed;       /* the revision of the newest list, 0 without */
    apr_array_header_t *list; /* of store_revoked_t *; NULL: not asked for */
} store_crl_basis_t;

/* Without the list: is there anything new? */
apr_status_t store_crl_look(store_crl_basis_t *basis, store_t *store,
                            const char *issuer, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The list too: what was revoked and ended at since or later (RFC 5280 3.3:
 * what ended since the last list is in one more). */
apr_status_t store_crl_prepare(store_crl_basis_t *basis, store_t *store,
                               const char *issuer, apr_int64_t since,
                               apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  crl->number is greater than basis->number, crl->revision that of
 * basis.  APR_EEXIST: others have stored one since; begin again. */
apr_status_t store_crl_set(store_t *store, const store_crl_t *crl,
                           const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Relaxed: the job that store_crl_due made is done, the list having been made
 * of this revision.  APR_EEXIST: there is a newer one, and the job stays. */
apr_status_t store_crl_done(store_t *store, const char *job_id,
                            const char *issuer, apr_int64_t revision,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
