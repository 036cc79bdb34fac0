/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_LOOP_H
#define HTTPD_LOOP_H

/* The child's validation loop (dcv_loop.h) and its thread, made when there is
 * something to validate. */

#include "base/log.h"
#include "dcv/dcv_loop.h"

typedef struct httpd_loop_t httpd_loop_t;

/* NULL: no memory. */
httpd_loop_t *httpd_loop_create(const log_t *log, apr_pool_t *pool);

/* As dcv_loop_submit; an error, too, when there can be no loop, or none any
 * more. */
apr_status_t httpd_loop_submit(httpd_loop_t *loop, const dcv_conf_t *conf,
                               dcv_job_t *job, dcv_done_fn done, void *baton)
    __attribute__((warn_unused_result));

/* From now on; the thread ends soon. */
void httpd_loop_stop(httpd_loop_t *loop);
int httpd_loop_is_running(httpd_loop_t *loop);

#endif
