/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "store/store_account.h"

#include "base/banned.h"

static json_t *account_render(const ctl_t *ctl, const store_account_t *account)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s?, s:s?}", "id", account->id,
        "status", account->status, "contact",
        ctl_print_stored(account->contact), "created",
        ctl_print_time(ctl, account->created_at), "realm", account->realm,
        "directory", account->directory, "thumbprint", account->thumbprint,
        "createdFrom", account->created_ip, "owner", account->owner);

    json_object_set_new(json, "termsURL", ctl_print_text(account->terms_url));
    json_object_set_new(json, "externalAccountKey",
                        ctl_print_text(account->eab_kid));
    json_object_set_new(json, "termsAgreed",
                        ctl_print_time(ctl, account->terms_agreed_at));
    return json;
}

static ctl_exit_e account_list(ctl_t *ctl)
{
    static const char *const columns[] = {"id", "status", "created", "contact",
                                          NULL};
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *accounts;
    apr_status_t rv;
    int i;

    rv = store_account_list(&accounts, ctl->store, ctl_option(ctl, "eab"),
                            ctl_option(ctl, "before"), ctl->limit, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "account", ctl_option(ctl, "before"));
    for (i = 0; i < accounts->nelts; i++)
        json_array_append_new(
            list, account_render(ctl, APR_ARRAY_IDX(accounts, i,
                                                    const store_account_t *)));
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

static ctl_exit_e account_show(ctl_t *ctl)
{
    store_account_t *account;
    apr_status_t rv;

    rv = store_account_get(&account, ctl->store, ctl->id, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "account", ctl->id);
    ctl_print_object(ctl, own_json(ctl->pool, account_render(ctl, account)));
    return CTL_OK;
}

static ctl_exit_e account_deactivate(ctl_t *ctl)
{
    store_event_t *event = ctl_event(ctl, "account.deactivate", NULL);
    store_account_t *account;
    apr_status_t rv;

    rv = store_account_get(&account, ctl->store, ctl->id, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "account", ctl->id);
    event->account_id = account->id;
    event->eab_kid = account->eab_kid;
    rv = store_account_deactivate(ctl->store, ctl->id, event, ctl->pool);
    /* Gone from "valid" already: what was wanted is so. */
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        return ctl_print_status(rv, "account", ctl->id);
    if (rv == APR_SUCCESS)
        ctl_event_tell(ctl, event);
    return account_show(ctl);
}

static const ctl_option_t list_options[] = {
    CTL_LIST_OPTIONS,
    {"eab", "KID", "only those made with this external account key"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_account_commands[] = {
    {"account", "list", CTL_NEEDS_STORE, 0, 0, "", list_options,
     "the accounts, newest first", account_list},
    {"account", "show", CTL_NEEDS_STORE, 1, 1, "ID", NULL,
     "all about an account", account_show},
    {"account", "deactivate", CTL_NEEDS_STORE, 1, 1, "ID", NULL,
     "for good: it can do nothing any more\n"
     "Its certificates stay valid.",
     account_deactivate},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
