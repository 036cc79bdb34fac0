/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_address.h"

#include <arpa/inet.h>
#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

dcv_address_t *dcv_address_make(int family, const void *octets,
                                apr_pool_t *pool)
{
    dcv_address_t *address = apr_pcalloc(pool, sizeof(*address));

    address->sock.any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        memcpy(&address->sock.v4.sin_addr, octets, 4);
    else
        memcpy(&address->sock.v6.sin6_addr, octets, 16);
    inet_ntop(family, octets, address->text, sizeof(address->text));
    return address;
}

dcv_address_t *dcv_address_parse(const char *text, apr_pool_t *pool)
{
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    unsigned char octets[16];

    if (inet_pton(family, text, octets) != 1)
        return NULL;
    return dcv_address_make(family, octets, pool);
}

int dcv_address_is_same(const dcv_address_t *address,
                        const struct sockaddr *addr)
{
    if (addr->sa_family != address->sock.any.sa_family)
        return 0;
    if (addr->sa_family == AF_INET)
        return ((const struct sockaddr_in *)addr)->sin_addr.s_addr ==
               address->sock.v4.sin_addr.s_addr;
    return !memcmp(&((const struct sockaddr_in6 *)addr)->sin6_addr,
                   &address->sock.v6.sin6_addr, 16);
}
