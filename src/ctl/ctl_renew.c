/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_renew.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"

#include "base/banned.h"

/* "overdue": somebody has not followed in time. */
static const char *renewal_status(const store_renewal_t *renewal)
{
    if (renewal->cancelled_at)
        return "cancelled";
    if (renewal->replaced >= renewal->certs)
        return "done";
    return renewal->end <= clock_seconds(&clock_system) ? "overdue" : "running";
}

json_t *ctl_renew_render(const ctl_t *ctl, const store_renewal_t *renewal)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:I}", "renewal",
        apr_psprintf(ctl->pool, "%" APR_INT64_T_FMT, renewal->number), "status",
        renewal_status(renewal), "certificates", (json_int_t)renewal->certs,
        "renewed", (json_int_t)renewal->replaced, "open",
        (json_int_t)(renewal->certs - renewal->replaced));

    json_object_set_new(json, "from", ctl_print_time(ctl, renewal->start));
    json_object_set_new(json, "until", ctl_print_time(ctl, renewal->end));
    json_object_set_new(json, "explanationURL", ctl_print_text(renewal->url));
    json_object_set_new(json, "selection",
                        ctl_print_stored(renewal->selection));
    json_object_set_new(json, "who", ctl_print_text(renewal->who));
    json_object_set_new(json, "cancelled",
                        ctl_print_time(ctl, renewal->cancelled_at));
    return json;
}

static ctl_exit_e number_take(apr_int64_t *number, const char *text)
{
    *number = apr_atoi64(text);
    if (*number > 0 && strspn(text, "0123456789") == strlen(text))
        return CTL_OK;
    ctl_print_error("no such renewal: %s", text);
    return CTL_NOTFOUND;
}

static ctl_exit_e renew_list(ctl_t *ctl)
{
    static const char *const columns[] = {"renewal",   "status", "certificates",
                                          "renewed",   "open",   "until",
                                          "selection", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    const char *before = ctl_option(ctl, "before");
    apr_array_header_t *renewals;
    apr_int64_t number = 0;
    ctl_exit_e code = before ? number_take(&number, before) : CTL_OK;
    apr_status_t rv;
    int i;

    if (code != CTL_OK)
        return code;
    rv = store_renewal_list(&renewals, ctl->store, number, ctl->limit,
                            ctl->pool);
    for (i = 0; rv == APR_SUCCESS && i < renewals->nelts; i++)
        json_array_append_new(
            list,
            ctl_renew_render(
                ctl, APR_ARRAY_IDX(renewals, i, const store_renewal_t *)));
    if (rv == APR_SUCCESS)
        ctl_print_list(ctl, list, columns);
    return ctl_print_status(rv, "renewal", "");
}

static ctl_exit_e renewal_get(store_renewal_t **renewal, const ctl_t *ctl)
{
    apr_int64_t number;
    ctl_exit_e code = number_take(&number, ctl->id);

    if (code != CTL_OK)
        return code;
    return ctl_print_status(
        store_renewal_get(renewal, ctl->store, number, ctl->pool), "renewal",
        ctl->id);
}

/* "replaces": its order said so; "names": a later certificate of its account
 * for the same names. */
static json_t *cert_render(const ctl_t *ctl, const store_renewal_cert_t *cert)
{
    const char *how = NULL;
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", cert->cert_id,
                             "serial", cert->serial, "account",
                             cert->account_id, "identifiers", cert->identifiers,
                             "notAfter", ctl_print_time(ctl, cert->not_after));

    if (cert->replaced_by)
        how = cert->is_guess ? "names" : "replaces";
    json_object_set_new(json, "replacedBy", ctl_print_text(cert->replaced_by));
    json_object_set_new(json, "replaced",
                        ctl_print_time(ctl, cert->replaced_at));
    json_object_set_new(json, "by", ctl_print_text(how));
    json_object_set_new(
        json, "order",
        ctl_print_text(cert->replaced_by ? NULL : cert->replacing));
    json_object_set_new(json, "revoked", ctl_print_time(ctl, cert->revoked_at));
    return json;
}

static void show_print(const ctl_t *ctl, json_t *json, json_t *list)
{
    static const char *const columns[] = {
        "id",       "serial",      "account", "replacedBy",
        "replaced", "identifiers", NULL};

    if (ctl->is_json)
        json_object_set_new(json, "list", json_incref(list));
    ctl_print_object(ctl, json);
    if (ctl->is_json)
        return;
    printf("\n");
    ctl_print_list(ctl, list, columns);
}

static ctl_exit_e renew_show(ctl_t *ctl)
{
    json_t *list = own_json(ctl->pool, json_array());
    const char *after = ctl_option(ctl, "before");
    apr_array_header_t *certs;
    store_renewal_t *renewal;
    ctl_exit_e code = renewal_get(&renewal, ctl);
    apr_status_t rv;
    int i;

    if (code != CTL_OK)
        return code;
    rv = store_renewal_certs(&certs, ctl->store, renewal->number,
                             ctl_option(ctl, "open") != NULL,
                             after ? after : "", ctl->limit, ctl->pool);
    for (i = 0; rv == APR_SUCCESS && i < certs->nelts; i++)
        json_array_append_new(
            list,
            cert_render(ctl,
                        APR_ARRAY_IDX(certs, i, const store_renewal_cert_t *)));
    if (rv == APR_SUCCESS)
        show_print(ctl, own_json(ctl->pool, ctl_renew_render(ctl, renewal)),
                   list);
    return ctl_print_status(rv, "renewal", ctl->id);
}

static ctl_exit_e renew_cancel(ctl_t *ctl)
{
    store_renewal_t *renewal;
    store_event_t *event;
    apr_status_t rv;
    ctl_exit_e code = renewal_get(&renewal, ctl);

    if (code != CTL_OK)
        return code;
    event =
        ctl_event(ctl, "renewal.cancel",
                  json_pack("{s:I}", "renewal", (json_int_t)renewal->number));
    rv = store_renewal_cancel(ctl->store, renewal->number, event->at, event,
                              ctl->pool);
    if (rv == APR_SUCCESS)
        ctl_event_tell(ctl, event);
    else if (!APR_STATUS_IS_EEXIST(rv)) /* it was cancelled before */
        return ctl_print_status(rv, "renewal", ctl->id);
    code = renewal_get(&renewal, ctl);
    if (code == CTL_OK)
        ctl_print_object(ctl,
                         own_json(ctl->pool, ctl_renew_render(ctl, renewal)));
    return code;
}

static const ctl_option_t list_options[] = {
    CTL_LIST_OPTIONS,
    {NULL, NULL, NULL},
};

static const ctl_option_t show_options[] = {
    CTL_LIST_OPTIONS,
    {"open", NULL, "only certificates that nobody has renewed yet"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_renew_commands[] = {
    {"renew", "list", CTL_NEEDS_STORE, 0, 0, "", list_options,
     "renewals that were pulled forward, newest first, and how many follow",
     renew_list},
    {"renew", "show", CTL_NEEDS_STORE, 1, 1, "NUMBER", show_options,
     "a renewal and its certificates: by what each was replaced, and when\n"
     "A client that does not say what it replaces has followed when its "
     "account "
     "has a\nlater certificate for the same names.",
     renew_show},
    {"renew", "cancel", CTL_NEEDS_STORE, 1, 1, "NUMBER", NULL,
     "the certificates are due when they were before", renew_cancel},
    {"renew", "", CTL_NEEDS_CONF, 0, 0, "", ctl_renew_options,
     "have clients renew certificates early (ACME renewal information, RFC "
     "9773)\nSeveral options mean certificates that fit all of them. Those "
     "that are valid and\nnot replaced are asked to be renewed by then; "
     "clients "
     "see it when they look the\nnext time, within six hours. Nothing is "
     "revoked.",
     ctl_renew_pull},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
