/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_tlsalpn01.h"

#include <apr_strings.h>

#include "dcv/dcv_alpncert.h"
#include "dcv/dcv_dial.h"

#include "base/banned.h"

typedef struct {
    dcv_dial_t dial;
    const char *server_name;
    dcv_shake_t *shake; /* NULL unless we wait for it */
} tlsalpn01_t;

static void refuse(tlsalpn01_t *tlsalpn01, problem_type_e type, const char *why,
                   const char *hint)
{
    dcv_dial_t *dial = &tlsalpn01->dial;

    dcv_attempt_note(&dial->attempt, dial->address->text, why);
    dcv_dial_fail(dial, type, NULL, hint);
}

static void certificate_judge(tlsalpn01_t *tlsalpn01, X509 *certificate)
{
    dcv_dial_t *dial = &tlsalpn01->dial;
    const char *hint, *why;

    why = dcv_alpncert_judge(&hint, certificate, dial->run->job);
    if (why)
        refuse(tlsalpn01, PROBLEM_INCORRECT_RESPONSE, why, hint);
    else
        dcv_dial_succeed(dial);
}

static void shake_done(void *baton, const dcv_tls_answer_t *answer)
{
    tlsalpn01_t *tlsalpn01 = baton;
    dcv_dial_t *dial = &tlsalpn01->dial;

    tlsalpn01->shake = NULL;
    dcv_dial_heard(dial);
    if (!answer->reply.failure || answer->reply.is_tls)
        dial->run->is_reached = 1;
    if (answer->reply.is_ours)
        dcv_dial_fail_ours(dial, answer->reply.failure);
    else if (answer->reply.failure)
        dcv_dial_next(dial, &answer->reply);
    else if (!answer->is_acme)
        refuse(tlsalpn01, PROBLEM_UNAUTHORIZED,
               "a TLS server that does not know \"acme-tls/1\"",
               "is the ACME client there, ready, and reached without a proxy "
               "that ends TLS?");
    else if (!answer->certificate)
        refuse(tlsalpn01, PROBLEM_INCORRECT_RESPONSE, "it has no certificate",
               NULL);
    else
        certificate_judge(tlsalpn01, answer->certificate);
}

static int shake_start(void *baton)
{
    tlsalpn01_t *tlsalpn01 = baton;
    dcv_dial_t *dial = &tlsalpn01->dial;
    dcv_tls_request_t request = {0};

    request.address = dial->address;
    request.port = dial->attempt.port;
    request.net = dial->run->conf->net;
    request.server_name = tlsalpn01->server_name;
    request.done = shake_done;
    request.baton = tlsalpn01;
    request.pool = dial->pool;
    tlsalpn01->shake = dcv_tls_start(dial->run->tls, &request);
    return 1;
}

static void shake_stop(void *baton)
{
    tlsalpn01_t *tlsalpn01 = baton;

    if (tlsalpn01->shake)
        dcv_tls_cancel(tlsalpn01->shake);
    tlsalpn01->shake = NULL;
}

static dcv_stage_e shake_stage(void *baton)
{
    tlsalpn01_t *tlsalpn01 = baton;

    return dcv_tls_stage(tlsalpn01->shake);
}

static const dcv_dialler_t dialler = {shake_start, shake_stop, shake_stage};

static void start(dcv_run_t *run)
{
    const dcv_job_t *job = run->job;
    tlsalpn01_t *tlsalpn01 = apr_pcalloc(job->pool, sizeof(*tlsalpn01));

    run->state = tlsalpn01;
    tlsalpn01->server_name = dcv_alpncert_server_name(job->domain, job->pool);
    dcv_dial_init(&tlsalpn01->dial, run, &dialler, tlsalpn01);
    dcv_dial_host(&tlsalpn01->dial,
                  apr_pstrcat(job->pool, "acme-tls/1 of ", job->domain, NULL),
                  job->domain, run->conf->tlsalpn01_port);
}

static void expire(dcv_run_t *run)
{
    tlsalpn01_t *tlsalpn01 = run->state;

    dcv_dial_expire(&tlsalpn01->dial);
}

static void cancel(dcv_run_t *run)
{
    tlsalpn01_t *tlsalpn01 = run->state;

    dcv_dial_cancel(&tlsalpn01->dial);
}

const dcv_method_t dcv_tlsalpn01 = {start, expire, cancel};
