/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include "base/banned.h"

static apr_uint64_t turn(apr_uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void rounds(apr_uint64_t v[4], int count)
{
    while (count--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = turn(v[1], 13) ^ v[0];
        v[3] = turn(v[3], 16) ^ v[2];
        v[0] = turn(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = turn(v[1], 17) ^ v[2];
        v[3] = turn(v[3], 21) ^ v[0];
        v[2] = turn(v[2], 32);
    }
}

/* Up to 8 octets, the first one lowest. */
static apr_uint64_t word(const unsigned char *octets, apr_size_t len)
{
    apr_uint64_t value = 0;

    while (len--)
        value = value << 8 | octets[len];
    return value;
}

apr_uint64_t siphash_make(const apr_uint64_t key[2], const void *data,
                          apr_size_t len)
{
    apr_uint64_t v[4] = {key[0] ^ APR_UINT64_C(0x736f6d6570736575),
                         key[1] ^ APR_UINT64_C(0x646f72616e646f6d),
                         key[0] ^ APR_UINT64_C(0x6c7967656e657261),
                         key[1] ^ APR_UINT64_C(0x7465646279746573)};
    const unsigned char *octets = data;
    apr_uint64_t last = (apr_uint64_t)len << 56, m;

    for (; len >= 8; octets += 8, len -= 8) {
        m = word(octets, 8);
        v[3] ^= m;
        rounds(v, 2);
        v[0] ^= m;
    }
    last |= word(octets, len);
    v[3] ^= last;
    rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
