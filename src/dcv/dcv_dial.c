/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_dial.h"

#include <string.h>

#include <apr_strings.h>

#include "dcv/dcv_fetch_words.h"
#include "dcv/dcv_resolve.h"

#include "base/banned.h"

/* While other addresses are left, none gets more time than this to begin its
 * answer. */
#define SHARE_MAX apr_time_from_sec(3)

void dcv_dial_heard(dcv_dial_t *dial)
{
    dial->is_dialling = 0;
    dcv_event_timer_clear(dial->run->event, &dial->share);
}

static void query_drop(dcv_dial_t *dial)
{
    if (dial->query)
        dcv_dns_cancel(dial->query);
    dial->query = NULL;
}

static void address_drop(dcv_dial_t *dial)
{
    dial->dialler->stop(dial->baton);
    dcv_dial_heard(dial);
}

void dcv_dial_cancel(dcv_dial_t *dial)
{
    query_drop(dial);
    address_drop(dial);
}

void dcv_dial_fail(dcv_dial_t *dial, problem_type_e type, const char *why,
                   const char *hint)
{
    dcv_dial_cancel(dial);
    dcv_run_finish(dial->run,
                   dcv_attempt_problem(&dial->attempt, type, why, hint),
                   dial->address ? dial->address->text : NULL, 0);
}

void dcv_dial_fail_ours(dcv_dial_t *dial, const char *why)
{
    problem_t *prob;

    dcv_dial_cancel(dial);
    prob = problem_internal(dial->pool, APR_EGENERAL, "validate %s: %s",
                            dial->attempt.url, why);
    dcv_run_finish(dial->run, prob, NULL, 1);
}

void dcv_dial_succeed(dcv_dial_t *dial)
{
    dcv_dial_cancel(dial);
    dcv_run_finish(dial->run, NULL, dial->address->text, 0);
}

static int has_family(const dcv_dial_t *dial, int family)
{
    int i;

    for (i = 0; i < dial->addresses->nelts; i++)
        if (APR_ARRAY_IDX(dial->addresses, i, dcv_address_t *)
                ->sock.any.sa_family == family)
            return 1;
    return 0;
}

/* For whom nothing but missing ways can be told of. */
static const char *hint_of_way(const dcv_dial_t *dial)
{
    if (dial->telling.hint)
        return dial->telling.hint;
    if (!has_family(dial, AF_INET))
        return "no route leads there from the ACME server; if it has no IPv6 "
               "at all, an IPv4 address is needed too";
    if (!has_family(dial, AF_INET6))
        return "no route leads there from the ACME server; if it has no IPv4 "
               "at all, an IPv6 address is needed too";
    return "no route leads there from the ACME server";
}

/* All addresses have been tried in vain. */
static void addresses_end(dcv_dial_t *dial)
{
    if (!dial->addresses->nelts && dial->was_bound)
        dcv_dial_fail(dial, PROBLEM_REJECTED_IDENTIFIER,
                      dcv_resolve_bound_text(dial->bound, dial->pool), NULL);
    else if (!dial->addresses->nelts)
        dcv_dial_fail(dial, PROBLEM_CONNECTION, NULL,
                      "the ACME server must not connect to such an address; "
                      "its operator may permit it with ACMEValidationAllow");
    else
        dcv_dial_fail(dial, dial->telling.type, NULL,
                      dial->telling.has_no_way ? hint_of_way(dial)
                                               : dial->telling.hint);
}

/* An equal share of what is left for each address that is left. */
static void share_set(dcv_dial_t *dial)
{
    apr_time_t now = dcv_event_now(dial->run->event);
    int count = dial->addresses->nelts - dial->next + 1;
    apr_interval_time_t share = (dial->run->deadline - now) / count;

    if (count == 1)
        return; /* everything; the job's own deadline ends it */
    if (share > SHARE_MAX)
        share = SHARE_MAX;
    dcv_event_timer_set(dial->run->event, &dial->share, now + share);
}

static void address_dial(dcv_dial_t *dial)
{
    dial->address = APR_ARRAY_IDX(dial->addresses, dial->next, dcv_address_t *);
    dial->next++;
    dial->is_dialling = 1;
    if (dial->dialler->start(dial->baton))
        share_set(dial);
    else
        dcv_dial_fail_ours(dial, "no connection can be made");
}

/* The next address that may be dialled; none may come any more: the end. */
static void address_next(dcv_dial_t *dial)
{
    if (dial->next < dial->addresses->nelts)
        address_dial(dial);
    else if (!dial->query)
        addresses_end(dial);
}

void dcv_dial_next(dcv_dial_t *dial, const dcv_reply_t *reply)
{
    dcv_attempt_note(&dial->attempt, dial->address->text, reply->failure);
    /* That one family cannot be reached at all tells less than what became of
     * the other. */
    if (!reply->has_no_way || !dial->telling.failure)
        dial->telling = *reply;
    address_next(dial);
}

static void share_over(void *baton)
{
    dcv_dial_t *dial = baton;
    dcv_stage_e stage = dial->dialler->stage(dial->baton);
    dcv_reply_t reply;

    if (stage == DCV_STAGE_RECEIVE)
        return; /* it has the rest of the time */
    address_drop(dial);
    dcv_fetch_words_late(&reply, stage);
    dcv_dial_next(dial, &reply);
}

/* Why address must not be dialled, NULL if it may (T79: every address of every
 * hop). */
static const char *obstacle_find(dcv_dial_t *dial, const dcv_address_t *address)
{
    const char *rule;

    if (!dcv_net_is_allowed(dial->run->conf->net, &address->sock.any, &rule))
        return apr_psprintf(dial->pool, "denied by rule %s", rule);
    if (!dial->bound || strcmp(dial->attempt.host, dial->run->job->domain) ||
        dcv_net_is_allowed(dial->bound_net, &address->sock.any, NULL))
        return NULL;
    dial->was_bound = 1;
    return "not where the policy wants it";
}

static void addresses_take(dcv_dial_t *dial, const dcv_dns_answer_t *answer)
{
    int i;

    for (i = 0; i < answer->addresses->nelts; i++) {
        dcv_address_t *address =
            APR_ARRAY_IDX(answer->addresses, i, dcv_address_t *);
        const char *why = obstacle_find(dial, address);

        if (why)
            dcv_attempt_note(&dial->attempt, address->text, why);
        else
            APR_ARRAY_PUSH(dial->addresses, dcv_address_t *) = address;
    }
}

static void host_resolved(void *baton, const dcv_dns_answer_t *answer)
{
    dcv_dial_t *dial = baton;
    int is_rest = dial->attempt.resolver != NULL;

    if (!answer->is_partial)
        dial->query = NULL;
    dial->attempt.resolver = answer->resolver;
    if (answer->is_ours) {
        dcv_dial_fail_ours(dial, answer->failure);
        return;
    }
    if (answer->failure && !is_rest) {
        dcv_dial_fail(dial, PROBLEM_DNS, answer->failure, answer->hint);
        return;
    }
    if (!answer->failure)
        addresses_take(dial, answer);
    if (!dial->is_dialling)
        address_next(dial);
    else if (dial->next < dial->addresses->nelts)
        share_set(dial);
}

void dcv_dial_init(dcv_dial_t *dial, dcv_run_t *run,
                   const dcv_dialler_t *dialler, void *baton)
{
    const dcv_job_t *job = run->job;

    dial->run = run;
    dial->pool = job->pool;
    dial->dialler = dialler;
    dial->baton = baton;
    dial->share.fire = share_over;
    dial->share.baton = dial;
    if (job->bounds && job->bounds->nelts) {
        dial->bound = APR_ARRAY_IDX(job->bounds, 0, const dcv_bound_t *);
        dial->bound_net =
            dcv_net_make_bound(dial->bound->resolves_to, job->pool);
    }
    dcv_attempt_init(&dial->attempt, job->pool);
}

void dcv_dial_host(dcv_dial_t *dial, const char *url, const char *host,
                   int port)
{
    query_drop(dial);
    dial->address = NULL;
    dial->addresses = apr_array_make(dial->pool, 2, sizeof(dcv_address_t *));
    dial->next = 0;
    dial->was_bound = 0;
    memset(&dial->telling, 0, sizeof(dial->telling));
    dcv_attempt_hop(&dial->attempt, url, host, port);
    if (dial->bound && !dial->bound_net)
        dcv_dial_fail_ours(dial, "its networks are no networks");
    else
        dcv_dns_start(&dial->query, dial->run->dns, dial->run->conf, host,
                      host_resolved, dial, dial->pool);
}

/* The name servers are waited for. */
static void expire_asking(dcv_dial_t *dial)
{
    dial->attempt.resolver = dcv_dns_resolver(dial->query);
    if (dial->telling.failure)
        dcv_dial_fail(dial, dial->telling.type,
                      "no more addresses from the name servers in time",
                      dial->telling.hint);
    else
        dcv_dial_fail(dial, PROBLEM_DNS,
                      "no answer from the name servers in time",
                      DCV_DNS_UNREACHED);
}

void dcv_dial_expire(dcv_dial_t *dial)
{
    dcv_reply_t reply;

    if (!dial->is_dialling) {
        expire_asking(dial);
        return;
    }
    dcv_fetch_words_late(&reply, dial->dialler->stage(dial->baton));
    dcv_attempt_note(&dial->attempt, dial->address->text, reply.failure);
    dcv_dial_fail(dial, reply.type, NULL, reply.hint);
}
