/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

/* RFC 8555 7.3 and 7.1.2. */

static void created(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!ctl_need_account(t))
        return;
    answer = t->registered;
    ctl_test_is(t, answer, "201", NULL, "newAccount");
    if (strcmp(ctl_test_text(answer, "status"), "valid"))
        ctl_test_fail(t, answer, "the new account's status is not valid");
    if (!*ctl_test_text(answer, "orders"))
        ctl_test_fail(t, answer, "the account object has no orders URL");
    if (ctl_test_headers(answer, "Location") != 1)
        ctl_test_fail(t, answer, "not one Location");
}

static void existing(ctl_test_t *t)
{
    ctl_signer_t bare;
    const ctl_answer_t *answer;
    const char *location;

    if (!ctl_need_account(t))
        return;
    bare = *t->account;
    bare.kid = NULL;
    answer =
        ctl_test_post(t, &bare, ctl_test_resource(t, "newAccount"),
                      ctl_test_account_payload(
                          t, &bare, ",\"contact\":[\"selftest:ignored\"]"));
    ctl_test_is(t, answer, "200", NULL, "newAccount with a known key");
    location = ctl_test_header(answer, "Location");
    if (!location || strcmp(location, t->account->kid))
        ctl_test_fail(t, answer, "Location is not the account's URL");
    if (strstr(answer->body, "selftest:ignored"))
        ctl_test_fail(t, answer, "it has changed the account");
    answer = ctl_test_post(t, &bare, ctl_test_resource(t, "newAccount"),
                           "{\"onlyReturnExisting\":true}");
    ctl_test_is(t, answer, "200", NULL, "onlyReturnExisting with a known key");
}

static void only_existing(ctl_test_t *t)
{
    ctl_test_is(t,
                ctl_test_post(t, ctl_test_signer(t, "P-256"),
                              ctl_test_resource(t, "newAccount"),
                              "{\"onlyReturnExisting\":true}"),
                "400", "accountDoesNotExist",
                "onlyReturnExisting with an unknown key");
}

static void unknown_fields(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!ctl_need_other(t))
        return;
    answer = t->other_registered;
    if (json_object_get(answer->json, "selftest") ||
        json_object_get(answer->json, "onlyReturnExisting"))
        ctl_test_fail(t, answer, "an unknown field is reflected");
    if (strstr(ctl_test_text(answer, "orders"), "selftest.invalid"))
        ctl_test_fail(t, answer, "the client's orders URL is reflected");
    if (strcmp(ctl_test_text(answer, "status"), "valid"))
        ctl_test_fail(t, answer, "the client's status was heeded");
}

static const ctl_answer_t *contact_set(ctl_test_t *t, const char *contacts)
{
    return ctl_test_post(
        t, t->account, t->account->kid,
        apr_pstrcat(t->pool, "{\"contact\":[", contacts, "]}", NULL));
}

/* Refused, or plainly not taken. */
static void contact_refuse(ctl_test_t *t, const char *contact,
                           const char *problem)
{
    const ctl_answer_t *answer =
        contact_set(t, apr_pstrcat(t->pool, "\"", contact, "\"", NULL));

    if (answer->status == 200 && !strstr(answer->body, contact))
        return;
    ctl_test_is(t, answer, "400", problem, contact);
}

static void contacts(ctl_test_t *t)
{
    if (!ctl_need_account(t))
        return;
    contact_refuse(t, "selftest:nobody", "unsupportedContact");
    contact_refuse(
        t, apr_pstrcat(t->pool, "mailto:a@", t->name, ",b@", t->name, NULL),
        "invalidContact");
    contact_refuse(
        t, apr_pstrcat(t->pool, "mailto:a@", t->name, "?subject=x", NULL),
        "invalidContact");
    contact_set(t, "");
}

static void contact_space(ctl_test_t *t)
{
    if (!ctl_need_account(t))
        return;
    ctl_test_is(t,
                contact_set(t, apr_pstrcat(t->pool, "\"mailto: a@", t->name,
                                           "\"", NULL)),
                "200", NULL, "mailto: with a blank, as getssl writes it");
    ctl_test_is(t, contact_set(t, ""), "200", NULL, "no contact");
}

static void terms(ctl_test_t *t)
{
    const char *terms = json_string_value(ctl_test_meta(t, "termsOfService"));
    ctl_signer_t *signer;
    const ctl_answer_t *answer;

    if (!terms || !*terms) {
        ctl_test_skip(t, "the directory has no termsOfService");
        return;
    }
    if (json_is_true(ctl_test_meta(t, "externalAccountRequired"))) {
        ctl_test_skip(t, "it would cost an external account");
        return;
    }
    signer = ctl_test_signer(t, "P-256");
    answer = ctl_test_post(t, signer, ctl_test_resource(t, "newAccount"), "{}");
    ctl_test_account_note(t, signer, answer);
    if (ctl_test_is(t, answer, "403", "userActionRequired",
                    "newAccount without termsOfServiceAgreed") &&
        !ctl_test_links(answer, "terms-of-service", t->pool)->nelts)
        ctl_test_fail(t, answer, "no Link rel=\"terms-of-service\"");
}

static void update(ctl_test_t *t)
{
    const ctl_answer_t *answer;
    const char *contact =
        apr_pstrcat(t->pool, "mailto:selftest@", t->name, NULL);

    if (!ctl_need_account(t))
        return;
    answer = contact_set(t, apr_pstrcat(t->pool, "\"", contact, "\"", NULL));
    ctl_test_is(t, answer, "200", NULL, "an update of contact");
    if (strcmp(ctl_test_text(answer, "status"), "valid"))
        ctl_test_fail(t, answer, "the answer is no account object");
    if (json_object_get(answer->json, "contact") &&
        !strstr(answer->body, contact))
        ctl_test_fail(t, answer, "the contact was not changed");
    answer = contact_set(t, "");
    ctl_test_is(t, answer, "200", NULL, "contact: []");
    if (strstr(answer->body, contact))
        ctl_test_fail(t, answer, "the contact was not cleared");
}

static void no_change(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!ctl_need_account(t))
        return;
    answer = ctl_test_post(t, t->account, t->account->kid, "{}");
    if (ctl_test_is(t, answer, "200", NULL, "{} to the account") &&
        strcmp(ctl_test_text(answer, "status"), "valid"))
        ctl_test_fail(t, answer, "the answer is no valid account");
}

static void orders(ctl_test_t *t)
{
    const ctl_answer_t *answer;
    const char *url;
    json_t *list;

    if (!ctl_need_order(t))
        return;
    url = ctl_test_text(t->registered, "orders");
    if (!*url) {
        ctl_test_skip(t, "the account has no orders URL");
        return;
    }
    answer = ctl_test_post(t, t->account, url, "");
    if (!ctl_test_is(t, answer, "200", NULL, "the orders URL"))
        return;
    list = json_object_get(answer->json, "orders");
    if (!json_is_array(list))
        ctl_test_fail(t, answer, "no array \"orders\"");
    else if (!strstr(answer->body, ctl_test_header(t->order, "Location")) &&
             !ctl_test_links(answer, "next", t->pool)->nelts)
        ctl_test_fail(t, answer, "our order is not in the list");
}

/* Of what is not ours and of what is not there the same is said. */
static void stranger_check(ctl_test_t *t, const char *url, const char *what)
{
    const ctl_answer_t *theirs, *nobodys;
    apr_size_t len = strlen(url);
    char *other = apr_pstrdup(t->pool, url), *c = other + len - 3;

    if (*c >= '0' && *c <= '9')
        *c = *c == '9' ? '8' : '9';
    else
        *c = *c == 'A' ? 'B' : 'A';
    theirs = ctl_test_post(t, t->other, url, "");
    nobodys = ctl_test_post(t, t->other, other, "");
    if (!ctl_test_is(t, theirs, "401 403 404", NULL, what))
        return;
    if (theirs->status != nobodys->status && theirs->status != 401 &&
        theirs->status != 404)
        ctl_test_fail(t, theirs, "%s: told from what does not exist (%d)", what,
                      nobodys->status);
}

static void strangers(ctl_test_t *t)
{
    if (!ctl_need_order(t) || !ctl_need_other(t))
        return;
    stranger_check(t, t->account->kid, "another account's account");
    stranger_check(t, ctl_test_header(t->order, "Location"),
                   "another account's order");
    stranger_check(t, t->authz->url, "another account's authorization");
}

static void deactivated(ctl_test_t *t)
{
    ctl_signer_t bare;
    const ctl_answer_t *answer;

    if (!ctl_need_other(t))
        return;
    answer = ctl_test_post(t, t->other, t->other->kid,
                           "{\"status\":\"deactivated\"}");
    if (!ctl_test_is(t, answer, "200", NULL, "deactivation"))
        return;
    t->other->is_gone = 1;
    if (strcmp(ctl_test_text(answer, "status"), "deactivated"))
        ctl_test_fail(t, answer, "the answer does not say deactivated");
    ctl_test_is(t, ctl_test_post(t, t->other, t->other->kid, ""), "401",
                "unauthorized", "a deactivated account");
    bare = *t->other;
    bare.kid = NULL;
    ctl_test_is(t,
                ctl_test_post(t, &bare, ctl_test_resource(t, "newAccount"),
                              "{\"onlyReturnExisting\":true}"),
                "4xx", "unauthorized accountDoesNotExist",
                "newAccount with a deactivated account's key");
}

const ctl_rule_t ctl_rules_account[] = {
    {"T32 R10", "RFC 8555 7.3", "newAccount: 201, Location, valid, orders",
     created},
    {"T33", "RFC 8555 7.3.1", "a known key gets its account, unchanged",
     existing},
    {"T34 R30", "RFC 8555 7.3.1", "onlyReturnExisting makes no account",
     only_existing},
    {"T35", "RFC 8555 7.3", "unknown and server-set fields are ignored",
     unknown_fields},
    {"T36", "RFC 8555 7.3", "contacts of unknown or wrong form are told",
     contacts},
    {"R29", "RFC 8555 7.3", "contacts are judged softly", contact_space},
    {"T37", "RFC 8555 7.3", "terms of service must be agreed to", terms},
    {"T38", "RFC 8555 7.3.2", "contacts can be changed and cleared", update},
    {"R31", "RFC 8555 7.3.2", "{} changes nothing", no_change},
    {"T44 R35", "RFC 8555 7.1.2.1", "the account's orders are listed", orders},
    {"T29", "RFC 8555 10.5", "what is another account's is not shown",
     strangers},
    {NULL, NULL, NULL, NULL},
};

/* The second account is not needed any more. */
const ctl_rule_t ctl_rules_end[] = {
    {"T39", "RFC 8555 7.3.6", "a deactivated account can do nothing",
     deactivated},
    {NULL, NULL, NULL, NULL},
};
