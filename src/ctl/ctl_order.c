/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include "acme/acme_state.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/pjson.h"
#include "store/store_authz.h"
#include "store/store_order.h"

#include "base/banned.h"

/* The order's status, which is computed from its authorizations. */
static const char *order_status(const ctl_t *ctl, const store_order_t *order)
{
    apr_int64_t now = clock_seconds(&clock_system);
    apr_array_header_t *authzs =
        apr_array_make(ctl->pool, 1, sizeof(store_authz_t *));
    int i;

    for (i = 0;
         acme_state_needs_authzs(order, now) && i < order->authz_ids->nelts;
         i++) {
        store_authz_t *authz;
        apr_status_t rv;

        rv = store_authz_get(&authz, ctl->store,
                             APR_ARRAY_IDX(order->authz_ids, i, const char *),
                             ctl->pool);
        if (rv != APR_SUCCESS)
            return "unknown";
        APR_ARRAY_PUSH(authzs, store_authz_t *) = authz;
    }
    return acme_state_order_name(acme_state_order(order, authzs, now));
}

static json_t *order_render(const ctl_t *ctl, const store_order_t *order)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "id", order->id, "status",
                             order_status(ctl, order), "identifiers",
                             order->identifiers, "account", order->account_id);
    json_t *error = order->error ? json_loads(order->error, 0, NULL) : NULL;

    json_object_set_new(json, "created",
                        ctl_print_time(ctl, order->created_at));
    json_object_set_new(json, "expires",
                        ctl_print_time(ctl, order->expires_at));
    json_object_set_new(json, "processing",
                        ctl_print_time(ctl, order->processing_since));
    json_object_set_new(json, "notBefore",
                        ctl_print_time(ctl, order->not_before));
    json_object_set_new(json, "notAfter",
                        ctl_print_time(ctl, order->not_after));
    json_object_set_new(json, "realm", json_string(order->realm));
    json_object_set_new(json, "directory", json_string(order->directory));
    json_object_set_new(json, "profile", json_string(order->profile));
    json_object_set_new(json, "certificate",
                        order->cert_id ? json_string(order->cert_id)
                                       : json_null());
    json_object_set_new(json, "replaces", ctl_print_text(order->replaces_cert));
    json_object_set_new(json, "authorizations",
                        pjson_strings_render(order->authz_ids));
    json_object_set_new(json, "error", error ? error : json_null());
    return json;
}

static ctl_exit_e order_list(ctl_t *ctl)
{
    static const char *const columns[] = {"id",      "status",      "created",
                                          "account", "identifiers", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *orders;
    apr_status_t rv;
    int i;

    rv = store_order_list(&orders, ctl->store, ctl_option(ctl, "account"),
                          ctl_option(ctl, "before"), ctl->limit, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "order", ctl_option(ctl, "before"));
    for (i = 0; i < orders->nelts; i++)
        json_array_append_new(
            list,
            order_render(ctl, APR_ARRAY_IDX(orders, i, const store_order_t *)));
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

static ctl_exit_e order_show(ctl_t *ctl)
{
    store_order_t *order;
    apr_status_t rv;

    rv = store_order_get(&order, ctl->store, ctl->id, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "order", ctl->id);
    ctl_print_object(ctl, own_json(ctl->pool, order_render(ctl, order)));
    return CTL_OK;
}

static const ctl_option_t list_options[] = {
    CTL_LIST_OPTIONS,
    {"account", "ID", "only what belongs to this account"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_order_commands[] = {
    {"order", "list", CTL_NEEDS_STORE, 0, 0, "", list_options,
     "the orders, newest first", order_list},
    {"order", "show", CTL_NEEDS_STORE, 1, 1, "ID", NULL, "all about an order",
     order_show},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
