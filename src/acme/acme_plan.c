/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_plan.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "acme/acme_caa.h"
#include "acme/acme_response.h"
#include "base/fields.h"
#include "base/own.h"
#include "base/pjson.h"
#include "base/token.h"
#include "policy/policy_csr.h"

#include "base/banned.h"

#define PLAN(member)  offsetof(acme_plan_t, member)
#define BOUND(member) offsetof(dcv_bound_t, member)

static const fields_row_t fields[] = {
    {"server", FIELDS_TEXT, PLAN(server)},
    {"issuer", FIELDS_TEXT, PLAN(issuer)},
    {"issuerName", FIELDS_OPTIONAL, PLAN(issuer_name)},
    {"certificate", FIELDS_TEXT, PLAN(cert_id)},
    {"serial", FIELDS_TEXT, PLAN(serial)},
    {"account", FIELDS_OPTIONAL, PLAN(account_id)},
    {"realm", FIELDS_TEXT, PLAN(realm)},
    {"directory", FIELDS_TEXT, PLAN(directory)},
    {"profile", FIELDS_TEXT, PLAN(profile)},
    {"identifiers", FIELDS_TEXT, PLAN(identifiers)},
    {"commonName", FIELDS_OPTIONAL, PLAN(common_name)},
    {"externalAccountKey", FIELDS_OPTIONAL, PLAN(eab_kid)},
    {"owner", FIELDS_OPTIONAL, PLAN(owner)},
    {"address", FIELDS_OPTIONAL, PLAN(ip)},
    {"wishedAt", FIELDS_INT64, PLAN(wished_at)},
    {"notBefore", FIELDS_INT64, PLAN(not_before)},
    {"notAfter", FIELDS_INT64, PLAN(not_after)},
    {"validity", FIELDS_INT64, PLAN(validity.validity)},
    {"maxValidity", FIELDS_INT64, PLAN(validity.max_validity)},
    {"backdate", FIELDS_INT64, PLAN(validity.backdate)},
    {"keyUsage", FIELDS_INT, PLAN(key_usage)},
    {"extKeyUsage", FIELDS_STRINGS, PLAN(ext_key_usage)},
    {"subject", FIELDS_STRINGS_OPTIONAL, PLAN(subject)},
    {"emails", FIELDS_STRINGS_OPTIONAL, PLAN(emails)},
    {"uris", FIELDS_STRINGS_OPTIONAL, PLAN(uris)},
    {NULL, FIELDS_TEXT, 0},
};

static const fields_row_t bound_fields[] = {
    {"name", FIELDS_TEXT, BOUND(name)},
    {"networks", FIELDS_STRINGS, BOUND(resolves_to)},
    {NULL, FIELDS_TEXT, 0},
};

ca_profile_t acme_plan_validity(const policy_t *policy,
                                const ca_profile_t *validity)
{
    ca_profile_t both = *validity;

    if (policy->max_validity && both.max_validity > policy->max_validity)
        both.max_validity = policy->max_validity;
    return both;
}

acme_plan_t *acme_plan_make(const acme_t *acme, const acme_issuer_t *issuer,
                            const policy_t *policy,
                            const ca_profile_t *validity, const jose_jwk_t *key,
                            apr_int64_t now, apr_pool_t *pool)
{
    acme_plan_t *plan = apr_pcalloc(pool, sizeof(*plan));

    plan->server = acme->conf->server_name;
    plan->issuer_name = issuer->name;
    plan->issuer = issuer->set->issuer->fingerprint;
    plan->cert_id = token_id(apr_time_from_sec(now), pool);
    plan->serial = token_serial(pool);
    plan->realm = "";
    plan->directory = "";
    plan->profile = "";
    plan->identifiers = "";
    plan->key = key;
    plan->wished_at = now;
    plan->validity = acme_plan_validity(policy, validity);
    plan->key_usage = policy_csr_key_usage(policy, key->pkey);
    plan->ext_key_usage = policy->eku_require;
    return plan;
}

const char *acme_plan_text(const acme_plan_t *plan, apr_pool_t *pool)
{
    json_t *json = own_json(pool, json_object());

    fields_render(json, fields, plan);
    if (plan->no_rev_avail)
        json_object_set_new(json, "noRevAvail", json_true());
    if (plan->bounds)
        json_object_set_new(json, "bounds",
                            fields_list_render(plan->bounds, bound_fields));
    if (plan->caa)
        json_object_set_new(json, "caa", acme_caa_render(plan->caa));
    acme_response_set_string(json, "key", plan->key->canonical);
    return pjson_text(json, 0, pool);
}

/* What is written here is demanded, so that nothing of it may get lost. */
static int bounds_parse(acme_plan_t *plan, json_t *json, apr_pool_t *pool)
{
    json_t *list = json_object_get(json, "bounds");

    if (!list)
        return 1;
    plan->bounds = apr_array_make(pool, 4, sizeof(dcv_bound_t *));
    return fields_list_parse(plan->bounds, sizeof(dcv_bound_t), bound_fields,
                             list, pool);
}

static jose_jwk_t *key_parse(json_t *json, jose_cache_t *keys, apr_pool_t *pool)
{
    const char *key = json_string_value(json_object_get(json, "key"));
    const char *thumbprint = key ? jose_jwk_thumbprint(key, pool) : NULL;
    jose_jwk_t *jwk;

    if (!thumbprint)
        return NULL;
    jwk = jose_cache_find(keys, thumbprint, key, pool);
    return jwk ? jwk : jose_jwk_from_canonical(key, pool);
}

acme_plan_t *acme_plan_parse(const char *text, jose_cache_t *keys,
                             apr_pool_t *pool)
{
    acme_plan_t *plan = apr_pcalloc(pool, sizeof(*plan));
    json_t *json;

    if (!text || pjson_parse(&json, text, strlen(text), "plan", pool) ||
        !fields_parse(plan, fields, json, pool) ||
        !bounds_parse(plan, json, pool) ||
        !acme_caa_parse(&plan->caa, json_object_get(json, "caa"), pool))
        return NULL;
    plan->no_rev_avail = json_is_true(json_object_get(json, "noRevAvail"));
    /* Of the first version, which had no other. */
    if (!plan->issuer_name)
        plan->issuer_name = ACME_ISSUER_AUTOMATIC;
    plan->key = key_parse(json, keys, pool);
    if (!plan->key || strlen(plan->serial) != 32 ||
        !identifier_list_from_text(plan->identifiers, pool))
        return NULL;
    return plan;
}
