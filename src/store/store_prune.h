/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PRUNE_H
#define STORE_PRUNE_H

/*
 * What is over goes (acmectl db prune, and the server by itself):
 *
 *   jobs     that nobody has done and nobody holds, with what they were for
 *   orders   that expired before `before`, unless somebody still works on them
 *            or their certificate had not ended by then
 *   authzs   that expired before `before`, unless a remaining order names them
 *   certs    that ended before `certs_before`, unless their order remains
 *   renewals that were pulled forward (acmectl renew), with their certificates
 *   events   older than `events_before`, but none that is younger than an
 *            order or a certificate that remains, and chained ones only
 *
 * It walks each table once, oldest rows first, as far as there may be something
 * to find, in small reads and small transactions.  So others go on meanwhile,
 * and one that dies halfway has done half of it.
 *
 * The audit trail is cut: its new beginning is noted together with an event,
 * STORE_PRUNE_CUT, which becomes part of the chain.
 */

#include "store/store_event.h"

#define STORE_PRUNE_CUT "audit.cut"

typedef struct {
    apr_int64_t now;
    apr_int64_t before, certs_before, events_before; /* seconds since 1970 */
    int is_dry;                                      /* only count */
    const char *who; /* of the event; NULL: nobody */
    /* Called between transactions; may be NULL.  What it returns but
     * APR_SUCCESS ends the walk and is returned. */
    apr_status_t (*pause)(void *baton);
    void *baton;
} store_prune_t;

typedef struct {
    apr_int64_t jobs, orders, authzs, certs, renewals, events;
} store_pruned_t;

/* pruned: how many went, or would. */
apr_status_t store_prune(store_pruned_t *pruned, store_t *store,
                         const store_prune_t *prune, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
