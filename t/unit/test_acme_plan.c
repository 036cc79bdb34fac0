/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_plan.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "tap.h"
#include "policy/policy_make.h"

static acme_plan_t *make(handle_t *h, const char *spec)
{
    const acme_profile_t *profile =
        APR_ARRAY_IDX(h->conf->profiles, 0, acme_profile_t *);
    acme_plan_t *plan = acme_plan_make(
        &h->acme, handle_issuer(h), profile->policy, &profile->validity,
        jose_jwk_from_pkey(key_make(spec, h->pool), h->pool), h->now, h->pool);

    plan->account_id = "AAAAAAAAAAAAAAAAAAAAAA";
    plan->profile = "default";
    plan->identifiers = "dns:a.test dns:b.test";
    plan->common_name = "a.test";
    plan->not_after = h->now + 86400;
    return plan;
}

static void round_trip(apr_pool_t *pool)
{
    static const char *const specs[] = {"P-256", "P-384", "P-521", "RSA-2048",
                                        "ED25519"};
    handle_t *h = handle_make(tap_tmpdir(), pool);
    apr_size_t i;

    for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        acme_plan_t *a = make(h, specs[i]), *b;
        const char *text = acme_plan_text(a, pool);

        need(text);
        b = acme_plan_parse(text, NULL, pool);
        need(b);
        is_str(acme_plan_text(b, pool), text);
        is_str(b->key->thumbprint, a->key->thumbprint);
        is_str(b->serial, a->serial);
        is_str(b->server, "ca.example");
        is_str(b->issuer, handle_issuer(h)->set->issuer->fingerprint);
        is_int(b->not_after, h->now + 86400);
        is_int(b->wished_at, h->now);
        is_int(b->key_usage, a->key_usage);
        is_int(!!(b->key_usage & KU_KEY_ENCIPHERMENT), i == 3);
        is_str(APR_ARRAY_IDX(b->ext_key_usage, 0, const char *), "serverAuth");
    }
}

static void optional(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_plan_t *plan = make(h, "P-256");

    plan->account_id = NULL;
    plan->common_name = NULL;
    plan = acme_plan_parse(acme_plan_text(plan, pool), NULL, pool);
    need(plan);
    ok(!plan->account_id && !plan->common_name);
}

static const char *first(const apr_array_header_t *list)
{
    return list && list->nelts ? APR_ARRAY_IDX(list, 0, const char *) : "";
}

static apr_array_header_t *list_of(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = text;
    return list;
}

/* What only some plans have. */
static void more(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_plan_t *plan = make(h, "P-256");
    dcv_bound_t bound = {"a.test", list_of("10.0.0.0/8", pool)};
    const char *text;

    plan->subject = list_of("O=Example, \"Corp\"", pool);
    plan->emails = list_of("a@b.test", pool);
    plan->uris = list_of("urn:x", pool);
    plan->no_rev_avail = 1;
    plan->eab_kid = "kid";
    plan->owner = "alice";
    plan->ip = "192.0.2.1";
    plan->bounds = apr_array_make(pool, 1, sizeof(dcv_bound_t *));
    APR_ARRAY_PUSH(plan->bounds, const dcv_bound_t *) = &bound;
    text = acme_plan_text(plan, pool);
    plan = acme_plan_parse(text, NULL, pool);
    need(plan);
    is_str(acme_plan_text(plan, pool), text);
    is_str(first(plan->subject), "O=Example, \"Corp\"");
    is_str(first(plan->emails), "a@b.test");
    is_str(first(plan->uris), "urn:x");
    is_int(plan->no_rev_avail, 1);
    is_str(plan->issuer_name, "automatic");
    is_str(plan->eab_kid, "kid");
    need(plan->bounds && plan->bounds->nelts == 1);
    is_str(
        first(APR_ARRAY_IDX(plan->bounds, 0, const dcv_bound_t *)->resolves_to),
        "10.0.0.0/8");
}

static void fresh(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_plan_t *a = make(h, "P-256"), *b = make(h, "P-256");

    ok(strcmp(a->serial, b->serial));
    ok(strcmp(a->cert_id, b->cert_id));
    is_int(strlen(a->serial), 32);
}

static void refused(const json_t *json, const char *name, apr_pool_t *pool)
{
    char *text = json_dumps(json, 0);

    ok(!acme_plan_parse(text, NULL, pool), "%s", name);
    free(text);
}

/* Every cut and every missing member is refused. */
static void garbage(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    const char *text = acme_plan_text(make(h, "P-256"), pool), *name;
    json_t *json = json_loads(text, 0, NULL);
    apr_size_t i;

    ok(!acme_plan_parse(NULL, NULL, pool));
    ok(!acme_plan_parse("", NULL, pool));
    ok(!acme_plan_parse("[]", NULL, pool));
    ok(!acme_plan_parse("{}", NULL, pool));
    for (i = 0; i < strlen(text); i++)
        ok(!acme_plan_parse(apr_pstrmemdup(pool, text, i), NULL, pool));
    for (name = json_object_iter_key(json_object_iter(json)); name;) {
        json_t *less = json_deep_copy(json);
        void *next =
            json_object_iter_next(json, json_object_iter_at(json, name));

        json_object_set_new(less, name, json_array());
        if (strcmp(name, "extKeyUsage"))
            refused(less, name, pool);
        json_object_del(less, name);
        if (strcmp(name, "account") && strcmp(name, "commonName") &&
            strcmp(name, "issuerName"))
            refused(less, name, pool);
        json_decref(less);
        name = next ? json_object_iter_key(next) : NULL;
    }
    json_decref(json);
}

static void limit(apr_pool_t *pool)
{
    policy_t *policy = policy_make("tls-server", pool);
    ca_profile_t profile = {.validity = 10, .max_validity = 1000};

    policy->max_validity = 100;
    is_int(acme_plan_validity(policy, &profile).max_validity, 100);
    policy->max_validity = 2000;
    is_int(acme_plan_validity(policy, &profile).max_validity, 1000);
    is_int(acme_plan_validity(policy, &profile).validity, 10);
}

const tap_case_t tap_cases[] = {
    {"a plan reads back as it was written, with every key", round_trip},
    {"account and common name may be absent", optional},
    {"subject, networks, who asked", more},
    {"every plan has an id and a serial of its own", fresh},
    {"what is no plan is refused", garbage},
    {"T50 the policy's limit is the plan's", limit},
    {NULL, NULL}};
