/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl_policy.h"

#include "base/banned.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "-";
}

static void line(const char *name, const char *text)
{
    printf("%-16s %s\n", name, text);
}

static void addresses_print(const json_t *answer)
{
    json_t *row;
    size_t i;

    line("resolver", json_is_null(json_object_get(answer, "resolver"))
                         ? "nobody: it is an address"
                         : text_of(answer, "resolver"));
    if (!json_is_null(json_object_get(answer, "resolverSays")))
        line("resolverSays", text_of(answer, "resolverSays"));
    json_array_foreach(json_object_get(answer, "addresses"), i, row)
    {
        int is_allowed = json_is_true(json_object_get(row, "allowed"));

        printf("%-16s %s: %s%s\n", "address", text_of(row, "address"),
               is_allowed ? "may be dialled" : "denied by rule ",
               is_allowed ? "" : text_of(row, "deniedBy"));
    }
}

static void servers_print(const json_t *part)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(part, "nameServers"), i, row)
    {
        printf("%-16s %s (%s) of %s: %s\n", "  name server",
               text_of(row, "server"), text_of(row, "address"),
               text_of(row, "zone"), text_of(row, "says"));
    }
}

/* Those that there are. */
static void members_print(const json_t *part, const char *const *members)
{
    int i;

    for (i = 0; members[i]; i += 2)
        if (json_is_string(json_object_get(part, members[i])))
            line(members[i + 1], text_of(part, members[i]));
}

static void methods_print(const json_t *answer)
{
    static const char *const before[] = {"record", "  record", "zone", "  zone",
                                         NULL};
    static const char *const after[] = {
        "finding", "  finding", "seen", "  seen", "caa", "  CAA", NULL};
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(answer, "methods"), i, row)
    {
        line(text_of(row, "method"), text_of(row, "says"));
        members_print(row, before);
        servers_print(row);
        members_print(row, after);
    }
}

void ctl_check_print(const ctl_check_t *check)
{
    static const char *const head[] = {"name", "profile", "offered", "verdict",
                                       NULL};
    const json_t *answer = check->answer;
    const json_t *policy = json_object_get(answer, "policy");
    int i;

    if (check->ctl->is_json) {
        ctl_print_object(check->ctl, answer);
        return;
    }
    for (i = 0; head[i]; i++)
        line(head[i], text_of(answer, head[i]));
    line("policy", text_of(policy, "verdict"));
    ctl_policy_print(policy);
    addresses_print(answer);
    methods_print(answer);
    printf("\n");
    ctl_print_object(check->ctl, json_object_get(answer, "configuration"));
}
