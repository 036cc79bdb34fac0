/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

/* What one kind of row's file writes inside the transaction of another's.  For
 * store/ only. */

#include "store/store_authz.h"
#include "store/store_blocked.h"
#include "store/store_cert.h"
#include "store/store_db.h"
#include "store/store_event.h"
#include "store/store_job.h"
#include "store/store_order.h"

/* PostgreSQL's writers come at once, and what they write becomes visible in
 * another order than it was numbered in, with gaps.  So there, events that are
 * not chained have numbers from here on, and get ids when they are. */
#define STORE_EVENT_WAITING APR_INT64_C(4611686018427387904)
#define STORE_SQL_NUMBERED  "id < 4611686018427387904"

/* NULL: nothing. */
apr_status_t store_event_insert(store_conn_t *conn, const store_event_t *event)
    __attribute__((warn_unused_result));
/* Up to max events after this id (of store_event_t), oldest first. */
apr_status_t store_event_page(apr_array_header_t **events, store_t *store,
                              apr_int64_t after, int max, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* One more account, one more order of this external account key; STORE_BUDGET
 * when it does not allow that.  is_due: one that is not counted. */
apr_status_t store_eab_bind(store_conn_t *conn, const char *kid,
                            apr_int64_t now)
    __attribute__((warn_unused_result));
apr_status_t store_eab_order(store_conn_t *conn, const char *kid, int is_due,
                             apr_int64_t now)
    __attribute__((warn_unused_result));

/* What an account wants to add to what waits, and how many may then. */
typedef struct {
    const char *account_id;
    apr_int64_t now;
    int max_orders, max_authzs; /* 0: no limit */
    int authzs;                 /* so many more */
} store_room_t;

/* STORE_FULL_ORDERS, STORE_FULL_AUTHZS: there is no room. */
apr_status_t store_limit_check(store_conn_t *conn, const store_room_t *room,
                               apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* An authorization is not to become valid (any more): the order that it was
 * made with does not wait for it any longer. */
apr_status_t store_limit_lose(store_conn_t *conn, const char *authz_id)
    __attribute__((warn_unused_result));

apr_status_t store_authz_insert(store_conn_t *conn, const store_authz_t *authz)
    __attribute__((warn_unused_result));
/* APR_ENOENT: it is not valid (any more). */
apr_status_t store_authz_valid(store_conn_t *conn, const char *id,
                               apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* *is_new: it was not blocked before. */
apr_status_t store_blocked_insert(int *is_new, store_conn_t *conn,
                                  const store_blocked_t *blocked)
    __attribute__((warn_unused_result));
/* STORE_BLOCKED: it is. */
apr_status_t store_blocked_check(store_conn_t *conn, const char *spki_sha256,
                                 apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* APR_EEXIST: its id or serial is there. */
apr_status_t store_cert_insert(store_conn_t *conn, const store_cert_t *cert)
    __attribute__((warn_unused_result));
/* This new order is to replace a certificate; APR_EEXIST: another one is. */
apr_status_t store_cert_replace(store_conn_t *conn, const store_order_t *order)
    __attribute__((warn_unused_result));
/* This new certificate replaces the one that its order said, if any. */
apr_status_t store_cert_replaced(store_conn_t *conn, const store_cert_t *cert)
    __attribute__((warn_unused_result));
apr_status_t store_job_insert(store_conn_t *conn, const store_job_t *job)
    __attribute__((warn_unused_result));
/* The same, if there is none of its kind and subject. */
apr_status_t store_job_insert_single(store_conn_t *conn, const store_job_t *job)
    __attribute__((warn_unused_result));
/* Nobody's, and due then; that is no attempt that was lost. */
apr_status_t store_job_free(store_conn_t *conn, const char *id,
                            apr_int64_t due_at)
    __attribute__((warn_unused_result));
/* One that is free but not due yet, now and by owner; else APR_ENOENT. */
apr_status_t store_job_take(store_job_t **job, store_conn_t *conn,
                            const char *id, const char *owner,
                            apr_int64_t lease_until, apr_int64_t now,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));
/* Whether it is there or not. */
apr_status_t store_job_remove(store_conn_t *conn, const char *id)
    __attribute__((warn_unused_result));

/* Whoever revokes a certificate of this issuer generation calls this in the
 * same transaction: its list is due.  One job for all who come before it has
 * run; job: id, kind, due_at. */
apr_status_t store_crl_due(store_conn_t *conn, const char *issuer,
                           const store_job_t *job)
    __attribute__((warn_unused_result));

#endif
