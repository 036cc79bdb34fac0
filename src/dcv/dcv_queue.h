/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_QUEUE_H
#define DCV_QUEUE_H

/*
 * Who may run.  Each configuration (virtual host) has a lane with its own
 * limit; in a lane, accounts take turns, and there is an eighth more room for
 * those that have hardly anything in flight, a quarter for those that have
 * nothing, so that 2,000 hanging validations, of one account or of many, do not
 * delay another account's.  As many may wait; what is more is not taken, unless
 * its account has hardly any there.  Accounts are told apart by a keyed hash:
 * nothing is allocated per account.
 */

#include "dcv/dcv_run.h"

typedef struct dcv_queue_t dcv_queue_t;

/* limit: of all lanes together, what the process has descriptors for.
 * key: random, so that nobody can choose his neighbours. */
dcv_queue_t *dcv_queue_make(int limit, const apr_uint64_t key[2],
                            apr_pool_t *pool);

/* 0: too many wait already. */
int dcv_queue_add(dcv_queue_t *queue, dcv_run_t *run);

/* The next one that may run, now in flight; NULL if there is none. */
dcv_run_t *dcv_queue_next(dcv_queue_t *queue);

/* This one, which waits, does not want to any more. */
void dcv_queue_remove(dcv_queue_t *queue, dcv_run_t *run);

/* This one, which was in flight, is done. */
void dcv_queue_done(dcv_queue_t *queue, dcv_run_t *run);

/* How many are. */
int dcv_queue_in_flight(const dcv_queue_t *queue);

/* Do some wait that their configurations would let run? */
int dcv_queue_is_short(const dcv_queue_t *queue);

/* Any that waits, removed; NULL if there is none. */
dcv_run_t *dcv_queue_drain(dcv_queue_t *queue);

#endif
