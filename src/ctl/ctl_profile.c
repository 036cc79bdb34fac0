/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_route.h"
#include "base/own.h"
#include "base/pjson.h"

#include "base/banned.h"

const char *ctl_profile_url(const ctl_t *ctl, const acme_profile_t *profile)
{
    if (!profile->enrollment)
        return NULL;
    return acme_route_url(ctl->conf, ACME_ROUTE_DIRECTORY, profile->directory,
                          NULL, NULL, ctl->pool);
}

json_t *ctl_profile_users(const ctl_t *ctl, const char *issuer,
                          const char *policy)
{
    const apr_array_header_t *profiles = ctl->conf->profiles;
    json_t *list = json_array();
    int i;

    for (i = 0; i < profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(profiles, i, const acme_profile_t *);

        if ((!issuer || !strcmp(profile->issuer, issuer)) &&
            (!policy || !strcmp(profile->policy->name, policy)))
            json_array_append_new(list, json_string(profile->name));
    }
    return list;
}

ctl_exit_e ctl_profile_find(const acme_profile_t **found, const ctl_t *ctl)
{
    const char *name = ctl_option(ctl, "profile"), *names = "";
    const apr_array_header_t *profiles = ctl->conf->profiles;
    int i;

    if (!name && profiles->nelts == 1)
        name = APR_ARRAY_IDX(profiles, 0, const acme_profile_t *)->name;
    *found = name ? acme_conf_profile(ctl->conf, name) : NULL;
    if (*found)
        return CTL_OK;
    for (i = 0; i < profiles->nelts; i++)
        names = apr_pstrcat(
            ctl->pool, names, " ",
            APR_ARRAY_IDX(profiles, i, const acme_profile_t *)->name, NULL);
    if (name) {
        ctl_print_error("--profile %s: there is no such profile; there are:%s",
                        name, names);
        return CTL_NOTFOUND;
    }
    ctl_print_error("for which profile? --profile with one of:%s", names);
    return CTL_USAGE;
}

static const char *external_name(const acme_profile_t *profile)
{
    static const char *const names[] = {"off", "optional", "required"};

    return names[profile->external];
}

static int is_default(const ctl_t *ctl, const acme_profile_t *profile)
{
    return acme_conf_profile_at(ctl->conf, "") == profile;
}

static json_t *profile_render(const ctl_t *ctl, const acme_profile_t *profile)
{
    json_t *json = json_object();

    json_object_set_new(json, "name", json_string(profile->name));
    json_object_set_new(json, "directoryURL",
                        ctl_print_text(ctl_profile_url(ctl, profile)));
    /* The one that newOrder's `profile` may be left out in. */
    json_object_set_new(json, "default",
                        json_boolean(is_default(ctl, profile)));
    json_object_set_new(json, "description",
                        ctl_print_text(profile->description));
    json_object_set_new(json, "policy", json_string(profile->policy->name));
    json_object_set_new(json, "issuer", json_string(profile->issuer));
    json_object_set_new(json, "validitySeconds",
                        json_integer(profile->validity.validity));
    json_object_set_new(json, "maxValiditySeconds",
                        json_integer(profile->validity.max_validity));
    json_object_set_new(json, "externalAccount",
                        json_string(external_name(profile)));
    json_object_set_new(json, "validation",
                        json_string(profile->validation ? "on" : "off"));
    json_object_set_new(json, "challenges",
                        pjson_strings_render(profile->challenges));
    json_object_set_new(json, "subject",
                        pjson_strings_render(profile->subject));
    json_object_set_new(
        json, "commonName",
        json_string(profile->validity.common_name ? "on" : "off"));
    json_object_set_new(json, "caa", json_string(profile->caa ? "on" : "off"));
    json_object_set_new(json, "subdomains",
                        json_string(profile->subdomains ? "on" : "off"));
    return json;
}

static ctl_exit_e profile_list(ctl_t *ctl)
{
    static const char *const columns[] = {
        "name", "policy", "issuer", "externalAccount", "directoryURL", NULL};
    const apr_array_header_t *profiles = ctl->conf->profiles;
    json_t *list = own_json(ctl->pool, json_array());
    int i;

    for (i = 0; i < profiles->nelts; i++)
        json_array_append_new(
            list, profile_render(
                      ctl, APR_ARRAY_IDX(profiles, i, const acme_profile_t *)));
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

static ctl_exit_e profile_show(ctl_t *ctl)
{
    const acme_profile_t *profile = acme_conf_profile(ctl->conf, ctl->id);

    if (!profile)
        return ctl_print_status(APR_ENOENT, "profile", ctl->id);
    ctl_print_object(ctl, own_json(ctl->pool, profile_render(ctl, profile)));
    return CTL_OK;
}

const ctl_command_t ctl_profile_commands[] = {
    {"profile", "list", CTL_NEEDS_CONF, 0, 0, "", NULL,
     "the profiles and their directory URLs", profile_list},
    {"profile", "show", CTL_NEEDS_CONF, 1, 1, "NAME", NULL,
     "all about a profile", profile_show},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
