/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <stdio.h>

#include "base/own.h"

#include "base/banned.h"

static ctl_exit_e db_check(ctl_t *ctl)
{
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *findings;
    apr_status_t rv;
    int i;

    rv = store_check(&findings, ctl->store, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "check", "");
    for (i = 0; i < findings->nelts; i++) {
        const char *finding = APR_ARRAY_IDX(findings, i, const char *);

        json_array_append_new(list, json_string(finding));
        if (!ctl->is_json)
            printf("%s\n", finding);
    }
    if (ctl->is_json)
        ctl_print_list(ctl, list, NULL);
    else if (findings->nelts == 0)
        printf("%s: all is well\n", ctl->conf->store.params);
    return findings->nelts ? CTL_FINDINGS : CTL_OK;
}

const ctl_command_t ctl_db_commands[] = {
    {"db", "check", CTL_NEEDS_STORE, 0, 0, "", NULL,
     "look the database over; exit code 4 when something is wrong", db_check},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
