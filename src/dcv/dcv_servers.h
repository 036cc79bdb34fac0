/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_SERVERS_H
#define DCV_SERVERS_H

/*
 * Which name servers a configuration asks: ACMEResolver's per zone, and
 * resolv.conf's for everything else.  Virtual hosts that ask the same ones
 * share a libunbound context; when resolv.conf has changed, a new one is made.
 */

#include "dcv/dcv_ub.h"

typedef struct dcv_servers_t dcv_servers_t;

dcv_servers_t *dcv_servers_make(dcv_event_t *event, int sockets,
                                const log_t *log, apr_pool_t *pool);

/* How many questions are open, also if they were cancelled. */
int dcv_servers_open(const dcv_servers_t *servers);

/* The context to be asked about host, and in words which servers that asks:
 * "10.0.0.1, 10.0.0.2 of /etc/resolv.conf". */
apr_status_t dcv_servers_get(dcv_ub_t **ub, const char **resolver,
                             dcv_servers_t *servers, const dcv_conf_t *conf,
                             const char *host, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
