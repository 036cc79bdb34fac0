/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_climb.h"

#include <string.h>

#include <apr_strings.h>

#include "base/identifier.h"
#include "dcv/dcv_caa.h"
#include "dcv/dcv_wire.h"

#include "base/banned.h"

/* Names that are looked at at a time: an order may have a hundred, and the time
 * is for all of them. */
#define WALKS 8

typedef struct climb_t climb_t;

/* From one name upwards. */
typedef struct {
    climb_t *climb;
    int at;               /* of the names; -1: none */
    const char *domain;   /* the name, or one above it */
    int is_served;        /* a server knew of it, or of one below */
    const char *resolver; /* who is asked */
    dcv_ub_query_t records;
} walk_t;

struct climb_t {
    dcv_run_t *run;
    apr_pool_t *pool;
    int next; /* of the names: nobody looks at it yet */
    walk_t walks[WALKS];
    problem_t **found; /* per name: what is wrong with it, or NULL */
};

static const apr_array_header_t *names_of(const climb_t *climb)
{
    return climb->run->job->caa->names;
}

static const dcv_caa_name_t *name_of(const walk_t *walk)
{
    return APR_ARRAY_IDX(names_of(walk->climb), walk->at,
                         const dcv_caa_name_t *);
}

static void problem_set(const walk_t *walk, problem_type_e type,
                        const char *why)
{
    apr_pool_t *pool = walk->climb->pool;
    const dcv_caa_name_t *name = name_of(walk);
    identifier_t *identifier = apr_palloc(pool, sizeof(*identifier));
    problem_t *prob = problem_make(
        pool, type, "CAA records of %s, for %s%s: %s. Resolver: %s",
        walk->domain, name->is_wildcard ? "*." : "", name->domain, why,
        walk->resolver ? walk->resolver : "none");

    identifier->type = IDENTIFIER_DNS;
    identifier->value = name->is_wildcard
                            ? apr_pstrcat(pool, "*.", name->domain, NULL)
                            : name->domain;
    prob->identifier = identifier;
    walk->climb->found[walk->at] = prob;
}

static void finish(climb_t *climb)
{
    apr_array_header_t *subs =
        apr_array_make(climb->pool, 1, sizeof(problem_t *));
    int i;

    for (i = 0; i < names_of(climb)->nelts; i++) {
        if (climb->found[i])
            APR_ARRAY_PUSH(subs, problem_t *) = climb->found[i];
    }
    dcv_run_finish(climb->run, problem_fold(subs, climb->pool),
                   climb->run->address, 0);
}

static void let_go(climb_t *climb)
{
    int i;

    for (i = 0; i < WALKS; i++)
        dcv_ub_cancel(&climb->walks[i].records);
}

/* Not their fault; the same may work later. */
static void fail_ours(walk_t *walk, const char *why)
{
    climb_t *climb = walk->climb;
    problem_t *prob = problem_internal(
        climb->pool, APR_EGENERAL, "CAA records of %s: %s", walk->domain, why);

    let_go(climb);
    dcv_run_finish(climb->run, prob, NULL, 1);
}

static void domain_answered(void *baton, const dcv_ub_answer_t *answer);

/* 0: it has all ended. */
static int domain_ask(walk_t *walk)
{
    dcv_run_t *run = walk->climb->run;

    walk->records.type = DCV_WIRE_CAA;
    walk->records.done = domain_answered;
    walk->records.baton = walk;
    walk->records.pool = walk->climb->pool;
    if (dcv_dns_records(&walk->records, &walk->resolver, run->dns, run->conf,
                        walk->domain) == APR_SUCCESS)
        return 1;
    fail_ours(walk, "the name servers cannot be asked");
    return 0;
}

/* 0: it has all ended. */
static int name_begin(walk_t *walk)
{
    climb_t *climb = walk->climb;

    walk->at = -1;
    if (climb->next >= names_of(climb)->nelts)
        return 1;
    walk->at = climb->next++;
    walk->domain = name_of(walk)->domain;
    walk->is_served = 0;
    return domain_ask(walk);
}

static int is_under_way(const climb_t *climb)
{
    int i;

    for (i = 0; i < WALKS; i++) {
        if (climb->walks[i].at >= 0)
            return 1;
    }
    return 0;
}

static void name_end(walk_t *walk)
{
    climb_t *climb = walk->climb;

    if (name_begin(walk) && !is_under_way(climb))
        finish(climb);
}

/* Nothing here; one label up, but not to the root. */
static void domain_climb(walk_t *walk)
{
    const char *dot = strchr(walk->domain, '.');

    if (!dot) {
        name_end(walk);
        return;
    }
    walk->domain = dot + 1;
    (void)domain_ask(walk);
}

static int is_forgiven(const walk_t *walk, const dcv_ub_answer_t *answer)
{
    return !answer->is_bogus && !walk->climb->run->job->caa->is_strict &&
           (walk->is_served || !strchr(walk->domain, '.'));
}

static void domain_answered(void *baton, const dcv_ub_answer_t *answer)
{
    walk_t *walk = baton;
    climb_t *climb = walk->climb;
    const dcv_caa_set_t set = {answer->count, answer->data, answer->lens};
    const char *fault;

    if (answer->count) {
        fault = dcv_caa_fault(climb->run->job->caa, name_of(walk), &set,
                              climb->pool);
        if (fault)
            problem_set(walk, PROBLEM_CAA, fault);
        name_end(walk);
    }
    else if (answer->is_no_name || answer->is_no_record) {
        walk->is_served |= answer->is_no_record;
        domain_climb(walk);
    }
    else if (is_forgiven(walk, answer)) {
        domain_climb(walk);
    }
    else {
        problem_set(walk, PROBLEM_DNS, answer->failure);
        name_end(walk);
    }
}

static void start(dcv_run_t *run)
{
    climb_t *climb = apr_pcalloc(run->job->pool, sizeof(*climb));
    int i, count;

    climb->run = run;
    climb->pool = run->job->pool;
    run->state = climb;
    count = names_of(climb)->nelts;
    climb->found =
        apr_pcalloc(climb->pool, ((size_t)count + 1) * sizeof(problem_t *));
    for (i = 0; i < WALKS; i++) {
        climb->walks[i].climb = climb;
        climb->walks[i].at = -1;
    }
    for (i = 0; i < WALKS && i < count; i++) {
        if (!name_begin(&climb->walks[i]))
            return;
    }
    if (!count)
        finish(climb);
}

static void cancel(dcv_run_t *run)
{
    let_go(run->state);
}

static void expire(dcv_run_t *run)
{
    climb_t *climb = run->state;
    int i;

    let_go(climb);
    for (i = 0; i < WALKS; i++) {
        if (climb->walks[i].at >= 0)
            problem_set(&climb->walks[i], PROBLEM_DNS,
                        "no answer from the name servers in time");
    }
    finish(climb);
}

const dcv_method_t dcv_climb = {start, expire, cancel};
