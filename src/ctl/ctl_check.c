/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <string.h>

#include <apr_strings.h>

#include "base/own.h"
#include "base/words.h"
#include "ctl/ctl_command.h"
#include "ctl/ctl_policy.h"
#include "policy/policy_challenge.h"

#include "base/banned.h"

static const char *const types[] = {"http-01", "dns-01", "tls-alpn-01",
                                    POLICY_CHALLENGE_ACCOUNT,
                                    POLICY_CHALLENGE_PERSIST};
#define TYPES (sizeof(types) / sizeof(types[0]))

static ctl_exit_e name_take(ctl_check_t *check)
{
    ctl_t *ctl = check->ctl;
    int flags = ctl->conf->underscore ? IDENTIFIER_UNDERSCORE : 0;
    identifier_t *identifier;
    problem_t *prob = identifier_parse(
        &identifier, identifier_type_guess(ctl->id), ctl->id, flags, ctl->pool);

    if (prob)
        return ctl_command_usage(prob->detail, "");
    check->identifier = identifier;
    check->domain = identifier_base(identifier);
    check->offered = policy_challenge_offer(check->profile->challenges,
                                            identifier, ctl->pool);
    return CTL_OK;
}

/* Is it about an account, and on, but nobody says which? */
static int wants_account(const ctl_t *ctl, const char *type)
{
    return ctl_check_is_account(type) && !ctl_option(ctl, "account") &&
           acme_conf_has_challenge(ctl->conf, type);
}

/* What is asked for is tried even where it is not offered: 4. */
static ctl_exit_e methods_take(ctl_check_t *check)
{
    const ctl_t *ctl = check->ctl;
    size_t i;

    check->methods = apr_array_make(ctl->pool, TYPES, sizeof(const char *));
    for (i = 0; i < TYPES; i++) {
        if (!ctl_option(ctl, types[i]))
            continue;
        if (wants_account(ctl, types[i]))
            return ctl_command_usage("it is about an account, so it wants "
                                     "--account ID: --",
                                     types[i]);
        APR_ARRAY_PUSH(check->methods, const char *) = types[i];
    }
    check->is_every = check->methods->nelts > 0;
    for (i = 0; i < TYPES && !check->is_every && check->profile->validation;
         i++)
        if (words_text_has(check->offered, types[i]))
            APR_ARRAY_PUSH(check->methods, const char *) = types[i];
    return CTL_OK;
}

/* By a command of its own, so that its options are policy explain's. */
static ctl_exit_e policy_take(ctl_check_t *check)
{
    ctl_t *ctl = check->ctl, sub = *ctl;
    const char *id = ctl_option(ctl, "account");
    const char *from = ctl_option(ctl, "from");
    store_account_t *account;
    ctl_exit_e code;
    json_t *answer;

    sub.options = apr_table_make(ctl->pool, 4);
    apr_table_addn(sub.options, "name", ctl->id);
    apr_table_addn(sub.options, "profile", check->profile->name);
    if (id)
        apr_table_addn(sub.options, "account", id);
    if (from)
        apr_table_addn(sub.options, "from", from);
    code = ctl_policy_ask(&answer, &sub);
    if (!answer)
        return code;
    json_object_set_new(check->answer, "policy", json_incref(answer));
    if (!id)
        return CTL_OK;
    code = ctl_print_status(
        store_account_get(&account, sub.store, id, ctl->pool), "account", id);
    if (code == CTL_OK)
        check->account = account;
    return code;
}

static int is_refused(const ctl_check_t *check)
{
    return json_array_size(json_object_get(
               json_object_get(check->answer, "policy"), "problems")) > 0;
}

/* Is one asked for that the profile does not offer for this name? */
static const char *unoffered(const ctl_check_t *check)
{
    int i;

    for (i = 0; i < check->methods->nelts; i++) {
        const char *type = APR_ARRAY_IDX(check->methods, i, const char *);

        if (!words_text_has(check->offered, type))
            return type;
    }
    return NULL;
}

/* Those by DNS can do without an address. */
static int is_address_wanted(const ctl_check_t *check)
{
    int i;

    for (i = 0; i < check->methods->nelts; i++)
        if (!ctl_check_is_dns(APR_ARRAY_IDX(check->methods, i, const char *)))
            return 1;
    return 0;
}

static const char *unoffered_words(const ctl_check_t *check, const char *type)
{
    const char *why = " is not offered: see ACMEProfileChallenges";

    if (!acme_conf_has_challenge(check->ctl->conf, type))
        why = strcmp(type, POLICY_CHALLENGE_PERSIST)
                  ? " is off: see ACMEDNSAccount"
                  : " is off: see ACMEDNSPersist";
    return apr_pstrcat(check->ctl->pool, type, why, NULL);
}

/* Do so many: all that were named, or else any? */
static int is_enough(const ctl_check_t *check, int count)
{
    return count && (!check->is_every || count == check->methods->nelts);
}

static ctl_exit_e judge(const char **verdict, const ctl_check_t *check)
{
    int count = check->methods->nelts;
    const char *type = unoffered(check);

    if (is_refused(check)) {
        *verdict = "refused by the policy";
        return CTL_FINDINGS;
    }
    if (type) {
        *verdict = unoffered_words(check, type);
        return CTL_FINDINGS;
    }
    if (!count && !check->profile->validation) {
        *verdict = "allowed: names need not be proven";
        return CTL_OK;
    }
    if (is_enough(check, check->works)) {
        *verdict = "a validation could work";
        return CTL_OK;
    }
    if (is_enough(check, check->works + check->doubtful)) {
        *verdict = "a validation could work, but something should be mended";
        return CTL_FINDINGS;
    }
    if (is_address_wanted(check) && !check->is_resolved) {
        *verdict = "the name does not resolve";
        return CTL_NOTFOUND;
    }
    *verdict = count ? "a validation would fail"
                     : "no method that can be tried is offered";
    return CTL_FINDINGS;
}

static void answer_begin(ctl_check_t *check)
{
    ctl_t *ctl = check->ctl;

    check->answer = own_json(ctl->pool, json_object());
    json_object_set_new(check->answer, "name",
                        json_string(check->identifier->value));
    json_object_set_new(check->answer, "profile",
                        json_string(check->profile->name));
    json_object_set_new(check->answer, "offered", json_string(check->offered));
    json_object_set_new(check->answer, "configuration",
                        ctl_check_conf(ctl->conf->dcv, ctl->pool));
}

static ctl_exit_e check_run(ctl_t *ctl)
{
    ctl_check_t check = {.ctl = ctl};
    const char *verdict;
    ctl_exit_e code = ctl_profile_find(&check.profile, ctl);

    if (code == CTL_OK)
        code = name_take(&check);
    if (code == CTL_OK)
        code = methods_take(&check);
    if (code != CTL_OK)
        return code;
    answer_begin(&check);
    code = policy_take(&check);
    if (code == CTL_OK)
        code = ctl_check_name(&check);
    if (code == CTL_OK)
        code = ctl_check_methods(&check);
    if (code != CTL_OK)
        return code;
    code = judge(&verdict, &check);
    json_object_set_new(check.answer, "verdict", json_string(verdict));
    ctl_check_print(&check);
    return code;
}

static const ctl_option_t check_options[] = {
    {"http-01", NULL, "try this; all that are named must work"},
    {"dns-01", NULL, "this"},
    {"tls-alpn-01", NULL, "this; without any, what the profile offers"},
    {POLICY_CHALLENGE_ACCOUNT, NULL, "this, for --account"},
    {POLICY_CHALLENGE_PERSIST, NULL,
     "this, for --account: a record that stays"},
    {"profile", "NAME", "whose policy and challenges, if there are several"},
    {"account", "ID", "for this account: its key, its CAA accounturi"},
    {"from", "IP", "the client's address; else networks are not looked at"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_check_commands[] = {
    {"check", "", CTL_NEEDS_CONF, 1, 1, "NAME", check_options,
     "could this name be validated? resolver, addresses, each method, policy\n"
     "By the server's own code and configuration, from this machine, with a "
     "token\nthat no client knows: that the answer is another one only shows "
     "that a client's\nwould be found there. By DNS: is there a zone for the "
     "record, and do all its name\nservers have it? The record itself is not "
     "there before an order, but that of\ndns-persist-01 is. Exit codes: 0 a "
     "validation could work, 3 the name does not\nresolve, 4 it would fail, "
     "is refused, or something should be mended.",
     check_run},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
