/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_AGAIN_H
#define DCV_AGAIN_H

/*
 * When a connection that was given up for want of memory begins anew.  At once,
 * if it is the first time; then later and later, and not all of them at the
 * same time, so that they do not push each other out again; and some times
 * only, for who can have that again and again costs more than memory.
 */

#include <apr_time.h>

/* times: it has begun anew so often.  -1: that is enough. */
apr_interval_time_t dcv_again_pause(int times);

#endif
