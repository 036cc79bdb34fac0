/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_names.h"

#include <apr_strings.h>
#include <string.h>

#include "policy/policy_pattern.h"
#include "policy_help.h"

#define L POLICY_NAMES_LISTED

/* "*.a.test 10.0.0.0/8" → patterns; NULL stays NULL, "" is an empty list */
static apr_array_header_t *patterns(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *list;
    policy_pattern_t *pattern;
    char **words;

    if (!text)
        return NULL;
    list = apr_array_make(pool, 2, sizeof(void *));
    apr_tokenize_to_argv(text, &words, pool);
    for (; *words; ++words) {
        ok(!policy_pattern_name_parse(&pattern, *words, pool), "%s", *words);
        APR_ARRAY_PUSH(list, void *) = pattern;
    }
    return list;
}

/* refused: the names of the subproblems, a single one's too; "" for a problem
 * without names; NULL: all may pass. */
typedef struct {
    const char *lines, *key, *names, *refused, *why;
    int flags;
} row_t;

static const char *refused_names(const problem_t *prob, apr_pool_t *pool)
{
    const char *names = "";
    int i;

    for (i = 0; prob->subproblems && i < prob->subproblems->nelts; ++i) {
        const problem_t *sub =
            APR_ARRAY_IDX(prob->subproblems, i, const problem_t *);

        is_str(problem_name(sub->type), "rejectedIdentifier");
        if (sub->identifier)
            names = apr_pstrcat(pool, names, *names ? " " : "",
                                sub->identifier->value, NULL);
    }
    return names;
}

static void row_try(const row_t *row, apr_pool_t *pool)
{
    problem_t *prob = policy_names_check(
        policy_help_make(row->lines, pool), patterns(row->key, pool),
        policy_help_ids(row->names, pool), row->flags, pool);
    const char *what = apr_psprintf(pool, "%s | %s | %s", row->lines,
                                    row->key ? row->key : "-", row->names);

    if (!row->refused) {
        ok(!prob, "%s: %s", what, prob ? prob->detail : "");
        return;
    }
    ok(prob, "%s: refused", what);
    if (!prob)
        return;
    is_int(prob->status, 403);
    is_str(problem_name(prob->type), "rejectedIdentifier");
    if (prob->subproblems)
        is_str(refused_names(prob, pool), row->refused);
    else if (*row->refused)
        ok(!strchr(row->refused, ' ') && strstr(prob->detail, row->refused),
           "%s: %s", what, prob->detail);
    ok(strstr(prob->detail, row->why), "%s: \"%s\" in \"%s\"", what, row->why,
       prob->detail);
}

static void table_try(const row_t *row, apr_pool_t *pool)
{
    for (; row->names; ++row)
        row_try(row, pool);
}

static void unruled(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"", NULL, "a.test", NULL, NULL, 0},
        {"", NULL, "localhost", NULL, NULL, 0},
        {"", NULL, "a.test b.test xn--bcher-kva.test", NULL, NULL, 0},
        {"preset tls-client", NULL, "a.test", NULL, NULL, 0},
        {"", NULL, "10.0.0.1 2001:db8::1 a.test", NULL, NULL, 0},
        {"san dns allow b.test", NULL, "10.0.0.1", NULL, NULL, 0},
        {"san ip allow 10.0.0.0/8", NULL, "a.test", NULL, NULL, 0},
        {"subject O require x", NULL, "a.test", NULL, NULL, 0},
        {NULL, NULL, NULL, NULL, NULL, 0}};

    table_try(table, pool);
}

static void lists(apr_pool_t *pool)
{
#define ALLOW "san dns allow *.a.test **.b.test"
    static const row_t table[] = {
        {ALLOW, NULL, "x.a.test", NULL, NULL, 0},
        {ALLOW, NULL, "x.b.test y.x.b.test", NULL, NULL, 0},
        {ALLOW, NULL, "a.test", "a.test",
         "policy p allows dns *.a.test, **.b.test only", 0},
        {ALLOW, NULL, "x.y.a.test", "x.y.a.test", "allows dns", 0},
        {ALLOW, NULL, "x.a.test evil.test x.b.test", "evil.test", "allows dns",
         0},
        {ALLOW, NULL, "x.a.test evil.test bad.test", "evil.test bad.test",
         "evil.test", 0},
        {ALLOW "; san dns allow c.test", NULL, "c.test", NULL, NULL, 0},
        {ALLOW "; san dns deny x.a.test", NULL, "x.a.test", "x.a.test",
         "policy p denies dns x.a.test", 0},
        {ALLOW "; san dns deny x.a.test", NULL, "y.a.test", NULL, NULL, 0},
        {"san dns deny x.a.test; " ALLOW, NULL, "x.a.test", "x.a.test",
         "denies", 0},
        {"san dns deny **.secret.test", NULL, "a.test", NULL, NULL, 0},
        {"san dns deny **.secret.test", NULL, "secret.test", NULL, NULL, 0},
        {"san dns deny **.secret.test", NULL, "a.b.secret.test a.test",
         "a.b.secret.test", "denies dns **.secret.test", 0},
        {"san dns deny **", NULL, "a.test", "a.test", "denies dns **", 0},
        {"san dns allow * deny localhost", NULL, "localhost", "localhost",
         "denies", 0},
        {"san dns allow * deny localhost", NULL, "intranet", NULL, NULL, 0},
        {"san dns allow * deny localhost", NULL, "a.test", "a.test",
         "allows dns * only", 0},
        {NULL, NULL, NULL, NULL, NULL, 0}};

    table_try(table, pool);
}

/* T84 */
static void addresses(apr_pool_t *pool)
{
#define NET "san ip allow 10.0.0.0/8 2001:db8::/32 deny 10.9.0.0/16"
    static const row_t table[] = {
        {NET, NULL, "10.0.0.1 2001:db8::1", NULL, NULL, 0},
        {NET, NULL, "192.0.2.1 10.0.0.1", "192.0.2.1",
         "policy p allows ip 10.0.0.0/8, 2001:db8::/32 only", 0},
        {NET, NULL, "10.9.1.2", "10.9.1.2", "policy p denies ip 10.9.0.0/16",
         0},
        {NET, NULL, "a.test", NULL, NULL, 0},
        {"san ip deny ::/0", NULL, "2001:db8::1", "2001:db8::1", "denies ip",
         0},
        {"san ip require 10.0.0.0/8", NULL, "a.test", "",
         "requires a name (ip) that matches 10.0.0.0/8", 0},
        {"", "10.0.0.0/8 *.a.test", "10.0.0.1 x.a.test", NULL, NULL, 0},
        {"", "10.0.0.0/8", "192.0.2.1", "192.0.2.1", "external account key", 0},
        {"", "**", "10.0.0.1 a.test", "10.0.0.1",
         "external account key allows ** only", 0},
        {"", "**", "2001:db8::1", "2001:db8::1", "external account", 0},
        {"", NULL, "10.0.0.1", "10.0.0.1", "nothing is validated",
         POLICY_NAMES_LISTED},
        {NET, NULL, "10.0.0.1", NULL, NULL, POLICY_NAMES_LISTED},
        {"subject CN allow *.acme.com", NULL, "10.0.0.1", NULL, NULL, 0},
        {"subject CN require *.acme.com", NULL, "10.0.0.1", "",
         "requires a CN, which an IP address cannot be", 0},
        {NULL, NULL, NULL, NULL, NULL, 0}};

    table_try(table, pool);
}

static void required(apr_pool_t *pool)
{
#define REQ "san dns require *.a.test"
    static const row_t table[] = {
        {REQ, NULL, "x.a.test", NULL, NULL, 0},
        {REQ, NULL, "x.a.test y.a.test", NULL, NULL, 0},
        {REQ, NULL, "b.test", "b.test", "that matches *.a.test", 0},
        {REQ, NULL, "x.a.test b.test", "b.test", "allows dns *.a.test only", 0},
        {REQ " allow b.test", NULL, "x.a.test b.test", NULL, NULL, 0},
        {REQ " allow b.test", NULL, "b.test", "",
         "requires a name (dns) that matches *.a.test", 0},
        {REQ " *.b.test", NULL, "x.a.test x.b.test", NULL, NULL, 0},
        {REQ " *.b.test", NULL, "x.a.test", "", "matches *.b.test", 0},
        {REQ " *.b.test", NULL, "x.c.test", "x.c.test",
         "matches *.a.test, *.b.test", 0},
        {REQ " deny x.a.test", NULL, "x.a.test", "x.a.test", "denies", 0},
        {REQ " deny x.a.test", NULL, "x.a.test y.a.test", "x.a.test", "denies",
         0},
        {"san ip require 10.0.0.0/8", NULL, "a.test", "",
         "requires a name (ip)", 0},
        {NULL, NULL, NULL, NULL, NULL, 0}};

    table_try(table, pool);
}

static void wildcards(apr_pool_t *pool)
{
#define WILD "san dns allow *.a.test wildcard:*.a.test"
    static const row_t table[] = {
        {"", NULL, "*.a.test", "*.a.test", "wildcard:*.a.test", 0},
        {"", NULL, "*.a.test", "*.a.test", "no pattern", 0},
        {"", NULL, "*.a.test a.test *.b.test", "*.a.test *.b.test", "*.a.test",
         0},
        {"san dns allow *.a.test", NULL, "*.a.test", "*.a.test", "allows dns",
         0},
        {"san dns allow **", NULL, "*.a.test", "*.a.test", "allows dns", 0},
        {WILD, NULL, "*.a.test", NULL, NULL, 0},
        {WILD, NULL, "*.a.test x.a.test", NULL, NULL, 0},
        {WILD, NULL, "*.b.a.test", "*.b.a.test", "allows dns", 0},
        {WILD "; san dns deny admin.a.test", NULL, "*.a.test", "*.a.test",
         "denies dns admin.a.test", 0},
        {WILD "; san dns deny admin.b.test", NULL, "*.a.test", NULL, NULL, 0},
        {WILD "; san dns deny **.a.test", NULL, "*.a.test", "*.a.test",
         "denies", 0},
        {WILD "; san dns deny a.test", NULL, "*.a.test", NULL, NULL, 0},
        {WILD "; san dns deny wildcard:*.a.test", NULL, "*.a.test", "*.a.test",
         "denies", 0},
        {WILD "; san dns deny wildcard:*.a.test", NULL, "x.a.test", NULL, NULL,
         0},
        {"san dns require wildcard:*.a.test", NULL, "*.a.test", NULL, NULL, 0},
        {"san dns require wildcard:*.a.test", NULL, "x.a.test", "x.a.test",
         "requires", 0},
        {WILD, "*.a.test", "*.a.test", "*.a.test", "account key allows", 0},
        {WILD, "wildcard:*.a.test", "*.a.test", NULL, NULL, 0},
        {NULL, NULL, NULL, NULL, NULL, 0}};

    table_try(table, pool);
}

static void keys(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"", "*.a.test", "x.a.test", NULL, NULL, 0},
        {"", "*.a.test b.test", "x.a.test b.test", NULL, NULL, 0},
        {"", "*.a.test", "b.test", "b.test",
         "external account key allows *.a.test only", 0},
        {"", "*.a.test", "x.a.test b.test", "b.test", "external account", 0},
        {"", "", "a.test", "a.test", "key allows no name only", 0},
        {"", "10.0.0.0/8", "a.test", "a.test", "external account", 0},
        {"san dns allow **.test", "*.a.test", "x.a.test", NULL, NULL, 0},
        {"san dns allow **.test", "*.a.test", "x.b.test", "x.b.test",
         "external account", 0},
        {"san dns allow *.b.test", "**", "x.a.test", "x.a.test", "policy p", 0},
        {"san dns deny x.a.test", "x.a.test", "x.a.test", "x.a.test", "denies",
         0},
        {NULL, NULL, NULL, NULL, NULL, 0}};

    table_try(table, pool);
}

static void unproven(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"", NULL, "a.test", "a.test", "nothing is validated", L},
        {"", "*.test", "a.test", NULL, NULL, L},
        {"", "", "a.test", "a.test", "key allows no name", L},
        {"san dns allow a.test", NULL, "a.test", NULL, NULL, L},
        {"san dns require a.test", NULL, "a.test", NULL, NULL, L},
        {"san dns deny b.test", NULL, "a.test", "a.test",
         "nothing is validated", L},
        {"san ip allow 10.0.0.0/8", NULL, "a.test", "a.test",
         "nothing is validated", L},
        {"san dns allow wildcard:*.a.test", NULL, "*.a.test", NULL, NULL, L},
        {"", "wildcard:*.a.test", "*.a.test", "*.a.test", "no pattern", L},
        {NULL, NULL, NULL, NULL, NULL, 0}};

    table_try(table, pool);
    ok(!policy_names_are_listed(policy_help_make("", pool)));
    ok(!policy_names_are_listed(policy_help_make("san dns deny a", pool)));
    ok(!policy_names_are_listed(policy_help_make("subject CN allow a", pool)));
    ok(policy_names_are_listed(policy_help_make("san dns allow a", pool)));
    ok(policy_names_are_listed(policy_help_make("san dns require a", pool)));
    ok(policy_names_are_listed(policy_help_make("san ip allow ::1", pool)));
}

/* The user's own policy: "CN must look like *.acme.com". */
static void common_names(apr_pool_t *pool)
{
#define CN "subject CN allow *.acme.com"
    static const row_t table[] = {
        {CN, NULL, "www.acme.com", NULL, NULL, 0},
        {CN, NULL, "www.other.com", "www.other.com",
         "allows CN *.acme.com only", 0},
        {CN, NULL, "acme.com", "acme.com", "CN", 0},
        {CN, NULL, "a.b.acme.com", "a.b.acme.com", "CN", 0},
        {CN, NULL, "other.com www.acme.com", NULL, NULL, 0},
        {CN, NULL, "a.other.com b.other.com", "a.other.com b.other.com", "CN",
         0},
        {CN "; san dns allow *.acme.com", NULL, "other.com www.acme.com",
         "other.com", "dns", 0},
        {"subject CN require *.acme.com", NULL, "other.com", "other.com", "CN",
         0},
        {"subject CN require *.acme.com", NULL, "www.acme.com", NULL, NULL, 0},
        {"subject CN deny www.acme.com", NULL, "www.acme.com", NULL, NULL, 0},
        {CN "; san dns allow wildcard:*.acme.com", NULL, "*.acme.com", NULL,
         NULL, 0},
        {"preset code-signing; subject CN allow 'Alice *'", NULL, "a.acme.com",
         NULL, NULL, 0},
        {"preset email; subject CN require 'Alice *'", NULL, "a.acme.com", NULL,
         NULL, 0},
        {"subject CN require *.acme.com; san dns allow wildcard:*.acme.com",
         NULL, "*.acme.com", "*.acme.com", "CN", 0},
        {NULL, NULL, NULL, NULL, NULL, 0}};

    table_try(table, pool);
}

static void many(apr_pool_t *pool)
{
    const char *names = "";
    policy_t *policy = policy_help_make("", pool);
    problem_t *prob;
    int i;

    for (i = 0; i < 100; ++i)
        names = apr_psprintf(pool, "%s n%d.test", names, i);
    ok(!policy_names_check(policy, NULL, policy_help_ids(names, pool), 0,
                           pool));
    names = apr_pstrcat(pool, names, " more.test", NULL);
    prob =
        policy_names_check(policy, NULL, policy_help_ids(names, pool), 0, pool);
    need(prob);
    is_str(problem_name(prob->type), "malformed");
    ok(strstr(prob->detail, "101") && strstr(prob->detail, "100"), "%s",
       prob->detail);
    policy = policy_help_make("names 2", pool);
    ok(!policy_names_check(policy, NULL, policy_help_ids("a b", pool), 0,
                           pool));
    ok(policy_names_check(policy, NULL, policy_help_ids("a b c", pool), 0,
                          pool));
}

const tap_case_t tap_cases[] = {
    {"without rules names follow the order", unruled},
    {"T46 allow and deny; deny wins", lists},
    {"T46 require", required},
    {"T46 wildcards only where a pattern says so", wildcards},
    {"T46 what an external account key allows", keys},
    {"names of profiles without validation need a list", unproven},
    {"a rule for CN binds one name at least", common_names},
    {"100 names, and one more", many},
    {"T84 addresses: networks, and no pattern for names", addresses},
    {NULL, NULL}};
