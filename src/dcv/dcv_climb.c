/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_climb.h"

#include <string.h>

#include <apr_strings.h>

#include "base/identifier.h"
#include "dcv/dcv_caa.h"
#include "dcv/dcv_wire.h"

#include "base/banned.h"

typedef struct {
    dcv_run_t *run;
    apr_pool_t *pool;
    int at;               /* of the names */
    const char *domain;   /* the name, or one above it */
    int is_served;        /* a server knew of it, or of one below */
    const char *resolver; /* who is asked */
    dcv_ub_query_t records;
    apr_array_header_t *subs; /* of problem_t *: what is wrong so far */
} climb_t;

static const dcv_caa_name_t *name_at(const climb_t *climb)
{
    return APR_ARRAY_IDX(climb->run->job->caa->names, climb->at,
                         const dcv_caa_name_t *);
}

static void problem_add(climb_t *climb, problem_type_e type, const char *why)
{
    const dcv_caa_name_t *name = name_at(climb);
    identifier_t *identifier = apr_palloc(climb->pool, sizeof(*identifier));
    problem_t *prob = problem_make(
        climb->pool, type, "CAA records of %s, for %s%s: %s. Resolver: %s",
        climb->domain, name->is_wildcard ? "*." : "", name->domain, why,
        climb->resolver ? climb->resolver : "none");

    identifier->type = IDENTIFIER_DNS;
    identifier->value = name->is_wildcard
                            ? apr_pstrcat(climb->pool, "*.", name->domain, NULL)
                            : name->domain;
    prob->identifier = identifier;
    APR_ARRAY_PUSH(climb->subs, problem_t *) = prob;
}

static void name_begin(climb_t *climb);

static void name_end(climb_t *climb)
{
    climb->at++;
    name_begin(climb);
}

static void domain_ask(climb_t *climb);

/* Nothing here; one label up, but not to the root. */
static void domain_climb(climb_t *climb)
{
    const char *dot = strchr(climb->domain, '.');

    if (dot) {
        climb->domain = dot + 1;
        domain_ask(climb);
    }
    else {
        name_end(climb);
    }
}

static int is_forgiven(const climb_t *climb, const dcv_ub_answer_t *answer)
{
    return !answer->is_bogus && !climb->run->job->caa->is_strict &&
           (climb->is_served || !strchr(climb->domain, '.'));
}

static void domain_answered(void *baton, const dcv_ub_answer_t *answer)
{
    climb_t *climb = baton;
    const dcv_caa_set_t set = {answer->count, answer->data, answer->lens};
    const char *fault;

    if (answer->count) {
        fault = dcv_caa_fault(climb->run->job->caa, name_at(climb), &set,
                              climb->pool);
        if (fault)
            problem_add(climb, PROBLEM_CAA, fault);
        name_end(climb);
        return;
    }
    if (answer->is_no_name || answer->is_no_record) {
        climb->is_served |= answer->is_no_record;
        domain_climb(climb);
    }
    else if (is_forgiven(climb, answer)) {
        domain_climb(climb);
    }
    else {
        problem_add(climb, PROBLEM_DNS, answer->failure);
        name_end(climb);
    }
}

/* Not their fault; the same may work later. */
static void fail_ours(climb_t *climb, const char *why)
{
    dcv_run_t *run = climb->run;

    dcv_ub_cancel(&climb->records);
    dcv_run_finish(run,
                   problem_internal(climb->pool, APR_EGENERAL,
                                    "CAA records of %s: %s", climb->domain,
                                    why),
                   NULL, 1);
}

static void domain_ask(climb_t *climb)
{
    dcv_run_t *run = climb->run;

    climb->records.type = DCV_WIRE_CAA;
    climb->records.done = domain_answered;
    climb->records.baton = climb;
    climb->records.pool = climb->pool;
    if (dcv_dns_records(&climb->records, &climb->resolver, run->dns, run->conf,
                        climb->domain) != APR_SUCCESS)
        fail_ours(climb, "the name servers cannot be asked");
}

static void name_begin(climb_t *climb)
{
    if (climb->at < climb->run->job->caa->names->nelts) {
        climb->domain = name_at(climb)->domain;
        climb->is_served = 0;
        domain_ask(climb);
    }
    else {
        dcv_run_finish(climb->run, problem_fold(climb->subs, climb->pool),
                       climb->run->address, 0);
    }
}

static void start(dcv_run_t *run)
{
    climb_t *climb = apr_pcalloc(run->job->pool, sizeof(*climb));

    climb->run = run;
    climb->pool = run->job->pool;
    climb->subs = apr_array_make(climb->pool, 1, sizeof(problem_t *));
    run->state = climb;
    name_begin(climb);
}

static void cancel(dcv_run_t *run)
{
    climb_t *climb = run->state;

    dcv_ub_cancel(&climb->records);
}

static void expire(dcv_run_t *run)
{
    climb_t *climb = run->state;

    cancel(run);
    problem_add(climb, PROBLEM_DNS, "no answer from the name servers in time");
    dcv_run_finish(run, problem_fold(climb->subs, climb->pool), run->address,
                   0);
}

const dcv_method_t dcv_climb = {start, expire, cancel};
