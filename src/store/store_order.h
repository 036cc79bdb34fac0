/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ORDER_H
#define STORE_ORDER_H

/* Orders (RFC 8555 7.1.3).  Their status is never stored: acme_state computes
 * it from processing_since, cert_id, error, expiry and the authorizations. */

#include "store/store.h"
#include "store/store_authz.h"
#include "store/store_cert.h"
#include "store/store_job.h"

typedef struct {
    const char *id;
    const char *account_id;
    const char *realm, *directory, *profile;
    const char *identifiers;           /* identifier_list_text */
    apr_array_header_t *authz_ids;     /* of const char *, in stable order */
    apr_int64_t not_before, not_after; /* wishes, 0: none */
    apr_int64_t created_at, expires_at;
    apr_int64_t processing_since; /* claimed by a finalize; 0: not yet */
    const char *csr_sha256;       /* of the CSR that claimed it */
    const char *cert_id;          /* issued; NULL: not yet */
    const char *error;            /* problem JSON, NULL: none */
    /* RFC 9773 5; NULL: it replaces none. */
    const char *replaces;      /* as the client named the certificate */
    const char *replaces_cert; /* the certificate's id */
    const char *after;         /* for create, and nowhere else: an invalid
                                  order that was to replace it before */
    /* For create, and nowhere else. */
    int is_due;      /* a renewal that was asked for: none of today's orders */
    int max_open;    /* orders of the account that may wait, */
    int max_pending; /* and authorizations, these included; 0: no limit */
} store_order_t;

/* Durable; one transaction: the order and its new authorizations (of
 * store_authz_t *; reused ones are not in it), and one more today (unless it
 * is_due) on the external account key (NULL: none).  STORE_BUDGET: the key is
 * not valid or has all its orders of today.  APR_EEXIST: another order replaces
 * that certificate, or has.  STORE_FULL_ORDERS, STORE_FULL_AUTHZS: the account
 * has max_open orders or max_pending authorizations that wait; the cost does
 * not depend on how many others it has. */
apr_status_t store_order_create(store_t *store, const store_order_t *order,
                                const apr_array_header_t *new_authzs,
                                const char *eab_kid, const store_event_t *event,
                                apr_pool_t *pool)
    __attribute__((warn_unused_result));

apr_status_t store_order_get(store_order_t **order, store_t *store,
                             const char *id, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* A finalize takes the order.  Durable; one transaction: processing_since and
 * csr_sha256 set WHERE neither is and there is no error, and the job that
 * holds the plan, leased from birth as job says.  APR_EEXIST: somebody else has
 * claimed it, or its account is not valid (any more); APR_ENOENT: nor is one of
 * its authorizations (T61). */
apr_status_t store_order_claim(store_t *store, const char *id,
                               const char *csr_sha256, apr_int64_t now,
                               const store_job_t *job,
                               const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* A finalize takes the order and is done with it: what store_order_claim and
 * store_order_complete do, in one durable transaction and without a job.
 * `event` tells of the claim, `issued` of the certificate, whose order_id is
 * the order's id.  APR_EEXIST, APR_ENOENT: as store_order_claim; STORE_BLOCKED:
 * as store_order_complete.  Nothing changes then. */
apr_status_t store_order_issue(store_t *store, const char *csr_sha256,
                               apr_int64_t now, const store_cert_t *cert,
                               const store_event_t *event,
                               const store_event_t *issued, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable; one transaction: the certificate row, order.cert_id WHERE it was
 * NULL, the certificate that it replaces is replaced, the job is gone.
 * APR_EEXIST: it was completed or failed before; nothing changes but the job is
 * gone.  STORE_BLOCKED: the certificate's key has been blocked since it was
 * claimed; nothing changes. */
apr_status_t store_order_complete(store_t *store, const char *id,
                                  const char *job_id, const store_cert_t *cert,
                                  const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  claimed → failed with this problem; the job is gone.  APR_EEXIST:
 * it was completed or failed before; the job is gone all the same. */
apr_status_t store_order_fail(store_t *store, const char *id,
                              const char *job_id, const char *error,
                              const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Newest first (of store_order_t *), at most limit, older than order `before`
 * (NULL: from the newest).  account_id NULL: all accounts' (acmectl). The cost
 * does not depend on how many there are. */
apr_status_t store_order_list(apr_array_header_t **orders, store_t *store,
                              const char *account_id, const char *before,
                              int limit, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
