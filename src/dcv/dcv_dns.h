/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_DNS_H
#define DCV_DNS_H

/*
 * From a name to its addresses, in this order: an IP literal is itself;
 * ACMEResolverHost; the hosts file; the name servers, through libunbound.
 * No search list, no cache of failures.  Used by the loop's thread only.
 */

#include "base/log.h"
#include "dcv/dcv.h"
#include "dcv/dcv_event.h"
#include "dcv/dcv_ub.h"

/* More addresses of one name than these are not tried. */
#define DCV_DNS_ADDRESSES_MAX 8

/* The hint for whoever gets no answer. */
#define DCV_DNS_UNREACHED                                                      \
    "can the ACME server's resolver reach the name servers of this domain?"

typedef struct dcv_dns_t dcv_dns_t;
typedef struct dcv_dns_query_t dcv_dns_query_t;

typedef struct {
    apr_array_header_t *addresses; /* of dcv_address_t *; IPv6 first, then by
                                      turns */
    const char *resolver; /* who said so: "hosts file /etc/hosts"; NULL: it is
                             an address */
    const char *failure;  /* why there is no address, or NULL */
    const char *hint;     /* what to do about it, or NULL */
    int is_ours;          /* the failure: we could not even ask */
    int is_partial;       /* the other family takes its time */
} dcv_dns_answer_t;

typedef void (*dcv_dns_fn)(void *baton, const dcv_dns_answer_t *answer);

/* sockets: at most so many for the questions of all. */
dcv_dns_t *dcv_dns_make(dcv_event_t *event, int sockets, const log_t *log,
                        apr_pool_t *pool);

/* How many questions are open, also if they were cancelled. */
int dcv_dns_open(const dcv_dns_t *dns);

/* Addresses of host, lower case and without trailing dot.  done is called once,
 * perhaps before this returns (then *query is NULL); after a partial answer it
 * is called once more with the rest, unless cancelled.  The answer is in pool.
 */
void dcv_dns_start(dcv_dns_query_t **query, dcv_dns_t *dns,
                   const dcv_conf_t *conf, const char *host, dcv_dns_fn done,
                   void *baton, apr_pool_t *pool);

/* Nobody wants to know any more: done is not called. */
void dcv_dns_cancel(dcv_dns_query_t *query);

/* Who is being asked about host, for a message. */
const char *dcv_dns_resolver(const dcv_dns_query_t *query);

/* Records of query->type from the name servers, and from nobody else; *resolver
 * says who that is.  Ends as dcv_ub_ask has it, or by dcv_ub_cancel. */
apr_status_t dcv_dns_records(dcv_ub_query_t *query, const char **resolver,
                             dcv_dns_t *dns, const dcv_conf_t *conf,
                             const char *name)
    __attribute__((warn_unused_result));

#endif
