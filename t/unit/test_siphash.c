/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include "tap.h"

static const apr_uint64_t key[2] = {APR_UINT64_C(0x0706050403020100),
                                    APR_UINT64_C(0x0f0e0d0c0b0a0908)};

/* The paper's own example, and two of its authors' vectors. */
static void vectors(apr_pool_t *pool)
{
    unsigned char octets[16];
    int i;

    for (i = 0; i < 16; i++)
        octets[i] = (unsigned char)i;
    ok(siphash_make(key, octets, 15) == APR_UINT64_C(0xa129ca6149be45e5));
    ok(siphash_make(key, octets, 0) == APR_UINT64_C(0x726fdb47dd0e0e31));
    ok(siphash_make(key, octets, 8) == APR_UINT64_C(0x93f5f5799a932462));
}

const tap_case_t tap_cases[] = {
    {"the vectors of its authors", vectors},
    {NULL, NULL},
};
