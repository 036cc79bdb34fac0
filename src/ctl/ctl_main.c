/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_strings.h>
#include <apr_user.h>

#include "acme/acme_audit.h"

#include "base/banned.h"

/* Ids of a command's own options; the general ones are their letters. */
#define OWN_FIRST 256
#define OWN_MAX   32

static const apr_getopt_option_t general[] = {
    {"config", 'c', 1, ""}, {"httpd", 'x', 1, ""}, {"server", 's', 1, ""},
    {"json", 'j', 0, ""},   {"help", 'h', 0, ""},  {NULL, 0, 0, NULL},
};
#define GENERAL (sizeof(general) / sizeof(general[0]) - 1)

static void general_set(ctl_t *ctl, int *is_help, int option, const char *value)
{
    switch (option) {
    case 'c':
        ctl->config = value;
        break;
    case 'x':
        ctl->httpd = value;
        break;
    case 's':
        ctl->server = value;
        break;
    case 'j':
        ctl->is_json = 1;
        break;
    case 'h':
        *is_help = 1;
        break;
    }
}

/* The general options, then the command's own; apr_getopt_long says itself what
 * it does not like. */
static ctl_exit_e options_parse(ctl_t *ctl, int *is_help, apr_getopt_t *os,
                                const ctl_option_t *own)
{
    apr_getopt_option_t all[GENERAL + OWN_MAX + 1] = {{0}};
    const char *value;
    apr_status_t rv;
    int option, i;

    memcpy(all, general, sizeof(general));
    for (i = 0; own && own[i].name && i < OWN_MAX; i++) {
        all[GENERAL + (size_t)i].name = own[i].name;
        all[GENERAL + (size_t)i].optch = OWN_FIRST + i;
        all[GENERAL + (size_t)i].has_arg = own[i].value != NULL;
    }
    rv = apr_getopt_long(os, all, &option, &value);
    while (rv == APR_SUCCESS) {
        if (option >= OWN_FIRST) /* NOLINTNEXTLINE(*core.NullDereference) */
            apr_table_addn(ctl->options, own[option - OWN_FIRST].name,
                           value ? value : "");
        else
            general_set(ctl, is_help, option, value);
        rv = apr_getopt_long(os, all, &option, &value);
    }
    return rv == APR_EOF ? CTL_OK : CTL_USAGE;
}

/* What follows the command's words; argv[0] is the last of them. */
static ctl_exit_e rest_parse(ctl_t *ctl, int *is_help,
                             const ctl_command_t *command, int argc,
                             const char *const *argv)
{
    const char **copy =
        apr_pcalloc(ctl->pool, ((size_t)argc + 1) * sizeof(*copy));
    apr_getopt_t *os;
    ctl_exit_e code;
    apr_status_t rv;

    memcpy(copy, argv, (size_t)argc * sizeof(*copy));
    copy[0] = "acmectl";
    rv = apr_getopt_init(&os, ctl->pool, argc, copy);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "command line", "");
    os->interleave = 1;
    code = options_parse(ctl, is_help, os, command->options);
    if (code != CTL_OK || *is_help)
        return code;
    argc -= os->ind;
    ctl->args = (const char *const *)os->argv + os->ind;
    ctl->id = argc > 0 ? ctl->args[0] : NULL;
    if (argc < command->args_min)
        return ctl_command_usage("wanted: ", command->args);
    if (argc > command->args_max)
        return ctl_command_usage("unwanted: ", ctl->args[command->args_max]);
    return CTL_OK;
}

static ctl_exit_e command_run(ctl_t *ctl, const ctl_command_t *command)
{
    apr_int64_t limit = 100;
    ctl_exit_e code = ctl_option_number(&limit, ctl, "limit", 1, 10000);

    ctl->limit = (int)limit;
    if (code == CTL_OK && command->needs >= CTL_NEEDS_CONF)
        code = ctl_conf_load(ctl);
    if (code != CTL_OK)
        return code;
    if (command->needs >= CTL_NEEDS_STORE)
        code = ctl_store_open(ctl, 0);
    return code == CTL_OK ? command->run(ctl) : code;
}

static ctl_exit_e command_line(ctl_t *ctl, int argc, const char *const *argv)
{
    const ctl_command_t *command;
    int is_help = 0, words;
    ctl_exit_e code;
    apr_getopt_t *os;
    apr_status_t rv = apr_getopt_init(&os, ctl->pool, argc, argv);

    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "command line", "");
    code = options_parse(ctl, &is_help, os, NULL);
    if (code != CTL_OK)
        return code;
    argv += os->ind;
    argc -= os->ind;
    if (is_help ||
        (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))))
        return ctl_command_help(argc > 0 ? argv[0] : NULL,
                                argc > 1 && *argv[1] != '-' ? argv[1] : NULL);
    code = ctl_command_find(&command, argc, argv);
    if (code != CTL_OK)
        return code;
    words = *command->verb ? 2 : 1;
    code =
        rest_parse(ctl, &is_help, command, argc - words + 1, argv + words - 1);
    if (code == CTL_OK && is_help)
        return ctl_command_help(command->noun, command->verb);
    return code == CTL_OK ? command_run(ctl, command) : code;
}

/* The user who called, however root became so is not known for sure. */
static const char *who_find(apr_pool_t *pool)
{
    char *name;

    if (apr_uid_name_get(&name, getuid(), pool) != APR_SUCCESS)
        name = apr_ltoa(pool, (long)getuid());
    return apr_pstrcat(pool, ACME_AUDIT_OPERATOR, name, NULL);
}

/* log_t.write: what the library has to say, to stderr. */
static void log_stderr(void *baton, log_level_e level, const char *tag,
                       apr_status_t rv, const char *text)
{
    char reason[128];

    if (rv == APR_SUCCESS)
        ctl_print_error("%s", text);
    else
        ctl_print_error("%s (%s)", text,
                        apr_strerror(rv, reason, sizeof(reason)));
}

int main(int argc, const char *const *argv, const char *const *env)
{
    static const log_t log = {log_stderr, NULL, LOG_LEVEL_WARNING};
    ctl_t ctl = {.httpd = "apachectl", .log = &log, .audit = -1};
    ctl_exit_e code;

    if (apr_app_initialize(&argc, &argv, &env) != APR_SUCCESS ||
        apr_pool_create(&ctl.pool, NULL) != APR_SUCCESS)
        return CTL_FAILED;
    ctl.options = apr_table_make(ctl.pool, 8);
    ctl.who = who_find(ctl.pool);
    code = command_line(&ctl, argc, argv);
    apr_pool_destroy(ctl.pool);
    apr_terminate();
    return code;
}
