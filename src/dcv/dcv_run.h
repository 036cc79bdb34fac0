/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_RUN_H
#define DCV_RUN_H

/*
 * One job on the loop: what the methods (http-01, …) get and give back.  Lives
 * in the job's pool, belongs to the loop's thread.
 */

#include "dcv/dcv_ask.h"
#include "dcv/dcv_dns.h"
#include "dcv/dcv_event.h"
#include "dcv/dcv_fetch.h"
#include "dcv/dcv_loop.h"
#include "dcv/dcv_tls.h"

typedef struct dcv_run_t dcv_run_t;

/* A way to validate.  start ends in dcv_run_finish, at once or later; expire
 * must end in it at once; cancel lets go of all that is under way. */
typedef struct {
    void (*start)(dcv_run_t *run);
    void (*expire)(dcv_run_t *run);
    void (*cancel)(dcv_run_t *run);
} dcv_method_t;

struct dcv_run_t {
    dcv_job_t *job;
    const dcv_conf_t *conf;
    dcv_loop_t *loop;
    dcv_event_t *event;
    dcv_fetch_t *fetch;
    dcv_tls_t *tls;
    dcv_dns_t *dns;
    dcv_asker_t *asker;
    void *state; /* the method's */
    apr_time_t deadline;
    apr_int64_t lifetime, until; /* of the result */
    const char *address;         /* that answered, while CAA is waited for */
    int is_reached, status;      /* of the result */

    /* the loop's own */
    struct dcv_climb_t *climb; /* CAA records; NULL: none are looked at */
    int is_late;               /* the deadline has passed */
    dcv_done_fn done;
    void *baton;
    const dcv_method_t *method;
    dcv_timer_t timer; /* until started: the longest wait; then deadline */
    apr_time_t submitted;
    dcv_run_t *next, *prev;  /* in the list it is in */
    struct dcv_lane_t *lane; /* dcv_queue */
    int bucket;
};

/* problem NULL: proven, but for CAA, which is waited for where the job wants
 * it.  run may be gone when this returns. */
void dcv_run_finish(dcv_run_t *run, problem_t *problem, const char *address,
                    int is_retryable);

/* The last word: run is gone when this returns. */
void dcv_run_end(dcv_run_t *run, problem_t *problem, const char *address,
                 int is_retryable);

#endif
