/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_eab.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_client.h"
#include "policy/policy_pattern.h"

#include "base/banned.h"

/* "www.a.corp.example" for "*.a.corp.example": a name that pattern passes. */
static const char *pattern_example(const char *pattern, apr_pool_t *pool)
{
    const char *rest = pattern + strspn(pattern, "*.");

    if (strpbrk(rest, "*:/") || !strchr(rest, '.'))
        return NULL;
    return rest == pattern ? pattern : apr_pstrcat(pool, "www.", rest, NULL);
}

/* The first name that the key, or else the policy, has a pattern for. */
static const char *name_example(const ctl_t *ctl, const store_eab_t *eab)
{
    const acme_profile_t *profile = acme_conf_profile(ctl->conf, eab->profile);
    json_t *allow = ctl_print_stored(eab->allow);
    const char *text = json_string_value(json_array_get(allow, 0));
    const char *name =
        text ? pattern_example(apr_pstrdup(ctl->pool, text), ctl->pool) : NULL;
    const policy_rule_t *rule =
        profile ? &profile->policy->rules[POLICY_DNS] : NULL;

    json_decref(allow);
    if (!name && rule && rule->allow && rule->allow->nelts)
        name = pattern_example(
            APR_ARRAY_IDX(rule->allow, 0, const policy_pattern_t *)->text,
            ctl->pool);
    return name ? name : "www.corp.example";
}

json_t *ctl_client_lines(const ctl_t *ctl, const store_eab_t *eab,
                         const char *secret)
{
    const acme_profile_t *profile = acme_conf_profile(ctl->conf, eab->profile);
    const char *url = profile ? ctl_profile_url(ctl, profile) : NULL;
    const acme_client_values_t values = {url ? url : "URL", eab->kid, secret,
                                         name_example(ctl, eab), eab->profile};
    json_t *json = json_object();
    int i;

    for (i = 0; acme_client_name(i); i++)
        json_object_set_new(
            json, acme_client_name(i),
            json_string(acme_client_lines(i, &values, ctl->pool)));
    return json;
}
