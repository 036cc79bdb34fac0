/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_BED_H
#define DCV_BED_H

/* A loop on a thread of its own, and validations that tests wait for. */

#include <pthread.h>

#include "dcv/dcv_loop.h"
#include "dcv/dcv_net.h"

typedef struct {
    apr_pool_t *pool;
    dcv_conf_t *conf;
    dcv_net_t *net;             /* of conf; loopback is allowed */
    dcv_method_e method;        /* of the next job … */
    apr_array_header_t *bounds; /* … and what it is bound to; NULL: nothing */
    const char *account_url;    /* … and whose, for the drafts */
    apr_array_header_t *issuers, *account_uris, *hash_prefixes;
    const dcv_caa_t *caa; /* … and what CAA records must allow */
    dcv_survey_t *survey; /* … and what it fills in; NULL: nothing */
    dcv_loop_t *loop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} bed_t;

typedef struct {
    bed_t *bed;
    apr_pool_t *pool; /* the job's own */
    dcv_result_t *result;
    int calls; /* of done */
} probe_t;

/* Names a.test to e.test are 127.0.0.1; nothing else is known. */
bed_t *bed_start(apr_pool_t *pool);
void bed_stop(bed_t *bed);

void bed_host(bed_t *bed, const char *name, const char *address);

/* One more bound for jobs: networks "10.0.0.0/8 fd00::/8". */
void bed_bind(bed_t *bed, const char *name, const char *networks);

/* http-01 of this name and token; the key authorization is token ".thumb".  A
 * probe is freed with bed_free. */
probe_t *bed_submit(bed_t *bed, const char *domain, const char *token,
                    const char *account);
probe_t *bed_submit_key(bed_t *bed, const char *domain, const char *token,
                        const char *key_authorization, const char *account);
/* Its result; NULL after some 30 seconds. */
const dcv_result_t *bed_wait(probe_t *probe);
const dcv_result_t *bed_ask(bed_t *bed, const char *domain, const char *token);
void bed_free(probe_t *probe);

#endif
