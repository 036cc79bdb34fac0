/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_resolve.h"

#include <apr_strings.h>

#include "dcv/dcv_address.h"
#include "dcv/dcv_net.h"

#include "base/banned.h"

typedef struct {
    dcv_run_t *run;
    apr_pool_t *pool;
    int at;                   /* of the job's bounds */
    dcv_dns_query_t *query;   /* NULL unless we wait for it */
    apr_array_header_t *subs; /* of problem_t *: what is wrong so far */
    const char *last;         /* an address that was seen */
} resolve_t;

const char *dcv_resolve_bound_text(const dcv_bound_t *bound, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < bound->resolves_to->nelts; i++)
        text = apr_pstrcat(pool, text, i ? ", " : "",
                           APR_ARRAY_IDX(bound->resolves_to, i, const char *),
                           NULL);
    return apr_psprintf(pool, "the policy wants %s to resolve to %s",
                        bound->name, *text ? text : "nothing at all");
}

static const dcv_bound_t *bound_at(const resolve_t *resolve)
{
    return APR_ARRAY_IDX(resolve->run->job->bounds, resolve->at,
                         const dcv_bound_t *);
}

/* About the name that is being looked at. */
static void problem_add(resolve_t *resolve, problem_t *prob)
{
    identifier_t *identifier = apr_palloc(resolve->pool, sizeof(*identifier));

    identifier->type = IDENTIFIER_DNS;
    identifier->value = bound_at(resolve)->name;
    prob->identifier = identifier;
    APR_ARRAY_PUSH(resolve->subs, problem_t *) = prob;
}

/* Not their fault; the same may work later. */
static void fail_ours(resolve_t *resolve, const char *why)
{
    problem_t *prob =
        problem_internal(resolve->pool, APR_EGENERAL, "resolve %s: %s",
                         bound_at(resolve)->name, why);

    dcv_run_finish(resolve->run, prob, NULL, 1);
}

static void addresses_judge(resolve_t *resolve, const dcv_net_t *net,
                            const dcv_dns_answer_t *answer)
{
    int i;

    for (i = 0; i < answer->addresses->nelts; i++) {
        const dcv_address_t *address =
            APR_ARRAY_IDX(answer->addresses, i, const dcv_address_t *);

        resolve->last = address->text;
        if (dcv_net_is_allowed(net, &address->sock.any, NULL))
            continue;
        problem_add(
            resolve,
            problem_make(
                resolve->pool, PROBLEM_REJECTED_IDENTIFIER,
                "%s resolves to %s (%s), but %s", bound_at(resolve)->name,
                address->text,
                answer->resolver ? answer->resolver : "an address",
                dcv_resolve_bound_text(bound_at(resolve), resolve->pool)));
        return;
    }
}

static void name_next(resolve_t *resolve);

static void name_resolved(void *baton, const dcv_dns_answer_t *answer)
{
    resolve_t *resolve = baton;
    const char *resolver = answer->resolver ? answer->resolver : "nobody";
    const dcv_net_t *net =
        dcv_net_make_bound(bound_at(resolve)->resolves_to, resolve->pool);

    if (answer->is_partial) /* what there is must do */
        dcv_dns_cancel(resolve->query);
    resolve->query = NULL;
    if (answer->is_ours || !net) {
        fail_ours(resolve, net ? answer->failure : "its networks are none");
        return;
    }
    if (answer->failure)
        problem_add(resolve, problem_make(resolve->pool, PROBLEM_DNS,
                                          "%s: %s. Resolver: %s",
                                          bound_at(resolve)->name,
                                          answer->failure, resolver));
    else
        addresses_judge(resolve, net, answer);
    resolve->at++;
    name_next(resolve);
}

static void name_next(resolve_t *resolve)
{
    dcv_run_t *run = resolve->run;

    if (resolve->at < run->job->bounds->nelts)
        dcv_dns_start(&resolve->query, run->dns, run->conf,
                      bound_at(resolve)->name, name_resolved, resolve,
                      resolve->pool);
    else
        dcv_run_finish(run, problem_fold(resolve->subs, resolve->pool),
                       resolve->last, 0);
}

static void start(dcv_run_t *run)
{
    resolve_t *resolve = apr_pcalloc(run->job->pool, sizeof(*resolve));

    resolve->run = run;
    resolve->pool = run->job->pool;
    resolve->subs = apr_array_make(resolve->pool, 1, sizeof(problem_t *));
    run->state = resolve;
    name_next(resolve);
}

static void cancel(dcv_run_t *run)
{
    resolve_t *resolve = run->state;

    if (resolve->query)
        dcv_dns_cancel(resolve->query);
    resolve->query = NULL;
}

/* Name servers that do not answer may do so later. */
static void expire(dcv_run_t *run)
{
    cancel(run);
    fail_ours(run->state, "no answer from the name servers in time");
}

const dcv_method_t dcv_resolve = {start, expire, cancel};
