/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_plan.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "acme/acme_caa.h"
#include "acme/acme_response.h"
#include "base/own.h"
#include "base/pjson.h"
#include "base/token.h"
#include "policy/policy_csr.h"

#include "base/banned.h"

/* One row per plain member: its name in the text, its place. */
typedef struct {
    const char *name;
    apr_size_t offset;
    int is_optional;
} field_t;

#define PLAN(member) offsetof(acme_plan_t, member)

static const field_t texts[] = {
    {"server", PLAN(server), 0},
    {"issuer", PLAN(issuer), 0},
    {"issuerName", PLAN(issuer_name), 1},
    {"certificate", PLAN(cert_id), 0},
    {"serial", PLAN(serial), 0},
    {"account", PLAN(account_id), 1},
    {"realm", PLAN(realm), 0},
    {"directory", PLAN(directory), 0},
    {"profile", PLAN(profile), 0},
    {"identifiers", PLAN(identifiers), 0},
    {"commonName", PLAN(common_name), 1},
    {"externalAccountKey", PLAN(eab_kid), 1},
    {"owner", PLAN(owner), 1},
    {"address", PLAN(ip), 1},
    {NULL, 0, 0},
};

static const field_t numbers[] = {
    {"wishedAt", PLAN(wished_at), 0},
    {"notBefore", PLAN(not_before), 0},
    {"notAfter", PLAN(not_after), 0},
    {"validity", PLAN(validity.validity), 0},
    {"maxValidity", PLAN(validity.max_validity), 0},
    {"backdate", PLAN(validity.backdate), 0},
    {NULL, 0, 0},
};

/* Of const char *; empty where they are absent. */
static const field_t lists[] = {
    {"extKeyUsage", PLAN(ext_key_usage), 0},
    {"subject", PLAN(subject), 1},
    {"emails", PLAN(emails), 1},
    {"uris", PLAN(uris), 1},
    {NULL, 0, 0},
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

static void lists_render(json_t *json, const acme_plan_t *plan)
{
    const field_t *field;

    for (field = lists; field->name; field++) {
        const apr_array_header_t *list =
            *(apr_array_header_t *const *)((const char *)plan + field->offset);

        if (list && (list->nelts || !field->is_optional))
            json_object_set_new(json, field->name, pjson_strings_render(list));
    }
}

static void bounds_render(json_t *json, const apr_array_header_t *bounds)
{
    json_t *list;
    int i;

    if (!bounds)
        return;
    list = json_array();
    for (i = 0; i < bounds->nelts; i++) {
        const dcv_bound_t *bound =
            APR_ARRAY_IDX(bounds, i, const dcv_bound_t *);

        json_array_append_new(
            list, json_pack("{s:s, s:o}", "name", bound->name, "networks",
                            pjson_strings_render(bound->resolves_to)));
    }
    json_object_set_new(json, "bounds", list);
}

const char *acme_plan_text(const acme_plan_t *plan, apr_pool_t *pool)
{
    json_t *json = own_json(pool, json_object());
    const field_t *field;

    for (field = texts; field->name; field++)
        acme_response_set_string(
            json, field->name,
            *(const char *const *)((const char *)plan + field->offset));
    for (field = numbers; field->name; field++)
        json_object_set_new(
            json, field->name,
            json_integer(
                *(const apr_int64_t *)((const char *)plan + field->offset)));
    json_object_set_new(json, "keyUsage", json_integer(plan->key_usage));
    if (plan->no_rev_avail)
        json_object_set_new(json, "noRevAvail", json_true());
    lists_render(json, plan);
    bounds_render(json, plan->bounds);
    if (plan->caa)
        json_object_set_new(json, "caa", acme_caa_render(plan->caa));
    acme_response_set_string(json, "key", plan->key->canonical);
    return pjson_text(json, 0, pool);
}

static int texts_parse(acme_plan_t *plan, json_t *json, apr_pool_t *pool)
{
    const field_t *field;

    for (field = texts; field->name; field++) {
        json_t *value = json_object_get(json, field->name);

        if (value ? !json_is_string(value) : !field->is_optional)
            return 0;
        *(const char **)((char *)plan + field->offset) =
            apr_pstrdup(pool, json_string_value(value));
    }
    return 1;
}

static int numbers_parse(acme_plan_t *plan, json_t *json)
{
    const field_t *field;

    for (field = numbers; field->name; field++) {
        json_t *value = json_object_get(json, field->name);

        if (!json_is_integer(value))
            return 0;
        *(apr_int64_t *)((char *)plan + field->offset) =
            json_integer_value(value);
    }
    return 1;
}

static int lists_parse(acme_plan_t *plan, json_t *json, apr_pool_t *pool)
{
    const field_t *field;

    for (field = lists; field->name; field++) {
        json_t *value = json_object_get(json, field->name);
        apr_array_header_t *list = pjson_strings_parse(value, pool);

        if (!value && field->is_optional)
            list = apr_array_make(pool, 1, sizeof(const char *));
        if (!list)
            return 0;
        *(apr_array_header_t **)((char *)plan + field->offset) = list;
    }
    return 1;
}

static int usage_parse(acme_plan_t *plan, json_t *json)
{
    json_t *usage = json_object_get(json, "keyUsage");

    plan->key_usage = (unsigned int)json_integer_value(usage);
    plan->no_rev_avail = json_is_true(json_object_get(json, "noRevAvail"));
    return json_is_integer(usage);
}

/* What is written here is demanded, so that nothing of it may get lost. */
static int bounds_parse(acme_plan_t *plan, json_t *json, apr_pool_t *pool)
{
    json_t *list = json_object_get(json, "bounds"), *value;
    size_t i;

    if (!list)
        return 1;
    plan->bounds = apr_array_make(pool, 4, sizeof(dcv_bound_t *));
    json_array_foreach(list, i, value)
    {
        dcv_bound_t *bound = apr_palloc(pool, sizeof(*bound));
        const char *name = json_string_value(json_object_get(value, "name"));

        bound->resolves_to =
            pjson_strings_parse(json_object_get(value, "networks"), pool);
        if (!name || !bound->resolves_to)
            return 0;
        bound->name = apr_pstrdup(pool, name);
        APR_ARRAY_PUSH(plan->bounds, dcv_bound_t *) = bound;
    }
    return json_is_array(list);
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
        !texts_parse(plan, json, pool) || !numbers_parse(plan, json) ||
        !usage_parse(plan, json) || !lists_parse(plan, json, pool) ||
        !bounds_parse(plan, json, pool) ||
        !acme_caa_parse(&plan->caa, json_object_get(json, "caa"), pool))
        return NULL;
    /* Of the first version, which had no other. */
    if (!plan->issuer_name)
        plan->issuer_name = ACME_ISSUER_AUTOMATIC;
    plan->key = key_parse(json, keys, pool);
    if (!plan->key || strlen(plan->serial) != 32 ||
        !identifier_list_from_text(plan->identifiers, pool))
        return NULL;
    return plan;
}
