/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "dcv/dcv_caa.h"

#define RECORDS_MAX 16

static apr_pool_t *top;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_initialize();
    apr_pool_create(&top, NULL);
    return 0;
}

static const char *judge(const dcv_caa_set_t *set, const char *identity,
                         int is_wildcard, apr_pool_t *pool)
{
    apr_array_header_t *identities =
        apr_array_make(pool, 1, sizeof(const char *));
    dcv_caa_name_t name = {"a.test", is_wildcard, "http-01"};
    dcv_caa_t terms = {.identities = identities, .account_uri = "https://x/1"};

    if (identity)
        APR_ARRAY_PUSH(identities, const char *) = identity;
    return dcv_caa_fault(&terms, &name, set, pool);
}

/* Records, each after an octet with its length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *records[RECORDS_MAX];
    dcv_caa_set_t set = {0};
    int lens[RECORDS_MAX];
    apr_pool_t *pool;
    int i;

    apr_pool_create(&pool, top);
    while (size && set.count < RECORDS_MAX && data[0] < size) {
        lens[set.count] = data[0];
        records[set.count] = apr_pmemdup(pool, data + 1, data[0]);
        size -= 1u + data[0];
        data += 1u + data[0];
        set.count++;
    }
    set.data = records;
    set.lens = lens;
    for (i = 0; i < 2; i++) {
        const char *ours = judge(&set, "ca.test", i, pool);

        /* What allows nobody in particular allows us. */
        promise(judge(&set, NULL, i, pool) || !ours);
        promise(!ours || strlen(ours) < 16384);
    }
    apr_pool_destroy(pool);
    return 0;
}
