/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "store/store_crl.h"

#include "base/banned.h"

/* For monitoring: past its middle a list should have been renewed. */
static const char *crl_status(const store_crl_t *crl)
{
    apr_int64_t now = clock_seconds(&clock_system);

    if (now >= crl->next_update)
        return "expired";
    return now > crl->this_update +
                       (crl->next_update - crl->this_update) * 3 / 4
               ? "late"
               : "good";
}

static json_t *head_render(const ctl_t *ctl, const store_crl_head_t *head)
{
    const store_crl_t *crl = &head->crl;
    json_t *json = json_pack(
        "{s:s, s:o, s:i, s:s, s:I, s:o, s:o, s:I}", "fingerprint", crl->issuer,
        "issuer", ctl_print_text(head->name), "generation", head->generation,
        "status", crl_status(crl), "number", (json_int_t)crl->number, "made",
        ctl_print_time(ctl, crl->this_update), "nextUpdate",
        ctl_print_time(ctl, crl->next_update), "entries",
        (json_int_t)crl->entries);

    json_object_set_new(
        json, "file",
        json_string(apr_pstrcat(ctl->pool, ctl->conf->state_dir, "/pub/",
                                crl->issuer, ".crl", NULL)));
    return json;
}

static ctl_exit_e crl_list(ctl_t *ctl)
{
    static const char *const columns[] = {"issuer",  "generation", "status",
                                          "number",  "made",       "nextUpdate",
                                          "entries", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *heads;
    apr_status_t rv = store_crl_list(&heads, ctl->store, ctl->pool);
    int i;

    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "list of revoked certificates", "");
    for (i = 0; i < heads->nelts; i++)
        json_array_append_new(
            list, head_render(
                      ctl, APR_ARRAY_IDX(heads, i, const store_crl_head_t *)));
    ctl_print_rows(ctl, list, columns);
    return CTL_OK;
}

const ctl_command_t ctl_crl_commands[] = {
    {"crl", "list", CTL_NEEDS_STORE, 0, 0, "", NULL,
     "the current list of revoked certificates of each issuer", crl_list},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
