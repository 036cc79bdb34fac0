/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_policy.h"

#include <string.h>

#include <apr_strings.h>

#include "base/own.h"
#include "base/pjson.h"
#include "policy/policy_network.h"

#include "base/banned.h"

/* Policies that a profile names; of others the server knows nothing. */
static const policy_t *policy_find(const ctl_t *ctl, const char *name)
{
    const apr_array_header_t *profiles = ctl->conf->profiles;
    int i;

    for (i = 0; i < profiles->nelts; i++) {
        const policy_t *policy =
            APR_ARRAY_IDX(profiles, i, const acme_profile_t *)->policy;

        if (!strcmp(policy->name, name))
            return policy;
    }
    return NULL;
}

static json_t *keys_render(const policy_t *policy, apr_pool_t *pool)
{
    static const struct {
        unsigned int kind;
        const char *word;
    } kinds[] = {{POLICY_KEY_P256, "ec:P-256"},
                 {POLICY_KEY_P384, "ec:P-384"},
                 {POLICY_KEY_P521, "ec:P-521"},
                 {POLICY_KEY_ED25519, "ed25519"}};
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (policy->key_kinds & kinds[i].kind)
            json_array_append_new(list, json_string(kinds[i].word));
    if (policy->key_kinds & POLICY_KEY_RSA)
        json_array_append_new(
            list, json_string(apr_psprintf(pool, "rsa:%d-%d", policy->rsa_min,
                                           policy->rsa_max)));
    return list;
}

static void patterns_render(json_t *json, const char *attribute,
                            const char *verb, const apr_array_header_t *list,
                            apr_pool_t *pool)
{
    json_t *words;
    int i;

    if (!list || !list->nelts)
        return;
    words = json_array();
    for (i = 0; i < list->nelts; i++)
        json_array_append_new(
            words, json_string(
                       APR_ARRAY_IDX(list, i, const policy_pattern_t *)->text));
    json_object_set_new(json, apr_pstrcat(pool, attribute, " ", verb, NULL),
                        words);
}

/* {"dns allow": ["*.corp.example"], …}: what was said, as it was written. */
static json_t *rules_render(const policy_t *policy, apr_pool_t *pool)
{
    json_t *json = json_object();
    int i;

    for (i = 0; i < POLICY_ATTRIBUTE_COUNT; i++) {
        const policy_rule_t *rule = &policy->rules[i];
        const char *name = policy_attribute_name((policy_attribute_e)i);

        patterns_render(json, name, "allow", rule->allow, pool);
        patterns_render(json, name, "require", rule->require, pool);
        patterns_render(json, name, "deny", rule->deny, pool);
    }
    return json;
}

static json_t *networks_render(const policy_t *policy, apr_pool_t *pool)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < policy->networks->nelts; i++) {
        const policy_network_t *network =
            APR_ARRAY_IDX(policy->networks, i, const policy_network_t *);
        json_t *json = json_object();

        json_object_set_new(json, "names", json_string(network->pattern->text));
        if (network->resolves_to)
            json_object_set_new(
                json, "resolves-to",
                json_string(policy_cidr_list_text(network->resolves_to, pool)));
        if (network->requested_from)
            json_object_set_new(json, "requested-from",
                                json_string(policy_cidr_list_text(
                                    network->requested_from, pool)));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *policy_json(const ctl_t *ctl, const policy_t *policy)
{
    apr_pool_t *pool = ctl->pool;
    json_t *json = json_object(), *rules = rules_render(policy, pool), *rule;
    const char *name;

    json_object_set_new(json, "name", json_string(policy->name));
    json_object_set_new(json, "preset", json_string(policy->preset));
    json_object_set_new(json, "profiles",
                        ctl_profile_users(ctl, NULL, policy->name));
    json_object_set_new(json, "keys", keys_render(policy, pool));
    json_object_set_new(
        json, "signatures",
        json_string(policy_signatures_text(policy->signatures, pool)));
    json_object_set_new(json, "maxValiditySeconds",
                        json_integer(policy->max_validity));
    json_object_set_new(json, "maxNames", json_integer(policy->max_names));
    json_object_foreach(rules, name, rule)
        json_object_set_new(json, name, json_incref(rule));
    json_decref(rules);
    json_object_set_new(
        json, "keyUsage",
        json_string(policy_key_usage_text(policy->ku_require, pool)));
    json_object_set_new(
        json, "keyUsageRSA",
        json_string(policy_key_usage_text(policy->ku_rsa, pool)));
    json_object_set_new(
        json, "keyUsageAllow",
        json_string(policy_key_usage_text(policy->ku_allow, pool)));
    json_object_set_new(json, "extKeyUsage",
                        pjson_strings_render(policy->eku_require));
    json_object_set_new(json, "extKeyUsageAllow",
                        pjson_strings_render(policy->eku_allow));
    json_object_set_new(json, "extKeyUsageDeny",
                        pjson_strings_render(policy->eku_deny));
    json_object_set_new(json, "networks", networks_render(policy, pool));
    json_object_set_new(json, "shortLived",
                        json_boolean(policy->is_short_lived));
    return json;
}

static ctl_exit_e policy_list(ctl_t *ctl)
{
    static const char *const columns[] = {
        "name", "preset", "keys", "maxValiditySeconds", "profiles", NULL};
    const apr_array_header_t *profiles = ctl->conf->profiles;
    json_t *list = own_json(ctl->pool, json_array());
    int i;

    for (i = 0; i < profiles->nelts; i++) {
        const policy_t *policy =
            APR_ARRAY_IDX(profiles, i, const acme_profile_t *)->policy;
        int k = 0;

        while (k < i &&
               strcmp(APR_ARRAY_IDX(profiles, k, const acme_profile_t *)
                          ->policy->name,
                      policy->name))
            k++;
        if (k == i)
            json_array_append_new(list, policy_json(ctl, policy));
    }
    ctl_print_rows(ctl, list, columns);
    return CTL_OK;
}

static ctl_exit_e policy_show(ctl_t *ctl)
{
    const policy_t *policy = policy_find(ctl, ctl->id);

    if (!policy)
        return ctl_print_status(APR_ENOENT, "policy (of any profile)", ctl->id);
    ctl_print_object(ctl, own_json(ctl->pool, policy_json(ctl, policy)));
    return CTL_OK;
}

static const ctl_option_t explain_options[] = {
    {"profile", "NAME",
     "whose policy, issuer and validation, if there are\n"
     "several"},
    {"name", "NAME", "a name that is asked for; may be given again"},
    {"csr", "FILE",
     "a CSR, PEM or DER; without --name its names are asked for"},
    {"from", "IP", "the client's address; else networks are not looked at"},
    {"key", "KID", "by an account with this external account key"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_policy_commands[] = {
    {"policy", "list", CTL_NEEDS_CONF, 0, 0, "", NULL,
     "the policies that profiles name", policy_list},
    {"policy", "show", CTL_NEEDS_CONF, 1, 1, "NAME", NULL, "all about a policy",
     policy_show},
    {"policy", "explain", CTL_NEEDS_CONF, 0, 0, "", explain_options,
     "what the server would say to an order; exit code 4 when it refuses\n"
     "The same checks as at newOrder and, with --csr, at finalize, but without "
     "an\naccount, an order or a validation. Only root may read the issuer's "
     "name\nconstraints and the database.",
     ctl_policy_explain},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
