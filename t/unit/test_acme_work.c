/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/acme_issue.h"
#include "engine.h"
#include "handle_start.h"
#include "store/store_authz.h"
#include "store/store_cert.h"
#include "store/store_issuer.h"
#include "store/store_order.h"

static const char *csr(apr_pool_t *pool)
{
    return csr_make(key_make("P-256", pool), "a.test", NULL, pool);
}

/* A claimed order whose job has not run. */
static reply_t *claimed(client_t *c)
{
    reply_t *order = client_ready(c, "a.test");

    c->h->is_idle = 1;
    client_finalize(c, order, csr(c->h->pool));
    return order;
}

/* An attempted authorization whose job has not run. */
static reply_t *attempted(client_t *c)
{
    reply_t *order = client_order(c, "a.test");

    c->h->is_idle = 1;
    client_authorize(c, order);
    return order;
}

static const char *status(client_t *c, const reply_t *order)
{
    return reply_text(client_post(c, order->location, ""), "status");
}

static int certs(const client_t *c)
{
    apr_array_header_t *list;

    if (store_cert_list(&list, c->h->acme.store, NULL, NULL, 1000,
                        c->h->pool) != APR_SUCCESS)
        return -1;
    return list->nelts;
}

/* How many jobs h can have now. */
static int claim(handle_t *h, apr_array_header_t **jobs)
{
    if (acme_work_claim(jobs, &h->acme, 10, h->pool) != APR_SUCCESS)
        return -1;
    return (*jobs)->nelts;
}

static handle_t *twin_of(client_t *c)
{
    return handle_twin(c->h, "00000000-0000-0000-0000-000000000000/1/2/3",
                       c->h->pool);
}

static void lease_ends(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    handle_t *twin = twin_of(c);
    reply_t *order = claimed(c);
    apr_array_header_t *jobs;

    is_int(claim(twin, &jobs), 0);
    twin->now = acme_work_lease(&c->h->acme, c->h->now) + 1;
    need(claim(twin, &jobs) == 1);
    handle_run(twin, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    is_str(status(c, order), "valid");
    is_int(claim(twin, &jobs), 0);
    is_int(certs(c), 1);
}

/* The slow first one signs as well, later or between the other's signing and
 * its recording: it makes no difference. */
static void runs_twice(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    handle_t *twin = twin_of(c);
    reply_t *order = claimed(c);
    const store_job_t *job = handle_job(c->h);
    acme_plan_t *plan = acme_plan_parse(job->data, NULL, pool);
    store_cert_t *mine, *theirs;
    const char *first;

    twin->now += 60;
    need(!acme_issue_sign(&mine, &c->h->acme, plan, job->subject, pool));
    need(!acme_issue_sign(&theirs, &twin->acme, plan, job->subject, pool));
    is_str(mine->serial, theirs->serial);
    is_str(mine->id, theirs->id);
    is_int(store_order_complete(twin->acme.store, job->subject, job->id, theirs,
                                NULL, pool),
           APR_SUCCESS);
    is_int(store_order_complete(c->h->acme.store, job->subject, job->id, mine,
                                NULL, pool),
           APR_EEXIST);
    handle_run(c->h, job);
    is_int(certs(c), 1);
    first = reply_text(client_post(c, order->location, ""), "certificate");
    need(store_cert_get(&mine, c->h->acme.store, strrchr(first, '/') + 1,
                        pool) == APR_SUCCESS);
    is_int(mine->issued_at, twin->now);
}

static void no_ca(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    ca_set_t *ca = handle_issuer(c->h)->set;
    reply_t *order = claimed(c);
    apr_array_header_t *jobs;
    apr_int64_t at;
    int runs = 0;

    handle_issuer(c->h)->set = NULL;
    handle_run(c->h, handle_job(c->h));
    is_str(status(c, order), "processing");
    is_str(c->h->log_tag, "AS0305");
    is_int(c->h->log_level, LOG_LEVEL_WARNING);
    /* The pauses grow; when the CA is back, so is the order. */
    is_int(claim(c->h, &jobs), 0);
    for (at = c->h->now; runs < 5; c->h->now++)
        if (claim(c->h, &jobs) == 1) {
            runs++;
            handle_run(c->h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
        }
    ok(c->h->now - at > 30 && c->h->now - at < 120);
    handle_issuer(c->h)->set = ca;
    c->h->now += 300;
    need(claim(c->h, &jobs) == 1);
    handle_run(c->h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    is_str(status(c, order), "valid");
}

static void no_ca_for_long(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = claimed(c), *r;
    apr_array_header_t *jobs;
    int runs = 1;

    handle_issuer(c->h)->set = NULL;
    handle_run(c->h, handle_job(c->h));
    while (runs < 100 && !strcmp(status(c, order), "processing")) {
        c->h->now += 600;
        if (claim(c->h, &jobs) != 1)
            break;
        handle_run(c->h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
        runs++;
    }
    ok(runs > 10 && runs < 30, "bounded");
    is_str(c->h->log_tag, "AS0304");
    is_int(c->h->log_level, LOG_LEVEL_ERROR);
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "invalid");
    is_str(reply_text(r, "error/type"),
           "urn:ietf:params:acme:error:serverInternal");
    c->h->now += 600;
    is_int(claim(c->h, &jobs), 0);
}

static void issuer_expired(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = claimed(c);
    apr_int64_t now = c->h->now;

    c->h->now = handle_issuer(c->h)->set->issuer->not_after;
    handle_run(c->h, handle_job(c->h));
    c->h->now = now;
    is_str(status(c, order), "processing");
    ok(strstr(c->h->log_text, "expired"));
    is_int(certs(c), 0);
}

/* A certificate does not outlive its issuer, however late its job runs, nor is
 * it shorter than promised. */
static void late(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = claimed(c);
    const char *url;
    store_cert_t *row;

    c->h->now += 6 * 3600;
    handle_run(c->h, handle_job(c->h));
    url = reply_text(client_post(c, order->location, ""), "certificate");
    need(url);
    need(store_cert_get(&row, c->h->acme.store, strrchr(url, '/') + 1, pool) ==
         APR_SUCCESS);
    ok(row->not_after > HANDLE_NOW + 90 * 86400);
    c->h->is_idle = 0;
    order = client_order(c, "a.test");
    c->h->is_idle = 1;
    client_finalize(c, order, csr(pool));
    c->h->now = handle_issuer(c->h)->set->issuer->not_after - 86400;
    handle_run(c->h, handle_job(c->h));
    c->h->now = HANDLE_NOW;
    url = reply_text(client_post(c, order->location, ""), "certificate");
    need(url);
    need(store_cert_get(&row, c->h->acme.store, strrchr(url, '/') + 1, pool) ==
         APR_SUCCESS);
    ok(row->not_after <= handle_issuer(c->h)->set->issuer->not_after);
}

static void wish_over(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order, *r;

    client_ready(c, "a.test");
    order = client_post(
        c, handle_url(c->h, "new-order"),
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"}],"
        "\"notAfter\":\"2026-09-22T00:00:00Z\"}");
    c->h->is_idle = 1;
    client_finalize(c, order, csr(pool));
    c->h->now += 86400;
    handle_run(c->h, handle_job(c->h));
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "invalid");
    is_str(reply_text(r, "error/type"), "urn:ietf:params:acme:error:malformed");
    is_str(c->h->log_tag, "AS0306");
}

static void database_away(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = claimed(c), *other;
    apr_array_header_t *jobs;

    handle_database_away(c->h);
    handle_run(c->h, handle_job(c->h));
    handle_database_back(c->h);
    is_str(status(c, order), "processing");
    /* The lease stays and ends. */
    c->h->now = acme_work_lease(&c->h->acme, c->h->now) + 1;
    need(claim(c->h, &jobs) == 1);
    handle_run(c->h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    is_str(status(c, order), "valid");
    is_int(certs(c), 1);
    client_post(c, reply_text(order, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    other = attempted(c);
    handle_database_away(c->h);
    handle_run(c->h, handle_job(c->h));
    handle_database_back(c->h);
    is_str(status(c, other), "pending");
    c->h->now = acme_work_lease(&c->h->acme, c->h->now) + 1;
    need(claim(c->h, &jobs) == 1);
    handle_run(c->h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    is_str(status(c, other), "ready");
}

static void nothing_learned(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = attempted(c);
    apr_array_header_t *jobs;
    int runs = 1;

    c->h->verdict = problem_make(pool, PROBLEM_CONNECTION, "overloaded");
    c->h->is_retryable = 1;
    handle_run(c->h, handle_job(c->h));
    is_str(status(c, order), "pending");
    is_int(claim(c->h, &jobs), 0);
    c->h->now++;
    need(claim(c->h, &jobs) == 1);
    is_int(APR_ARRAY_IDX(jobs, 0, const store_job_t *)->attempts, 1);
    c->h->is_retryable = 0;
    c->h->verdict = NULL;
    handle_run(c->h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    is_str(status(c, order), "ready");
    /* But not for ever. */
    client_post(c, reply_text(order, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    order = attempted(c);
    /* No problem, and yet nothing is proven. */
    c->h->verdict = NULL;
    c->h->is_retryable = 1;
    handle_run(c->h, handle_job(c->h));
    while (runs < 100 && !strcmp(status(c, order), "pending")) {
        c->h->now += 60;
        if (claim(c->h, &jobs) != 1)
            break;
        handle_run(c->h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
        runs++;
    }
    ok(runs < 20);
    is_str(status(c, order), "invalid");
}

static void late_validation(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = attempted(c), *r;
    const store_job_t *job = handle_job(c->h);
    dcv_result_t result = {0};
    apr_array_header_t *jobs;
    dcv_job_t *work = acme_work_start(&c->h->acme, job, pool);

    need(work);
    c->h->now += c->h->conf->order_lifetime;
    acme_work_done(&c->h->acme, job, &result, pool);
    r = client_post(c, reply_text(order, "authorizations/0"), "");
    is_str(reply_text(r, "status"), "invalid");
    is_int(claim(c->h, &jobs), 0);
    /* Nor is it begun. */
    c->h->now = HANDLE_NOW;
    attempted(c);
    c->h->now += c->h->conf->order_lifetime;
    ok(!acme_work_start(&c->h->acme, handle_job(c->h), pool));
    is_int(claim(c->h, &jobs), 0);
}

static void garbage(apr_pool_t *pool)
{
    static const struct {
        const char *kind, *data;
    } bad[] = {
        {"issue", NULL},
        {"issue", "{}"},
        {"issue", "{\"server\":\"ca.example\"}"},
        {"issue", "\xff"},
        {"validate", NULL},
        {"validate", "[]"},
        {"validate", "{\"server\":\"ca.example\",\"method\":\"dns-99\"}"},
        {"vhost", "{\"server\":\"ca.example\",\"issuer\":1}"},
        {"teleport", "{\"server\":\"ca.example\"}"},
    };
    client_t *c = client_start("P-256", pool);
    apr_array_header_t *jobs;
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        store_job_t job = {.id = "AAAAAAAAAAAAAAAAAAAAAA"};

        job.kind = bad[i].kind;
        job.subject = "BBBBBBBBBBBBBBBBBBBBBB";
        job.data = bad[i].data;
        job.due_at = c->h->now;
        if (i == 3 && engine_is_other("no UTF-8"))
            continue;
        need(store_job_add(c->h->acme.store, &job, pool) == APR_SUCCESS);
        need(claim(c->h, &jobs) == 1);
        ok(acme_work_is_for(&c->h->acme,
                            APR_ARRAY_IDX(jobs, 0, const store_job_t *)));
        c->h->log_tag = NULL;
        ok(!acme_work_start(&c->h->acme,
                            APR_ARRAY_IDX(jobs, 0, const store_job_t *), pool));
        is_str(c->h->log_tag, "AS0304");
        c->h->now += 1000;
        is_int(claim(c->h, &jobs), 0);
    }
}

static void garbage_ends_its_subject(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *order = claimed(c), *r;
    store_job_t job = *handle_job(c->h);

    job.data = "{}";
    handle_run(c->h, &job);
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "invalid");
    is_str(reply_text(r, "error/type"),
           "urn:ietf:params:acme:error:serverInternal");
    client_post(c, reply_text(order, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    order = attempted(c);
    job = *handle_job(c->h);
    job.data = NULL;
    handle_run(c->h, &job);
    is_str(status(c, order), "invalid");
}

static void whose_job(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    handle_t *twin = twin_of(c);
    const store_job_t *issue, *validate;
    ca_set_t *ca = handle_issuer(c->h)->set;
    apr_array_header_t *jobs;
    reply_t *order = claimed(c);

    issue = handle_job(c->h);
    client_authorize(c, client_order(c, "b.test"));
    validate = handle_job(c->h);
    twin->conf->server_name = "other.example";
    ok(acme_work_is_for(&c->h->acme, issue));
    ok(acme_work_is_for(&c->h->acme, validate));
    /* Whoever has the CA can issue; a validation needs its own server. */
    ok(acme_work_is_for(&twin->acme, issue));
    ok(!acme_work_is_for(&twin->acme, validate));
    handle_issuer(twin)->set = NULL;
    ok(!acme_work_is_for(&twin->acme, issue));
    /* Run all the same they come back. */
    ok(!acme_work_start(&twin->acme, validate, pool));
    ok(!acme_work_start(&twin->acme, issue, pool));
    is_str(status(c, order), "processing");
    c->h->now += 2;
    need(claim(c->h, &jobs) == 2);
    handle_issuer(twin)->set = ca;
    handle_run(twin, issue);
    is_str(status(c, order), "valid");
}

static void issuer_rows(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const ca_issuer_t *issuer = handle_issuer(c->h)->set->issuer;
    store_issuer_t *row;

    need(store_issuer_get(&row, c->h->acme.store, issuer->fingerprint, pool) ==
         APR_SUCCESS);
    is_str(row->chain_pem, issuer->chain_pem);
    is_str(row->key_id, issuer->key_id);
    is_str(row->cert_pem, ca_cert_pem(issuer->cert, pool));
    is_int(row->generation, issuer->generation);
    is_int(acme_work_setup(&c->h->acme, pool), APR_SUCCESS);
    handle_database_away(c->h);
    ok(acme_work_setup(&c->h->acme, pool) != APR_SUCCESS);
    handle_issuer(c->h)->set = NULL;
    is_int(acme_work_setup(&c->h->acme, pool), APR_SUCCESS);
}

static void leases(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);

    c->h->conf->dcv->timeout = apr_time_from_sec(60);
    ok(acme_work_lease(&c->h->acme, 0) > 60);
}

const tap_case_t tap_cases[] = {
    {"H11 a lease that is over is taken, and the order completes", lease_ends},
    {"T60 a job that runs twice makes one certificate", runs_twice},
    {"a CA that is away postpones, longer and longer", no_ca},
    {"and after many attempts the order fails, with a reason", no_ca_for_long},
    {"an expired issuer postpones as well", issuer_expired},
    {"validity is that of the signing", late},
    {"T50 a wish that cannot be kept any more fails the order", wish_over},
    {"a database that is away loses nothing", database_away},
    {"R20 only what learned nothing is tried again, not for ever",
     nothing_learned},
    {"T54 a validation that comes too late changes nothing", late_validation},
    {"garbage is logged and gone", garbage},
    {"garbage ends what it is about", garbage_ends_its_subject},
    {"whose job it is", whose_job},
    {"issuer rows are there after setup", issuer_rows},
    {"a lease is longer than a validation", leases},
    {NULL, NULL}};
