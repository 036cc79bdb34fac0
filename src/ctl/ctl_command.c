/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_command.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

/* In the order of the help. */
static const ctl_command_t *const tables[] = {
    ctl_ca_commands,       ctl_issuer_commands, ctl_policy_commands,
    ctl_profile_commands,  ctl_limit_commands,  ctl_eab_commands,
    ctl_account_commands,  ctl_order_commands,  ctl_authz_commands,
    ctl_cert_commands,     ctl_renew_commands,  ctl_crl_commands,
    ctl_audit_commands,    ctl_db_commands,     ctl_check_commands,
    ctl_selftest_commands,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static int is_word(const char *wanted, const char *word)
{
    return !wanted || !strcmp(wanted, word);
}

/* What it is called by: "account list ID". */
static void words_print(const ctl_command_t *command)
{
    printf("acmectl %s%s%s%s%s", command->noun, *command->verb ? " " : "",
           command->verb, *command->args ? " " : "", command->args);
}

static void line_print(const ctl_command_t *command)
{
    printf("  ");
    words_print(command);
    printf("\n      %.*s\n", (int)strcspn(command->help, "\n"), command->help);
}

static void command_print(const ctl_command_t *command)
{
    const ctl_option_t *option = command->options;

    printf("usage: ");
    words_print(command);
    printf("%s\n\n%s\n", option ? " [options]" : "", command->help);
    if (option)
        printf("\noptions:\n");
    for (; option && option->name; option++) {
        const char *value = option->value ? option->value : "", *line;
        int width = 22 - (int)strlen(option->name) - 1;

        printf("  --%s %-*s", option->name, width, value);
        for (line = option->help; line; line = strchr(line, '\n')) {
            line += *line == '\n';
            printf("%*s%.*s\n", line == option->help ? 0 : 26, "",
                   (int)strcspn(line, "\n"), line);
        }
    }
}

static void tail_print(void)
{
    printf("\ngeneral options:\n"
           "  -c, --config FILE        configuration as `apachectl -t -D "
           "DUMP_ACME_CONFIG`\n"
           "                           printed it\n"
           "  -x, --httpd CMD          the command that starts httpd "
           "[apachectl], asked for\n"
           "                           its configuration\n"
           "  -s, --server NAME|URL    which ACME virtual host, if there are "
           "several: its\n"
           "                           ServerName or ACMEBaseURL\n"
           "  -j, --json               print JSON\n"
           "  -h, --help               this, or all about a command\n"
           "\nexit codes:\n"
           "  0  done\n"
           "  1  failed: no configuration, no database, a file that cannot be "
           "read …\n"
           "  2  wrong command line, or it asks for what makes no sense\n"
           "  3  there is no such thing\n"
           "  4  refused by a policy or a setting, or a check found something\n"
           "What fails changes nothing.\n");
}

/* How many commands have these words; *found: the only one, or the noun's own,
 * which has no verb. */
static int commands_count(const ctl_command_t **found, const char *noun,
                          const char *verb)
{
    const ctl_command_t *command, *last = NULL;
    int count = 0;
    size_t i;

    *found = NULL;
    for (i = 0; i < TABLES; i++)
        for (command = tables[i]; command->noun; command++)
            if (is_word(noun, command->noun) && is_word(verb, command->verb)) {
                last = command;
                if (noun && !*command->verb)
                    *found = command;
                count++;
            }
    if (count == 1)
        *found = last;
    return count;
}

ctl_exit_e ctl_command_help(const char *noun, const char *verb)
{
    const ctl_command_t *command, *found;
    int count = commands_count(&found, noun, verb);
    size_t i;

    if (!count)
        return noun ? ctl_command_help(verb ? noun : NULL, NULL) : CTL_USAGE;
    if (found)
        command_print(found);
    else
        printf("usage: acmectl [options] NOUN VERB [arguments] [options]\n");
    if (count > 1)
        printf("\n%scommands; `acmectl NOUN VERB --help` says more:\n",
               found ? "further " : "");
    for (i = 0; count > 1 && i < TABLES; i++)
        for (command = tables[i]; command->noun; command++)
            if (is_word(noun, command->noun) && is_word(verb, command->verb) &&
                command != found)
                line_print(command);
    tail_print();
    return CTL_OK;
}

ctl_exit_e ctl_command_usage(const char *what, const char *value)
{
    ctl_print_error("%s%s; acmectl --help says more", what, value);
    return CTL_USAGE;
}

ctl_exit_e ctl_command_find(const ctl_command_t **found, int argc,
                            const char *const *argv)
{
    const ctl_command_t *command;
    size_t i;

    for (i = 0; argc > 0 && i < TABLES; i++)
        for (command = tables[i]; command->noun; command++) {
            if (strcmp(command->noun, argv[0]) ||
                (*command->verb &&
                 (argc < 2 || strcmp(command->verb, argv[1]))))
                continue;
            *found = command;
            return CTL_OK;
        }
    if (argc < 2)
        return ctl_command_usage("a command has two words, like ",
                                 "\"account list\"");
    ctl_print_error("no such command: %s %s; acmectl --help has them all",
                    argv[0], argv[1]);
    return CTL_USAGE;
}
