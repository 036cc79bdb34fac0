/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_event.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "tap.h"

#define TIMERS 2000

static dcv_event_t *event;
static dcv_timer_t timers[TIMERS];
static int fired, in_order;
static apr_time_t last;

static void fire(void *baton)
{
    dcv_timer_t *timer = baton;

    fired++;
    if (timer->at < last || timer->slot ||
        timer->at > clock_now(&clock_monotonic))
        in_order = 0;
    last = timer->at;
}

static void timers_prepare(void)
{
    int i;

    fired = 0;
    in_order = 1;
    last = 0;
    for (i = 0; i < TIMERS; i++) {
        timers[i].fire = fire;
        timers[i].baton = &timers[i];
        timers[i].slot = 0;
    }
}

static void turn_until(int count)
{
    apr_time_t end = clock_now(&clock_monotonic) + apr_time_from_sec(10);

    while (fired < count && clock_now(&clock_monotonic) < end)
        dcv_event_turn(event);
    is_int(fired, count);
}

/* Set, set again and cleared at random; what remains fires in order. */
static void heap(apr_pool_t *pool)
{
    int i, set = 0;

    ok(dcv_event_create(&event, pool) == APR_SUCCESS);
    timers_prepare();
    srandom(7);
    for (i = 0; i < TIMERS * 10; i++) {
        dcv_timer_t *timer = &timers[random() % TIMERS];

        if (random() % 3)
            dcv_event_timer_set(event, timer,
                                dcv_event_now(event) + 500 + random() % 100000);
        else
            dcv_event_timer_clear(event, timer);
    }
    for (i = 0; i < TIMERS; i++)
        set += timers[i].slot != 0;
    ok(set > TIMERS / 2);
    turn_until(set);
    ok(in_order);
    for (i = 0; i < TIMERS; i++)
        ok(!timers[i].slot);
}

static int pair[2], heard;

static void again(void *baton)
{
    dcv_event_timer_set(event, baton, dcv_event_now(event));
    fired++;
}

static void hear(void *baton, int fd, unsigned int events)
{
    heard++;
    is_int(fd, pair[0]);
    ok(events & EPOLLIN);
    ok(baton == &heard);
}

/* A timer that is always due does not make descriptors wait. */
static void both(apr_pool_t *pool)
{
    int i;

    ok(dcv_event_create(&event, pool) == APR_SUCCESS);
    timers_prepare();
    timers[0].fire = again;
    dcv_event_timer_set(event, &timers[0], dcv_event_now(event));
    ok(!pipe(pair));
    heard = 0;
    dcv_event_handle(event, DCV_EVENT_HTTP, hear, &heard);
    ok(dcv_event_watch(event, DCV_EVENT_HTTP, pair[0], EPOLLOUT) ==
       APR_SUCCESS);
    ok(dcv_event_watch(event, DCV_EVENT_HTTP, pair[0], EPOLLIN) == APR_SUCCESS);
    (void)!write(pair[1], "x", 1);
    for (i = 0; i < 5; i++)
        dcv_event_turn(event);
    is_int(heard, 5);
    ok(fired >= 5);
    ok(dcv_event_watch(event, DCV_EVENT_HTTP, pair[0], 0) == APR_SUCCESS);
    dcv_event_turn(event);
    is_int(heard, 5);
    ok(dcv_event_watch(event, DCV_EVENT_HTTP, 100000, EPOLLIN) != APR_SUCCESS);
    close(pair[0]);
    close(pair[1]);
}

const tap_case_t tap_cases[] = {
    {"timers fire in order, once, not too early", heap},
    {"descriptors beside a busy timer", both},
    {NULL, NULL}};
