/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLOCK_H
#define CLOCK_H

/* The only reader of the clock.  Everything that needs the time gets a
 * clock_source_t, so that a test can set it. */

#include <apr_pools.h>
#include <apr_time.h>
#include <time.h>

typedef struct {
    apr_time_t (*now)(void *baton);
    void *baton;
} clock_source_t;

/* The machine's clock. */
extern const clock_source_t clock_system;

/* For durations and deadlines: never set back or forth, starts anywhere. */
extern const clock_source_t clock_monotonic;

/* Microseconds since 1970 (but see clock_monotonic), by this source. */
apr_time_t clock_now(const clock_source_t *source);

/* What clock_monotonic will be in so long, for pthread_cond_clockwait() and
 * sem_clockwait(). */
struct timespec clock_after(apr_interval_time_t span);

/* Whole seconds, the resolution of every stored and shown time. */
apr_int64_t clock_seconds(const clock_source_t *source);

/* Seconds since 1970 → "2026-11-24T16:00:00Z". */
const char *clock_rfc3339(apr_int64_t seconds, apr_pool_t *pool);

/* RFC 3339 date-time, any offset, fraction dropped → seconds since 1970.
 * APR_EINVAL for anything else, impossible dates (Feb 30) included. */
apr_status_t clock_rfc3339_parse(apr_int64_t *seconds, const char *text)
    __attribute__((warn_unused_result));

#endif
