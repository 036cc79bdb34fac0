/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_dump.h"

#include <apr_strings.h>
#include <stddef.h>

#include "base/fields.h"
#include "base/pjson.h"
#include "policy/policy_make.h"
#include "policy/policy_network.h"

#include "base/banned.h"

#define POLICY(member) offsetof(policy_t, member)

static const fields_row_t fields[] = {
    {"name", FIELDS_TEXT, POLICY(name)},
    {"maxNames", FIELDS_INT, POLICY(max_names)},
    {"keyKinds", FIELDS_INT, POLICY(key_kinds)},
    {"rsaMin", FIELDS_INT, POLICY(rsa_min)},
    {"rsaMax", FIELDS_INT, POLICY(rsa_max)},
    {"signatures", FIELDS_INT, POLICY(signatures)},
    {"maxValidity", FIELDS_INT64, POLICY(max_validity)},
    {"keyUsageRequire", FIELDS_INT, POLICY(ku_require)},
    {"keyUsageRSA", FIELDS_INT, POLICY(ku_rsa)},
    {"keyUsageAllow", FIELDS_INT, POLICY(ku_allow)},
    {"keyUsageDeny", FIELDS_INT, POLICY(ku_deny)},
    {"extKeyUsageRequire", FIELDS_STRINGS, POLICY(eku_require)},
    {"extKeyUsageAllow", FIELDS_STRINGS, POLICY(eku_allow)},
    {"extKeyUsageDeny", FIELDS_STRINGS, POLICY(eku_deny)},
    {"extKeyUsageIgnored", FIELDS_STRINGS, POLICY(eku_ignored)},
    {NULL, FIELDS_TEXT, 0},
};

static const struct {
    const char *name;
    apr_size_t offset;
} lists[] = {
    {"allow", offsetof(policy_rule_t, allow)},
    {"require", offsetof(policy_rule_t, require)},
    {"deny", offsetof(policy_rule_t, deny)},
};
#define LIST_COUNT (sizeof(lists) / sizeof(*lists))

static void *at(const void *base, apr_size_t offset)
{
    return (char *)base + offset;
}

static json_t *patterns_render(const apr_array_header_t *list)
{
    json_t *json = json_array();
    int i;

    for (i = 0; i < list->nelts; ++i)
        json_array_append_new(
            json,
            json_string(APR_ARRAY_IDX(list, i, policy_pattern_t *)->text));
    return json;
}

static json_t *rules_render(const policy_t *policy)
{
    json_t *json = json_object();
    int i;
    apr_size_t k;

    for (i = 0; i < POLICY_ATTRIBUTE_COUNT; ++i) {
        json_t *rule = json_object();

        for (k = 0; k < LIST_COUNT; ++k) {
            const apr_array_header_t *list =
                *(apr_array_header_t **)at(&policy->rules[i], lists[k].offset);

            if (list->nelts)
                json_object_set_new(rule, lists[k].name, patterns_render(list));
        }
        if (json_object_size(rule))
            json_object_set_new(
                json, policy_attribute_name((policy_attribute_e)i), rule);
        else
            json_decref(rule);
    }
    return json;
}

static json_t *cidrs_render(const apr_array_header_t *list)
{
    json_t *json;
    int i;

    if (!list)
        return json_null();
    json = json_array();
    for (i = 0; i < list->nelts; ++i)
        json_array_append_new(
            json, json_string(APR_ARRAY_IDX(list, i, policy_cidr_t *)->text));
    return json;
}

static json_t *networks_render(const policy_t *policy)
{
    json_t *json = json_array(), *one;
    int i;

    for (i = 0; i < policy->networks->nelts; ++i) {
        const policy_network_t *network =
            APR_ARRAY_IDX(policy->networks, i, const policy_network_t *);

        one = json_object();
        json_object_set_new(one, "pattern",
                            json_string(network->pattern->text));
        json_object_set_new(one, "resolvesTo",
                            cidrs_render(network->resolves_to));
        json_object_set_new(one, "requestedFrom",
                            cidrs_render(network->requested_from));
        json_array_append_new(json, one);
    }
    return json;
}

json_t *policy_render(const policy_t *policy)
{
    json_t *json = json_object();

    json_object_set_new(json, "preset", json_string(policy->preset));
    fields_render(json, fields, policy);
    json_object_set_new(json, "rules", rules_render(policy));
    json_object_set_new(json, "networks", networks_render(policy));
    return json;
}

/* Absent: no patterns. */
static int patterns_parse(apr_array_header_t *list,
                          policy_attribute_e attribute, json_t *json,
                          apr_pool_t *pool)
{
    apr_array_header_t *texts;
    policy_pattern_t *pattern;
    int i;

    if (!json)
        return 1;
    texts = pjson_strings_parse(json, pool);
    for (i = 0; texts && i < texts->nelts; ++i) {
        if (policy_pattern_parse(&pattern, attribute,
                                 APR_ARRAY_IDX(texts, i, const char *), pool))
            return 0;
        APR_ARRAY_PUSH(list, policy_pattern_t *) = pattern;
    }
    return texts != NULL;
}

static int rules_parse(policy_t *policy, json_t *json, apr_pool_t *pool)
{
    apr_size_t k;
    int i;

    for (i = 0; i < POLICY_ATTRIBUTE_COUNT; ++i) {
        json_t *rule =
            json_object_get(json, policy_attribute_name((policy_attribute_e)i));

        for (k = 0; k < LIST_COUNT; ++k) {
            if (!patterns_parse(*(apr_array_header_t **)at(&policy->rules[i],
                                                           lists[k].offset),
                                (policy_attribute_e)i,
                                json_object_get(rule, lists[k].name), pool))
                return 0;
        }
    }
    return json_is_object(json);
}

static int cidrs_parse(apr_array_header_t **list, json_t *json,
                       apr_pool_t *pool)
{
    apr_array_header_t *texts;
    int i;

    *list = NULL;
    if (json_is_null(json))
        return 1;
    texts = pjson_strings_parse(json, pool);
    *list = apr_array_make(pool, 2, sizeof(policy_cidr_t *));
    for (i = 0; texts && i < texts->nelts; ++i) {
        if (policy_cidr_list_parse(*list, APR_ARRAY_IDX(texts, i, const char *),
                                   pool))
            return 0;
    }
    return texts != NULL;
}

static int networks_parse(policy_t *policy, json_t *json, apr_pool_t *pool)
{
    json_t *value;
    size_t i;

    json_array_foreach(json, i, value)
    {
        policy_network_t *network = apr_pcalloc(pool, sizeof(*network));
        json_t *pattern = json_object_get(value, "pattern");

        if (!json_is_string(pattern) ||
            policy_pattern_name_parse(&network->pattern,
                                      json_string_value(pattern), pool) ||
            !cidrs_parse(&network->resolves_to,
                         json_object_get(value, "resolvesTo"), pool) ||
            !cidrs_parse(&network->requested_from,
                         json_object_get(value, "requestedFrom"), pool))
            return 0;
        APR_ARRAY_PUSH(policy->networks, policy_network_t *) = network;
    }
    return json_is_array(json);
}

policy_t *policy_parse(json_t *json, apr_pool_t *pool)
{
    policy_t *policy = policy_make("", pool);
    json_t *preset = json_object_get(json, "preset");

    if (!json_is_string(preset) ||
        policy_preset_set(policy, json_string_value(preset), pool) ||
        !fields_parse(policy, fields, json, pool) ||
        !rules_parse(policy, json_object_get(json, "rules"), pool) ||
        !networks_parse(policy, json_object_get(json, "networks"), pool))
        return NULL;
    return policy;
}
