/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_strings.h>

#include "base/banned.h"

#define LIST_OPTIONS "[--limit N] [--before ID] "

typedef struct {
    const char *noun, *verb;
    int has_id;
    const char *usage; /* what follows the verb */
    const char *help;
    ctl_exit_e (*run)(ctl_t *ctl);
} command_t;

static const command_t commands[] = {
    {"account", "list", 0, LIST_OPTIONS, "the accounts, newest first",
     ctl_account_list},
    {"account", "show", 1, "ID", "all about an account", ctl_account_show},
    {"account", "deactivate", 1, "ID",
     "for good: it can do nothing any more; its certificates stay valid",
     ctl_account_deactivate},
    {"order", "list", 0, LIST_OPTIONS "[--account ID]",
     "the orders, newest first", ctl_order_list},
    {"order", "show", 1, "ID", "all about an order", ctl_order_show},
    {"cert", "list", 0, LIST_OPTIONS "[--account ID]",
     "the certificates, newest first", ctl_cert_list},
    {"cert", "show", 1, "ID|SERIAL", "all about a certificate, and its PEM",
     ctl_cert_show},
    {"db", "check", 0, "",
     "look the database over; exit code 4 when something is wrong",
     ctl_db_check},
    {NULL, NULL, 0, NULL, NULL, NULL},
};

static const apr_getopt_option_t options[] = {
    {"config", 'c', 1,
     "FILE: configuration as `apachectl -t -D DUMP_ACME_CONFIG` printed it"},
    {"httpd", 'x', 1,
     "CMD: the command that starts httpd [apachectl], asked without --config"},
    {"server", 's', 1, "NAME: which ACME virtual host, if there are several"},
    {"json", 'j', 0, "print JSON"},
    {"account", 'a', 1, "ID: only what belongs to this account"},
    {"limit", 'l', 1, "N: so many rows at most [100]"},
    {"before", 'b', 1, "ID: go on behind this row"},
    {"help", 'h', 0, "this, or more about a command"},
    {NULL, 0, 0, NULL},
};

/* Help for the commands of this noun and verb; NULL means any. */
static ctl_exit_e help(const char *noun, const char *verb)
{
    const apr_getopt_option_t *option;
    const command_t *command;
    int found = 0;

    printf("usage: acmectl [options] COMMAND\n\ncommands:\n");
    for (command = commands; command->noun; command++) {
        if ((noun && strcmp(noun, command->noun) != 0) ||
            (verb && strcmp(verb, command->verb) != 0))
            continue;
        printf("  %s %s %s\n      %s\n", command->noun, command->verb,
               command->usage, command->help);
        found = 1;
    }
    if (!found)
        return noun ? help(NULL, NULL) : CTL_USAGE;
    printf("\noptions:\n");
    for (option = options; option->name; option++)
        printf("  -%c, --%-8s  %s\n", option->optch, option->name,
               option->description);
    printf("\nexit code: 0 done, 1 failed, 2 wrong command line, 3 not found, "
           "4 a check found something\n");
    return CTL_OK;
}

static ctl_exit_e usage_error(const char *what, const char *value)
{
    ctl_print_error("%s%s; acmectl --help says more", what, value);
    return CTL_USAGE;
}

/* Not to leave files of root beside a database that httpd's children write,
 * root becomes whom the database belongs to. */
static ctl_exit_e owner_become(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        ctl_print_error("%s: there is no database (yet), or it may not be read",
                        path);
        return CTL_FAILED;
    }
    if (geteuid() != 0 || st.st_uid == 0)
        return CTL_OK;
    if (setgroups(0, NULL) != 0 || setgid(st.st_gid) != 0 ||
        setuid(st.st_uid) != 0) {
        ctl_print_error("%s: cannot become its owner", path);
        return CTL_FAILED;
    }
    return CTL_OK;
}

static ctl_exit_e command_run(ctl_t *ctl, const command_t *command)
{
    ctl_exit_e code = ctl_conf_load(ctl);
    apr_status_t rv;

    if (code == CTL_OK && strcmp(ctl->conf->store.driver, "sqlite3") == 0)
        code = owner_become(ctl->conf->store.params);
    if (code != CTL_OK)
        return code;
    rv = store_open(&ctl->store, &ctl->conf->store, ctl->log, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "database", ctl->conf->store.params);
    return command->run(ctl);
}

static ctl_exit_e command_find(const command_t **found, ctl_t *ctl, int nargs,
                               const char *const *args)
{
    const command_t *command;

    if (nargs < 2)
        return usage_error("a command has two words, ", "\"account list\"");
    for (command = commands; command->noun; command++) {
        if (strcmp(command->noun, args[0]) == 0 &&
            strcmp(command->verb, args[1]) == 0)
            break;
    }
    if (!command->noun)
        return usage_error("no such command: ",
                           apr_pstrcat(ctl->pool, args[0], " ", args[1], NULL));
    if (nargs != 2 + command->has_id)
        return usage_error(command->has_id ? "wanted is one " : "unwanted: ",
                           command->has_id ? command->usage : args[2]);
    ctl->id = command->has_id ? args[2] : NULL;
    *found = command;
    return CTL_OK;
}

static ctl_exit_e option_set(ctl_t *ctl, int option, const char *value)
{
    char *end;

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
    case 'a':
        ctl->account = value;
        break;
    case 'b':
        ctl->before = value;
        break;
    case 'l':
        ctl->limit = (int)strtol(value, &end, 10);
        if (*end || ctl->limit < 1 || ctl->limit > 10000)
            return usage_error("--limit is a number from 1 to 10000, not ",
                               value);
        break;
    }
    return CTL_OK;
}

static ctl_exit_e command_line(ctl_t *ctl, int argc, const char *const *argv)
{
    const command_t *command;
    ctl_exit_e code;
    apr_getopt_t *os;
    apr_status_t rv;
    const char *value;
    int option, is_help = 0;

    rv = apr_getopt_init(&os, ctl->pool, argc, argv);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "command line", "");
    os->interleave = 1;
    rv = apr_getopt_long(os, options, &option, &value);
    while (rv == APR_SUCCESS) {
        if (option == 'h')
            is_help = 1;
        code = option_set(ctl, option, value);
        if (code != CTL_OK)
            return code;
        rv = apr_getopt_long(os, options, &option, &value);
    }
    if (rv != APR_EOF)
        return CTL_USAGE; /* apr_getopt_long has said what */
    argv = (const char *const *)os->argv + os->ind;
    argc -= os->ind;
    if (is_help)
        return help(argc > 0 ? argv[0] : NULL, argc > 1 ? argv[1] : NULL);
    code = command_find(&command, ctl, argc, argv);
    return code == CTL_OK ? command_run(ctl, command) : code;
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
    ctl_t ctl = {.httpd = "apachectl", .limit = 100, .log = &log};
    ctl_exit_e code;

    if (apr_app_initialize(&argc, &argv, &env) != APR_SUCCESS ||
        apr_pool_create(&ctl.pool, NULL) != APR_SUCCESS)
        return CTL_FAILED;
    code = command_line(&ctl, argc, argv);
    apr_pool_destroy(ctl.pool);
    apr_terminate();
    return code;
}
