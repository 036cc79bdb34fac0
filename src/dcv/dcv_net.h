/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_NET_H
#define DCV_NET_H

/*
 * Which addresses may be dialled (pki.md: ACMEValidationAllow/Deny).  Longest
 * matching prefix wins, the operator's rule over the built-in, deny on a tie.
 * v4-mapped, NAT64 (64:ff9b::/96, 64:ff9b:1::/48) and 6to4 addresses are
 * unwrapped first.  Built in: deny loopback, unspecified and "this network",
 * link-local (metadata 169.254.169.254 included), multicast, broadcast, the
 * other addresses of clouds' metadata; allow the rest.
 */

#include <sys/socket.h>

#include "dcv/dcv.h"

dcv_net_t *dcv_net_make(apr_pool_t *pool);

/* These networks (of const char *) and nothing else, without anything built in;
 * NULL if one is none. */
dcv_net_t *dcv_net_make_bound(const apr_array_header_t *networks,
                              apr_pool_t *pool);

/* "10.0.0.0/8", "::1", "fe80::/10": APR_EINVAL if text is no CIDR or has host
 * bits set. */
apr_status_t dcv_net_rule_add(dcv_net_t *net, const char *text, int is_allow,
                              apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* May addr be dialled?  If not, *rule (may be NULL) says which rule forbids it:
 * "127.0.0.0/8 (built in)". */
int dcv_net_is_allowed(const dcv_net_t *net, const struct sockaddr *addr,
                       const char **rule);

#endif
