/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_DIAL_H
#define DCV_DIAL_H

/*
 * A host's addresses, one after the other, for the methods that connect to
 * something: resolved, each looked at by dcv_net and by the policy's networks
 * before it is dialled; IPv6 first, and the next one when an address gives no
 * answer at all, or takes more than its share of the time.  Addresses that the
 * DNS is late with are dialled when they come.
 */

#include "dcv/dcv_attempt.h"
#include "dcv/dcv_run.h"

typedef struct {
    /* Dial dial->address; 0: it cannot be done now. */
    int (*start)(void *baton);
    /* Let go of what start began; nothing if there is nothing. */
    void (*stop)(void *baton);
    dcv_stage_e (*stage)(void *baton);
} dcv_dialler_t;

typedef struct {
    dcv_run_t *run;
    apr_pool_t *pool;
    dcv_attempt_t attempt;
    const dcv_address_t *address; /* that is dialled now, or was at last */

    /* dcv_dial's own */
    const dcv_dialler_t *dialler;
    void *baton;
    const dcv_bound_t *bound; /* of the domain; NULL: none */
    const dcv_net_t *bound_net;
    int was_bound;                 /* an address was left out for it */
    dcv_dns_query_t *query;        /* NULL unless there may be more addresses */
    apr_array_header_t *addresses; /* of dcv_address_t *, that may be dialled */
    int next;                      /* of them, to be dialled */
    int is_dialling;               /* the one before it */
    dcv_timer_t share;             /* of the time, for this address */
    dcv_reply_t telling;           /* the failure of an address to be told */
} dcv_dial_t;

void dcv_dial_init(dcv_dial_t *dial, dcv_run_t *run,
                   const dcv_dialler_t *dialler, void *baton);

/* Begin with host; url is its name in messages. */
void dcv_dial_host(dcv_dial_t *dial, const char *url, const char *host,
                   int port);

/* What start began has answered, whatever: its share is its own now. */
void dcv_dial_heard(dcv_dial_t *dial);

/* This address gave no answer: the next one, if there is one. */
void dcv_dial_next(dcv_dial_t *dial, const dcv_reply_t *reply);

/* The ends: each finishes the run.  why and hint as in dcv_attempt_problem;
 * ours is not their fault, and the same may work later. */
void dcv_dial_fail(dcv_dial_t *dial, problem_type_e type, const char *why,
                   const char *hint);
void dcv_dial_fail_ours(dcv_dial_t *dial, const char *why);
void dcv_dial_succeed(dcv_dial_t *dial);
void dcv_dial_expire(dcv_dial_t *dial);

/* Lets go of all that is under way. */
void dcv_dial_cancel(dcv_dial_t *dial);

#endif
