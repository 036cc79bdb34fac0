/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_FETCH_H
#define DCV_FETCH_H

/*
 * One GET from one address: libcurl's multi interface, driven by the loop's
 * descriptors (never curl_multi_perform, whose cost grows with all that hangs).
 * No redirect is followed, no connection used twice, no certificate looked at,
 * nothing remembered.  Used by the loop's thread only.
 */

#include "dcv/dcv_address.h"
#include "dcv/dcv_event.h"
#include "dcv/dcv_net.h"

typedef struct dcv_fetch_t dcv_fetch_t;
typedef struct dcv_transfer_t dcv_transfer_t;

typedef struct {
    int status; /* of the answer; 0: there is none */
    /* "http://…" where a 3xx answer points to, in full; NULL without */
    const char *redirect;
    /* What went wrong and what an operator may do about it (NULL: nothing in
     * particular); NULL: a whole answer. */
    const char *failure, *hint;
    problem_type_e type; /* of the failure */
    int is_ours;         /* the failure: of this server, not of theirs */
    int is_tls;          /* the failure: of a TLS server, but not for ACME */
    int has_no_way;      /* the failure: no way leads from us to there */
} dcv_reply_t;           /* in the request's pool */

typedef struct {
    const char *url;              /* http or https */
    const dcv_address_t *address; /* the only one that is dialled */
    int port;
    const dcv_net_t *net;
    const char *user_agent;
    /* A piece of the body; 0: that was enough, the answer counts as whole. */
    int (*body)(void *baton, const char *data, apr_size_t len);
    /* It is asked once more: what there was of a body does not count. */
    void (*again)(void *baton);
    void (*done)(void *baton, const dcv_reply_t *reply);
    void *baton;
    apr_pool_t *pool;
} dcv_request_t;

/* How far a transfer has come. */
typedef enum {
    DCV_STAGE_CONNECT,
    DCV_STAGE_TLS,
    DCV_STAGE_WAIT,   /* asked, and no line of an answer yet */
    DCV_STAGE_RECEIVE /* an answer has begun */
} dcv_stage_e;

apr_status_t dcv_fetch_create(dcv_fetch_t **fetch, dcv_event_t *event,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* done is called once, never before this returns, unless cancelled.  NULL: no
 * transfer can be made now. */
dcv_transfer_t *dcv_fetch_start(dcv_fetch_t *fetch,
                                const dcv_request_t *request)
    __attribute__((warn_unused_result));

void dcv_fetch_cancel(dcv_transfer_t *transfer);
dcv_stage_e dcv_fetch_stage(const dcv_transfer_t *transfer);

#endif
