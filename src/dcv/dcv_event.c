/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_event.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

#include "base/banned.h"

#define EVENTS_MAX 128
#define WAIT_MAX   apr_time_from_sec(60)

struct dcv_event_t {
    apr_pool_t *pool;
    int epoll_fd;
    apr_time_t now;
    struct {
        dcv_event_fn fn;
        void *baton;
    } handlers[DCV_EVENT_KINDS];
    dcv_timer_t **heap; /* from 1; the earliest first */
    int timers, room;
};

static apr_status_t event_close(void *data)
{
    dcv_event_t *event = data;

    close(event->epoll_fd);
    return APR_SUCCESS;
}

apr_status_t dcv_event_create(dcv_event_t **event, apr_pool_t *pool)
{
    dcv_event_t *made = apr_pcalloc(pool, sizeof(*made));

    made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll_fd < 0)
        return APR_FROM_OS_ERROR(errno);
    made->pool = pool;
    made->now = clock_now(&clock_monotonic);
    made->room = 64;
    made->heap = apr_palloc(pool, (apr_size_t)made->room * sizeof(*made->heap));
    apr_pool_cleanup_register(pool, made, event_close, apr_pool_cleanup_null);
    *event = made;
    return APR_SUCCESS;
}

void dcv_event_handle(dcv_event_t *event, dcv_event_kind_e kind,
                      dcv_event_fn handler, void *baton)
{
    event->handlers[kind].fn = handler;
    event->handlers[kind].baton = baton;
}

apr_status_t dcv_event_watch(dcv_event_t *event, dcv_event_kind_e kind, int fd,
                             unsigned int events)
{
    struct epoll_event wish;

    wish.events = events;
    wish.data.u64 = (uint64_t)kind << 32 | (uint32_t)fd;
    if (!events) {
        epoll_ctl(event->epoll_fd, EPOLL_CTL_DEL, fd, &wish);
        return APR_SUCCESS;
    }
    if (!epoll_ctl(event->epoll_fd, EPOLL_CTL_ADD, fd, &wish))
        return APR_SUCCESS;
    if (errno == EEXIST &&
        !epoll_ctl(event->epoll_fd, EPOLL_CTL_MOD, fd, &wish))
        return APR_SUCCESS;
    return APR_FROM_OS_ERROR(errno);
}

static void timer_place(dcv_event_t *event, dcv_timer_t *timer, int slot)
{
    event->heap[slot] = timer;
    timer->slot = slot;
}

/* Move timer from slot towards the first as long as it is earlier. */
static void timer_rise(dcv_event_t *event, dcv_timer_t *timer, int slot)
{
    while (slot > 1 && event->heap[slot / 2]->at > timer->at) {
        timer_place(event, event->heap[slot / 2], slot);
        slot /= 2;
    }
    timer_place(event, timer, slot);
}

/* Move timer from slot towards the last as long as it is later. */
static void timer_sink(dcv_event_t *event, dcv_timer_t *timer, int slot)
{
    int child;

    for (child = slot * 2; child <= event->timers; child = slot * 2) {
        if (child < event->timers &&
            event->heap[child + 1]->at < event->heap[child]->at)
            child++;
        if (event->heap[child]->at >= timer->at)
            break;
        timer_place(event, event->heap[child], slot);
        slot = child;
    }
    timer_rise(event, timer, slot);
}

void dcv_event_timer_clear(dcv_event_t *event, dcv_timer_t *timer)
{
    dcv_timer_t *last;
    int slot = timer->slot;

    if (!slot)
        return;
    timer->slot = 0;
    last = event->heap[event->timers--];
    if (last != timer)
        timer_sink(event, last, slot);
}

void dcv_event_timer_set(dcv_event_t *event, dcv_timer_t *timer, apr_time_t at)
{
    dcv_timer_t **heap;

    dcv_event_timer_clear(event, timer);
    timer->at = at;
    if (event->timers + 1 >= event->room) {
        heap = apr_palloc(event->pool,
                          (apr_size_t)event->room * 2 * sizeof(*heap));
        memcpy(heap, event->heap, (apr_size_t)event->room * sizeof(*heap));
        event->heap = heap;
        event->room *= 2;
    }
    event->timers++;
    timer_rise(event, timer, event->timers);
}

apr_time_t dcv_event_now(const dcv_event_t *event)
{
    return event->now;
}

/* Those that are due now; one that a timer sets anew waits for the next turn,
 * so that descriptors are not forgotten over it. */
static void timers_fire(dcv_event_t *event)
{
    int most = event->timers;

    while (most-- > 0 && event->timers && event->heap[1]->at <= event->now) {
        dcv_timer_t *timer = event->heap[1];

        dcv_event_timer_clear(event, timer);
        timer->fire(timer->baton);
    }
}

/* Milliseconds for epoll, rounded up: a timer must not be met too early. */
static int wait_time(const dcv_event_t *event)
{
    apr_interval_time_t left = WAIT_MAX;

    if (event->timers)
        left = event->heap[1]->at - clock_now(&clock_monotonic);
    if (left <= 0)
        return 0;
    if (left > WAIT_MAX)
        left = WAIT_MAX;
    return (int)apr_time_as_msec(left + 999);
}

void dcv_event_turn(dcv_event_t *event)
{
    struct epoll_event ready[EVENTS_MAX];
    int i, count;

    count = epoll_wait(event->epoll_fd, ready, EVENTS_MAX, wait_time(event));
    event->now = clock_now(&clock_monotonic);
    for (i = 0; i < count; i++) {
        int kind = (int)(ready[i].data.u64 >> 32);
        int fd = (int)(uint32_t)ready[i].data.u64;

        event->handlers[kind].fn(event->handlers[kind].baton, fd,
                                 ready[i].events);
    }
    timers_fire(event);
}
