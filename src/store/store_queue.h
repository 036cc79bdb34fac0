/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

/*
 * Writers in line.  Whoever finds no leader becomes it; when he has led, the
 * next one in line does.  A leader first waits until those whom store_expect()
 * has announced are in line, too, or have gone; for a moment at most.
 *
 * For store_commit.c only.
 */

#include <semaphore.h>

#include "store/store_db.h"

/* How long a writer stays in line before it gives up. */
#define STORE_QUEUE_LIMIT apr_time_from_sec(2)

typedef enum { ENTRY_WAITS, ENTRY_LEADS, ENTRY_RUNS, ENTRY_DONE } entry_state_e;

/* A writer: lives on its thread's stack while that waits. */
struct store_entry_t {
    store_write_fn fn; /* NULL: only have the database made */
    void *baton;
    store_durability_e durability;
    entry_state_e state;
    apr_status_t rv;
    int has_failed; /* by the database, not by what fn decided */
    sem_t turn;     /* it is to lead, or it is done */
    store_entry_t *next;
};

/* Comes back when entry is done, perhaps because its own thread called lead,
 * which must take the line and see to all that it took.  ENTRY_WAITS: it was
 * too long. */
entry_state_e store_queue_join(store_t *store, store_entry_t *entry,
                               void (*lead)(store_t *store));
/* The line, whose entries run from now on. */
store_entry_t *store_queue_take(store_t *store);
/* Those are done. */
void store_queue_done(store_entry_t *batch);

#endif
