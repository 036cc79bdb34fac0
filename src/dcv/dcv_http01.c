/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_http01.h"

#include <string.h>

#include <apr_strings.h>

#include "base/quote.h"
#include "dcv/dcv_body.h"
#include "dcv/dcv_dial.h"
#include "dcv/dcv_url.h"

#include "base/banned.h"

#define REDIRECTS_MAX 10

typedef struct {
    dcv_dial_t dial;
    dcv_transfer_t *transfer; /* NULL unless we wait for it */
    dcv_body_t body;
} http01_t;

static int body_take(void *baton, const char *data, apr_size_t len)
{
    http01_t *http01 = baton;

    return dcv_body_take(&http01->body, data, len);
}

static void body_begin(void *baton)
{
    http01_t *http01 = baton;

    dcv_body_init(&http01->body, http01->dial.run->job->key_authorization);
}

/* Of the address that answered. */
static void note(http01_t *http01, const char *why)
{
    dcv_attempt_note(&http01->dial.attempt, http01->dial.address->text, why);
}

static void redirect_follow(http01_t *http01, const char *location)
{
    dcv_dial_t *dial = &http01->dial;
    const char *why;
    dcv_url_t *url;

    if (dial->attempt.hop >= REDIRECTS_MAX) {
        note(http01, "redirects once more, after " APR_STRINGIFY(
                         REDIRECTS_MAX) " redirects");
        dcv_dial_fail(dial, PROBLEM_INCORRECT_RESPONSE, NULL,
                      "do the redirects lead in a circle?");
        return;
    }
    why =
        dcv_url_parse(&url, location, dial->run->conf->http01_port, dial->pool);
    if (!why) {
        dcv_dial_host(dial, url->text, url->host, url->port);
        return;
    }
    note(http01,
         apr_psprintf(dial->pool, "redirects to \"%s\", but %s",
                      quote_make(location, strlen(location), 200, dial->pool),
                      why));
    dcv_dial_fail(dial, PROBLEM_INCORRECT_RESPONSE, NULL, NULL);
}

static void reply_judge(http01_t *http01, const dcv_reply_t *reply)
{
    dcv_run_t *run = http01->dial.run;
    const char *why, *hint;

    run->is_reached = 1;
    run->status = reply->status;
    why =
        dcv_body_judge(&hint, &http01->body, reply->status, http01->dial.pool);
    if (!why) {
        dcv_dial_succeed(&http01->dial);
        return;
    }
    note(http01, why);
    dcv_dial_fail(&http01->dial, PROBLEM_INCORRECT_RESPONSE, NULL, hint);
}

static void transfer_done(void *baton, const dcv_reply_t *reply)
{
    http01_t *http01 = baton;
    dcv_dial_t *dial = &http01->dial;

    http01->transfer = NULL;
    dcv_dial_heard(dial);
    if (reply->is_ours)
        dcv_dial_fail_ours(dial, reply->failure);
    else if (reply->failure && !reply->status)
        dcv_dial_next(dial, reply);
    else if (reply->failure) {
        note(http01, apr_psprintf(dial->pool, "status %d, then %s",
                                  reply->status, reply->failure));
        dcv_dial_fail(dial, reply->type, NULL, reply->hint);
    }
    else if (reply->redirect)
        redirect_follow(http01, reply->redirect);
    else
        reply_judge(http01, reply);
}

static int transfer_start(void *baton)
{
    http01_t *http01 = baton;
    dcv_dial_t *dial = &http01->dial;
    dcv_run_t *run = dial->run;
    dcv_request_t request = {0};

    body_begin(http01);
    request.url = dial->attempt.url;
    request.address = dial->address;
    request.port = dial->attempt.port;
    request.net = run->conf->net;
    request.user_agent = run->conf->user_agent;
    request.body = body_take;
    request.again = body_begin;
    request.done = transfer_done;
    request.baton = http01;
    request.pool = dial->pool;
    http01->transfer = dcv_fetch_start(run->fetch, &request);
    return http01->transfer != NULL;
}

static void transfer_stop(void *baton)
{
    http01_t *http01 = baton;

    if (http01->transfer)
        dcv_fetch_cancel(http01->transfer);
    http01->transfer = NULL;
}

static dcv_stage_e transfer_stage(void *baton)
{
    http01_t *http01 = baton;

    return dcv_fetch_stage(http01->transfer);
}

static const dcv_dialler_t dialler = {transfer_start, transfer_stop,
                                      transfer_stage};

static void start(dcv_run_t *run)
{
    const dcv_job_t *job = run->job;
    http01_t *http01 = apr_pcalloc(job->pool, sizeof(*http01));
    int number = run->conf->http01_port;
    const char *host = job->domain;
    char port[16] = "";

    run->state = http01;
    dcv_dial_init(&http01->dial, run, &dialler, http01);
    if (strchr(host, ':'))
        host = apr_pstrcat(job->pool, "[", host, "]", NULL); /* RFC 8738 5 */
    if (number != 80)
        apr_snprintf(port, sizeof(port), ":%d", number);
    dcv_dial_host(&http01->dial,
                  apr_pstrcat(job->pool, "http://", host, port,
                              "/.well-known/acme-challenge/", job->token, NULL),
                  job->domain, number);
}

/* The whole validation has taken too long. */
static void expire(dcv_run_t *run)
{
    http01_t *http01 = run->state;

    dcv_dial_expire(&http01->dial);
}

static void cancel(dcv_run_t *run)
{
    http01_t *http01 = run->state;

    dcv_dial_cancel(&http01->dial);
}

const dcv_method_t dcv_http01 = {start, expire, cancel};
