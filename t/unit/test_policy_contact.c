/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_contact.h"

#include <string.h>

#include "base/own.h"
#include "base/pjson.h"
#include "tap.h"

static problem_t *check(const char **normal, const char *json, apr_pool_t *pool)
{
    json_t *contact = own_json(pool, json_loads(json, 0, NULL)), *list = NULL;
    problem_t *prob;

    ok(contact, "%s", json);
    prob = policy_contact_check(&list, contact, pool);
    *normal = prob ? NULL : pjson_text(list, 0, pool);
    return prob;
}

/* Pairs: what is sent, what comes out. */
static void all_good(const char *const (*pairs)[2], apr_pool_t *pool)
{
    const char *normal;
    problem_t *prob;

    for (; (*pairs)[0]; ++pairs) {
        prob = check(&normal, (*pairs)[0], pool);
        ok(!prob, "%s: %s", (*pairs)[0], prob ? prob->detail : "");
        is_str(normal, (*pairs)[1]);
    }
}

/* Triples: what is sent, the type and a part of the detail. */
static void all_bad(const char *const (*triples)[3], apr_pool_t *pool)
{
    const char *normal;
    problem_t *prob;

    for (; (*triples)[0]; ++triples) {
        prob = check(&normal, (*triples)[0], pool);
        ok(prob, "%s", (*triples)[0]);
        if (!prob)
            continue;
        is_str(problem_name(prob->type), (*triples)[1]);
        ok(strstr(prob->detail, (*triples)[2]), "%s in %s", (*triples)[2],
           prob->detail);
        ok(pjson_text(problem_render(prob, pool), 0, pool));
    }
}

static void soft(apr_pool_t *pool)
{
    static const char *const pairs[][2] = {
        {"[]", "[]"},
        {"[\"\"]", "[]"},
        {"[\"  \"]", "[]"},
        {"[\"mailto:\"]", "[]"},
        {"[\"mailto: \"]", "[]"},
        {"[\"mailto:a@b\"]", "[\"mailto:a@b\"]"},
        {"[\"mailto: a@b\"]", "[\"mailto:a@b\"]"},
        {"[\" mailto:a@b \"]", "[\"mailto:a@b\"]"},
        {"[\"mailto:a@b\\n\"]", "[\"mailto:a@b\"]"},
        {"[\"MailTo:A@b.Test\"]", "[\"mailto:A@b.Test\"]"},
        {"[\"mailto:a+b.c=d@[192.0.2.1]\"]",
         "[\"mailto:a+b.c=d@[192.0.2.1]\"]"},
        {"[\"mailto:%C3%BC@b.test\"]", "[\"mailto:%C3%BC@b.test\"]"},
        {"[\"mailto:a@b\",\"\",\"mailto:c@d\"]",
         "[\"mailto:a@b\",\"mailto:c@d\"]"},
        {NULL, NULL}};

    all_good(pairs, pool);
}

static void schemes(apr_pool_t *pool)
{
    static const char *const triples[][3] = {
        {"[\"tel:+123\"]", "unsupportedContact", "tel:+123"},
        {"[\"https://a.test/x@y\"]", "unsupportedContact", "mailto:"},
        {"[\"mailtoo:a@b\"]", "unsupportedContact", "mailtoo"},
        {"[\"mail:a@b\"]", "unsupportedContact", "mail:"},
        {"[\"a@b\"]", "invalidContact", "no URL"},
        {"[\":a@b\"]", "invalidContact", "no URL"},
        {"[\"mail to:a@b\"]", "invalidContact", "no URL"},
        {"[\"\u00fc:a@b\"]", "invalidContact", "no URL"},
        {NULL, NULL, NULL}};

    all_bad(triples, pool);
}

static void addresses(apr_pool_t *pool)
{
    static const char *const triples[][3] = {
        {"[\"mailto:a@b?subject=x\"]", "invalidContact", "header fields"},
        {"[\"mailto:?to=a@b\"]", "invalidContact", "header fields"},
        {"[\"mailto:a@b,c@d\"]", "invalidContact", "more than one address"},
        {"[\"mailto:a@b,\"]", "invalidContact", "more than one address"},
        {"[\"mailto:a@b@c\"]", "invalidContact", "more than one \"@\""},
        {"[\"mailto:a\"]", "invalidContact", "no \"@\""},
        {"[\"mailto:@b\"]", "invalidContact", "missing"},
        {"[\"mailto:a@\"]", "invalidContact", "missing"},
        {"[\"mailto:a b@c\"]", "invalidContact", "white space"},
        {"[\"mailto:a@b\\u0007\"]", "invalidContact", "control"},
        {"[\"mailto:a\\u007f@b\"]", "invalidContact", "control"},
        {"[\"mailto:a\\r\\nX: y@b\"]", "invalidContact", "control"},
        {"[\"mailto:A <a@b>\"]", "invalidContact", "white space"},
        {"[\"mailto:<a@b>\"]", "invalidContact", "no address in a URL"},
        {"[\"mailto:\\\"a\\\"@b\"]", "invalidContact", "no address in a URL"},
        {"[\"mailto:\u00fc@b.test\"]", "invalidContact", "not ASCII"},
        {NULL, NULL, NULL}};

    all_bad(triples, pool);
}

static void types(apr_pool_t *pool)
{
    static const char *const triples[][3] = {
        {"[5]", "malformed", "strings"},
        {"[null]", "malformed", "strings"},
        {"[[\"mailto:a@b\"]]", "malformed", "strings"},
        {"[{\"mailto\":\"a@b\"}]", "malformed", "strings"},
        {"[true]", "malformed", "strings"},
        {NULL, NULL, NULL}};

    all_bad(triples, pool);
}

const tap_case_t tap_cases[] = {
    {"R29 T36 what is accepted, and its normal form", soft},
    {"T36 schemes other than mailto are unsupportedContact", schemes},
    {"T36 header fields, several addresses, no address: invalidContact",
     addresses},
    {"T36 what is no string is malformed", types},
    {NULL, NULL}};
