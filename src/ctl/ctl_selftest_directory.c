/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

/* RFC 8555 7.1.1, and drafts that speak through the directory. */

static const char *const wanted[] = {"newNonce",   "newAccount", "newOrder",
                                     "revokeCert", "keyChange",  NULL};

static void url_check(ctl_test_t *t, const char *what, const char *url)
{
    if (url && strncmp(url, "https://", 8))
        ctl_test_fail(t, NULL, "%s has the URL %s", what, url);
}

static void https(ctl_test_t *t)
{
    const char *name;
    json_t *value;

    url_check(t, "the directory", t->url);
    json_object_foreach(t->directory, name, value)
        url_check(t, name, json_string_value(value));
    if (ctl_need_account(t))
        url_check(t, "the account", t->account->kid);
}

/* What is advertised is there: it refuses what it does not understand, and is
 * neither unknown nor not implemented. */
static void advertised(ctl_test_t *t)
{
    const ctl_answer_t *answer = ctl_test_get(t, t->url);
    const char *name, *url;
    json_t *value;
    int i;

    for (i = 0; wanted[i]; i++)
        if (!ctl_test_resource(t, wanted[i]))
            ctl_test_fail(t, answer, "the directory has no %s", wanted[i]);
    if (!ctl_need_account(t))
        return;
    json_object_foreach(t->directory, name, value)
    {
        url = json_string_value(value);
        if (!url || !strcmp(name, "newNonce") || !strcmp(name, "renewalInfo"))
            continue;
        answer = ctl_test_post(t, t->account, url, "{}");
        if (answer->status == 404 || answer->status >= 500)
            ctl_test_fail(t, answer, "%s is advertised and is not there", name);
    }
}

static void directory_form(ctl_test_t *t)
{
    const ctl_answer_t *answer = ctl_test_get(t, t->url);
    const char *line = answer->body, *other;

    if (strcmp(answer->type, "application/json"))
        ctl_test_fail(t, answer, "its type is not application/json");
    for (line = strstr(line, "\"new"); line; line = strstr(line, "\"new")) {
        other = strstr(line + 1, "\"new");
        if (other && !memchr(line, '\n', (apr_size_t)(other - line))) {
            ctl_test_fail(t, answer,
                          "more than one member in a line, which "
                          "old clients read by line");
            return;
        }
        line++;
    }
    if (!json_is_boolean(ctl_test_meta(t, "externalAccountRequired")))
        ctl_test_fail(t, answer, "no meta.externalAccountRequired");
}

/* "…/acme/directory" → "…/acme/" */
static void parent(ctl_test_t *t)
{
    apr_size_t len = (apr_size_t)(strrchr(t->url, '/') - t->url);
    ctl_answer_t *answer =
        ctl_test_get(t, apr_pstrmemdup(t->pool, t->url, len));
    const char *location = ctl_test_header(answer, "Location");

    answer->is_apart = 1;
    if (len < strlen("https://a"))
        ctl_test_skip(t, "the directory has no parent");
    else if (!strstr(answer->body, t->url) &&
             !(location && strstr(t->url, location)) &&
             !(location && strstr(location, t->url)))
        ctl_test_fail(t, answer, "the answer does not lead to the directory");
}

static int is_profile(json_t *profiles)
{
    const char *name;
    json_t *text;

    json_object_foreach(profiles, name,
                        text) if (!json_is_string(text)) return 0;
    return json_is_object(profiles);
}

static void profiles(ctl_test_t *t)
{
    json_t *list = ctl_test_meta(t, "profiles");
    const char *name = json_object_iter_key(json_object_iter(list));
    const ctl_answer_t *answer;

    if (!list) {
        ctl_test_skip(t, "the directory has no profiles");
        return;
    }
    if (!is_profile(list))
        ctl_test_fail(t, NULL, "meta.profiles is no object of strings");
    if (!ctl_need_account(t))
        return;
    answer = ctl_test_order(t, ",\"profile\":\"selftest-unknown\"");
    ctl_test_is(t, answer, "4xx", "invalidProfile", "an unknown profile");
    if (!name)
        return;
    answer = ctl_test_order(
        t, apr_pstrcat(t->pool, ",\"profile\":\"", name, "\"", NULL));
    if (answer->status == 201 && strcmp(ctl_test_text(answer, "profile"), name))
        ctl_test_fail(t, answer, "the order does not show its profile");
}

const ctl_rule_t ctl_rules_directory[] = {
    {"R22", "RFC 8555 6.1", "all URLs are https", https},
    {"T31", "RFC 8555 7.1.1", "the directory is complete, and all of it works",
     advertised},
    {"R24", "RFC 8555 7.1.1", "the directory is JSON that old clients can read",
     directory_form},
    {"R25", "RFC 8555 7.1.1", "the URL above the directory leads to it",
     parent},
    {"T87", "acme-profiles 3",
     "profiles are listed, shown, and unknown ones told", profiles},
    {NULL, NULL, NULL, NULL},
};

/* What nobody can see from outside, and why; --list shows them. */
const ctl_rule_t ctl_rules_apart[] = {
    {"T22", "RFC 8555 6.5", "would need a restart of the server", NULL},
    {"T23", "RFC 8555 6.5", "both behaviours are right", NULL},
    {"T43", "RFC 8555 7.3.5", "would need a validation that is under way",
     NULL},
    {"T60", "RFC 8555 7.4", "would need finalizing twice at once", NULL},
    {"T61", "RFC 8555 7.4", "would need a change of the server's policy", NULL},
    {"T77", "RFC 8555 8.1", "a wrong thumbprint shows as a failed validation",
     NULL},
    {"T78 R26", "RFC 8555 8.3", "would need an http-01 answer that is wrong",
     NULL},
    {"T79", "RFC 8555 10.4", "would need redirects to forbidden addresses",
     NULL},
    {"T80", "RFC 8555 8.4", "would need a name server", NULL},
    {"T81", "RFC 8555 11.3", "would need a second account's validation", NULL},
    {"T83 R27", "RFC 8737 3", "would need a TLS server", NULL},
    {"T84", "RFC 8738 3", "would need an address of its own", NULL},
    {"T85", "RFC 8659 3", "would need a name server", NULL},
    {"R23", "RFC 8555 6.4", "aliases are not advertised", NULL},
    {"R28", "RFC 8555 7.3.4", "HMAC keys are handed out elsewhere", NULL},
    {NULL, NULL, NULL, NULL},
};
