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

typedef struct dcv_climb_t climb_t;

/* From one name upwards. */
typedef struct {
    climb_t *climb;
    int at;               /* of the names; -1: none */
    const char *domain;   /* the name, or one above it */
    int is_served;        /* a server knew of it, or of one below */
    const char *resolver; /* who is asked */
    dcv_ub_query_t records;
} walk_t;

struct dcv_climb_t {
    dcv_run_t *run;
    apr_pool_t *pool;
    int next; /* of the names: nobody looks at it yet */
    walk_t walks[WALKS];
    problem_t **found; /* per name: what is wrong with it, or NULL */
    problem_t *ours;   /* we could not even ask */
    apr_time_t began;
    int is_waiting; /* run waits for nothing else */
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
                        const char *why, const char *hint)
{
    apr_pool_t *pool = walk->climb->pool;
    const dcv_caa_name_t *name = name_of(walk);
    identifier_t *identifier = apr_palloc(pool, sizeof(*identifier));
    problem_t *prob = problem_make(
        pool, type, "CAA records of %s, for %s%s: %s. Resolver: %s%s",
        walk->domain, name->is_wildcard ? "*." : "", name->domain, why,
        walk->resolver ? walk->resolver : "none", hint);

    identifier->type = IDENTIFIER_DNS;
    identifier->value = name->is_wildcard
                            ? apr_pstrcat(pool, "*.", name->domain, NULL)
                            : name->domain;
    prob->identifier = identifier;
    walk->climb->found[walk->at] = prob;
}

/* They could not be had.  Who proves a name should know that this is not what
 * went wrong. */
static void failure_set(const walk_t *walk, const char *why)
{
    int is_proof = walk->climb->run->job->method != DCV_RESOLVE;

    problem_set(walk, PROBLEM_DNS, why,
                is_proof ? ". Hint: the challenge itself is met; do the name "
                           "servers answer to questions of type CAA?"
                         : "");
}

static void end(climb_t *climb)
{
    apr_array_header_t *subs =
        apr_array_make(climb->pool, 1, sizeof(problem_t *));
    dcv_run_t *run = climb->run;
    int i;

    if (climb->ours) {
        dcv_run_end(run, climb->ours, NULL, 1);
        return;
    }
    for (i = 0; i < names_of(climb)->nelts; i++) {
        if (climb->found[i])
            APR_ARRAY_PUSH(subs, problem_t *) = climb->found[i];
    }
    dcv_run_end(run, problem_fold(subs, climb->pool), run->address, 0);
}

void dcv_climb_cancel(dcv_run_t *run)
{
    int i;

    for (i = 0; run->climb && i < WALKS; i++)
        dcv_ub_cancel(&run->climb->walks[i].records);
}

/* Not their fault; the same may work later. */
static void fail_ours(walk_t *walk, const char *why)
{
    climb_t *climb = walk->climb;

    dcv_climb_cancel(climb->run);
    climb->ours = problem_internal(climb->pool, APR_EGENERAL,
                                   "CAA records of %s: %s", walk->domain, why);
    if (climb->is_waiting)
        end(climb);
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

    if (name_begin(walk) && !is_under_way(climb) && climb->is_waiting)
        end(climb);
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

/* That those of its domain cannot be had. */
static int is_forgiven(const walk_t *walk)
{
    return !walk->climb->run->job->caa->is_strict &&
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
            problem_set(walk, PROBLEM_CAA, fault, "");
        name_end(walk);
    }
    else if (answer->is_no_name || answer->is_no_record) {
        walk->is_served |= answer->is_no_record;
        domain_climb(walk);
    }
    else if (!answer->is_bogus && is_forgiven(walk)) {
        domain_climb(walk);
    }
    else {
        failure_set(walk, answer->failure);
        name_end(walk);
    }
}

void dcv_climb_start(dcv_run_t *run)
{
    climb_t *climb = apr_pcalloc(run->job->pool, sizeof(*climb));
    int i, count;

    climb->run = run;
    climb->pool = run->job->pool;
    climb->began = dcv_event_now(run->event);
    run->climb = climb;
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
}

/* Those that nobody came to. */
static void rest_set(climb_t *climb, const char *why)
{
    walk_t walk = {.climb = climb};

    for (walk.at = climb->next; walk.at < names_of(climb)->nelts; walk.at++) {
        walk.domain = name_of(&walk)->domain;
        failure_set(&walk, why);
    }
}

/* Those of the first names were asked for when the run began. */
static void expire(dcv_run_t *run)
{
    climb_t *climb = run->climb;
    double took =
        (double)(dcv_event_now(run->event) - climb->began) / APR_USEC_PER_SEC;
    const char *silent = apr_psprintf(
        climb->pool, "no answer from the name servers within %.1f s", took);
    int i;

    dcv_climb_cancel(run);
    for (i = 0; i < WALKS; i++) {
        if (climb->walks[i].at >= 0 && !is_forgiven(&climb->walks[i]))
            failure_set(&climb->walks[i], silent);
    }
    rest_set(climb, apr_psprintf(climb->pool,
                                 "not asked for, since those of other names "
                                 "took all of %.1f s",
                                 took));
    end(climb);
}

/* What a run is while it waits. */
static const dcv_method_t waiting = {NULL, expire, dcv_climb_cancel};

void dcv_climb_wait(dcv_run_t *run)
{
    climb_t *climb = run->climb;

    run->method = &waiting;
    climb->is_waiting = 1;
    if (climb->ours || !is_under_way(climb))
        end(climb);
    else if (run->is_late)
        expire(run);
}
