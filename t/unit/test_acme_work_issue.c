/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work_job.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_eab.h"
#include "policy/policy_make.h"
#include "tap.h"

/* A profile without validation, whose names are bound to networks. */
static client_t *start(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_profile_t *profile = profile_add(h, "lan");
    policy_t *policy = (policy_t *)profile->policy;
    apr_array_header_t *words = apr_array_make(pool, 1, sizeof(char *));
    client_t *c = client_make(h, "P-256");
    eab_t *eab = eab_make(h, "lan");

    profile->external = ACME_EXTERNAL_REQUIRED;
    profile->validation = 0;
    APR_ARRAY_PUSH(words, const char *) = "resolves-to=10.9.0.0/16,fd00::/8";
    ok(!policy_network_add(policy, "*.dmz.test", words, pool));
    ok(!policy_san_add(policy, "dns", "allow", "**.test", pool));
    eab_store(eab);
    client_bind(c, "lan", eab, NULL);
    return c;
}

static reply_t *finalized(client_t *c, const char *names)
{
    reply_t *order = order_in(c, "lan", names, NULL);

    return client_finalize(
        c, order,
        csr_make(key_make("P-256", c->h->pool), names, NULL, c->h->pool));
}

static const char *status(client_t *c, const reply_t *order)
{
    return reply_text(client_post(c, order->location, ""), "status");
}

static void bounds(apr_pool_t *pool)
{
    client_t *c = start(pool);
    const dcv_bound_t *bound;
    reply_t *order;
    dcv_job_t *work;

    c->h->is_idle = 1;
    order = finalized(c, "a.dmz.test b.dmz.test c.test");
    is_str(reply_text(order, "status"), "processing");
    work = acme_work_start(&c->h->acme, handle_job(c->h), pool);
    need(work);
    is_int(work->method, DCV_RESOLVE);
    is_int(work->bounds->nelts, 2);
    bound = APR_ARRAY_IDX(work->bounds, 1, const dcv_bound_t *);
    is_str(bound->name, "b.dmz.test");
    is_int(bound->resolves_to->nelts, 2);
    is_str(APR_ARRAY_IDX(bound->resolves_to, 0, const char *), "10.9.0.0/16");
    is_str(status(c, order), "processing");
    acme_work_done(&c->h->acme, handle_job(c->h), &(dcv_result_t){0}, pool);
    is_str(status(c, order), "valid");
    /* Names that nothing binds need no look. */
    order = finalized(c, "c.test");
    ok(!acme_work_start(&c->h->acme, handle_job(c->h), pool));
    is_str(status(c, order), "valid");
}

static void elsewhere(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *order;

    c->h->verdict = problem_make(pool, PROBLEM_REJECTED_IDENTIFIER,
                                 "a.dmz.test resolves to 192.0.2.1");
    order = finalized(c, "a.dmz.test");
    is_str(reply_text(order, "status"), "invalid");
    is_str(reply_text(order, "error/detail"),
           "a.dmz.test resolves to 192.0.2.1");
    is_str(event_last(c->h, "order.fail")->eab_kid,
           event_last(c->h, "order.create")->eab_kid);
    ok(strstr(event_last(c->h, "order.fail")->detail, "192.0.2.1"));
}

/* The name servers are away: the order stays processing, for hours if need be.
 */
static void later(apr_pool_t *pool)
{
    client_t *c = start(pool);
    apr_array_header_t *jobs;
    reply_t *order;

    c->h->is_retryable = 1;
    order = finalized(c, "a.dmz.test");
    is_str(reply_text(order, "status"), "processing");
    c->h->now += 3600;
    need(acme_work_claim(&jobs, &c->h->acme, 5, pool) == APR_SUCCESS);
    is_int(jobs->nelts, 1);
    c->h->is_retryable = 0;
    handle_run(c->h, APR_ARRAY_IDX(jobs, 0, store_job_t *));
    is_str(status(c, order), "valid");
}

/* What cannot be had (CAA records, addresses) is looked for again, not for
 * ever; and then the order says so. */
static void dns(apr_pool_t *pool)
{
    client_t *c = start(pool);
    apr_array_header_t *jobs;
    reply_t *order;
    int i;

    c->h->verdict = problem_make(pool, PROBLEM_DNS, "no answer within 8.0 s");
    order = finalized(c, "a.dmz.test");
    for (i = 0; i < 3; i++) {
        is_str(status(c, order), "processing");
        c->h->now += 1 << i;
        need(acme_work_claim(&jobs, &c->h->acme, 5, pool) == APR_SUCCESS);
        is_int(jobs->nelts, 1);
        need(jobs->nelts == 1);
        handle_run(c->h, APR_ARRAY_IDX(jobs, 0, store_job_t *));
    }
    order = client_post(c, order->location, "");
    is_str(reply_text(order, "status"), "invalid");
    is_str(reply_text(order, "error/detail"), "no answer within 8.0 s");
    order = finalized(c, "a.dmz.test");
    c->h->verdict = NULL;
    c->h->now++;
    need(acme_work_claim(&jobs, &c->h->acme, 5, pool) == APR_SUCCESS);
    need(jobs->nelts == 1);
    handle_run(c->h, APR_ARRAY_IDX(jobs, 0, store_job_t *));
    is_str(status(c, order), "valid");
}

/* Between finalize and signing. */
static void blocked(apr_pool_t *pool)
{
    client_t *c = start(pool);
    EVP_PKEY *key = key_make("P-256", pool);
    reply_t *order, *r;

    c->h->is_idle = 1;
    order = order_in(c, "lan", "c.test", NULL);
    r = client_finalize(c, order, csr_make(key, "c.test", NULL, pool));
    is_str(reply_text(r, "status"), "processing");
    handle_block(c->h, key, "it was revoked as compromised");
    ok(!acme_work_start(&c->h->acme, handle_job(c->h), pool));
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "status"), "invalid");
    is_str(reply_text(r, "error/type"), "urn:ietf:params:acme:error:badCSR");
    ok(strstr(reply_text(r, "error/detail"), "revoked as compromised"));
    ok(event_last(c->h, "order.fail"));
    ok(!event_last(c->h, "cert.issue"));
}

const tap_case_t tap_cases[] = {
    {"T58 a key that is blocked before it is signed fails its order", blocked},
    {"pki.md: resolves-to before it is signed", bounds},
    {"a name that resolves elsewhere fails its order", elsewhere},
    {"no answer: the order stays processing", later},
    {"T85 what the DNS does not say is asked for again", dns},
    {NULL, NULL}};
