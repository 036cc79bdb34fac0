/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_ADDRESS_H
#define DCV_ADDRESS_H

/* An IP address, ready to be dialled and to be shown. */

#include <netinet/in.h>
#include <sys/socket.h>

#include <apr_pools.h>

typedef struct {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sock;
    char text[INET6_ADDRSTRLEN];
} dcv_address_t;

/* family AF_INET or AF_INET6; octets in network order. */
dcv_address_t *dcv_address_make(int family, const void *octets,
                                apr_pool_t *pool);

/* "192.0.2.1", "2001:db8::1"; NULL for anything else. */
dcv_address_t *dcv_address_parse(const char *text, apr_pool_t *pool);

int dcv_address_is_same(const dcv_address_t *address,
                        const struct sockaddr *addr);

#endif
