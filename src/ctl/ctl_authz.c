/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <apr_strings.h>

#include "acme/acme_state.h"
#include "base/clock.h"
#include "base/own.h"
#include "store/store_authz.h"

#include "base/banned.h"

static const char *identifier_text(const ctl_t *ctl, const store_authz_t *authz)
{
    return apr_pstrcat(ctl->pool, authz->type, ":", authz->wildcard ? "*." : "",
                       authz->value, NULL);
}

/* As clients see them. */
static json_t *challenges_render(const ctl_t *ctl, const store_authz_t *authz,
                                 apr_int64_t now)
{
    char *types = apr_pstrdup(ctl->pool, authz->challenges), *state;
    char *type = apr_strtok(types, " ", &state);
    json_t *json = json_array();

    for (; type; type = apr_strtok(NULL, " ", &state))
        if (acme_state_is_challenge_shown(authz, type, now))
            json_array_append_new(
                json, json_pack("{s:s, s:s}", "type", type, "status",
                                acme_state_challenge_name(
                                    acme_state_challenge(authz, type, now))));
    return json;
}

static json_t *authz_render(const ctl_t *ctl, const store_authz_t *authz)
{
    apr_int64_t now = clock_seconds(&clock_system);
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s}", "id", authz->id, "status",
        acme_state_authz_name(acme_state_authz(authz, now)), "identifier",
        identifier_text(ctl, authz), "account", authz->account_id);

    json_object_set_new(json, "created",
                        ctl_print_time(ctl, authz->created_at));
    json_object_set_new(json, "expires",
                        ctl_print_time(ctl, authz->expires_at));
    json_object_set_new(json, "realm", json_string(authz->realm));
    json_object_set_new(json, "directory", json_string(authz->directory));
    json_object_set_new(json, "profile", ctl_print_text(authz->profile));
    json_object_set_new(json, "subdomains", json_boolean(authz->subdomains));
    json_object_set_new(json, "challenges", challenges_render(ctl, authz, now));
    json_object_set_new(json, "token", json_string(authz->token));
    json_object_set_new(json, "attempted", ctl_print_text(authz->attempted));
    json_object_set_new(json, "attemptedAt",
                        ctl_print_time(ctl, authz->attempted_at));
    json_object_set_new(json, "thumbprint", ctl_print_text(authz->thumbprint));
    json_object_set_new(json, "validated",
                        ctl_print_time(ctl, authz->validated_at));
    json_object_set_new(json, "error", ctl_print_stored(authz->error));
    return json;
}

static ctl_exit_e authz_list(ctl_t *ctl)
{
    static const char *const columns[] = {
        "id", "status", "created", "attempted", "account", "identifier", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *authzs;
    apr_status_t rv;
    int i;

    rv = store_authz_list(&authzs, ctl->store, ctl_option(ctl, "account"),
                          ctl_option(ctl, "before"), ctl->limit, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "authorization", "");
    for (i = 0; i < authzs->nelts; i++)
        json_array_append_new(
            list,
            authz_render(ctl, APR_ARRAY_IDX(authzs, i, const store_authz_t *)));
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

static ctl_exit_e authz_show(ctl_t *ctl)
{
    store_authz_t *authz;
    apr_status_t rv = store_authz_get(&authz, ctl->store, ctl->id, ctl->pool);

    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "authorization", ctl->id);
    ctl_print_object(ctl, own_json(ctl->pool, authz_render(ctl, authz)));
    return CTL_OK;
}

static const ctl_option_t list_options[] = {
    CTL_LIST_OPTIONS,
    {"account", "ID", "only what belongs to this account"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_authz_commands[] = {
    {"authz", "list", CTL_NEEDS_STORE, 0, 0, "", list_options,
     "the authorizations, newest first", authz_list},
    {"authz", "show", CTL_NEEDS_STORE, 1, 1, "ID", NULL,
     "all about an authorization and its challenges", authz_show},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
