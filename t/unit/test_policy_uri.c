/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_uri.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

/* value, word of the fault or NULL */
static void table_try(const char *(*fault_fn)(const char *),
                      const char *const (*row)[2])
{
    for (; (*row)[0]; ++row) {
        const char *fault = fault_fn((*row)[0]);

        ok(!fault == !(*row)[1], "%s: %s", (*row)[0], fault ? fault : "good");
        if (fault && (*row)[1])
            ok(strstr(fault, (*row)[1]), "%s: %s", (*row)[0], fault);
    }
}

static void uris(apr_pool_t *pool)
{
    static const char *const table[][2] = {
        {"https://a.test/", NULL},
        {"https://a.test", NULL},
        {"HTTPS://A.test:8443/x?y#z", NULL},
        {"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", NULL},
        {"spiffe://a.test/ns/x/sa/y", NULL},
        {"x:y", NULL},
        {"https://a.test/%C3%BC", NULL},
        {"https://a.test/a*b", NULL},
        {"", "scheme"},
        {"a.test", "scheme"},
        {"/a", "scheme"},
        {"//a.test/", "scheme"},
        {"1x:y", "scheme"},
        {"x:", "nothing behind"},
        {"https://", "no host"},
        {"https:///x", "no host"},
        {"https://:443/", "no host"},
        {"https://*.a.test/", "host has a \"*\""},
        {"https://a..test/", "empty label"},
        {"https://a.test./", "ends with a dot"},
        {"https://u:p@a.test/", "user before"},
        {"https://a.test/..", "\"..\""},
        {"https://a.test/x/./y", "\"..\""},
        {"https://a.test/x/..?y", "\"..\""},
        {"https://a.test/...", NULL},
        {"https://a.test/%41", "need not be"},
        {"https://a.test/%2E%2E/", "need not be"},
        {"https://a.test/%2F", NULL},
        {"https://a.test/%", "two hex"},
        {"https://a.test/%4", "two hex"},
        {"https://a.test/%4g", "two hex"},
        {"https://a.test/\"", "must not stand"},
        {"https://a.test/<x>", "must not stand"},
        {"https://a.test/\n", "must not stand"},
        {"https://a.test/\xc3\xbc", "not ASCII"},
        {"https://[::1]/", "must not stand"},
        {NULL, NULL}};

    table_try(policy_uri_fault, table);
    is_str(policy_uri_normal("HTTPS://A.test:1/Path?Q", pool),
           "https://a.test:1/Path?Q");
    is_str(policy_uri_normal("URN:UUID:X", pool), "urn:UUID:X");
    is_str(policy_uri_normal("HTTPS://A.Test", pool), "https://a.test");
    is_str(policy_uri_normal("nothing", pool), "nothing");
}

static void long_ones(apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 2000);

    memset(text, 'a', 1999);
    text[1999] = '\0';
    memcpy(text, "urn:", 4);
    ok(policy_uri_fault(text));
    text[1000] = '\0';
    ok(!policy_uri_fault(text));
    memcpy(text, "https://", 8);
    ok(policy_uri_fault(text));
    ok(!policy_uri_matches("https://*.a/", text, 0));
    ok(policy_email_fault(text));
    text[100] = '@';
    ok(policy_email_fault(text));
    ok(!policy_email_matches("*@a", text, 0));
}

static void emails(apr_pool_t *pool)
{
    static const char *const table[][2] = {{"a@b", NULL},
                                           {"alice.smith+tag@a.test", NULL},
                                           {"o'hara/x=y@a.test", NULL},
                                           {"", "no \"@\""},
                                           {"a", "no \"@\""},
                                           {"@a.test", "nothing before"},
                                           {"a@", "empty label"},
                                           {"a@b@c", "no address has"},
                                           {"a b@c", "no address has"},
                                           {"\"a\"@b", "no address has"},
                                           {"a\xc3\xbc@b", "no address has"},
                                           {"a@\xc3\xbc", "not ASCII"},
                                           {"a..b@c", "separates nothing"},
                                           {"a@b..c", "empty label"},
                                           {"a@-b", "begins or ends"},
                                           {"*@b", "has a \"*\""},
                                           {"a@*", "has a \"*\""},
                                           {"a@[10.0.0.1]", "no letter"},
                                           {"a@10.0.0.1", "all digits"},
                                           {NULL, NULL}};

    table_try(policy_email_fault, table);
}

const tap_case_t tap_cases[] = {{"URIs", uris},
                                {"long ones", long_ones},
                                {"e-mail addresses", emails},
                                {NULL, NULL}};
