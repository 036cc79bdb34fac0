/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_http01.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/quote.h"
#include "dcv/dcv_attempt.h"
#include "dcv/dcv_body.h"
#include "dcv/dcv_fetch_words.h"
#include "dcv/dcv_resolve.h"
#include "dcv/dcv_url.h"

#include "base/banned.h"

#define REDIRECTS_MAX 10
/* While other addresses are left, none gets more time than this to begin its
 * answer. */
#define SHARE_MAX apr_time_from_sec(3)

typedef struct {
    dcv_run_t *run;
    apr_pool_t *pool;
    const dcv_bound_t *bound; /* of the domain; NULL: none */
    const dcv_net_t *bound_net;
    int was_bound; /* an address was left out for it */
    dcv_attempt_t attempt;
    dcv_dns_query_t *query;        /* NULL unless we wait for it */
    apr_array_header_t *addresses; /* of dcv_address_t *, that may be dialled */
    int next;                      /* of them, to be dialled */
    const dcv_address_t *address;  /* that is dialled now */
    dcv_transfer_t *transfer;      /* NULL unless we wait for it */
    dcv_timer_t share;             /* of the time, for this address */
    dcv_body_t body;
    dcv_reply_t last; /* the last failure of an address */
} http01_t;

static void let_go(http01_t *http01)
{
    if (http01->query)
        dcv_dns_cancel(http01->query);
    if (http01->transfer)
        dcv_fetch_cancel(http01->transfer);
    http01->query = NULL;
    http01->transfer = NULL;
    dcv_event_timer_clear(http01->run->event, &http01->share);
}

static void fail(http01_t *http01, problem_type_e type, const char *why,
                 const char *hint)
{
    let_go(http01);
    dcv_run_finish(http01->run,
                   dcv_attempt_problem(&http01->attempt, type, why, hint),
                   http01->address ? http01->address->text : NULL, 0);
}

/* Not their fault; the same may work later. */
static void fail_ours(http01_t *http01, const char *why)
{
    problem_t *prob;

    let_go(http01);
    prob = problem_internal(http01->pool, APR_EGENERAL, "validate %s: %s",
                            http01->attempt.url, why);
    dcv_run_finish(http01->run, prob, NULL, 1);
}

static void address_dial(http01_t *http01);
static void hop_start(http01_t *http01, const dcv_url_t *url);

/* All addresses have been tried in vain. */
static void addresses_end(http01_t *http01)
{
    if (!http01->addresses->nelts && http01->was_bound)
        fail(http01, PROBLEM_REJECTED_IDENTIFIER,
             dcv_resolve_bound_text(http01->bound, http01->pool), NULL);
    else if (!http01->addresses->nelts)
        fail(http01, PROBLEM_CONNECTION, NULL,
             "the ACME server must not connect to such an address; its "
             "operator may permit it with ACMEValidationAllow");
    else
        fail(http01, http01->last.type, NULL, http01->last.hint);
}

/* This address gave no answer: the next one, if there is one. */
static void address_failed(http01_t *http01, const dcv_reply_t *reply)
{
    dcv_attempt_note(&http01->attempt, http01->address->text, reply->failure);
    http01->last = *reply;
    if (http01->next < http01->addresses->nelts)
        address_dial(http01);
    else
        addresses_end(http01);
}

static void share_over(void *baton)
{
    http01_t *http01 = baton;
    dcv_stage_e stage = dcv_fetch_stage(http01->transfer);
    dcv_reply_t reply;

    if (stage == DCV_STAGE_RECEIVE)
        return; /* it has the rest of the time */
    let_go(http01);
    dcv_fetch_words_late(&reply, stage);
    address_failed(http01, &reply);
}

static int body_take(void *baton, const char *data, apr_size_t len)
{
    http01_t *http01 = baton;

    return dcv_body_take(&http01->body, data, len);
}

static void redirect_follow(http01_t *http01, const char *location)
{
    const char *why;
    dcv_url_t *url;

    if (http01->attempt.hop >= REDIRECTS_MAX) {
        dcv_attempt_note(&http01->attempt, http01->address->text,
                         "redirects once more, after " APR_STRINGIFY(
                             REDIRECTS_MAX) " redirects");
        fail(http01, PROBLEM_INCORRECT_RESPONSE, NULL,
             "do the redirects lead in a circle?");
        return;
    }
    why = dcv_url_parse(&url, location, http01->run->conf->http01_port,
                        http01->pool);
    if (!why) {
        hop_start(http01, url);
        return;
    }
    why = apr_psprintf(
        http01->pool, "redirects to \"%s\", but %s",
        quote_make(location, strlen(location), 200, http01->pool), why);
    dcv_attempt_note(&http01->attempt, http01->address->text, why);
    fail(http01, PROBLEM_INCORRECT_RESPONSE, NULL, NULL);
}

static void reply_judge(http01_t *http01, const dcv_reply_t *reply)
{
    const char *why, *hint;

    why = dcv_body_judge(&hint, &http01->body, reply->status, http01->pool);
    if (!why) {
        let_go(http01);
        dcv_run_finish(http01->run, NULL, http01->address->text, 0);
        return;
    }
    dcv_attempt_note(&http01->attempt, http01->address->text, why);
    fail(http01, PROBLEM_INCORRECT_RESPONSE, NULL, hint);
}

static void transfer_done(void *baton, const dcv_reply_t *reply)
{
    http01_t *http01 = baton;

    http01->transfer = NULL;
    dcv_event_timer_clear(http01->run->event, &http01->share);
    if (reply->is_ours)
        fail_ours(http01, reply->failure);
    else if (reply->failure && !reply->status)
        address_failed(http01, reply);
    else if (reply->failure) {
        dcv_attempt_note(&http01->attempt, http01->address->text,
                         apr_psprintf(http01->pool, "status %d, then %s",
                                      reply->status, reply->failure));
        fail(http01, reply->type, NULL, reply->hint);
    }
    else if (reply->redirect)
        redirect_follow(http01, reply->redirect);
    else
        reply_judge(http01, reply);
}

/* An equal share of what is left for each address that is left. */
static void share_set(http01_t *http01)
{
    apr_time_t now = dcv_event_now(http01->run->event);
    int count = http01->addresses->nelts - http01->next + 1;
    apr_interval_time_t share = (http01->run->deadline - now) / count;

    if (count == 1)
        return; /* everything; the job's own deadline ends it */
    if (share > SHARE_MAX)
        share = SHARE_MAX;
    dcv_event_timer_set(http01->run->event, &http01->share, now + share);
}

static void address_dial(http01_t *http01)
{
    dcv_run_t *run = http01->run;
    dcv_request_t request = {0};

    http01->address =
        APR_ARRAY_IDX(http01->addresses, http01->next, dcv_address_t *);
    http01->next++;
    dcv_body_init(&http01->body, run->job->key_authorization);
    request.url = http01->attempt.url;
    request.address = http01->address;
    request.port = http01->attempt.port;
    request.net = run->conf->net;
    request.user_agent = run->conf->user_agent;
    request.body = body_take;
    request.done = transfer_done;
    request.baton = http01;
    request.pool = http01->pool;
    http01->transfer = dcv_fetch_start(run->fetch, &request);
    if (!http01->transfer)
        fail_ours(http01, "no transfer can be made");
    else
        share_set(http01);
}

/* Why address must not be dialled, NULL if it may (T79: every address of every
 * hop). */
static const char *obstacle_find(http01_t *http01, const dcv_address_t *address)
{
    const char *rule;

    if (!dcv_net_is_allowed(http01->run->conf->net, &address->sock.any, &rule))
        return apr_psprintf(http01->pool, "denied by rule %s", rule);
    if (!http01->bound ||
        strcmp(http01->attempt.host, http01->run->job->domain) ||
        dcv_net_is_allowed(http01->bound_net, &address->sock.any, NULL))
        return NULL;
    http01->was_bound = 1;
    return "not where the policy wants it";
}

static void addresses_take(http01_t *http01, const dcv_dns_answer_t *answer)
{
    int i;

    http01->next = 0;
    http01->was_bound = 0;
    http01->addresses = apr_array_make(http01->pool, answer->addresses->nelts,
                                       sizeof(dcv_address_t *));
    for (i = 0; i < answer->addresses->nelts; i++) {
        dcv_address_t *address =
            APR_ARRAY_IDX(answer->addresses, i, dcv_address_t *);
        const char *why = obstacle_find(http01, address);

        if (why)
            dcv_attempt_note(&http01->attempt, address->text, why);
        else
            APR_ARRAY_PUSH(http01->addresses, dcv_address_t *) = address;
    }
}

static void host_resolved(void *baton, const dcv_dns_answer_t *answer)
{
    http01_t *http01 = baton;

    http01->query = NULL;
    http01->attempt.resolver = answer->resolver;
    if (answer->is_ours) {
        fail_ours(http01, answer->failure);
        return;
    }
    if (answer->failure) {
        fail(http01, PROBLEM_DNS, answer->failure, NULL);
        return;
    }
    addresses_take(http01, answer);
    if (http01->addresses->nelts)
        address_dial(http01);
    else
        addresses_end(http01);
}

static void hop_start(http01_t *http01, const dcv_url_t *url)
{
    http01->address = NULL;
    dcv_attempt_hop(&http01->attempt, url->text, url->host, url->port);
    dcv_dns_start(&http01->query, http01->run->dns, http01->run->conf,
                  url->host, host_resolved, http01, http01->pool);
}

static void start(dcv_run_t *run)
{
    const dcv_job_t *job = run->job;
    http01_t *http01 = apr_pcalloc(job->pool, sizeof(*http01));
    char port[16] = "";
    dcv_url_t url;

    http01->run = run;
    http01->pool = job->pool;
    http01->share.fire = share_over;
    http01->share.baton = http01;
    run->state = http01;
    if (job->bounds && job->bounds->nelts) {
        http01->bound = APR_ARRAY_IDX(job->bounds, 0, const dcv_bound_t *);
        http01->bound_net =
            dcv_net_make_bound(http01->bound->resolves_to, job->pool);
    }
    dcv_attempt_init(&http01->attempt, job->pool);
    url.host = job->domain;
    url.port = run->conf->http01_port;
    if (url.port != 80)
        apr_snprintf(port, sizeof(port), ":%d", url.port);
    url.text = apr_pstrcat(job->pool, "http://", job->domain, port,
                           "/.well-known/acme-challenge/", job->token, NULL);
    http01->attempt.url = url.text;
    if (http01->bound && !http01->bound_net)
        fail_ours(http01, "its networks are no networks");
    else
        hop_start(http01, &url);
}

/* The whole validation has taken too long. */
static void expire(dcv_run_t *run)
{
    http01_t *http01 = run->state;
    dcv_reply_t reply;

    if (http01->query) {
        http01->attempt.resolver = dcv_dns_resolver(http01->query);
        fail(http01, PROBLEM_DNS, "no answer from the name servers in time",
             "can the ACME server's resolver reach the name servers of this "
             "domain?");
        return;
    }
    dcv_fetch_words_late(&reply, dcv_fetch_stage(http01->transfer));
    dcv_attempt_note(&http01->attempt, http01->address->text, reply.failure);
    fail(http01, reply.type, NULL, reply.hint);
}

static void cancel(dcv_run_t *run)
{
    let_go(run->state);
}

const dcv_method_t dcv_http01 = {start, expire, cancel};
