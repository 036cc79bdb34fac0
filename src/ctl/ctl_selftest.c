/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest.h"

#include <stdio.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_signal.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "base/words.h"
#include "ctl/ctl_command.h"
#include "ctl/ctl_selftest_need.h"

#include "base/banned.h"

/* In the order in which they run. */
static const ctl_rule_t *const tables[] = {
    ctl_rules_directory, ctl_rules_nonce,  ctl_rules_jws,
    ctl_rules_account,   ctl_rules_eab,    ctl_rules_order,
    ctl_rules_transport, ctl_rules_authz,  ctl_rules_cert,
    ctl_rules_renewal,   ctl_rules_revoke, ctl_rules_deactivate,
    ctl_rules_keychange, ctl_rules_end,    ctl_rules_late,
    ctl_rules_all,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* Seconds to wait for the server in all. */
#define PATIENCE 180

/* Whoever interrupts us still has the accounts deactivated. */
static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
    is_stopped = 1;
}

static int is_among(const apr_array_header_t *names, const ctl_rule_t *rule)
{
    int i;

    for (i = 0; i < names->nelts; i++)
        if (words_text_has(rule->ids, APR_ARRAY_IDX(names, i, const char *)))
            return 1;
    return 0;
}

static int is_wanted(const ctl_t *ctl, const ctl_rule_t *rule)
{
    apr_array_header_t *only = ctl_option_all(ctl, "rule");

    return (!only->nelts || is_among(only, rule)) &&
           !is_among(ctl_option_all(ctl, "except"), rule);
}

/* Every rule that is named must be there. */
static ctl_exit_e names_check(const ctl_t *ctl, const char *option)
{
    apr_array_header_t *names = ctl_option_all(ctl, option);
    const ctl_rule_t *rule;
    int i, found;
    size_t j;

    for (i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        for (j = 0, found = 0; j < TABLES; j++)
            for (rule = tables[j]; rule->ids; rule++)
                found |= words_text_has(rule->ids, name);
        if (!found) {
            ctl_print_error("--%s %s: there is no such rule; acmectl selftest "
                            "--list has them all",
                            option, name);
            return CTL_USAGE;
        }
    }
    return CTL_OK;
}

static void list_add(json_t *list, const ctl_rule_t *rule)
{
    for (; rule->ids; rule++)
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:b,s:s}", "rule", rule->ids, "section",
                            rule->section, "judged", rule->run != NULL,
                            "sentence", rule->sentence));
}

static ctl_exit_e list_print(const ctl_t *ctl)
{
    static const char *const columns[] = {"rule", "section", "judged",
                                          "sentence", NULL};
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < TABLES; i++)
        list_add(list, tables[i]);
    list_add(list, ctl_rules_apart);
    ctl_print_rows(ctl, list, columns);
    json_decref(list);
    return CTL_OK;
}

/* Without --name it is the server's own, which it may refuse. */
static ctl_exit_e name_take(ctl_test_t *t)
{
    const char *name = ctl_option(t->ctl, "name");
    apr_uri_t uri;
    char *copy, *c;

    if (apr_uri_parse(t->pool, t->url, &uri) != APR_SUCCESS || !uri.hostname ||
        !uri.scheme || !uri.path || strncmp(uri.scheme, "http", 4))
        return ctl_command_usage("this is no URL of a directory: ", t->url);
    copy = apr_pstrdup(t->pool, name ? name : uri.hostname);
    for (c = copy; *c; c++) {
        *c = apr_tolower(*c);
        if (!apr_isalnum(*c) && *c != '.' && *c != '-' && *c != '_')
            return ctl_command_usage("this is no DNS name: ", copy);
    }
    t->name = copy;
    return CTL_OK;
}

static ctl_exit_e proof_take(ctl_test_t *t)
{
    const char *webroot = ctl_option(t->ctl, "webroot");
    apr_int64_t port = 0;
    ctl_exit_e code = ctl_option_number(&port, t->ctl, "http-port", 1, 65535);

    if (code != CTL_OK || (!webroot && !port))
        return code;
    if (webroot && port)
        return ctl_command_usage("either --webroot or ", "--http-port");
    if (!ctl_option(t->ctl, "name"))
        return ctl_command_usage("whoever answers http-01 needs ", "--name");
    return ctl_proof_make(&t->proof, webroot, (int)port, t->pool);
}

static ctl_exit_e options_take(ctl_test_t *t)
{
    const ctl_t *ctl = t->ctl;
    apr_int64_t pause = 50, patience = PATIENCE;
    ctl_exit_e code;

    t->url = ctl->id;
    t->eab_kid = ctl_option(ctl, "eab-kid");
    t->eab_key = ctl_option(ctl, "eab-key");
    if (!t->eab_kid != !t->eab_key)
        return ctl_command_usage("both or neither: ", "--eab-kid, --eab-key");
    code = names_check(ctl, "rule");
    if (code == CTL_OK)
        code = names_check(ctl, "except");
    if (code == CTL_OK)
        code = ctl_option_number(&pause, ctl, "pause", 0, 60000);
    if (code == CTL_OK)
        code = ctl_option_number(&patience, ctl, "wait", 0, 3600);
    t->pause = (int)pause;
    t->patience = (int)patience;
    if (code == CTL_OK)
        code = name_take(t);
    return code == CTL_OK ? proof_take(t) : code;
}

static ctl_exit_e selftest(ctl_t *ctl)
{
    ctl_test_t t = {.ctl = ctl, .pool = ctl->pool};
    const ctl_rule_t *rule;
    ctl_exit_e code;
    size_t i;

    if (ctl_option(ctl, "list"))
        return list_print(ctl);
    if (!ctl->id)
        return ctl_command_usage("wanted: ", "the URL of a directory");
    t.answers = apr_array_make(t.pool, 256, sizeof(ctl_answer_t *));
    t.accounts = apr_array_make(t.pool, 4, sizeof(ctl_signer_t *));
    t.issued = apr_array_make(t.pool, 2, sizeof(X509 *));
    t.results = apr_array_make(t.pool, 128, sizeof(ctl_result_t *));
    code = options_take(&t);
    apr_signal(SIGINT, stop);
    apr_signal(SIGTERM, stop);
    if (code == CTL_OK)
        code = ctl_test_open(&t);
    for (i = 0; code == CTL_OK && i < TABLES; i++)
        for (rule = tables[i]; rule->ids; rule++)
            if (is_wanted(ctl, rule) && !is_stopped)
                ctl_test_run(&t, rule);
    ctl_test_tidy(&t);
    if (code != CTL_OK)
        return code;
    code = ctl_test_report(&t, ctl_option(ctl, "verbose") != NULL);
    if (!is_stopped)
        return code;
    ctl_print_error("interrupted: not all rules were judged");
    return CTL_FAILED;
}

static const ctl_option_t options[] = {
    {"name", "NAME",
     "what is ordered: a DNS name that the server may give\n"
     "certificates for [the server's own]"},
    {"webroot", "DIR", "what NAME serves over HTTP: http-01 is answered there"},
    {"http-port", "N",
     "answer http-01 here on this port, which the server\n"
     "finds as port 80 of NAME"},
    {"eab-kid", "KID",
     "an external account key, for a server that requires\n"
     "one; it should be good for two accounts"},
    {"eab-key", "KEY", "its HMAC key, base64url"},
    {"ca", "FILE", "certificates that the server's TLS is checked by"},
    {"insecure", NULL, "do not check it"},
    {"rule", "RULE", "only this one (T18, R10); may be repeated"},
    {"except", "RULE", "not this one; may be repeated"},
    {"pause", "MS", "milliseconds before each request [50]"},
    {"wait", "S", "seconds in all that are waited for the server [180]"},
    {"verbose", NULL, "show all requests and answers"},
    {"list", NULL, "only show the rules"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_selftest_commands[] = {
    {"selftest", "", CTL_NEEDS_NOTHING, 0, 1, "URL", options,
     "Judge a live ACME server, ours or another's, by RFC 8555.\n"
     "\n"
     "Each rule passes, fails or is skipped, with the reason; a failure shows\n"
     "the RFC's section, what was sent and what was seen. Certificates are\n"
     "issued (and revoked) only where NAME is proven, or needs no proof:\n"
     "--webroot or --http-port, with --name. Accounts that were made are\n"
     "deactivated in the end. Two or three accounts and a dozen of orders are\n"
     "made, in about 150 requests, one after the other.\n"
     "\n"
     "0: no rule failed; 4: at least one did; 3: there is no ACME server; 1: "
     "it\n"
     "makes no account or order now, so that most rules were skipped.",
     selftest},
    {NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL},
};
