/* SPDX-License-Identifier: Apache-2.0 */
/* Validations that fail and are tried again (RFC 8555 8.2). */

#include "acme/acme_work_job.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_eab.h"
#include "store/store_job.h"
#include "tap.h"

#define URN "urn:ietf:params:acme:error:"

typedef struct {
    client_t *c;
    handle_t *h;
    const char *order, *authz, *url; /* the challenge's */
} bed_t;

/* An order for a.test whose challenge was accepted; the job waits. */
static bed_t *start(apr_pool_t *pool)
{
    bed_t *bed = apr_pcalloc(pool, sizeof(*bed));
    reply_t *r;

    bed->h = handle_make(tap_tmpdir(), pool);
    bed->h->conf->dcv->retry = apr_time_from_sec(3);
    bed->h->is_idle = 1;
    bed->c = client_make(bed->h, "P-256");
    client_register(bed->c);
    r = client_order(bed->c, "a.test");
    bed->order = r->location;
    bed->authz = reply_text(r, "authorizations/0");
    bed->url =
        reply_text(client_post(bed->c, bed->authz, ""), "challenges/0/url");
    client_post(bed->c, bed->url, "{}");
    return bed;
}

/* What the job ends with; NULL: proven. */
static void run(bed_t *bed, const store_job_t *job, problem_type_e type,
                const char *detail)
{
    bed->h->verdict =
        detail ? problem_make(bed->h->pool, type, "%s", detail) : NULL;
    handle_run(bed->h, job);
}

/* The job that is due now; NULL: none. */
static const store_job_t *due(bed_t *bed)
{
    apr_array_header_t *jobs;

    if (acme_work_claim(&jobs, &bed->h->acme, 9, bed->h->pool) != APR_SUCCESS ||
        jobs->nelts != 1)
        return NULL;
    return APR_ARRAY_IDX(jobs, 0, const store_job_t *);
}

static void failed_once(bed_t *bed)
{
    run(bed, handle_job(bed->h), PROBLEM_CONNECTION, "refused");
}

static void processing(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    reply_t *r = client_post(bed->c, bed->url, "");

    is_str(reply_text(r, "status"), "processing");
    ok(!reply_text(r, "error/type"), "nothing has failed yet");
    failed_once(bed);
    is_int(bed->h->wakes > 0, 1);
    r = client_post(bed->c, bed->url, "");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "processing");
    is_str(reply_text(r, "error/type"), URN "connection");
    is_str(reply_text(r, "error/detail"), "refused");
    ok(!reply_text(r, "validated"));
    is_str(r->retry_after, "4"); /* after the next try */
    /* type, url, status, token before anything nested (R7). */
    ok(strstr(r->body, "\"token\":") < strstr(r->body, "\"error\":"));
    r = client_post(bed->c, bed->authz, "");
    is_str(reply_text(r, "status"), "pending");
    is_str(reply_text(r, "challenges/0/status"), "processing");
    is_str(reply_text(r, "challenges/0/error/detail"), "refused");
    is_str(r->retry_after, "4");
    ok(!strstr(r->body, "\"status\":\"invalid\""), "R9");
    bed->h->now += 2;
    is_str(client_post(bed->c, bed->authz, "")->retry_after, "2");
    is_str(reply_text(client_post(bed->c, bed->order, ""), "status"),
           "pending");
    is_int(event_count(bed->h, "authz.invalid"), 0);
}

static void then_valid(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    const store_job_t *job;
    reply_t *r;

    failed_once(bed);
    bed->h->now += 2;
    ok(!due(bed), "not before its time");
    bed->h->now += 1;
    job = due(bed);
    need(job);
    is_int(job->attempts, 0);
    run(bed, job, 0, NULL);
    r = client_post(bed->c, bed->url, "");
    is_str(reply_text(r, "status"), "valid");
    ok(reply_text(r, "validated"));
    ok(!reply_text(r, "error/type"), "an error would say that it is not");
    is_str(reply_text(client_post(bed->c, bed->order, ""), "status"), "ready");
    bed->h->now += 100;
    ok(!due(bed), "the job is gone");
}

/* Each failure replaces the one before; the last one is final. */
static void given_up(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    reply_t *r;

    failed_once(bed);
    bed->h->now += 3;
    run(bed, due(bed), PROBLEM_DNS, "no such name");
    r = client_post(bed->c, bed->url, "");
    is_str(reply_text(r, "status"), "processing");
    is_str(reply_text(r, "error/type"), URN "dns");
    bed->h->now += 3;
    run(bed, due(bed), PROBLEM_INCORRECT_RESPONSE, "nonsense");
    /* 3 s later it would be after ACMEValidationTimeout, 8 s (R20). */
    r = client_post(bed->c, bed->url, "");
    is_str(reply_text(r, "status"), "invalid");
    is_str(reply_text(r, "error/type"), URN "incorrectResponse");
    ok(!r->retry_after);
    is_str(reply_text(client_post(bed->c, bed->authz, ""), "status"),
           "invalid");
    is_str(reply_text(client_post(bed->c, bed->order, ""), "status"),
           "invalid");
    is_int(event_count(bed->h, "authz.invalid"), 1);
    ok(!due(bed));
    /* T65: no further one, whatever the client says. */
    is_str(reply_text(client_post(bed->c, bed->url, "{}"), "status"),
           "invalid");
    is_int(bed->h->jobs->nelts, 1);
}

static void hurry(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    reply_t *r;

    failed_once(bed);
    /* Too soon: nothing happens, and that is no mistake (R14). */
    r = client_post(bed->c, bed->url, "{}");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "processing");
    is_int(bed->h->jobs->nelts, 1);
    bed->h->now += 2;
    is_str(reply_text(client_post(bed->c, bed->url, ""), "status"),
           "processing");
    is_int(bed->h->jobs->nelts, 1);
    r = client_post(bed->c, bed->url, "{}");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "processing");
    is_str(r->retry_after, "1");
    is_int(bed->h->jobs->nelts, 2);
    is_str(handle_job(bed->h)->lease_owner, bed->h->acme.owner);
    /* It is being tried: not once more. */
    client_post(bed->c, bed->url, "{}");
    is_int(bed->h->jobs->nelts, 2);
    ok(!due(bed), "it is leased");
    run(bed, handle_job(bed->h), 0, NULL);
    is_str(reply_text(client_post(bed->c, bed->url, "{}"), "status"), "valid");
    is_int(bed->h->jobs->nelts, 2);
}

/* What will not be otherwise in some seconds, and without ACMEValidationRetry.
 */
static void at_once(apr_pool_t *pool)
{
    static const problem_type_e types[] = {PROBLEM_REJECTED_IDENTIFIER,
                                           PROBLEM_CAA};
    bed_t *bed;
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        bed = start(pool);
        run(bed, handle_job(bed->h), types[i], "never");
        is_str(reply_text(client_post(bed->c, bed->url, ""), "status"),
               "invalid");
    }
    bed = start(pool);
    bed->h->conf->dcv->retry = 0;
    failed_once(bed);
    is_str(reply_text(client_post(bed->c, bed->url, ""), "status"), "invalid");
    bed = start(pool);
    bed->h->conf->dcv->timeout = apr_time_from_sec(3);
    failed_once(bed);
    is_str(reply_text(client_post(bed->c, bed->url, ""), "status"), "invalid");
}

static void deactivated(apr_pool_t *pool)
{
    bed_t *bed = start(pool);

    failed_once(bed);
    is_int(
        client_post(bed->c, bed->authz, "{\"status\":\"deactivated\"}")->status,
        200);
    is_str(reply_text(client_post(bed->c, bed->url, "{}"), "status"),
           "invalid");
    bed->h->now += 3;
    run(bed, due(bed), PROBLEM_CONNECTION, "again");
    is_str(reply_text(client_post(bed->c, bed->authz, ""), "status"),
           "deactivated");
    bed->h->now += 100;
    ok(!due(bed), "the job is gone");
}

/* The whole is over in time; a try that comes late has time nevertheless. */
static void time_left(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    const dcv_job_t *work =
        acme_work_start(&bed->h->acme, handle_job(bed->h), pool);
    const store_job_t *job;

    need(work);
    is_int(work->time_left, apr_time_from_sec(8));
    failed_once(bed);
    bed->h->now += 3;
    job = due(bed);
    need(job);
    work = acme_work_start(&bed->h->acme, job, pool);
    is_int(work->time_left, apr_time_from_sec(5));
    bed->h->now += 100;
    work = acme_work_start(&bed->h->acme, job, pool);
    is_int(work->time_left, apr_time_from_sec(8));
}

static void rolled_over(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    const dcv_job_t *before = acme_work_start(&bed->h->acme, handle_job(bed->h),
                                              pool),
                    *after;
    const store_job_t *job;

    failed_once(bed);
    bed->h->now += 3;
    job = due(bed);
    need(job && before);
    after = acme_work_start(&bed->h->acme, job, pool);
    need(after);
    is_str(after->key_authorization, before->key_authorization);
}

const tap_case_t tap_cases[] = {
    {"T66 while it is tried again: processing, with the error", processing},
    {"T66 then it is valid, validated, without error", then_valid},
    {"T66 R20 given up in time, with the last error", given_up},
    {"T65 accepted again it is tried at once, not too often", hurry},
    {"T66 what waiting does not change is final", at_once},
    {"T68 deactivated meanwhile", deactivated},
    {"R20 a try has what is left of the time", time_left},
    {"T43 each try is for the same key", rolled_over},
    {NULL, NULL},
};
