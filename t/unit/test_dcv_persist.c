/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_persist.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

#define ACCOUNT "https://ca.example/acme/acct/1"
#define NOW     APR_INT64_C(1790000000)

static dcv_job_t *job_make(int is_wildcard, apr_pool_t *pool)
{
    dcv_job_t *job = apr_pcalloc(pool, sizeof(*job));
    apr_array_header_t *issuers = apr_array_make(pool, 2, sizeof(char *));

    APR_ARRAY_PUSH(issuers, const char *) = "ca.example";
    APR_ARRAY_PUSH(issuers, const char *) = "ca.test";
    job->method = DCV_DNS_PERSIST01;
    job->domain = "a.test";
    job->account_url = ACCOUNT;
    job->issuers = issuers;
    job->is_wildcard = is_wildcard;
    job->pool = pool;
    return job;
}

static const struct {
    const char *text;
    dcv_persist_e name, wildcard;
} values[] = {
    {"ca.example; accounturi=" ACCOUNT, DCV_PERSIST_GOOD, DCV_PERSIST_UNFIT},
    {"ca.example;accounturi=" ACCOUNT, DCV_PERSIST_GOOD, DCV_PERSIST_UNFIT},
    {" \tCA.Test. ;\t AccountURI \t=\t" ACCOUNT " ", DCV_PERSIST_GOOD,
     DCV_PERSIST_UNFIT},
    {"ca.test; accounturi=" ACCOUNT "; policy=wildcard", DCV_PERSIST_GOOD,
     DCV_PERSIST_GOOD},
    {"ca.test; POLICY=WildCard; accounturi=" ACCOUNT, DCV_PERSIST_GOOD,
     DCV_PERSIST_GOOD},
    {"ca.test; policy=wild; accounturi=" ACCOUNT, DCV_PERSIST_GOOD,
     DCV_PERSIST_UNFIT},
    {"ca.test; policy=; accounturi=" ACCOUNT, DCV_PERSIST_GOOD,
     DCV_PERSIST_UNFIT},
    {"ca.test; x-1=y; x-1=; accounturi=" ACCOUNT, DCV_PERSIST_GOOD,
     DCV_PERSIST_UNFIT},
    {"ca.test; persistUntil=1790000000; accounturi=" ACCOUNT, DCV_PERSIST_GOOD,
     DCV_PERSIST_UNFIT},
    {"ca.test; persistuntil=1789999999; accounturi=" ACCOUNT, DCV_PERSIST_UNFIT,
     DCV_PERSIST_UNFIT},
    {"ca.test; accounturi=" ACCOUNT "2", DCV_PERSIST_UNFIT, DCV_PERSIST_UNFIT},
    {"ca.test; accounturi=https://CA.example/acme/acct/1", DCV_PERSIST_UNFIT,
     DCV_PERSIST_UNFIT},
    {"ca.test", DCV_PERSIST_MALFORMED, DCV_PERSIST_MALFORMED},
    {"ca.test;", DCV_PERSIST_MALFORMED, DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=", DCV_PERSIST_MALFORMED, DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi", DCV_PERSIST_MALFORMED, DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT ";", DCV_PERSIST_MALFORMED,
     DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT "; =x", DCV_PERSIST_MALFORMED,
     DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT "; -x=x", DCV_PERSIST_MALFORMED,
     DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT "; x=\xc3\xa4", DCV_PERSIST_MALFORMED,
     DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT " x", DCV_PERSIST_MALFORMED,
     DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT "; accountURI=" ACCOUNT,
     DCV_PERSIST_MALFORMED, DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT "; persistUntil=", DCV_PERSIST_MALFORMED,
     DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT "; persistUntil=-1", DCV_PERSIST_MALFORMED,
     DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT "; persistUntil=2027-01-01",
     DCV_PERSIST_MALFORMED, DCV_PERSIST_MALFORMED},
    {"ca.test; accounturi=" ACCOUNT "; persistUntil=123456789012345678",
     DCV_PERSIST_MALFORMED, DCV_PERSIST_MALFORMED},
    {"", DCV_PERSIST_OTHER, DCV_PERSIST_OTHER},
    {";", DCV_PERSIST_OTHER, DCV_PERSIST_OTHER},
    {".", DCV_PERSIST_OTHER, DCV_PERSIST_OTHER},
    {"; accounturi=" ACCOUNT, DCV_PERSIST_OTHER, DCV_PERSIST_OTHER},
    {"other.example; accounturi=" ACCOUNT, DCV_PERSIST_OTHER,
     DCV_PERSIST_OTHER},
    {"ca.test.example; accounturi=" ACCOUNT, DCV_PERSIST_OTHER,
     DCV_PERSIST_OTHER},
    {"ca.tes; accounturi=" ACCOUNT, DCV_PERSIST_OTHER, DCV_PERSIST_OTHER},
    {"ca.test..; accounturi=" ACCOUNT, DCV_PERSIST_OTHER, DCV_PERSIST_OTHER},
};

static void judged(apr_pool_t *pool)
{
    dcv_job_t *name = job_make(0, pool), *wildcard = job_make(1, pool);
    apr_size_t i;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        dcv_txt_t txt = {values[i].text, strlen(values[i].text), 60};
        const char *why;
        dcv_persist_e one = dcv_persist_judge(&why, &txt, name, NOW, pool);

        ok(one == values[i].name, "\"%s\": %d, %s", txt.text, one,
           why ? why : "-");
        ok(!why == (one == DCV_PERSIST_GOOD || one == DCV_PERSIST_OTHER));
        one = dcv_persist_judge(&why, &txt, wildcard, NOW, pool);
        ok(one == values[i].wildcard, "wildcard \"%s\": %d, %s", txt.text, one,
           why ? why : "-");
    }
}

static void octets(apr_pool_t *pool)
{
    static const char text[] = "ca.test; accounturi=" ACCOUNT "\0x";
    dcv_txt_t txt = {text, sizeof(text) - 1, 60};
    const char *why;

    is_int(dcv_persist_judge(&why, &txt, job_make(0, pool), NOW, pool),
           DCV_PERSIST_OTHER);
}

static void expected(apr_pool_t *pool)
{
    is_str(dcv_persist_value(job_make(0, pool)),
           "ca.example; accounturi=" ACCOUNT);
    is_str(dcv_persist_value(job_make(1, pool)),
           "ca.example; accounturi=" ACCOUNT "; policy=wildcard");
}

const tap_case_t tap_cases[] = {
    {"dns-persist-01: which records are good for what", judged},
    {"dns-persist-01: a NUL ends nothing", octets},
    {"dns-persist-01: the record that is expected", expected},
    {NULL, NULL}};
