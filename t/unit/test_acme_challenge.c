/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_challenge.h"

#include <apr_strings.h>
#include <string.h>

#include "base/b64url.h"
#include "handle_start.h"
#include "store/store_authz.h"

/* The http-01 challenge's URL; *authz may be NULL. */
static const char *challenge_url(client_t *c, const char **authz)
{
    const char *url = reply_text(client_order(c, "a.test"), "authorizations/0");

    if (authz)
        *authz = url;
    return reply_text(client_post(c, url, ""), "challenges/0/url");
}

static void accepted(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *authz, *url = challenge_url(c, &authz);
    reply_t *r;

    c->h->is_idle = 1;
    r = client_post(c, url, "{}");
    is_int(r->status, 200);
    is_str(r->type, "application/json");
    is_str(reply_text(r, "type"), "http-01");
    is_str(reply_text(r, "status"), "processing");
    is_str(reply_text(r, "url"), url);
    is_str(r->retry_after, "1");
    ok(reply_has_link(r, authz, "up"));
    ok(reply_has_link(r, handle_url(c->h, "directory"), "index"));
    is_int(c->h->jobs->nelts, 1);
}

static void shape(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = client_post(c, challenge_url(c, NULL), "");
    const unsigned char *raw;
    const char *token = reply_text(r, "token");
    apr_size_t len;

    /* acme.sh: these before anything nested. */
    ok(!strncmp(r->body, "{\"type\":\"http-01\",\"url\":\"", 25));
    ok(strstr(r->body, "\",\"status\":\"pending\",\"token\":\""));
    need(b64url_decode(&raw, &len, token, strlen(token), pool) == APR_SUCCESS);
    ok(len >= 16, "128 bits at least");
}

static void only_read(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *authz, *url = challenge_url(c, &authz);
    reply_t *r = client_post(c, url, "");

    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "pending");
    ok(reply_has_link(r, authz, "up"));
    is_int(c->h->jobs->nelts, 0);
    client_post(c, url, "{}");
    is_str(reply_text(client_post(c, url, ""), "status"), "valid");
}

static void unknown_fields(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = client_post(c, challenge_url(c, NULL),
                             "{\"resource\":\"challenge\","
                             "\"keyAuthorization\":\"x.y\",\"n\":[1]}");

    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "valid");
    is_int(c->h->jobs->nelts, 1);
}

/* It is over when the answer is made, or it is not waited for. */
static void waits(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *authz, *url = challenge_url(c, &authz);
    reply_t *r;

    c->h->conf->validation_wait = 0;
    r = client_post(c, url, "{}");
    is_str(reply_text(r, "status"), "processing");
    ok(r->retry_after);
    is_int(c->h->jobs->nelts, 1);
    is_str(reply_text(client_post(c, authz, ""), "status"), "valid");
    url = challenge_url(c, NULL);
    c->h->conf->validation_wait = 1;
    r = client_post(c, url, "{}");
    is_str(reply_text(r, "status"), "valid");
    ok(!r->retry_after);
}

static void once_more(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = challenge_url(c, NULL);
    reply_t *r;

    c->h->is_idle = 1;
    client_post(c, url, "{}");
    r = client_post(c, url, "{}");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "processing");
    is_int(c->h->jobs->nelts, 1);
    handle_run(c->h, handle_job(c->h));
    r = client_post(c, url, "{}");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "valid");
    is_str(reply_text(r, "validated"), "2026-09-21T14:13:20Z");
    ok(!r->retry_after);
    is_int(c->h->jobs->nelts, 1);
}

static void failed(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = challenge_url(c, NULL);
    const char *error;
    reply_t *r;

    c->h->verdict = problem_make(pool, PROBLEM_INCORRECT_RESPONSE,
                                 "http://a.test/ said something else");
    client_post(c, url, "{}");
    r = client_post(c, url, "{}");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "invalid");
    is_str(reply_text(r, "error/type"),
           "urn:ietf:params:acme:error:incorrectResponse");
    /* detail first in it (R7). */
    error = strstr(r->body, "\"error\":");
    need(error);
    ok(!strncmp(error, "\"error\":{\"detail\":", 18));
    ok(!reply_text(r, "validated"));
    is_int(c->h->jobs->nelts, 1);
}

static void others(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *other = client_make(c->h, "P-256");
    const char *url = challenge_url(c, NULL);
    reply_t *theirs, *none;

    client_register(other);
    theirs = client_post(other, url, "{}");
    none = client_post(
        other, handle_url(c->h, "chall/AAAAAAAAAAAAAAAAAAAAAA/http-01"), "{}");
    is_int(theirs->status, 404);
    is_str(theirs->body, none->body);
    is_int(c->h->jobs->nelts, 0);
}

static void not_offered(apr_pool_t *pool)
{
    static const char *const types[] = {"dns-02", "http-0", "http-011",
                                        "HTTP-01", "tls-alpn-02"};
    client_t *c = client_start("P-256", pool);
    const char *url = challenge_url(c, NULL);
    apr_size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        reply_t *r = client_post(
            c,
            apr_pstrcat(pool, apr_pstrndup(pool, url, strlen(url) - 7),
                        types[i], NULL),
            "{}");

        is_int(r->status, 404);
    }
    is_int(c->h->jobs->nelts, 0);
}

static void plan(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = challenge_url(c, NULL);
    const char *token = reply_text(client_post(c, url, ""), "token");
    const store_job_t *job;
    dcv_job_t *work;
    store_authz_t *authz;

    c->h->is_idle = 1;
    client_post(c, url, "{}");
    job = handle_job(c->h);
    is_str(job->kind, "validate");
    is_str(job->lease_owner, c->h->acme.owner);
    ok(job->lease_until > HANDLE_NOW + apr_time_sec(c->h->conf->dcv->timeout));
    work = acme_work_start(&c->h->acme, job, pool);
    need(work);
    is_int(work->method, DCV_HTTP01);
    is_str(work->domain, "a.test");
    is_str(work->token, token);
    is_str(work->key_authorization,
           apr_pstrcat(pool, token, ".", c->thumbprint, NULL));
    need(store_authz_get(&authz, c->h->acme.store, job->subject, pool) ==
         APR_SUCCESS);
    is_str(authz->thumbprint, c->thumbprint);
    is_str(authz->attempted, "http-01");
}

static void after_the_end(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *authz, *url = challenge_url(c, &authz);

    client_post(c, authz, "{\"status\":\"deactivated\"}");
    is_str(reply_text(client_post(c, url, "{}"), "status"), "invalid");
    url = challenge_url(c, NULL);
    c->h->now += c->h->conf->order_lifetime;
    is_str(reply_text(client_post(c, url, "{}"), "status"), "invalid");
    is_int(c->h->jobs->nelts, 0);
}

static void long_under_way(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = challenge_url(c, NULL);

    c->h->is_idle = 1;
    client_post(c, url, "{}");
    client_post(c, url, "");
    is_int(c->h->wakes, 0);
    c->h->now += 5;
    client_post(c, url, "");
    is_int(c->h->wakes, 1);
}

static void away(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = challenge_url(c, NULL);

    handle_database_away(c->h);
    is_int(client_post(c, url, "{}")->status, 503);
    handle_database_back(c->h);
    is_str(reply_text(client_post(c, url, ""), "status"), "pending");
    is_int(c->h->jobs->nelts, 0);
}

/* Drafts: what the challenge object has, what the validation gets. */
static void drafts(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_conf_t *conf = c->h->conf;
    const dcv_job_t *work;
    const char *url;
    reply_t *r;

    conf->dns_account = 1;
    conf->dns_persist = ACME_PERSIST_ON;
    conf->server_name = "CA.example";
    acme_conf_drafts_add(conf, pool);
    c->h->is_idle = 1;
    url = reply_text(client_order(c, "a.test"), "authorizations/0");
    r = client_post(c, url, "");
    is_int(reply_count(r, "challenges"), 5);
    is_str(reply_text(r, "challenges/3/type"), "dns-account-01");
    ok(!reply_text(r, "challenges/3/accounturi"));
    is_str(reply_text(r, "challenges/4/type"), "dns-persist-01");
    is_int(reply_count(r, "challenges/4/issuerDomainNames"), 1);
    is_str(reply_text(r, "challenges/4/issuerDomainNames/0"), "ca.example");
    ok(!reply_text(r, "challenges/4/accounturi"));
    ok(reply_text(r, "challenges/4/token") != NULL);
    conf->dns_persist = ACME_PERSIST_OLD;
    r = client_post(c, url, "");
    is_str(reply_text(r, "challenges/4/issuerDomainNames/0"), "ca.example");
    is_str(reply_text(r, "challenges/4/accounturi"), c->kid);
    is_str(reply_text(r, "challenges/4/issuer-domain-names/0"), "ca.example");
    conf->dns_persist = ACME_PERSIST_ON;
    client_post(c, reply_text(r, "challenges/4/url"), "{}");
    work = acme_work_start(&c->h->acme, handle_job(c->h), pool);
    need(work);
    is_int(work->method, DCV_DNS_PERSIST01);
    is_str(work->account_url, c->kid);
    is_str(APR_ARRAY_IDX(work->issuers, 0, const char *), "ca.example");
    is_int(work->account_uris->nelts, 2);
    ok(!strncmp(APR_ARRAY_IDX(work->account_uris, 0, const char *),
                HANDLE_BASE "/acme/account-hash/sha-256/",
                strlen(HANDLE_BASE "/acme/account-hash/sha-256/")));
    ok(!work->is_wildcard && !work->is_url_allowed);
}

static void drafts_off(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_conf_t *conf = c->h->conf;
    const char *url;
    reply_t *r;

    conf->dns_persist = ACME_PERSIST_ON;
    acme_conf_drafts_add(conf, pool);
    url = reply_text(client_order(c, "a.test"), "authorizations/0");
    r = client_post(c, url, "");
    is_int(reply_count(r, "challenges"), 4);
    url = reply_text(r, "challenges/3/url");
    conf->dns_persist = ACME_PERSIST_OFF;
    is_int(client_post(c, url, "{}")->status, 404);
    is_int(c->h->jobs->nelts, 0);
}

const tap_case_t tap_cases[] = {
    {"T63 R11 {} starts it: 200, processing, Link up", accepted},
    {"T78 R7 type, url, status and token come first", shape},
    {"T64 R15 POST-as-GET only reads", only_read},
    {"T63 unknown members are ignored", unknown_fields},
    {"what ends soon is waited for, unless told not to", waits},
    {"T65 R14 once more: 200, the same, no second validation", once_more},
    {"T65 T66 a failed one is final and says why", failed},
    {"T29 somebody else's is not found", others},
    {"a type that is not offered is not found", not_offered},
    {"T43 T81 the plan has the accepting key's thumbprint", plan},
    {"nothing starts after the authorization's end", after_the_end},
    {"a validation that takes long is looked after", long_under_way},
    {"a database that is away is 503, and nothing has happened", away},
    {"dns-account-01, dns-persist-01: on, they are offered", drafts},
    {"dns-persist-01: off, it cannot be begun any more", drafts_off},
    {NULL, NULL}};
