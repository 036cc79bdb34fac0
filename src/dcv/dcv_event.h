/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_EVENT_H
#define DCV_EVENT_H

/*
 * What the loop waits for: descriptors (epoll) and times (a heap).  Costs what
 * happens, not what waits: 2,000 hanging connections are 2,000 silent
 * descriptors and one timer each.  Used by the loop's thread only.
 */

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

typedef struct dcv_event_t dcv_event_t;

/* Whose descriptor it is. */
typedef enum {
    DCV_EVENT_WAKE,
    DCV_EVENT_HTTP,
    DCV_EVENT_PARKED,
    DCV_EVENT_DNS,
    DCV_EVENT_ASK,
    DCV_EVENT_TLS,
    DCV_EVENT_KINDS
} dcv_event_kind_e;

/* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.  May be told of a descriptor
 * that is no longer watched. */
typedef void (*dcv_event_fn)(void *baton, int fd, unsigned int events);

/* Belongs to its user; zeroed means not set. */
typedef struct {
    apr_time_t at; /* of dcv_event_now */
    int slot;      /* in the heap, from 1; 0 is not set */
    void (*fire)(void *baton);
    void *baton;
} dcv_timer_t;

apr_status_t dcv_event_create(dcv_event_t **event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Who hears of the descriptors of this kind. */
void dcv_event_handle(dcv_event_t *event, dcv_event_kind_e kind,
                      dcv_event_fn handler, void *baton);

/* Watch fd for events, or for others than before; 0: no longer. */
apr_status_t dcv_event_watch(dcv_event_t *event, dcv_event_kind_e kind, int fd,
                             unsigned int events);

/* Set (again) or clear.  timer->fire is called once, at or after that time;
 * it may set and clear any timer. */
void dcv_event_timer_set(dcv_event_t *event, dcv_timer_t *timer, apr_time_t at);
void dcv_event_timer_clear(dcv_event_t *event, dcv_timer_t *timer);

/* Monotonic; read once per dcv_event_turn. */
apr_time_t dcv_event_now(const dcv_event_t *event);

/* Wait for something and hand it out. */
void dcv_event_turn(dcv_event_t *event);

#endif
