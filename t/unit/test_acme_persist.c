/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_persist.c"

#include "tap.h"

/* draft-ietf-acme-dns-persist-02 10.2 */
#define PRINT "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define URL   "https://ca.example/acct/123"
#define NAMED "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define EVERY "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"

static void vectors(apr_pool_t *pool)
{
    is_str(digest_make("example.com", PRINT, URL, pool), NAMED);
    is_str(digest_make("*", PRINT, URL, pool), EVERY);
}

static const char *at(const apr_array_header_t *words, int i)
{
    return i < words->nelts ? APR_ARRAY_IDX(words, i, const char *) : NULL;
}

static void is_uri(const dcv_job_t *job, int i, const char *prefix,
                   const char *domain, const char *print, const char *url)
{
    is_str(at(job->account_uris, i),
           apr_pstrcat(job->pool, prefix,
                       digest_make(domain, print, url, job->pool), NULL));
}

static void lists(apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);
    dcv_job_t job = {.domain = "example.com",
                     .account_url = URL,
                     .is_url_allowed = 1,
                     .pool = pool};

    conf->base_url = "https://ca.example";
    conf->path = "";
    conf->dns_persist = ACME_PERSIST_ON;
    is_str(acme_persist_prefix(conf, pool), "https://ca.example/account-hash/");
    acme_persist_fill(&job, conf, PRINT, NULL);
    is_int(job.account_uris->nelts, 2);
    is_str(at(job.account_uris, 0),
           "https://ca.example/account-hash/sha-256/" NAMED);
    is_str(at(job.account_uris, 1),
           "https://ca.example/account-hash/sha-256/" EVERY);
    is_int(job.hash_prefixes->nelts, 1);
    is_str(at(job.hash_prefixes, 0),
           "https://ca.example/account-hash/sha-256/");
    ok(!job.is_url_allowed);
}

/* Keys and names of the server that were before. */
static void history(apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);
    dcv_job_t job = {.domain = "a.test",
                     .account_url = "https://ca.example/acme/acct/1",
                     .pool = pool};
    const char *now = "https://ca.example/acme/account-hash/sha-256/";
    const char *then = "https://old.example:8443/acme/account-hash/sha-256/";
    const char *url = "https://old.example:8443/acme/acct/1";

    conf->base_url = "https://ca.example";
    APR_ARRAY_PUSH(conf->base_url_aliases, const char *) =
        "https://old.example:8443";
    conf->dns_persist = ACME_PERSIST_OLD;
    acme_persist_fill(&job, conf, PRINT, "second first ");
    ok(job.is_url_allowed);
    is_int(job.account_uris->nelts, 12);
    is_uri(&job, 0, now, "a.test", PRINT, job.account_url);
    is_uri(&job, 2, now, "a.test", "second", job.account_url);
    is_uri(&job, 5, now, "*", "first", job.account_url);
    is_uri(&job, 6, then, "a.test", PRINT, url);
    is_uri(&job, 11, then, "*", "first", url);
    is_str(at(job.hash_prefixes, 1), then);
}

const tap_case_t tap_cases[] = {
    {"dns-persist-01: the draft's own digests", vectors},
    {"dns-persist-01: what a record may name", lists},
    {"dns-persist-01: earlier keys, and earlier names of the server", history},
    {NULL, NULL}};
