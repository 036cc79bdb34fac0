/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include "base/own.h"

#include "base/banned.h"

static ctl_exit_e limit_list(ctl_t *ctl)
{
    static const char *const columns[] = {"limit", "value", "default", "counts",
                                          NULL};
    acme_limit_rule_t defaults[ACME_LIMIT_COUNT];
    json_t *list = own_json(ctl->pool, json_array());
    int i;

    acme_limit_defaults(defaults);
    for (i = 0; i < ACME_LIMIT_COUNT; i++)
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:s}", "limit",
                      acme_limit_name((acme_limit_e)i), "value",
                      acme_limit_rule_text(&ctl->conf->limits[i], ctl->pool),
                      "default", acme_limit_rule_text(&defaults[i], ctl->pool),
                      "counts", acme_limit_words((acme_limit_e)i)));
    ctl_print_rows(ctl, list, columns);
    return CTL_OK;
}

const ctl_command_t ctl_limit_commands[] = {
    {"limit", "list", CTL_NEEDS_CONF, 0, 0, "", NULL,
     "the rate limits in force (ACMERateLimit)", limit_list},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
