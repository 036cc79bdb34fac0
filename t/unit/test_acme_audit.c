/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_audit.h"

#include <apr_strings.h>
#include <string.h>

#include "base/own.h"
#include "handle_eab.h"
#include "store/store_event.h"
#include "tap.h"

static client_t *start(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    client_t *c = client_make(h, "P-256");

    h->conf->audit_log = "logs/audit";
    c->user = "alice";
    return c;
}

static const char *member(const char *text, const char *name, apr_pool_t *pool)
{
    json_t *json = text ? own_json(pool, json_loads(text, 0, NULL)) : NULL;

    return apr_pstrdup(pool, json_string_value(json_object_get(json, name)));
}

static const char *line_last(const handle_t *h)
{
    return h->audit->nelts
               ? APR_ARRAY_IDX(h->audit, h->audit->nelts - 1, const char *)
               : NULL;
}

/* A certificate, from the account on: who, what, which. */
static void issued(apr_pool_t *pool)
{
    static const char *const kinds[] = {"account.create", "order.create",
                                        "authz.valid",    "order.finalize",
                                        "cert.issue",     NULL};
    client_t *c = start(pool);
    handle_t *h = c->h;
    const store_event_t *event;
    reply_t *order;
    int i;

    client_register(c);
    c->user = NULL; /* the account's owner stays */
    order = client_ready(c, "a.test");
    client_finalize(c, order,
                    csr_make(key_make("P-256", pool), "a.test", NULL, pool));
    for (i = 0; kinds[i]; i++) {
        event = event_last(h, kinds[i]);
        ok(event_count(h, kinds[i]) == 1, "%s", kinds[i]);
        need(event);
        is_int(event->at, h->now);
        is_str(event->who, "alice");
        is_str(event->ip, "192.0.2.1");
        ok(strstr(c->kid, event->account_id), "%s", event->account_id);
        is_str(member(APR_ARRAY_IDX(h->audit, i, const char *), "event", pool),
               kinds[i]);
    }
    is_int(event_count(h, NULL), i + 1); /* and the issuer's */
    is_int(h->audit->nelts, i);
    ok(strstr(event_last(h, "issuer.add")->detail,
              handle_issuer(h)->set->issuer->fingerprint));
    is_str(member(event_last(h, "account.create")->detail, "thumbprint", pool),
           c->thumbprint);
    is_str(member(event_last(h, "order.create")->detail, "identifiers", pool),
           "dns:a.test");
    is_str(member(event_last(h, "authz.valid")->detail, "name", pool),
           "a.test");
    event = event_last(h, "cert.issue");
    ok(event->order_id && strstr(order->location, event->order_id));
    ok(event->cert_id);
    is_str(member(event->detail, "issuer", pool), "automatic");
    is_str(member(line_last(h), "certificate", pool), event->cert_id);
    is_str(member(line_last(h), "owner", pool), "alice");
    is_str(member(line_last(h), "server", pool), "ca.example");
    is_str(member(line_last(h), "time", pool), "2026-09-21T14:13:20Z");
}

static void changed(apr_pool_t *pool)
{
    client_t *c = start(pool);
    handle_t *h = c->h;
    reply_t *order;

    client_register(c);
    client_post(c, c->kid, "{\"contact\":[\"mailto:a@b.example\"]}");
    ok(strstr(event_last(h, "account.update")->detail, "a@b.example"));
    order = client_order(c, "a.test");
    client_post(c, reply_text(order, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    ok(event_last(h, "authz.deactivate")->authz_id);
    client_post(c, c->kid, "{\"status\":\"deactivated\"}");
    is_int(event_count(h, "account.deactivate"), 1);
    is_int(h->audit->nelts + 1, event_count(h, NULL));
    /* Once more is no mistake, and no event. */
    client_post(c, c->kid, "{\"status\":\"deactivated\"}");
    is_int(event_count(h, "account.deactivate"), 1);
}

static void failed(apr_pool_t *pool)
{
    client_t *c = start(pool);
    handle_t *h = c->h;
    const store_event_t *event;

    client_register(c);
    h->verdict = problem_make(pool, PROBLEM_CONNECTION, "nobody is there");
    client_authorize(c, client_order(c, "a.test"));
    event = event_last(h, "authz.invalid");
    need(event);
    is_str(member(event->detail, "problem", pool), "connection");
    is_str(member(event->detail, "why", pool), "nobody is there");
    ok(strstr(event->detail, "\"took\":12"), "%s", event->detail);
    is_str(event->who, "alice");
}

/* What a stranger sends is not written, nor what makes no sense; what an
 * account is refused, is. */
static void refusals(apr_pool_t *pool)
{
    client_t *c = start(pool);
    handle_t *h = c->h;
    const store_event_t *event;
    twist_t twist = {.nonce = "AAAA"};

    handle_request(h, "GET", handle_url(h, "nowhere"));
    client_twisted(c, handle_url(h, "new-account"), "{}", &twist);
    client_post(c, handle_url(h, "new-account"), "[]");
    is_int(event_count(h, NULL), 1);
    client_post(c, handle_url(h, "new-account"),
                "{\"onlyReturnExisting\":true}");
    client_post(c, handle_url(h, "new-account"), "{\"contact\":[\"x:y\"]}");
    is_int(event_count(h, "request.refuse"), 0);
    client_register(c);
    client_post(c, handle_url(h, "new-order"), "{\"identifiers\":[]}");
    is_int(event_count(h, "request.refuse"), 0);
    client_order(c, "*.a.test");
    event = event_last(h, "request.refuse");
    need(event);
    is_str(member(event->detail, "request", pool), "new-order");
    is_str(member(event->detail, "problem", pool), "rejectedIdentifier");
    ok(event->account_id);
    ok(strstr(line_last(h), "\"request.refuse\""));
    is_int(h->audit->nelts + 1, event_count(h, NULL));
}

static void limited(apr_pool_t *pool)
{
    client_t *c = start(pool);
    handle_t *h = c->h;
    int i, count;

    client_register(c);
    for (i = 0; i < 30; i++)
        client_order(c, "*.a.test");
    count = event_count(h, "request.refuse");
    ok(count == 20, "%d", count);
    h->now += 60;
    client_order(c, "*.a.test");
    is_int(event_count(h, "request.refuse"), count + 1);
    /* Without a limit there are none. */
    h->acme.audit = NULL;
    client_order(c, "*.a.test");
    is_int(event_count(h, "request.refuse"), count + 1);
}

static void no_log(apr_pool_t *pool)
{
    client_t *c = start(pool);

    c->h->conf->audit_log = NULL;
    client_register(c);
    is_int(c->h->audit->nelts, 0);
    is_int(event_count(c->h, "account.create"), 1);
}

/* The worker's looks chain what has gathered. */
static void chained(apr_pool_t *pool)
{
    client_t *c = start(pool);
    handle_t *h = c->h;
    apr_array_header_t *jobs;
    store_chain_t chain;

    client_register(c);
    client_ready(c, "a.test");
    need(store_event_verify(&chain, h->acme.store, pool) == APR_SUCCESS);
    is_int(chain.count, 0);
    is_int(chain.waiting, 4);
    need(acme_work_claim(&jobs, &h->acme, 10, pool) == APR_SUCCESS);
    need(store_event_verify(&chain, h->acme.store, pool) == APR_SUCCESS);
    ok(!chain.why);
    is_int(chain.count, 4);
    is_int(chain.waiting, 0);
}

/* Its row is written by another process. */
static void operator_did(apr_pool_t *pool)
{
    client_t *c = start(pool);
    handle_t *h = c->h;
    store_event_t event = {.at = h->now,
                           .kind = "eab.create",
                           .eab_kid = "kid",
                           .who = ACME_AUDIT_OPERATOR "root"};
    apr_array_header_t *jobs;
    int before;

    h->conf->audit_log = "|program";
    client_register(c);
    need(store_event_add(h->acme.store, &event, 1, pool) == APR_SUCCESS);
    before = h->audit->nelts;
    need(acme_work_claim(&jobs, &h->acme, 10, pool) == APR_SUCCESS);
    is_int(h->audit->nelts, before + 1);
    is_str(member(line_last(h), "event", pool), "eab.create");
    is_str(member(line_last(h), "externalAccountKey", pool), "kid");
    is_str(member(line_last(h), "owner", pool), "acmectl:root");
    need(acme_work_claim(&jobs, &h->acme, 10, pool) == APR_SUCCESS);
    is_int(h->audit->nelts, before + 1);
    h->conf->audit_log = "/a/file";
    need(store_event_add(h->acme.store, &event, 1, pool) == APR_SUCCESS);
    need(acme_work_claim(&jobs, &h->acme, 10, pool) == APR_SUCCESS);
    is_int(h->audit->nelts, before + 1);
}

const tap_case_t tap_cases[] = {
    {"a certificate's events: who, what, which", issued},
    {"accounts and authorizations that change", changed},
    {"a validation that failed: why", failed},
    {"refusals, after a verified signature", refusals},
    {"refusals are limited", limited},
    {"without an audit log there are events all the same", no_log},
    {"whoever chains an event of acmectl tells a program of it", operator_did},
    {"events are chained in the wake of other work", chained},
    {NULL, NULL}};
