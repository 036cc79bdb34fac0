/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_issue.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/own.h"
#include "handle.h"
#include "tap.h"

static const acme_profile_t *profile_of(const handle_t *h)
{
    return APR_ARRAY_IDX(h->conf->profiles, 0, const acme_profile_t *);
}

static acme_plan_t *plan_make(handle_t *h)
{
    const acme_profile_t *profile = profile_of(h);
    acme_plan_t *plan = acme_plan_make(
        &h->acme, handle_issuer(h), profile->policy, &profile->validity,
        jose_jwk_from_pkey(key_make("P-256", h->pool), h->pool), h->now,
        h->pool);

    plan->account_id = "AAAAAAAAAAAAAAAAAAAAAA";
    plan->profile = "default";
    plan->identifiers = "dns:a.test dns:b.test";
    return plan;
}

static void ready(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    ca_set_t *ca = handle_issuer(h)->set;
    ca_issuer_t issuer = *ca->issuer;
    problem_t *prob;

    ok(!acme_issue_ready_check(&h->acme, "automatic", pool));
    handle_issuer(h)->set = NULL;
    handle_issuer(h)->problem = "/etc/ca/x.pem: is gone; put it into /etc/ca";
    prob = acme_issue_ready_check(&h->acme, "automatic", pool);
    need(prob);
    is_int(prob->status, 503);
    is_int(prob->type, PROBLEM_SERVER_INTERNAL);
    is_str(prob->cause, handle_issuer(h)->problem);
    ok(apr_table_get(prob->headers, "Retry-After"));
    is_str(prob->detail, "Nothing can be issued here at the moment: x.pem: is "
                         "gone; please try again later");
    handle_issuer(h)->set = ca;
    h->now = issuer.not_after;
    ok(acme_issue_ready_check(&h->acme, "automatic", pool));
    h->now = issuer.not_before - 1;
    ok(acme_issue_ready_check(&h->acme, "automatic", pool));
    h->now = HANDLE_NOW;
    ca->issuer = &issuer;
    issuer.key = NULL;
    ok(acme_issue_ready_check(&h->acme, "automatic", pool));
    ca->issuer = NULL;
    ok(acme_issue_ready_check(&h->acme, "automatic", pool));
}

static problem_t *validity(handle_t *h, apr_int64_t before, apr_int64_t after,
                           apr_int64_t *from, apr_int64_t *until)
{
    return acme_issue_validity(from, until, &h->acme, profile_of(h),
                               before ? h->now + before : 0,
                               after ? h->now + after : 0, h->now, h->pool);
}

static void validities(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    apr_int64_t from, until, day = 86400;

    ok(!validity(h, 0, 0, &from, &until));
    ok(from <= h->now && from >= h->now - day);
    is_int(until - from, 90 * day);
    ok(!validity(h, day, 10 * day, &from, &until));
    is_int(from, h->now + day);
    is_int(until, h->now + 10 * day);
    ok(validity(h, 0, 400 * day, &from, &until));
    ok(validity(h, -7200, day, &from, &until));
    ok(validity(h, 2 * day, day, &from, &until));
    ok(validity(h, 0, -60, &from, &until), "over already");
}

static void signs(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_plan_t *plan = plan_make(h);
    const unsigned char *der;
    store_cert_t *row;
    X509 *cert;

    need(!acme_issue_check(&h->acme, plan, h->now, pool));
    need(
        !acme_issue_sign(&row, &h->acme, plan, "BBBBBBBBBBBBBBBBBBBBBB", pool));
    is_str(row->id, plan->cert_id);
    is_str(row->serial, plan->serial);
    is_str(row->order_id, "BBBBBBBBBBBBBBBBBBBBBB");
    is_str(row->account_id, "AAAAAAAAAAAAAAAAAAAAAA");
    is_str(row->issuer, handle_issuer(h)->set->issuer->fingerprint);
    is_int(row->issued_at, h->now);
    is_int(row->revoked_reason, -1);
    der = row->der;
    cert = own_x509(pool, d2i_X509(NULL, &der, (long)row->der_len));
    need(cert);
    ok(X509_check_host(cert, "a.test", 0, 0, NULL) == 1);
    ok(EVP_PKEY_eq(X509_get0_pubkey(cert), plan->key->pkey) == 1);
}

/* pki.md, Internal: what the issuer's end clamps is logged. */
static void clamped(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_plan_t *plan = plan_make(h);
    const ca_issuer_t *issuer = handle_issuer(h)->set->issuer;
    store_cert_t *row;

    h->log_tag = NULL;
    need(!acme_issue_sign(&row, &h->acme, plan, "B", pool));
    ok(!h->log_tag, "%s", h->log_text);
    h->now = issuer->not_after - 86400;
    need(!acme_issue_sign(&row, &h->acme, plan, "B", pool));
    is_int(row->not_after, issuer->not_after);
    is_str(h->log_tag, "AS0310");
    ok(strstr(h->log_text, clock_rfc3339(issuer->not_after, pool)), "%s",
       h->log_text);
    /* a wish is honoured or refused, so it is no clamp */
    h->log_tag = NULL;
    plan->not_after = issuer->not_after;
    need(!acme_issue_sign(&row, &h->acme, plan, "B", pool));
    ok(!h->log_tag, "%s", h->log_text);
    plan->not_after = issuer->not_after + 1;
    ok(acme_issue_sign(&row, &h->acme, plan, "B", pool) != NULL);
}

/* A younger generation than the plan's signs as well. */
static void next_generation(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_plan_t *plan = plan_make(h);
    store_cert_t *row;

    ok(acme_conf_issuer_of(h->conf, plan->issuer));
    plan->issuer = "00";
    ok(!acme_conf_issuer_of(h->conf, plan->issuer));
    need(!acme_issue_sign(&row, &h->acme, plan, "B", pool));
    is_str(row->issuer, handle_issuer(h)->set->issuer->fingerprint);
}

static void never_or_later(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_plan_t *plan = plan_make(h);
    store_cert_t *row;
    problem_t *prob;

    plan->not_after = h->now - 1;
    prob = acme_issue_sign(&row, &h->acme, plan, "B", pool);
    need(prob);
    is_int(prob->status, 400);
    prob = acme_issue_check(&h->acme, plan, h->now, pool);
    need(prob);
    is_int(prob->status, 400);
    handle_issuer(h)->set = NULL;
    prob = acme_issue_sign(&row, &h->acme, plan, "B", pool);
    need(prob);
    is_int(prob->status, 503);
    prob = acme_issue_check(&h->acme, plan, h->now, pool);
    need(prob);
    is_int(prob->status, 503);
    ok(!acme_conf_issuer_of(h->conf, plan->issuer));
}

const tap_case_t tap_cases[] = {
    {"503 with Retry-After while the CA cannot sign", ready},
    {"T50 validity: defaults, wishes, refusals", validities},
    {"a plan becomes a row", signs},
    {"a leaf clamped to its issuer is logged", clamped},
    {"the newest generation signs", next_generation},
    {"never is 4xx, later is 503", never_or_later},
    {NULL, NULL}};
