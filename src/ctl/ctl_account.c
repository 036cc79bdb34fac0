/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "store/store_account.h"

#include "base/banned.h"

static json_t *stored_json(const char *text)
{
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;

    return json ? json : json_null();
}

static json_t *account_render(const ctl_t *ctl, const store_account_t *account)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s?, s:s?}", "id", account->id,
        "status", account->status, "contact", stored_json(account->contact),
        "created", ctl_print_time(ctl, account->created_at), "realm",
        account->realm, "directory", account->directory, "thumbprint",
        account->thumbprint, "createdFrom", account->created_ip, "owner",
        account->owner);

    json_object_set_new(json, "termsURL",
                        account->terms_url ? json_string(account->terms_url)
                                           : json_null());
    json_object_set_new(json, "termsAgreed",
                        ctl_print_time(ctl, account->terms_agreed_at));
    return json;
}

ctl_exit_e ctl_account_list(ctl_t *ctl)
{
    static const char *const columns[] = {"id", "status", "created", "contact",
                                          NULL};
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *accounts;
    apr_status_t rv;
    int i;

    rv = store_account_list(&accounts, ctl->store, NULL, ctl->before,
                            ctl->limit, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "account", ctl->before);
    for (i = 0; i < accounts->nelts; i++)
        json_array_append_new(
            list, account_render(ctl, APR_ARRAY_IDX(accounts, i,
                                                    const store_account_t *)));
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

ctl_exit_e ctl_account_show(ctl_t *ctl)
{
    store_account_t *account;
    apr_status_t rv;

    rv = store_account_get(&account, ctl->store, ctl->id, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "account", ctl->id);
    ctl_print_object(ctl, own_json(ctl->pool, account_render(ctl, account)));
    return CTL_OK;
}

ctl_exit_e ctl_account_deactivate(ctl_t *ctl)
{
    store_account_t *account;
    apr_status_t rv;

    rv = store_account_get(&account, ctl->store, ctl->id, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "account", ctl->id);
    rv = store_account_deactivate(
        ctl->store, ctl->id, clock_seconds(&clock_system), NULL, ctl->pool);
    /* Gone from "valid" already: what was wanted is so. */
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        return ctl_print_status(rv, "account", ctl->id);
    return ctl_account_show(ctl);
}
