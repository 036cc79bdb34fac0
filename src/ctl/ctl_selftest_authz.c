/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/words.h"

#include "base/banned.h"

/* RFC 8555 7.5 and 7.4.1: authorizations and their challenges. */

static int is_pending(ctl_test_t *t)
{
    if (!ctl_need_order(t))
        return 0;
    if (!strcmp(ctl_test_text(t->authz, "status"), "pending"))
        return 1;
    ctl_test_skip(t, "the authorization is %s from the start",
                  ctl_test_text(t->authz, "status"));
    return 0;
}

/* acme.sh reads by regular expression: nothing nested before these. */
static void challenge_form(ctl_test_t *t, json_t *challenge)
{
    static const char *const names[] = {"type", "url", "status", "token", NULL};
    const char *name;
    json_t *value;
    int i, seen = 0;

    json_object_foreach(challenge, name, value)
    {
        if (json_is_object(value) && seen < 4)
            ctl_test_fail(t, t->authz,
                          "an object before type, url, status or "
                          "token of a challenge");
        for (i = 0; names[i]; i++)
            seen += !strcmp(names[i], name);
    }
    for (i = 0; names[i]; i++)
        if (!json_is_string(json_object_get(challenge, names[i])))
            ctl_test_fail(t, t->authz, "a challenge without %s", names[i]);
    value = json_object_get(challenge, "error");
    if (value && !json_object_size(value))
        ctl_test_fail(t, t->authz, "a challenge with an empty error");
}

static void challenges(ctl_test_t *t)
{
    json_t *list, *one;
    size_t i;

    if (!ctl_need_order(t))
        return;
    list = json_object_get(t->authz->json, "challenges");
    if (!json_array_size(list))
        ctl_test_fail(t, t->authz, "an authorization without challenges");
    json_array_foreach(list, i, one) challenge_form(t, one);
}

static void value_once(ctl_test_t *t)
{
    const char *at;
    int n = 0;

    if (!ctl_need_order(t))
        return;
    for (at = strstr(t->authz->body, "\"value\""); at;
         at = strstr(at + 1, "\"value\""))
        n++;
    if (n != 1)
        ctl_test_fail(t, t->authz, "%d members \"value\" in an authorization",
                      n);
}

static void pending_form(ctl_test_t *t)
{
    json_t *list, *one;
    const char *status;
    size_t i;

    if (!is_pending(t))
        return;
    list = json_object_get(t->authz->json, "challenges");
    json_array_foreach(list, i, one)
    {
        status = json_string_value(json_object_get(one, "status"));
        if (status && words_text_has("valid invalid", status))
            ctl_test_fail(t, t->authz,
                          "a challenge that is %s in a pending "
                          "authorization",
                          status);
    }
}

/* Reading it begins nothing. */
static void challenge_read(ctl_test_t *t)
{
    const ctl_answer_t *answer;
    const char *url;

    if (!is_pending(t))
        return;
    url = json_string_value(
        json_object_get(ctl_test_challenge(t->authz, NULL), "url"));
    answer = ctl_test_post(t, t->account, url ? url : "", "");
    if (!ctl_test_is(t, answer, "200", NULL, "POST-as-GET of a challenge"))
        return;
    if (!*ctl_test_text(answer, "token"))
        ctl_test_fail(t, answer, "the answer is no challenge object");
    answer = ctl_test_post(t, t->account, url, "");
    if (strcmp(ctl_test_text(answer, "status"), "pending"))
        ctl_test_fail(t, answer, "reading a challenge has begun a validation");
}

static void answered(ctl_test_t *t)
{
    apr_array_header_t *up;

    if (!ctl_need_proven(t))
        return;
    if (!ctl_test_is(t, t->challenge, "200", NULL, "{} to a challenge"))
        return;
    up = ctl_test_links(t->challenge, "up", t->pool);
    if (up->nelts != 1 ||
        strcmp(APR_ARRAY_IDX(up, 0, const char *), t->proven->url))
        ctl_test_fail(t, t->challenge,
                      "no Link rel=\"up\" to the authorization");
    if (!words_text_has("pending processing valid",
                        ctl_test_text(t->challenge, "status")))
        ctl_test_fail(t, t->challenge, "the answer is no challenge object");
}

static void again(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (!ctl_need_proven(t))
        return;
    answer = ctl_test_post(t, t->account, t->challenge->url, "{}");
    if (ctl_test_is(t, answer, "200", NULL, "{} to a valid challenge") &&
        strcmp(ctl_test_text(answer, "status"), "valid"))
        ctl_test_fail(t, answer, "it is not valid any more");
}

static void proven(ctl_test_t *t)
{
    json_t *list, *one;
    size_t i;

    if (!ctl_need_proven(t))
        return;
    if (strcmp(ctl_test_text(t->proven, "status"), "valid"))
        ctl_test_fail(t, t->proven, "the authorization did not become valid");
    list = json_object_get(t->proven->json, "challenges");
    json_array_foreach(list, i, one)
    {
        const char *status = json_string_value(json_object_get(one, "status"));

        if (!status || strcmp(status, "valid"))
            ctl_test_fail(t, t->proven,
                          "a challenge of a valid authorization "
                          "is not valid");
        else if (!json_object_get(one, "validated"))
            ctl_test_fail(t, t->proven, "a valid challenge without validated");
        else if (json_object_get(one, "error"))
            ctl_test_fail(t, t->proven, "a valid challenge with an error");
    }
}

static void proven_expiry(ctl_test_t *t)
{
    if (ctl_need_proven(t) && !*ctl_test_text(t->proven, "expires"))
        ctl_test_fail(t, t->proven, "a valid authorization without expires");
}

static void speed(ctl_test_t *t)
{
    if (ctl_need_proven(t) && apr_time_sec(t->proving) > 8)
        ctl_test_fail(t, t->proven,
                      "a validation of %d seconds; simple clients give up "
                      "after 8",
                      (int)apr_time_sec(t->proving));
}

static void at_once(ctl_test_t *t)
{
    if (ctl_need_proven(t) && t->first_read &&
        !words_text_has("ready processing valid",
                        ctl_test_text(t->first_read, "status")))
        ctl_test_fail(t, t->first_read,
                      "the order is not ready as soon as its "
                      "authorizations are valid");
}

/* On an order of its own, which is invalid then. */
static void deactivated(ctl_test_t *t)
{
    const ctl_answer_t *order, *answer;
    const char *url;

    if (!ctl_need_order(t))
        return;
    order = ctl_test_order(t, "");
    url = ctl_test_authz_url(order, 0);
    if (!ctl_test_is(t, order, "201", NULL, "newOrder") || !url)
        return;
    ctl_test_is(t, ctl_test_post(t, t->account, url, "{\"status\":\"valid\"}"),
                "4xx", "malformed", "another status than deactivated");
    answer = ctl_test_post(t, t->account, url, "{\"status\":\"deactivated\"}");
    if (ctl_test_is(t, answer, "200", NULL, "deactivation") &&
        strcmp(ctl_test_text(answer, "status"), "deactivated"))
        ctl_test_fail(t, answer, "the answer does not say deactivated");
    answer =
        ctl_test_post(t, t->account, ctl_test_header(order, "Location"), "");
    if (ctl_test_is(t, answer, "200", NULL, "reading the order") &&
        strcmp(ctl_test_text(answer, "status"), "invalid"))
        ctl_test_fail(t, answer,
                      "the order of a deactivated authorization is "
                      "not invalid");
    /* Orders may share it. */
    t->order = t->authz = NULL;
}

static void pre_authorized(ctl_test_t *t)
{
    const char *url = ctl_test_resource(t, "newAuthz");
    const ctl_answer_t *answer;

    if (!url) {
        ctl_test_skip(t, "the directory has no newAuthz");
        return;
    }
    if (!ctl_need_order(t))
        return;
    answer = ctl_test_post(
        t, t->account, url,
        apr_pstrcat(t->pool, "{\"identifier\":{\"type\":\"dns\",\"value\":\"",
                    t->name, "\"}}", NULL));
    if (ctl_test_is(t, answer, "201", NULL, "newAuthz")) {
        if (!ctl_test_header(answer, "Location"))
            ctl_test_fail(t, answer, "no Location");
        if (!json_is_array(json_object_get(answer->json, "challenges")))
            ctl_test_fail(t, answer, "the answer is no authorization");
    }
    ctl_test_is(t,
                ctl_test_post(t, t->account, url,
                              apr_pstrcat(t->pool,
                                          "{\"identifier\":{\"type\":\"dns\","
                                          "\"value\":\"*.",
                                          t->name, "\"}}", NULL)),
                "4xx", NULL, "newAuthz for a wildcard");
}

const ctl_rule_t ctl_rules_authz[] = {
    {"R7", "RFC 8555 7.1.5", "challenges have what clients read, first of all",
     challenges},
    {"R8", "RFC 8555 7.1.4", "an authorization has one member \"value\"",
     value_once},
    {"R9", "RFC 8555 7.1.6", "nothing in a pending authorization is final",
     pending_form},
    {"T64 R15", "RFC 8555 7.5.1", "reading a challenge does not answer it",
     challenge_read},
    {"T63", "RFC 8555 7.5.1",
     "a challenge that is answered shows its authorization", answered},
    {"T62 T66", "RFC 8555 7.5",
     "a valid authorization shows what was validated", proven},
    {"T67", "RFC 8555 7.1.4", "a valid authorization expires", proven_expiry},
    {"T65 R14", "RFC 8555 7.5.1", "a valid challenge stays so", again},
    {"T53 R16", "RFC 8555 7.1.6", "the last valid authorization makes ready",
     at_once},
    {"R20", "RFC 8555 8", "validations are quick", speed},
    {"T69", "RFC 8555 7.4.1", "newAuthz authorizes in advance, no wildcards",
     pre_authorized},
    {NULL, NULL, NULL, NULL},
};

/* Behind what needs the authorizations. */
const ctl_rule_t ctl_rules_deactivate[] = {
    {"T68 T54", "RFC 8555 7.5.2", "a deactivated authorization ends its orders",
     deactivated},
    {NULL, NULL, NULL, NULL},
};
