/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "store/store_db.h"

#include "base/banned.h"

/* The mutex is held. */
static int is_complete(store_t *store)
{
    return store->queued >= __atomic_load_n(&store->expected, __ATOMIC_SEQ_CST);
}

void store_company_wait(store_t *store)
{
    apr_time_t limit = clock_now(&clock_monotonic) + store->company_limit;
    struct timespec until = {apr_time_sec(limit), apr_time_usec(limit) * 1000};

    __atomic_store_n(&store->is_gathering, 1, __ATOMIC_SEQ_CST);
    while (!is_complete(store) &&
           pthread_cond_clockwait(&store->company, &store->mutex,
                                  CLOCK_MONOTONIC, &until) != ETIMEDOUT)
        ;
    __atomic_store_n(&store->is_gathering, 0, __ATOMIC_SEQ_CST);
}

void store_company_came(store_t *store)
{
    if (store->is_gathering && is_complete(store))
        pthread_cond_signal(&store->company);
}

void store_expect(store_t *store, int change)
{
    __atomic_add_fetch(&store->expected, change, __ATOMIC_SEQ_CST);
    if (change > 0 || !__atomic_load_n(&store->is_gathering, __ATOMIC_SEQ_CST))
        return;
    pthread_mutex_lock(&store->mutex);
    store_company_came(store);
    pthread_mutex_unlock(&store->mutex);
}
