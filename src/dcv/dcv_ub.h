/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_UB_H
#define DCV_UB_H

/*
 * One libunbound context: name servers per zone, nothing cached, joined to the
 * loop by its descriptor.  Used by the loop's thread only; libunbound works on
 * a thread of its own.
 */

#include "base/log.h"
#include "dcv/dcv.h"
#include "dcv/dcv_event.h"

typedef struct dcv_ub_t dcv_ub_t;

/* addresses: of dcv_address_t *, in the pool given; failure says why there are
 * none (NULL: there are). */
typedef void (*dcv_ub_fn)(void *baton, const apr_array_header_t *addresses,
                          const char *failure);

typedef struct {
    dcv_ub_t *ub; /* NULL: not asked, answered, or cancelled */
    int id;
    int family;
    dcv_ub_fn done;
    void *baton;
    apr_pool_t *pool;
} dcv_ub_query_t;

/* zones: of dcv_resolver_t *, one of them for everything.  sockets: at most so
 * many at a time.  APR_EGENERAL when libunbound will not have it. */
apr_status_t dcv_ub_create(dcv_ub_t **ub, const apr_array_header_t *zones,
                           int sockets, dcv_event_t *event, const log_t *log,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Only when it is idle: no question is open, and it is not its own done
 * function that asks. */
void dcv_ub_destroy(dcv_ub_t *ub);
int dcv_ub_is_idle(const dcv_ub_t *ub);

/* Has it broken, so that another one must be made? */
int dcv_ub_is_broken(const dcv_ub_t *ub);

/* Addresses of this family (AF_INET, AF_INET6) of host.  done is called once,
 * never before this returns.  query belongs to the caller; family, done, baton
 * and pool are set. */
apr_status_t dcv_ub_ask(dcv_ub_query_t *query, dcv_ub_t *ub, const char *host)
    __attribute__((warn_unused_result));
void dcv_ub_cancel(dcv_ub_query_t *query);

/* What dcv_event tells of a DCV_EVENT_DNS descriptor goes to all contexts; 0:
 * it is another one's. */
int dcv_ub_ready(dcv_ub_t *ub, int fd);

#endif
