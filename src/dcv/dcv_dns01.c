/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_dns01.h"

#include <string.h>

#include <apr_strings.h>

#include "dcv/dcv_authority.h"
#include "dcv/dcv_resolve.h"
#include "dcv/dcv_said.h"
#include "dcv/dcv_survey.h"
#include "dcv/dcv_txt.h"
#include "dcv/dcv_wire.h"

#include "base/banned.h"

/* When each try begins. */
static const apr_interval_time_t tries[] = {0, apr_time_from_sec(2),
                                            apr_time_from_sec(5)};
#define TRIES_MAX (int)(sizeof(tries) / sizeof(tries[0]))

/* The zone's servers have this long before the resolver is asked as well. */
#define PATIENCE apr_time_from_msec(300)

typedef struct {
    dcv_run_t *run;
    apr_pool_t *pool;
    const dcv_want_t *want;
    apr_time_t began;
    int try;
    dcv_authority_t *authority;                /* NULL: it is not asked */
    int is_authority_asked, is_resolver_asked; /* and no answer yet */
    int is_ours;            /* the resolver could not even be asked */
    int was_resolver_asked; /* in this try */
    dcv_ub_query_t records;
    const char *resolver;
    dcv_txts_t authority_said, resolver_said; /* by NULL: nothing so far */
    dcv_timer_t timer; /* to ask the resolver, or for the next try */
} dns01_t;

static void try_begin(void *baton);

static void let_go(dns01_t *dns01)
{
    if (dns01->authority)
        dcv_authority_cancel(dns01->authority);
    dcv_ub_cancel(&dns01->records);
    dcv_event_timer_clear(dns01->run->event, &dns01->timer);
}

static const dcv_txts_t *said(const dcv_txts_t *txts)
{
    return txts->by ? txts : NULL;
}

/* Did a server know, if only that there is no such name? */
static int is_known(const dcv_txts_t *txts)
{
    return txts->by && txts->outcome != DCV_TXT_FAILED;
}

/* Not their fault; the same may work later. */
static void fail_ours(dns01_t *dns01)
{
    dcv_run_finish(dns01->run,
                   problem_internal(dns01->pool, APR_EGENERAL,
                                    "TXT record of %s: the name servers cannot "
                                    "be asked",
                                    dns01->want->name),
                   NULL, 1);
}

static void fail(dns01_t *dns01)
{
    let_go(dns01);
    dns01->run->is_reached =
        is_known(&dns01->authority_said) || is_known(&dns01->resolver_said);
    if (dns01->is_ours && !dns01->run->is_reached) {
        fail_ours(dns01);
        return;
    }
    dcv_run_finish(dns01->run,
                   dcv_txt_problem(dns01->want, said(&dns01->authority_said),
                                   said(&dns01->resolver_said), dns01->pool),
                   NULL, 0);
}

/* Proven; but the policy may want the name to resolve to its networks.  What
 * persists is relied on for its TTL. */
static void succeed(dns01_t *dns01, const dcv_txts_t *txts)
{
    dcv_run_t *run = dns01->run;

    let_go(dns01);
    if (run->job->method == DCV_DNS_PERSIST01)
        run->lifetime = txts->lifetime, run->until = txts->until;
    if (!run->job->bounds || !run->job->bounds->nelts) {
        dcv_run_finish(run, NULL, txts->by, 0);
        return;
    }
    if (run->is_late) {
        fail(dns01);
        return;
    }
    run->method = &dcv_resolve;
    run->method->start(run);
}

/* What was seen in an earlier try is not forgotten for a failure to look. */
static void said_set(dcv_txts_t *place, const dcv_txts_t *txts)
{
    if (!place->by || txts->outcome != DCV_TXT_FAILED)
        *place = *txts;
}

static void silence(dcv_txts_t *place, const dns01_t *dns01, const char *by)
{
    dcv_txts_t txts = {0};

    txts.name = dns01->want->name;
    txts.by = by;
    txts.why = "no answer in time";
    said_set(place, &txts);
}

/* Whoever of the zone's servers is silent does not hold up the next try; the
 * resolver, which may have to ask far away, is waited for. */
static void try_next(void *baton)
{
    dns01_t *dns01 = baton;

    if (dns01->is_authority_asked) {
        silence(&dns01->authority_said, dns01,
                dcv_authority_where(dns01->authority));
        dcv_authority_cancel(dns01->authority);
        dns01->is_authority_asked = 0;
    }
    dns01->try++;
    try_begin(dns01);
}

/* 0: there is no other try in the time that is left. */
static int next_set(dns01_t *dns01)
{
    apr_time_t at;

    if (dns01->try + 1 >= TRIES_MAX || dns01->run->job->survey)
        return 0;
    at = dns01->began + tries[dns01->try + 1];
    if (at >= dns01->run->deadline)
        return 0;
    dns01->timer.fire = try_next;
    dcv_event_timer_set(dns01->run->event, &dns01->timer, at);
    return 1;
}

/* Nobody is being asked any more. */
static void try_end(dns01_t *dns01)
{
    if (!next_set(dns01))
        fail(dns01);
}

/* The last word of a survey, when all have spoken. */
static void survey_end(dns01_t *dns01)
{
    dcv_survey_t *survey = dns01->run->job->survey;
    const dcv_txts_t *all[] = {&dns01->authority_said, &dns01->resolver_said};
    const dcv_txts_t *proof = NULL;
    int i;

    for (i = 0; i < 2 && !proof; i++) {
        dcv_survey_take(survey, all[i]);
        proof = all[i]->is_proof ? all[i] : NULL;
    }
    if (proof)
        succeed(dns01, proof);
    else
        fail(dns01);
}

static void resolver_heard(dns01_t *dns01, const dcv_txts_t *txts)
{
    dns01->is_resolver_asked = 0;
    said_set(&dns01->resolver_said, txts);
    if (dns01->run->job->survey) {
        if (!dns01->is_authority_asked)
            survey_end(dns01);
    }
    else if (txts->is_proof)
        succeed(dns01, txts);
    else if (!dns01->is_authority_asked)
        try_end(dns01);
}

static void resolver_failed(dns01_t *dns01, const char *why)
{
    dcv_txts_t txts = {0};

    txts.name = dns01->want->name;
    txts.by = dns01->resolver ? dns01->resolver : "the configured one";
    txts.why = why;
    resolver_heard(dns01, &txts);
}

static dcv_txt_e outcome_of(const dcv_ub_answer_t *answer,
                            const dcv_txts_t *txts)
{
    if (txts->count)
        return DCV_TXT_FOUND;
    if (answer->is_no_name)
        return DCV_TXT_NO_NAME;
    return answer->is_no_record || !answer->failure ? DCV_TXT_NO_RECORD
                                                    : DCV_TXT_FAILED;
}

static const char *name_shown(const char *owner, apr_pool_t *pool)
{
    apr_size_t len = strlen(owner);

    return len && owner[len - 1] == '.' ? apr_pstrmemdup(pool, owner, len - 1)
                                        : apr_pstrdup(pool, owner);
}

static void records_take(dcv_txts_t *txts, const dns01_t *dns01,
                         const dcv_ub_answer_t *answer)
{
    apr_pool_t *scratch;
    int i;

    apr_pool_create(&scratch, dns01->pool);
    for (i = 0; i < answer->count; i++) {
        dcv_txt_t txt;

        txt.text =
            dcv_wire_txt(&txt.len, (const unsigned char *)answer->data[i],
                         (apr_size_t)answer->lens[i], scratch);
        txt.ttl = answer->ttl;
        if (txt.text)
            dcv_txts_add(txts, dns01->want, &txt, scratch, dns01->pool);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
}

static void resolver_answered(void *baton, const dcv_ub_answer_t *answer)
{
    dns01_t *dns01 = baton;
    dcv_txts_t txts = {0};

    records_take(&txts, dns01, answer);
    txts.outcome = outcome_of(answer, &txts);
    txts.name = answer->count && answer->owner
                    ? name_shown(answer->owner, dns01->pool)
                    : dns01->want->name;
    txts.by = dns01->resolver;
    txts.zone = dcv_said_zone(answer->packet, answer->packet_len, dns01->pool);
    if (txts.outcome != DCV_TXT_FOUND)
        txts.why =
            answer->failure ? answer->failure : "there is no such record";
    resolver_heard(dns01, &txts);
}

static void resolver_ask(void *baton)
{
    dns01_t *dns01 = baton;

    dcv_event_timer_clear(dns01->run->event, &dns01->timer);
    (void)next_set(dns01);
    dns01->was_resolver_asked = 1;
    if (dns01->is_resolver_asked)
        return; /* since an earlier try */
    dns01->is_resolver_asked = 1;
    dns01->records.type = DCV_WIRE_TXT;
    dns01->records.done = resolver_answered;
    dns01->records.baton = dns01;
    dns01->records.pool = dns01->pool;
    dns01->is_ours =
        dcv_dns_records(&dns01->records, &dns01->resolver, dns01->run->dns,
                        dns01->run->conf, dns01->want->name) != APR_SUCCESS;
    if (dns01->is_ours)
        resolver_failed(dns01, "it cannot be asked");
}

static void authority_answered(void *baton, const dcv_txts_t *txts)
{
    dns01_t *dns01 = baton;
    dns01->is_authority_asked = 0;
    said_set(&dns01->authority_said, txts);
    if (txts->is_proof && !dns01->run->job->survey)
        succeed(dns01, txts);
    else if (!dns01->was_resolver_asked)
        resolver_ask(dns01);
    else if (!dns01->is_resolver_asked && dns01->run->job->survey)
        survey_end(dns01);
    else if (!dns01->is_resolver_asked)
        try_end(dns01);
}

static void try_begin(void *baton)
{
    dns01_t *dns01 = baton;
    dcv_event_t *event = dns01->run->event;

    dns01->was_resolver_asked = 0;
    if (!dns01->authority) {
        resolver_ask(dns01);
        return;
    }
    dns01->timer.fire = resolver_ask;
    dcv_event_timer_set(event, &dns01->timer, dcv_event_now(event) + PATIENCE);
    dns01->is_authority_asked = 1;
    dcv_authority_ask(dns01->authority);
}

static void start(dcv_run_t *run)
{
    dns01_t *dns01 = apr_pcalloc(run->job->pool, sizeof(*dns01));

    dns01->run = run;
    dns01->pool = run->job->pool;
    dns01->want = dcv_txt_want(run->job);
    dns01->began = dcv_event_now(run->event);
    dns01->timer.baton = dns01;
    run->state = dns01;
    if (run->conf->authoritative && !run->conf->dnssec)
        dns01->authority =
            dcv_authority_make(run, dns01->want, authority_answered, dns01);
    try_begin(dns01);
}

static void expire(dcv_run_t *run)
{
    dns01_t *dns01 = run->state;
    const dcv_txts_t *held = NULL;

    if (dns01->authority)
        held = dcv_authority_held(dns01->authority);
    if (dns01->is_authority_asked && held)
        said_set(&dns01->authority_said, held);
    else if (dns01->is_authority_asked)
        silence(&dns01->authority_said, dns01,
                dcv_authority_where(dns01->authority));
    if (dns01->is_resolver_asked)
        silence(&dns01->resolver_said, dns01, dns01->resolver);
    if (run->job->survey)
        survey_end(dns01);
    else
        fail(dns01);
}

static void cancel(dcv_run_t *run)
{
    let_go(run->state);
}

const dcv_method_t dcv_dns01 = {start, expire, cancel};
