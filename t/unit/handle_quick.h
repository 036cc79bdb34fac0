/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDLE_QUICK_H
#define HANDLE_QUICK_H

/* A host that has threads to spare: it performs and holds (acme_host_t), on the
 * caller's thread, as the fields say. */

#include "handle.h"

typedef struct {
    handle_t *h;
    int is_full;  /* there is too much to do */
    int is_taken; /* hold: one of this id is running */
    int is_slow;  /* hold: no result in time */
    /* Something that happens before it is performed or the result is there. */
    void (*before)(void *baton);
    void *baton;
    /* Counted. */
    int performed, held, released[ACME_HELD_LOST + 1]; /* by how */
    /* What is held now. */
    const store_job_t *job;
    dcv_result_t result;
} quick_t;

quick_t *handle_quick(handle_t *h);

#endif
