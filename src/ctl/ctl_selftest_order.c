/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/pjson.h"
#include "base/words.h"

#include "base/banned.h"

/* RFC 8555 7.4 and 7.1.3: newOrder and its orders. */

static void created(ctl_test_t *t)
{
    if (!ctl_need_order(t))
        return;
    ctl_test_is(t, t->order, "201", NULL, "newOrder");
    if (!words_text_has("pending ready", ctl_test_text(t->order, "status")))
        ctl_test_fail(t, t->order, "a new order is neither pending nor ready");
    if (ctl_test_headers(t->order, "Location") != 1)
        ctl_test_fail(t, t->order, "not one Location");
    if (!json_is_array(json_object_get(t->order->json, "authorizations")))
        ctl_test_fail(t, t->order, "no array of authorizations");
    if (!*ctl_test_text(t->order, "finalize"))
        ctl_test_fail(t, t->order, "no finalize URL");
}

/* newOrder with these identifiers is refused. */
static void refuse(ctl_test_t *t, const char *identifiers, const char *problems,
                   const char *what)
{
    ctl_test_is(t,
                ctl_test_order_of(t, apr_pstrcat(t->pool, "\"identifiers\":",
                                                 identifiers, NULL)),
                "4xx", problems, what);
}

static const char *dns(ctl_test_t *t, const char *prefix, const char *suffix)
{
    return apr_pstrcat(t->pool, "[{\"type\":\"dns\",\"value\":\"", prefix,
                       t->name, suffix, "\"}]", NULL);
}

static void identifiers(ctl_test_t *t)
{
    if (!ctl_need_account(t))
        return;
    refuse(t, "[]", "malformed", "no identifiers");
    ctl_test_is(t, ctl_test_order_of(t, "\"selftest\":1"), "4xx", "malformed",
                "no member identifiers");
    refuse(t, "[{\"type\":\"selftest\",\"value\":\"x\"}]",
           "unsupportedIdentifier", "an identifier of an unknown type");
}

/* "a.Name" → "A.NAME" */
static const char *capitals(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *c;

    for (c = copy; *c; c++)
        *c = apr_toupper(*c);
    return copy;
}

static void normal(ctl_test_t *t)
{
    const ctl_answer_t *answer;
    json_t *list;
    const char *value;

    if (!ctl_need_order(t))
        return;
    answer = ctl_test_order_of(
        t, apr_psprintf(t->pool,
                        "\"identifiers\":[{\"type\":\"dns\",\"value\":\"%s\"},"
                        "{\"type\":\"dns\",\"value\":\"%s\"}]",
                        capitals(t->name, t->pool), t->name));
    if (ctl_test_is(t, answer, "201", NULL, "a name twice, once in capitals")) {
        list = json_object_get(answer->json, "identifiers");
        value = json_string_value(
            json_object_get(json_array_get(list, 0), "value"));
        if (json_array_size(list) != 1 || !value || strcmp(value, t->name))
            ctl_test_fail(t, answer, "the order is not for %s alone", t->name);
    }
    refuse(t, dns(t, "", "."), "malformed rejectedIdentifier",
           "a name with a dot behind it");
}

static void wildcards(ctl_test_t *t)
{
    const ctl_answer_t *order, *authz;
    json_t *identifier;
    const char *value, *url;

    if (!ctl_need_order(t))
        return;
    if (json_object_get(t->authz->json, "wildcard"))
        ctl_test_fail(t, t->authz, "\"wildcard\" where there is none");
    refuse(t, dns(t, "*.*.", ""), "malformed rejectedIdentifier",
           "a name with two wildcards");
    refuse(t, dns(t, "a.*.", ""), "malformed rejectedIdentifier",
           "a wildcard in the middle");
    refuse(t, "[{\"type\":\"dns\",\"value\":\"*\"}]",
           "malformed rejectedIdentifier", "a wildcard and nothing else");
    order = ctl_test_order_of(
        t, apr_pstrcat(t->pool, "\"identifiers\":", dns(t, "*.", ""), NULL));
    url = ctl_test_authz_url(order, 0);
    if (order->status != 201 || !url)
        return; /* they are not offered, or not for this name */
    authz = ctl_test_post(t, t->account, url, "");
    identifier = json_object_get(authz->json, "identifier");
    value = json_string_value(json_object_get(identifier, "value"));
    if (!value || strcmp(value, t->name) ||
        !json_is_true(json_object_get(authz->json, "wildcard")))
        ctl_test_fail(t, authz,
                      "a wildcard's authorization is for the base "
                      "name, with \"wildcard\":true");
    if (ctl_test_challenge(authz, "http-01") ||
        ctl_test_challenge(authz, "tls-alpn-01"))
        ctl_test_fail(t, authz, "a challenge that does not prove a wildcard");
}

static void labels(ctl_test_t *t)
{
    if (!ctl_need_account(t))
        return;
    refuse(t, dns(t, "b\\u00fccher.", ""), "malformed rejectedIdentifier",
           "a U-label");
    refuse(t, dns(t, "xn--b.", ""), "malformed rejectedIdentifier",
           "an A-label of nothing");
}

/* Honoured exactly, or refused. */
static void wish(ctl_test_t *t, const char *name, apr_int64_t at)
{
    const char *text = clock_rfc3339(at, t->pool);
    const ctl_answer_t *answer = ctl_test_order(
        t, apr_pstrcat(t->pool, ",\"", name, "\":\"", text, "\"", NULL));
    apr_int64_t got = 0;

    if (answer->status != 201)
        ctl_test_is(t, answer, "4xx", NULL, name);
    else if (clock_rfc3339_parse(&got, ctl_test_text(answer, name)) !=
                 APR_SUCCESS ||
             got != at)
        ctl_test_fail(t, answer, "the order has not the %s that was asked for",
                      name);
}

static void dates(ctl_test_t *t)
{
    apr_int64_t now = clock_seconds(&clock_system);

    if (!ctl_need_order(t))
        return;
    wish(t, "notAfter", now + 5 * 86400);
    ctl_test_is(t, ctl_test_order(t, ",\"notAfter\":\"tomorrow\""), "4xx", NULL,
                "a notAfter that is no date");
    ctl_test_is(
        t,
        ctl_test_order(t, apr_psprintf(t->pool,
                                       ",\"notBefore\":\"%s\","
                                       "\"notAfter\":\"%s\"",
                                       clock_rfc3339(now + 7200, t->pool),
                                       clock_rfc3339(now + 3600, t->pool))),
        "4xx", NULL, "an end before its start");
}

static void expiry_check(ctl_test_t *t, const ctl_answer_t *answer)
{
    const char *text = ctl_test_text(answer, "expires");
    apr_int64_t at;

    if (!*text)
        ctl_test_fail(t, answer, "no expires");
    else if (clock_rfc3339_parse(&at, text) != APR_SUCCESS)
        ctl_test_fail(t, answer, "expires is no date of RFC 3339");
}

static void expiry(ctl_test_t *t)
{
    if (!ctl_need_order(t))
        return;
    expiry_check(t, t->order);
    if (words_text_has("pending valid", ctl_test_text(t->authz, "status")))
        expiry_check(t, t->authz);
}

static void constant(ctl_test_t *t)
{
    static const char *const arrays[] = {"identifiers", "authorizations",
                                         "finalize", NULL};
    const ctl_answer_t *answer;
    int i;

    if (!ctl_need_order(t))
        return;
    answer =
        ctl_test_post(t, t->account, ctl_test_header(t->order, "Location"), "");
    if (!ctl_test_is(t, answer, "200", NULL, "reading the order"))
        return;
    for (i = 0; arrays[i]; i++)
        if (!json_equal(json_object_get(answer->json, arrays[i]),
                        json_object_get(t->order->json, arrays[i])))
            ctl_test_fail(t, answer, "%s is not what newOrder said", arrays[i]);
}

static void unknown_fields(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!ctl_need_order(t))
        return;
    answer = ctl_test_order(t, ",\"selftest\":{\"a\":[1]}");
    if (ctl_test_is(t, answer, "201", NULL, "an unknown member of newOrder") &&
        json_object_get(answer->json, "selftest"))
        ctl_test_fail(t, answer, "the unknown member is reflected");
}

static void not_ready(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!ctl_need_order(t))
        return;
    answer =
        ctl_test_post(t, t->account, ctl_test_header(t->order, "Location"), "");
    if (strcmp(ctl_test_text(answer, "status"), "pending")) {
        ctl_test_skip(t, "the order is %s, not pending",
                      ctl_test_text(answer, "status"));
        return;
    }
    ctl_test_is(t,
                ctl_test_post(t, t->account,
                              ctl_test_text(t->order, "finalize"),
                              ctl_test_csr(t, ctl_test_signer(t, "P-256")->key,
                                           t->name, NULL)),
                "403", "orderNotReady", "finalize of a pending order");
}

const ctl_rule_t ctl_rules_order[] = {
    {"T45 R17 R36", "RFC 8555 7.4", "newOrder: 201, Location, pending or ready",
     created},
    {"T46", "RFC 8555 7.4", "identifiers that are none are told as such",
     identifiers},
    {"T47", "RFC 8555 7.1.3", "names are lower case, and each is there once",
     normal},
    {"T48", "RFC 8555 7.1.4",
     "wildcards are in front, and in authorizations a "
     "member",
     wildcards},
    {"T49", "RFC 8555 7.1.4", "labels of other scripts are valid A-labels",
     labels},
    {"T50", "RFC 8555 7.4", "wished dates are honoured or refused", dates},
    {"T51", "RFC 8555 7.1.3", "orders and authorizations expire", expiry},
    {"T52", "RFC 8555 7.1.3", "an order's names and URLs never change",
     constant},
    {"R33", "RFC 8555 7.4", "unknown members of newOrder are ignored",
     unknown_fields},
    {"T55", "RFC 8555 7.4", "what is not ready is not finalized", not_ready},
    {NULL, NULL, NULL, NULL},
};
