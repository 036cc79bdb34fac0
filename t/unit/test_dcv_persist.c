/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_persist.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

#define ACCOUNT "https://ca.example/acme/acct/1"
#define NOW     APR_INT64_C(1790000000)

/* The draft's example, 10.2. */
#define HASHES "https://ca.example/account-hash/sha-256/"
#define HASH   HASHES "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define OLDER  HASHES "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"
#define THEIRS HASHES "0000000000000000000000000000000000000000000"

/* Of draft 01, where nothing else is said. */
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
    job->account_uris = apr_array_make(pool, 2, sizeof(char *));
    job->hash_prefixes = apr_array_make(pool, 1, sizeof(char *));
    job->is_url_allowed = 1;
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
        dcv_persist_t said;
        dcv_persist_e one = dcv_persist_judge(&said, &txt, name, NOW, pool);

        ok(one == values[i].name, "\"%s\": %d, %s", txt.text, one,
           said.why ? said.why : "-");
        ok(!said.why == (one == DCV_PERSIST_GOOD || one == DCV_PERSIST_OTHER));
        one = dcv_persist_judge(&said, &txt, wildcard, NOW, pool);
        ok(one == values[i].wildcard, "wildcard \"%s\": %d, %s", txt.text, one,
           said.why ? said.why : "-");
    }
}

static void octets(apr_pool_t *pool)
{
    static const char text[] = "ca.test; accounturi=" ACCOUNT "\0x";
    dcv_txt_t txt = {text, sizeof(text) - 1, 60};
    dcv_persist_t said;

    is_int(dcv_persist_judge(&said, &txt, job_make(0, pool), NOW, pool),
           DCV_PERSIST_OTHER);
}

/* As the newest draft has it: by hashes only. */
static dcv_job_t *job_make_new(int is_wildcard, apr_pool_t *pool)
{
    dcv_job_t *job = job_make(is_wildcard, pool);

    APR_ARRAY_PUSH((apr_array_header_t *)job->account_uris, const char *) =
        HASH;
    APR_ARRAY_PUSH((apr_array_header_t *)job->account_uris, const char *) =
        OLDER;
    APR_ARRAY_PUSH((apr_array_header_t *)job->hash_prefixes, const char *) =
        HASHES;
    job->is_url_allowed = 0;
    return job;
}

static const struct {
    const char *text;
    dcv_persist_e verdict;
    apr_int64_t until;
} hashes[] = {
    {"ca.test; accounturi=" HASH, DCV_PERSIST_GOOD, 0},
    {"ca.test; accounturi=" OLDER, DCV_PERSIST_GOOD, 0},
    {"ca.test; accounturi=" HASH "; policy=wildcard", DCV_PERSIST_GOOD, 0},
    {"ca.test; persistUntil=1790000000; accounturi=" HASH, DCV_PERSIST_GOOD,
     NOW},
    {"ca.test; persistUntil=99999999999; accounturi=" HASH, DCV_PERSIST_GOOD,
     APR_INT64_C(99999999999)},
    {"ca.test; persistUntil=1789999999; accounturi=" HASH, DCV_PERSIST_UNFIT,
     NOW - 1},
    {"ca.test; accounturi=" THEIRS, DCV_PERSIST_UNFIT, 0},
    /* Neither a URL, as in draft 01, … */
    {"ca.test; accounturi=" ACCOUNT, DCV_PERSIST_MALFORMED, 0},
    /* … nor what is not under the prefix, of another hash, or no hash. */
    {"ca.test; accounturi=https://ca.example/sha-256/"
     "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
     DCV_PERSIST_MALFORMED, 0},
    {"ca.test; accounturi=https://ca.example/account-hash/sha-512/"
     "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
     DCV_PERSIST_MALFORMED, 0},
    {"ca.test; accounturi=" HASHES, DCV_PERSIST_MALFORMED, 0},
    {"ca.test; accounturi=" HASH "A", DCV_PERSIST_MALFORMED, 0},
    {"ca.test; accounturi=" HASHES
     "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk+kw",
     DCV_PERSIST_MALFORMED, 0},
    {"ca.test; accounturi=" HASHES
     "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-k=",
     DCV_PERSIST_MALFORMED, 0},
};

static void hashed(apr_pool_t *pool)
{
    dcv_job_t *job = job_make_new(0, pool);
    dcv_persist_t said;
    apr_size_t i;

    for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        dcv_txt_t txt = {hashes[i].text, strlen(hashes[i].text), 60};
        dcv_persist_e one = dcv_persist_judge(&said, &txt, job, NOW, pool);

        ok(one == hashes[i].verdict, "\"%s\": %d, %s", txt.text, one,
           said.why ? said.why : "-");
        is_int(said.until, hashes[i].until);
        ok(!said.is_url);
    }
    job->is_url_allowed = 1;
    for (i = 0; i < 2; i++) {
        dcv_txt_t txt = {i ? "ca.test; accounturi=" ACCOUNT
                           : "ca.test; accounturi=" HASH,
                         0, 60};

        txt.len = strlen(txt.text);
        is_int(dcv_persist_judge(&said, &txt, job, NOW, pool),
               DCV_PERSIST_GOOD);
        is_int(said.is_url, (int)i);
    }
}

static void expected(apr_pool_t *pool)
{
    is_str(dcv_persist_value(job_make_new(0, pool)),
           "ca.example; accounturi=" HASH);
    is_str(dcv_persist_value(job_make(0, pool)),
           "ca.example; accounturi=" ACCOUNT);
    is_str(dcv_persist_value(job_make(1, pool)),
           "ca.example; accounturi=" ACCOUNT "; policy=wildcard");
}

const tap_case_t tap_cases[] = {
    {"dns-persist-01: the account by a hash, or by its URL", hashed},
    {"dns-persist-01: which records are good for what", judged},
    {"dns-persist-01: a NUL ends nothing", octets},
    {"dns-persist-01: the record that is expected", expected},
    {NULL, NULL}};
