/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_CONF_H
#define DCV_CONF_H

/* What the configuration says of validation. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

/* Static answer: ACMEResolverHost NAME IP… */
typedef struct {
    const char *name;              /* lower case */
    apr_array_header_t *addresses; /* of const char *, IPv4 and IPv6 */
} dcv_host_t;

/* ACMEResolver [ZONE] IP[:PORT]… */
typedef struct {
    const char *zone;            /* NULL: everything */
    apr_array_header_t *servers; /* of const char *, "ip" or "ip@port"
                                    (libunbound's form) */
} dcv_resolver_t;

typedef struct dcv_net_t dcv_net_t;

typedef struct {
    apr_array_header_t *resolvers; /* of dcv_resolver_t *; empty: system's */
    apr_array_header_t *hosts;     /* of dcv_host_t * */
    const char *resolv_conf;       /* "/etc/resolv.conf" */
    const char *hosts_file;        /* "/etc/hosts" */
    apr_array_header_t *allow; /* of const char *: net's rules, as written */
    apr_array_header_t *deny;
    const dcv_net_t *net;         /* which addresses may be dialled */
    int dnssec;                   /* answers must hold … */
    const char *trust_anchor;     /* … by the keys in this file … */
    apr_array_header_t *insecure; /* … but for these zones (of const char *) */
    int authoritative;            /* a zone's own servers are asked, too */
    int dns01_port;               /* 53; of those */
    int http01_port;              /* 80; redirects may name it, 80, 443 */
    int tlsalpn01_port;           /* 443 */
    apr_interval_time_t timeout;  /* the whole validation */
    apr_interval_time_t retry;    /* from a failure to the next try; 0: none */
    int max_in_flight;            /* per loop; beyond it jobs queue, but for an
                                     account's first ones (dcv_queue.h) */
    const char *user_agent;
} dcv_conf_t;

/* Why nothing can be validated by the keys in this file, in words; NULL: it
 * has some. */
const char *dcv_conf_trust_fault(const char *trust_anchor, apr_pool_t *pool);

/* What several lines say of one zone, or one name, in one row (of
 * dcv_resolver_t *, dcv_host_t *): lines add up. */
apr_array_header_t *dcv_conf_resolvers(const apr_array_header_t *lines,
                                       apr_pool_t *pool);
apr_array_header_t *dcv_conf_hosts(const apr_array_header_t *lines,
                                   apr_pool_t *pool);

/* With every default filled in. */
dcv_conf_t *dcv_conf_make(apr_pool_t *pool);

#endif
