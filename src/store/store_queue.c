/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_queue.h"

#include <errno.h>

#include "base/clock.h"

#include "base/banned.h"

/* Whoever reads a state sees all that was done before it was set. */
static void state_set(store_entry_t *entry, entry_state_e state)
{
    __atomic_store_n(&entry->state, state, __ATOMIC_RELEASE);
}

static entry_state_e state_of(const store_entry_t *entry)
{
    return __atomic_load_n(&entry->state, __ATOMIC_ACQUIRE);
}

/* Everybody who is expected is in line; the mutex is held. */
static int is_complete(store_t *store)
{
    return store->queued >= __atomic_load_n(&store->expected, __ATOMIC_SEQ_CST);
}

static void company_came(store_t *store)
{
    if (__atomic_load_n(&store->is_gathering, __ATOMIC_SEQ_CST) &&
        is_complete(store))
        pthread_cond_signal(&store->company);
}

static void company_wait(store_t *store)
{
    struct timespec until = clock_after(store->company_limit);

    pthread_mutex_lock(&store->mutex);
    __atomic_store_n(&store->is_gathering, 1, __ATOMIC_SEQ_CST);
    while (!is_complete(store) &&
           pthread_cond_clockwait(&store->company, &store->mutex,
                                  CLOCK_MONOTONIC, &until) != ETIMEDOUT)
        ;
    __atomic_store_n(&store->is_gathering, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&store->mutex);
}

void store_expect(store_t *store, int change)
{
    __atomic_add_fetch(&store->expected, change, __ATOMIC_SEQ_CST);
    if (change > 0 || !__atomic_load_n(&store->is_gathering, __ATOMIC_SEQ_CST))
        return;
    pthread_mutex_lock(&store->mutex);
    company_came(store);
    pthread_mutex_unlock(&store->mutex);
}

store_entry_t *store_queue_take(store_t *store)
{
    store_entry_t *batch, *entry;

    pthread_mutex_lock(&store->mutex);
    batch = store->queue;
    store->queue = NULL;
    store->queue_end = &store->queue;
    store->queued = 0;
    for (entry = batch; entry; entry = entry->next)
        state_set(entry, ENTRY_RUNS);
    pthread_mutex_unlock(&store->mutex);
    return batch;
}

/* Without the mutex, which those who wake would only find locked. */
void store_queue_done(store_entry_t *batch)
{
    store_entry_t *next;

    for (; batch; batch = next) {
        next = batch->next; /* its thread may be gone in a moment */
        state_set(batch, ENTRY_DONE);
        sem_post(&batch->turn);
    }
}

/* The next one in line leads, if there is one. */
static void lead_pass(store_t *store)
{
    pthread_mutex_lock(&store->mutex);
    store->has_leader = store->queue != NULL;
    if (store->queue) {
        state_set(store->queue, ENTRY_LEADS);
        sem_post(&store->queue->turn);
    }
    pthread_mutex_unlock(&store->mutex);
}

static void lead_run(store_t *store, const store_entry_t *entry,
                     void (*lead)(store_t *store))
{
    if (entry->durability == STORE_DURABLE && store_is_well(store))
        company_wait(store);
    lead(store);
    lead_pass(store);
}

/* 0: not in time. */
static int turn_wait(store_entry_t *entry, const struct timespec *until)
{
    int rc;

    do
        rc = sem_clockwait(&entry->turn, CLOCK_MONOTONIC, until);
    while (rc && errno == EINTR);
    return !rc;
}

/* 0: its turn has come, or is just coming. */
static int leave(store_t *store, const store_entry_t *entry)
{
    store_entry_t **link = &store->queue;
    int is_waiting;

    pthread_mutex_lock(&store->mutex);
    is_waiting = state_of(entry) == ENTRY_WAITS;
    if (is_waiting) {
        while (*link != entry)
            link = &(*link)->next;
        *link = entry->next;
        store->queued--;
        if (!*link)
            store->queue_end = link;
    }
    pthread_mutex_unlock(&store->mutex);
    return is_waiting;
}

/* 1: it is the leader. */
static int enter(store_t *store, store_entry_t *entry)
{
    int leads;

    pthread_mutex_lock(&store->mutex);
    *store->queue_end = entry;
    store->queue_end = &entry->next;
    store->queued++;
    company_came(store);
    leads = !store->has_leader;
    if (leads)
        state_set(entry, ENTRY_LEADS);
    store->has_leader = 1;
    pthread_mutex_unlock(&store->mutex);
    return leads;
}

entry_state_e store_queue_join(store_t *store, store_entry_t *entry,
                               void (*lead)(store_t *store))
{
    struct timespec until = clock_after(STORE_QUEUE_LIMIT);

    sem_init(&entry->turn, 0, 0);
    if (enter(store, entry)) {
        lead_run(store, entry, lead);
    }
    else if (!turn_wait(entry, &until)) {
        if (leave(store, entry))
            return ENTRY_WAITS;
        while (sem_wait(&entry->turn))
            ;
    }
    if (state_of(entry) == ENTRY_LEADS)
        lead_run(store, entry, lead);
    sem_destroy(&entry->turn);
    return ENTRY_DONE;
}
