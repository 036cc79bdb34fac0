/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_climb.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "dcv_bed.h"
#include "dcv_nameserver.h"
#include "dcv_server.h"
#include "tap.h"

static nameserver_t server;
static bed_t *bed;
static dcv_caa_t terms;

/* Zones: ours.test allows us, theirs.test others, and all below them has
 * nothing of its own; what does not exist is NXDOMAIN. */
static void script(nameserver_reply_t *reply, const char *name, int type)
{
    if (!strncmp(name, "late.", 5))
        usleep(900000);
    reply->is_silent = !strncmp(name, "silent", 6);
    if (!strncmp(name, "broken", 6))
        reply->rcode = 2;
    else if (strstr(name, "none") || !strcmp(name, "test."))
        reply->rcode = 3;
    if (!strcmp(name, "lan."))
        reply->rcode = 2;
    if (type != NAMESERVER_CAA)
        return;
    if (!strcmp(name, "ours.test.") || !strncmp(name, "own.", 4))
        reply->caa = "issue=ca.test";
    else if (!strcmp(name, "theirs.test."))
        reply->caa = "issue=other.test";
    else if (!strcmp(name, "alias.test.")) {
        reply->cname = "theirs.test.";
        reply->caa = "issue=other.test";
    }
}

static void open_all(apr_pool_t *pool)
{
    dcv_resolver_t *row = apr_pcalloc(pool, sizeof(*row));
    apr_array_header_t *identities =
        apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(identities, const char *) = "ca.test";
    terms = (dcv_caa_t){.identities = identities};
    ok(nameserver_start(&server, "127.0.0.1", 0, script));
    bed = bed_start(pool);
    bed->method = DCV_RESOLVE;
    bed->bounds = apr_array_make(pool, 1, sizeof(dcv_bound_t *));
    bed->caa = &terms;
    row->servers = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->servers, const char *) =
        apr_psprintf(pool, "127.0.0.1@%d", server.port);
    APR_ARRAY_PUSH(bed->conf->resolvers, dcv_resolver_t *) = row;
}

static void close_all(void)
{
    bed_stop(bed);
    nameserver_stop(&server);
}

/* "a.test *.b.test" */
static void names_set(const char *names)
{
    apr_pool_t *pool = bed->pool;
    apr_array_header_t *list =
        apr_array_make(pool, 2, sizeof(dcv_caa_name_t *));
    char *copy = apr_pstrdup(pool, names), *state, *word;

    for (word = apr_strtok(copy, " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        dcv_caa_name_t *name = apr_pcalloc(pool, sizeof(*name));

        name->is_wildcard = *word == '*';
        name->domain = word + (name->is_wildcard ? 2 : 0);
        APR_ARRAY_PUSH(list, dcv_caa_name_t *) = name;
    }
    terms.names = list;
}

static const dcv_result_t *look(const char *names)
{
    names_set(names);
    return bed_ask(bed, "for.logs", "x");
}

/* How many of these are refused. */
static int refusals(const char *names)
{
    const dcv_result_t *result;
    const problem_t *prob;
    probe_t *probe;
    int count = 0;

    names_set(names);
    probe = bed_submit(bed, "for.logs", "x", "account");
    result = bed_wait(probe);
    prob = result ? result->problem : NULL;
    if (prob)
        count = prob->subproblems ? prob->subproblems->nelts : 1;
    bed_free(probe);
    return count;
}

static void fine(const char *names)
{
    const dcv_result_t *result = look(names);

    ok(result && !result->problem && !result->is_retryable, "%s: %s", names,
       result && result->problem ? result->problem->detail : "");
}

static void refused(const char *names, problem_type_e type, const char *words)
{
    const dcv_result_t *result = look(names);

    ok(result && result->problem && !result->is_retryable, "%s", names);
    if (!result || !result->problem)
        return;
    is_str(problem_name(result->problem->type), problem_name(type));
    ok(strstr(result->problem->detail, words), "no \"%s\" in: %s", words,
       result->problem->detail);
}

static void climbing(apr_pool_t *pool)
{
    open_all(pool);
    fine("ours.test");
    fine("a.b.ours.test *.ours.test");
    fine("free.test none.test");
    fine("own.theirs.test");
    refused("theirs.test", PROBLEM_CAA, "CAA records of theirs.test, for th");
    refused("a.none.theirs.test", PROBLEM_CAA,
            "CAA records of theirs.test, for a.none.theirs.test: ");
    refused("*.theirs.test", PROBLEM_CAA, "for *.theirs.test: ");
    refused("alias.test", PROBLEM_CAA, "CAA records of alias.test");
    refused("ours.test a.theirs.test b.theirs.test", PROBLEM_CAA, "");
    close_all();
}

static void failures(apr_pool_t *pool)
{
    open_all(pool);
    bed->conf->timeout = apr_time_from_sec(5);
    refused("broken.test", PROBLEM_DNS, "CAA records of broken.test");
    refused("a.none.broken.test", PROBLEM_DNS, "CAA records of broken.test");
    close_all();
}

static void lenience(apr_pool_t *pool)
{
    open_all(pool);
    fine("lan");
    fine("a.lan");
    fine("a.none.lan");
    fine("a.broken.test"); /* which its servers know */
    terms.is_strict = 1;
    refused("lan", PROBLEM_DNS, "CAA records of lan");
    refused("a.broken.test", PROBLEM_DNS, "CAA records of broken.test");
    refused("a.lan", PROBLEM_DNS, "CAA records of lan, for a.lan");
    close_all();
}

static void silence(apr_pool_t *pool)
{
    probe_t *probe;

    open_all(pool);
    bed->conf->timeout = apr_time_from_msec(400);
    refused("silent.test", PROBLEM_DNS, "within 0.4 s");
    fine("silent"); /* an apex, and what is above one */
    fine("served.silent.example");
    terms.is_strict = 1;
    refused("served.silent.example", PROBLEM_DNS, "of silent.example, for ser");
    bed->conf->timeout = apr_time_from_sec(20);
    probe = bed_submit(bed, "for.logs", "x", "account");
    close_all(); /* with one under way */
    ok(probe && bed_wait(probe)->is_retryable);
    bed_free(probe);
}

/* Eight at a time: an order of many names has no more time than one of one. */
static void many(apr_pool_t *pool)
{
    const char *names = "";
    int i;

    open_all(pool);
    bed->conf->timeout = apr_time_from_msec(400);
    for (i = 0; i < 20; i++)
        names = apr_psprintf(pool, "%s silent%d.test", names, i);
    is_int(refusals(names), 20);
    bed->conf->timeout = apr_time_from_sec(5);
    for (i = 0, names = ""; i < 100; i++)
        names = apr_psprintf(pool, "%s a.b%d.ours.test", names, i);
    fine(names);
    is_int(refusals(apr_pstrcat(pool, "theirs.test ", names, " x.theirs.test",
                                NULL)),
           2);
    close_all();
}

/* A web server and records that take a second each: together they need no more
 * than that. */
static void slow_answer(visit_t *visit)
{
    server_is_over(visit, 900);
    server_say(visit, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n"
                      "token.thumb\r\n");
}

static void together(apr_pool_t *pool)
{
    apr_array_header_t *list =
        apr_array_make(pool, 1, sizeof(dcv_caa_name_t *));
    dcv_caa_name_t name = {0};
    const dcv_result_t *result;
    server_t web;

    open_all(pool);
    server_start(&web, slow_answer);
    server_open(&web);
    bed->method = DCV_HTTP01;
    bed->conf->http01_port = web.port;
    bed->conf->timeout = apr_time_from_msec(1500);
    APR_ARRAY_PUSH(list, dcv_caa_name_t *) = &name;
    terms.names = list;
    name.domain = "late.test";
    result = bed_ask(bed, "a.test", "token");
    ok(result && !result->problem, "%s",
       result && result->problem ? result->problem->detail : "");
    name.domain = "late.theirs.test";
    result = bed_ask(bed, "a.test", "token");
    need(result && result->problem);
    is_int(result->problem->type, PROBLEM_CAA);
    /* Proven in time; the rest is told as it is. */
    name.domain = "silent.test";
    result = bed_ask(bed, "a.test", "token");
    need(result && result->problem);
    is_int(result->problem->type, PROBLEM_DNS);
    ok(strstr(result->problem->detail, "within 1.5 s") &&
           strstr(result->problem->detail, "the challenge itself is met"),
       "%s", result->problem->detail);
    ok(result->took < apr_time_from_msec(2500), "bounded");
    /* What is not proven comes first. */
    result = bed_ask(bed, "a.test", "other");
    need(result && result->problem);
    is_int(result->problem->type, PROBLEM_INCORRECT_RESPONSE);
    server_stop(&web);
    close_all();
}

/* Silence, and names that nobody came to. */
static void unasked(apr_pool_t *pool)
{
    const dcv_result_t *result;
    problem_t *prob;
    probe_t *probe;

    open_all(pool);
    fine("");
    bed->conf->timeout = apr_time_from_msec(300);
    look("silent.1 silent.2 silent.3 silent.4 silent.5 silent.6 silent.7 "
         "silent.8 silent.9");
    probe = bed_submit(bed, "for.logs", "x", "account"); /* of the same names */
    result = probe ? bed_wait(probe) : NULL;
    need(result && result->problem && result->problem->subproblems);
    is_int(result->problem->subproblems->nelts, 9);
    prob = APR_ARRAY_IDX(result->problem->subproblems, 7, problem_t *);
    ok(strstr(prob->detail, "no answer from the name servers within 0.3 s"),
       "%s", prob->detail);
    ok(!strstr(prob->detail, "Hint"), "nothing is being proven");
    prob = APR_ARRAY_IDX(result->problem->subproblems, 8, problem_t *);
    ok(strstr(prob->detail, "not asked for, since those of other names took "
                            "all of 0.3 s"),
       "%s", prob->detail);
    bed_free(probe);
    close_all();
}

const tap_case_t tap_cases[] = {
    {"T85 climbing, by way of aliases", climbing},
    {"T85 SERVFAIL refuses", failures},
    {"T85 but not of a private apex, unless strict", lenience},
    {"T85 no answer, and a stop", silence},
    {"T85 many names at a time", many},
    {"T85 neither records nor proof take the other's time", together},
    {"T85 what is told when the time is over", unasked},
    {NULL, NULL}};
