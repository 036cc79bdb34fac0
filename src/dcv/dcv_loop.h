/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_LOOP_H
#define DCV_LOOP_H

/*
 * The one event loop of a child: libcurl's multi interface by socket_action
 * (never curl_multi_perform, house.md 2.8), libunbound joined by its
 * descriptor, deadlines, a wake-up descriptor.  It runs on a thread that the
 * caller makes; submit and stop may be called by any thread.
 */

#include "base/log.h"
#include "dcv/dcv.h"

typedef struct dcv_loop_t dcv_loop_t;

/* Called on the loop's thread, exactly once for each submitted job; must not
 * block.  result lives in the job's pool. */
typedef void (*dcv_done_fn)(void *baton, dcv_job_t *job, dcv_result_t *result);

/* After fork. */
apr_status_t dcv_loop_create(dcv_loop_t **loop, const log_t *log,
                             apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Returns after dcv_loop_stop; jobs still there are then done with
 * is_retryable set. */
void dcv_loop_run(dcv_loop_t *loop);
void dcv_loop_stop(dcv_loop_t *loop); /* async-signal-safe: one write() */

/* APR_EGENERAL when the loop is stopping (done will not be called).  conf is
 * const and outlives the job: several vhosts of one child share a loop, each
 * with its own configuration. */
apr_status_t dcv_loop_submit(dcv_loop_t *loop, const dcv_conf_t *conf,
                             dcv_job_t *job, dcv_done_fn done, void *baton)
    __attribute__((warn_unused_result));

#endif
