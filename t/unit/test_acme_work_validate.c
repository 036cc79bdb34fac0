/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work_job.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_eab.h"
#include "policy/policy_make.h"
#include "tap.h"

static client_t *start(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_profile_t *profile = APR_ARRAY_IDX(h->conf->profiles, 0, void *);
    apr_array_header_t *words = apr_array_make(pool, 1, sizeof(char *));
    client_t *c = client_make(h, "P-256");

    APR_ARRAY_PUSH(words, const char *) = "resolves-to=10.9.0.0/16";
    ok(!policy_network_add((policy_t *)profile->policy, "*.dmz.test", words,
                           pool));
    client_register(c);
    h->is_idle = 1;
    return c;
}

static const dcv_job_t *work_for(client_t *c, const char *name)
{
    client_authorize(c, client_order(c, name));
    return acme_work_start(&c->h->acme, handle_job(c->h), c->h->pool);
}

static void bound(apr_pool_t *pool)
{
    client_t *c = start(pool);
    const dcv_job_t *work = work_for(c, "a.dmz.test");
    const dcv_bound_t *bound;

    need(work && work->bounds && work->bounds->nelts == 1);
    is_int(work->method, DCV_HTTP01);
    bound = APR_ARRAY_IDX(work->bounds, 0, const dcv_bound_t *);
    is_str(bound->name, "a.dmz.test");
    is_str(APR_ARRAY_IDX(bound->resolves_to, 0, const char *), "10.9.0.0/16");
    work = work_for(c, "a.test");
    need(work);
    ok(!work->bounds);
}

/* DNS answers "*" with its own wildcard. */
static void bound_wildcard(apr_pool_t *pool)
{
    client_t *c = start(pool);
    acme_profile_t *profile =
        APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *);
    const dcv_job_t *work;

    ok(!policy_san_add((policy_t *)profile->policy, "dns", "allow",
                       "wildcard:*.dmz.test", pool));
    work = work_for(c, "*.dmz.test");
    need(work && work->bounds && work->bounds->nelts == 1);
    is_int(work->method, DCV_DNS01);
    is_str(work->domain, "dmz.test");
    is_str(APR_ARRAY_IDX(work->bounds, 0, const dcv_bound_t *)->name,
           "*.dmz.test");
}

/* Networks that are garbage do not let the name go anywhere. */
static void garbage(apr_pool_t *pool)
{
    client_t *c = start(pool);
    store_job_t job;
    char *networks;

    need(work_for(c, "a.dmz.test"));
    job = *handle_job(c->h);
    job.data = apr_pstrdup(pool, job.data);
    networks = strstr(job.data, "[\"10.9.0.0/16\"]");
    need(networks);
    memcpy(networks, "[1             ]", 15);
    ok(!acme_work_start(&c->h->acme, &job, pool));
    memcpy(networks, "\"10.9.0.0/16  \"", 15);
    ok(!acme_work_start(&c->h->acme, &job, pool));
}

/* What dns-persist-01 has proven serves others only for its TTL. */
static void lifetime(apr_pool_t *pool)
{
    static const struct {
        apr_int64_t ttl, expires;
    } rows[] = {{0, 30 * 86400},
                {7200, 7200},
                {60, 3599},
                {1, 3599},
                {APR_INT64_C(99999999), 30 * 86400}};
    client_t *c = start(pool);
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        dcv_result_t result = {0};
        const char *name = apr_psprintf(pool, "n%d.test", (int)i);
        reply_t *order = client_order(c, name), *r;

        client_authorize(c, order);
        result.lifetime = rows[i].ttl;
        acme_work_done(&c->h->acme, handle_job(c->h), &result, pool);
        r = client_post(c, reply_text(order, "authorizations/0"), "");
        is_str(reply_text(r, "status"), "valid");
        is_str(reply_text(r, "expires"),
               clock_rfc3339(c->h->now + rows[i].expires, pool));
        is_str(reply_text(client_order(c, name), "status"),
               rows[i].expires >= 3600 ? "ready" : "pending");
    }
}

/* persistUntil ends it, however short that is. */
static void until(apr_pool_t *pool)
{
    static const apr_int64_t rows[][2] = {
        {0, 30 * 86400}, {60, 60}, {86400, 86400}, {31 * 86400, 30 * 86400}};
    client_t *c = start(pool);
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        dcv_result_t result = {0};
        reply_t *order =
            client_order(c, apr_psprintf(pool, "u%d.test", (int)i));

        client_authorize(c, order);
        result.until = rows[i][0] ? c->h->now + rows[i][0] : 0;
        acme_work_done(&c->h->acme, handle_job(c->h), &result, pool);
        is_str(reply_text(
                   client_post(c, reply_text(order, "authorizations/0"), ""),
                   "expires"),
               clock_rfc3339(c->h->now + rows[i][1], pool));
    }
}

const tap_case_t tap_cases[] = {
    {"pki.md: resolves-to is the validation's matter", bound},
    {"pki.md: a wildcard is bound like the names below it", bound_wildcard},
    {"networks that are garbage", garbage},
    {"dns-persist-01 of draft 01: relied on for the TTL, by others", lifetime},
    {"dns-persist-01: never relied on after persistUntil", until},
    {NULL, NULL}};
