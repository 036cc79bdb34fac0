/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_resolve.h"

#include <apr_strings.h>
#include <string.h>

#include "dcv_bed.h"
#include "tap.h"

static bed_t *bed;

static void open_all(apr_pool_t *pool)
{
    bed = bed_start(pool);
    bed->method = DCV_RESOLVE;
    bed_host(bed, "ten.test", "10.9.1.2");
    bed_host(bed, "six.test", "2001:db8::1");
    bed_host(bed, "mapped.test", "::ffff:10.9.1.2");
    bed_host(bed, "tunnel.test", "2002:a09:102::1");
}

static void bind_only(const char *name, const char *networks)
{
    bed->bounds = NULL;
    bed_bind(bed, name, networks);
}

static void fine(const char *what)
{
    const dcv_result_t *result = bed_ask(bed, "for.logs", "x");

    ok(result && !result->problem && !result->is_retryable, "%s: %s", what,
       result && result->problem ? result->problem->detail : "");
}

static void refused(problem_type_e type, const char *words)
{
    const dcv_result_t *result = bed_ask(bed, "for.logs", "x");

    ok(result && result->problem && !result->is_retryable, "%s", words);
    if (!result || !result->problem)
        return;
    is_str(problem_name(result->problem->type), problem_name(type));
    ok(strstr(result->problem->detail, words), "no \"%s\" in %s", words,
       result->problem->detail);
}

static void one(apr_pool_t *pool)
{
    open_all(pool);
    bind_only("ten.test", "10.9.0.0/16");
    fine("inside");
    bind_only("ten.test", "192.0.2.0/24 10.9.1.2");
    fine("one of two");
    bind_only("ten.test", "0.0.0.0/0");
    fine("anywhere in IPv4");
    bind_only("six.test", "2001:db8::/32");
    fine("IPv6");
    bind_only("mapped.test", "10.9.0.0/16");
    fine("v4-mapped");
    bind_only("10.9.1.2", "10.9.0.0/16");
    fine("an address");
    /* Nothing is dialled, so nothing is denied. */
    bind_only("a.test", "127.0.0.0/8");
    fine("loopback");
    bind_only("ten.test", "10.8.0.0/16");
    refused(PROBLEM_REJECTED_IDENTIFIER, "ten.test resolves to 10.9.1.2");
    bind_only("six.test", "0.0.0.0/0");
    refused(PROBLEM_REJECTED_IDENTIFIER, "2001:db8::1");
    bind_only("tunnel.test", "10.9.0.0/16");
    refused(PROBLEM_REJECTED_IDENTIFIER, "2002:a09:102::1");
    bind_only("ten.test", "");
    refused(PROBLEM_REJECTED_IDENTIFIER, "nothing at all");
    bed_stop(bed);
}

static void many(apr_pool_t *pool)
{
    const dcv_result_t *result;
    probe_t *probe;
    int i;

    open_all(pool);
    bed->bounds = NULL;
    for (i = 0; i < 100; i++)
        bed_bind(bed, i % 2 ? "ten.test" : "a.test", "10.0.0.0/8 127.0.0.1");
    fine("a hundred");
    bed_bind(bed, "six.test", "10.0.0.0/8");
    bed_bind(bed, "ten.test", "10.10.0.0/16");
    probe = bed_submit(bed, "for.logs", "x", "account");
    result = bed_wait(probe);
    need(result && result->problem && result->problem->subproblems);
    is_int(result->problem->subproblems->nelts, 2);
    is_str(APR_ARRAY_IDX(result->problem->subproblems, 1, problem_t *)
               ->identifier->value,
           "ten.test");
    bed_free(probe);
    bed_stop(bed);
}

/* One of several addresses elsewhere is enough. */
static void all_addresses(apr_pool_t *pool)
{
    dcv_host_t *host = apr_pcalloc(pool, sizeof(*host));

    open_all(pool);
    host->name = "two.test";
    host->addresses = apr_array_make(pool, 2, sizeof(char *));
    APR_ARRAY_PUSH(host->addresses, const char *) = "10.9.1.2";
    APR_ARRAY_PUSH(host->addresses, const char *) = "192.0.2.1";
    APR_ARRAY_PUSH(bed->conf->hosts, dcv_host_t *) = host;
    bind_only("two.test", "10.9.0.0/16");
    refused(PROBLEM_REJECTED_IDENTIFIER, "192.0.2.1");
    bind_only("two.test", "10.9.0.0/16 192.0.2.1");
    fine("both");
    bed_stop(bed);
}

static void unknown(apr_pool_t *pool)
{
    const dcv_result_t *result;

    open_all(pool);
    bind_only("unknown.test", "10.0.0.0/8");
    result = bed_ask(bed, "for.logs", "x");
    need(result && result->problem);
    bind_only("ten.test", "10.0.0.0/8 rubbish");
    result = bed_ask(bed, "for.logs", "x");
    ok(result && result->problem && result->is_retryable);
    bed_stop(bed);
}

const tap_case_t tap_cases[] = {
    {"pki.md: resolves-to without validation", one},
    {"all that is wrong at once", many},
    {"every address of a name counts", all_addresses},
    {"a name that does not resolve, networks that are none", unknown},
    {NULL, NULL}};
