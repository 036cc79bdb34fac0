/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_pattern.h"

#include <apr_strings.h>
#include <string.h>

#include "pattern_help.h"

static void one_label(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"*.acme.com", "www.acme.com", 1, 1},
        {"*.acme.com", "a.b.acme.com", 0, 0},
        {"*.acme.com", "acme.com", 0, 0},
        {"*.acme.com", "com", 0, 0},
        {"*.acme.com", "www.acme.org", 0, 0},
        {"*.acme.com", "wwwacme.com", 0, 0},
        {"*.acme.com", "www.acme.com.evil.org", 0, 0},
        {"*.acme.com", "acme.com.evil.org", 0, 0},
        {"*.acme.com", "www.xacme.com", 0, 0},
        {"*.acme.com", "xn--bcher-kva.acme.com", 1, 1},
        {"*.acme.com", "_dmarc.acme.com", 1, 1},
        {"*.ACME.Com", "www.acme.com", 1, 1},
        {"*", "localhost", 1, 1},
        {"*", "a.b", 0, 0},
        {"*.*", "a.b", 1, 1},
        {"*.*", "a", 0, 0},
        {"*.*", "a.b.c", 0, 0},
        {"*.*.acme.com", "a.b.acme.com", 1, 1},
        {"*.*.acme.com", "a.acme.com", 0, 0},
        {"*.*.acme.com", "a.b.c.acme.com", 0, 0},
        {"www.*.com", "www.acme.com", 1, 1},
        {"www.*.com", "www.a.b.com", 0, 0},
        {"www.*", "www.com", 1, 1},
        {"www.*", "www.com.com", 0, 0},
        {"www.acme.com", "www.acme.com", 1, 1},
        {"www.acme.com", "ww.acme.com", 0, 0},
        {"www.acme.com", "wwww.acme.com", 0, 0},
        {"www.acme.com", "acme.com", 0, 0},
        {"www.acme.com", "www.acme.co", 0, 0},
        {"www.acme.com", "www.acme.comm", 0, 0},
        {"acme", "acme", 1, 1},
        {"acme", "acme.acme", 0, 0},
        {NULL, NULL, 0, 0}};

    rows(POLICY_DNS, table, pool);
}

static void many_labels(apr_pool_t *pool)
{
    static const row_t table[] = {{"**.acme.com", "www.acme.com", 1, 1},
                                  {"**.acme.com", "a.b.c.d.e.f.acme.com", 1, 1},
                                  {"**.acme.com", "acme.com", 0, 0},
                                  {"**.acme.com", "a.acme.com.org", 0, 0},
                                  {"**.acme.com", "acme.com.acme.com", 1, 1},
                                  {"**.acme.com", "com.acme.com", 1, 1},
                                  {"**.acme.com", "a.xacme.com", 0, 0},
                                  {"**", "a", 1, 1},
                                  {"**", "a.b.c", 1, 1},
                                  {"**.com", "com", 0, 0},
                                  {"**.com", "com.com.com", 1, 1},
                                  {"www.**", "www.acme.com", 1, 1},
                                  {"www.**", "www.com", 1, 1},
                                  {"www.**", "www", 0, 0},
                                  {"www.**.com", "www.com", 0, 0},
                                  {"www.**.com", "www.a.com", 1, 1},
                                  {"www.**.com", "www.com.com", 1, 1},
                                  {"www.**.com", "www.a.b.c.com", 1, 1},
                                  {"www.**.com", "www.a.b.c.org", 0, 0},
                                  {"**.**", "a", 0, 0},
                                  {"**.**", "a.b", 1, 1},
                                  {"**.**", "a.b.c", 1, 1},
                                  {"**.x.**", "a.x.b", 1, 1},
                                  {"**.x.**", "x.x.x", 1, 1},
                                  {"**.x.**", "x.x", 0, 0},
                                  {"**.x.**", "a.b.x.c.d", 1, 1},
                                  {"**.x.**", "a.b.y.c.d", 0, 0},
                                  {"**.x.y.**", "a.x.x.y.b", 1, 1},
                                  {"**.x.y.**", "x.y.x.y.x", 1, 1},
                                  {"**.x.y.**", "x.y.x.y", 0, 0},
                                  {"*.**", "a", 0, 0},
                                  {"*.**", "a.b", 1, 1},
                                  {"*.**.com", "a.com", 0, 0},
                                  {"*.**.com", "a.b.com", 1, 1},
                                  {"**.*.com", "a.b.com", 1, 1},
                                  {"**.*.com", "b.com", 0, 0},
                                  {"**.a.b", "a.a.a.b", 1, 1},
                                  {"**.a.a.b", "a.a.a.a.b", 1, 1},
                                  {"**.a.a.b", "a.a.b", 0, 0},
                                  {NULL, NULL, 0, 0}};

    rows(POLICY_DNS, table, pool);
}

/* "deny admin.x" must refuse *.x, which is good for admin.x. */
static void wildcards(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"*.acme.com", "*.acme.com", 0, 1},
        {"**.acme.com", "*.acme.com", 0, 1},
        {"**", "*.acme.com", 0, 1},
        {"*", "*.acme.com", 0, 0},
        {"www.acme.com", "*.acme.com", 0, 1},
        {"acme.com", "*.acme.com", 0, 0},
        {"a.b.acme.com", "*.acme.com", 0, 0},
        {"a.b.acme.com", "*.b.acme.com", 0, 1},
        {"www.acme.org", "*.acme.com", 0, 0},
        {"**.b.acme.com", "*.acme.com", 0, 0},
        {"**.b.acme.com", "*.b.acme.com", 0, 1},
        {"wildcard:*.acme.com", "*.acme.com", 1, 1},
        {"wildcard:*.ACME.com", "*.acme.com", 1, 1},
        {"WILDCARD:*.acme.com", "*.acme.com", 1, 1},
        {"wildcard:*.acme.com", "www.acme.com", 0, 0},
        {"wildcard:*.acme.com", "acme.com", 0, 0},
        {"wildcard:*.acme.com", "*.b.acme.com", 0, 0},
        {"wildcard:*.acme.com", "*.acme.org", 0, 0},
        {"wildcard:*.*.acme.com", "*.b.acme.com", 1, 1},
        {"wildcard:*.*.acme.com", "*.acme.com", 0, 0},
        {"wildcard:*.*.acme.com", "a.b.acme.com", 0, 0},
        {"wildcard:*.**.acme.com", "*.b.acme.com", 1, 1},
        {"wildcard:*.**.acme.com", "*.a.b.acme.com", 1, 1},
        {"wildcard:*.**.acme.com", "*.acme.com", 0, 0},
        {"wildcard:*.**", "*.acme.com", 1, 1},
        {"wildcard:*.**", "*.com", 1, 1},
        {NULL, NULL, 0, 0}};

    rows(POLICY_DNS, table, pool);
}

static void names_refused(apr_pool_t *pool)
{
    static const char *const table[][2] = {
        {"", "is empty"},
        {".", "empty label"},
        {"a..b", "empty label"},
        {".a", "empty label"},
        {"a.", "ends with a dot"},
        {"*.", "ends with a dot"},
        {"***", "whole label or none"},
        {"a*.b", "whole label or none"},
        {"*a.b", "whole label or none"},
        {"web-*.acme.com", "whole label or none"},
        {"a.b*", "whole label or none"},
        {"-a.b", "begins or ends"},
        {"a-.b", "begins or ends"},
        {"a b", "no letter"},
        {"a/b", "no letter"},
        {"https://a.b", "no letter"},
        {"a@b", "no letter"},
        {"a:443", "no letter"},
        {"b\xc3\xbc"
         "cher.test",
         "not ASCII"},
        {"1", "all digits"},
        {"10.0.0.1", "all digits"},
        {"10.0.0.*.1", "all digits"},
        {"a.b.1", "all digits"},
        {"a?.b", "no letter"},
        {"wildcard:", "begins with \"*.\""},
        {"wildcard:a.b", "begins with \"*.\""},
        {"wildcard:**.b", "begins with \"*.\""},
        {"wildcard:*", "begins with \"*.\""},
        {"wildcard:*.", "empty label"},
        {"wildcard:*.a..b", "empty label"},
        {"wildcard:*.a*", "whole label or none"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
         "63 octets"},
        {"regex:.*", "no letter"},
        {NULL, NULL}};
    char *text = apr_pstrdup(pool, "a.");
    int i;
    policy_pattern_t *pattern;
    const char *fault;

    refused(POLICY_DNS, table, pool);
    for (i = 0; i < 8; ++i)
        text = apr_pstrcat(pool, text, text, NULL);
    fault = policy_pattern_parse(&pattern, POLICY_DNS,
                                 apr_pstrcat(pool, text, "b", NULL), pool);
    ok(fault && strstr(fault, "too long"));
    text[252] = '\0';
    ok(!policy_pattern_parse(&pattern, POLICY_DNS,
                             apr_pstrcat(pool, text, "b", NULL), pool));
    ok(policy_pattern_parse(&pattern, POLICY_DNS,
                            apr_pstrcat(pool, text, "bb", NULL), pool));
}

static void networks(apr_pool_t *pool)
{
    static const row_t table[] = {{"10.0.0.0/8", "10.0.0.0", 1, 1},
                                  {"10.0.0.0/8", "10.255.255.255", 1, 1},
                                  {"10.0.0.0/8", "11.0.0.0", 0, 0},
                                  {"10.0.0.0/8", "9.255.255.255", 0, 0},
                                  {"10.0.0.0/8", "::ffff:10.1.2.3", 1, 1},
                                  {"10.0.0.0/8", "2001:db8::1", 0, 0},
                                  {"10.0.0.0/8", "a.test", 0, 0},
                                  {"10.0.0.0/8", "10.1", 0, 0},
                                  {"10.0.0.0/8", "", 0, 0},
                                  {"192.0.2.1", "192.0.2.1", 1, 1},
                                  {"192.0.2.1", "192.0.2.2", 0, 0},
                                  {"192.0.2.128/25", "192.0.2.127", 0, 0},
                                  {"192.0.2.128/25", "192.0.2.128", 1, 1},
                                  {"192.0.2.128/25", "192.0.2.255", 1, 1},
                                  {"192.0.2.128/25", "192.0.3.0", 0, 0},
                                  {"0.0.0.0/0", "203.0.113.9", 1, 1},
                                  {"0.0.0.0/0", "2001:db8::1", 0, 0},
                                  {"2001:db8::/32", "2001:db8:ffff::1", 1, 1},
                                  {"2001:db8::/32", "2001:db9::", 0, 0},
                                  {"2001:db8::/32", "10.0.0.1", 0, 0},
                                  {"2001:db8::1", "2001:db8::1", 1, 1},
                                  {"2001:db8::1", "2001:0db8:0:0::1", 1, 1},
                                  {"::ffff:10.0.0.0/104", "10.1.2.3", 1, 1},
                                  {"::/0", "2001:db8::1", 1, 1},
                                  {NULL, NULL, 0, 0}};
    static const char *const bad[][2] = {
        {"", "is empty"},
        {"10.0.0.0/33", "0 to 32"},
        {"10.0.0.0/", "0 to 32"},
        {"10.0.0.0/08", "0 to 32"},
        {"10.0.0.0/-1", "0 to 32"},
        {"10.0.0.0/8/8", "0 to 32"},
        {"10.0.0.0/ 8", "0 to 32"},
        {"10.0.0.1/8", "write 10.0.0.0/8"},
        {"2001:db8::1/32", "write 2001:db8::/32"},
        {"2001:db8::/129", "0 to 128"},
        {"10.0.0", "no address or network"},
        {"10", "no address or network"},
        {"10.0.0.256", "no address or network"},
        {"a.test", "no address or network"},
        {"*", "no address or network"},
        {"10.*", "no address or network"},
        {"fe80::1%eth0", "no address or network"},
        {"[::1]", "no address or network"},
        {NULL, NULL}};

    rows(POLICY_IP, table, pool);
    refused(POLICY_IP, bad, pool);
}

static void name_or_network(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        policy_attribute_e attribute;
    } good[] = {
        {"*.acme.com", POLICY_DNS}, {"wildcard:*.a.b", POLICY_DNS},
        {"acme", POLICY_DNS},       {"10.0.0.0/8", POLICY_IP},
        {"10.0.0.1", POLICY_IP},    {"2001:db8::/32", POLICY_IP},
        {"::1", POLICY_IP},
    };
    static const char *const bad[] = {"10",         "10.0", "a/b", "a:b",
                                      "10.0.0.1/8", "a*",   "",    NULL};
    policy_pattern_t *pattern;
    apr_size_t i;

    for (i = 0; i < sizeof(good) / sizeof(*good); ++i) {
        ok(!policy_pattern_name_parse(&pattern, good[i].text, pool), "%s",
           good[i].text);
        is_int(pattern->attribute, good[i].attribute);
    }
    for (i = 0; bad[i]; ++i)
        ok(policy_pattern_name_parse(&pattern, bad[i], pool), "%s", bad[i]);
}

static void lists(apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(void *));
    int i;

    ok(!policy_pattern_find(NULL, "a.test"));
    ok(!policy_pattern_find(list, "a.test"));
    is_str(policy_pattern_list(list, pool), "");
    APR_ARRAY_PUSH(list, void *) = parsed(POLICY_DNS, "*.a", pool);
    APR_ARRAY_PUSH(list, void *) = parsed(POLICY_IP, "10.0.0.0/8", pool);
    APR_ARRAY_PUSH(list, void *) = parsed(POLICY_DNS, "**.a", pool);
    is_str(policy_pattern_find(list, "b.a")->text, "*.a");
    is_str(policy_pattern_find(list, "c.b.a")->text, "**.a");
    is_str(policy_pattern_find(list, "10.1.1.1")->text, "10.0.0.0/8");
    ok(!policy_pattern_find(list, "*.a"));
    is_str(policy_pattern_find_covering(list, "*.a")->text, "*.a");
    is_str(policy_pattern_list(list, pool), "*.a, 10.0.0.0/8, **.a");
    for (i = 0; i < 20; ++i)
        APR_ARRAY_PUSH(list, void *) = parsed(POLICY_DNS, "a", pool);
    ok(strstr(policy_pattern_list(list, pool), "a and 13 more"));
}

const tap_case_t tap_cases[] = {
    {"dns: * is exactly one label", one_label},
    {"dns: ** is one label or more", many_labels},
    {"dns: wildcard names", wildcards},
    {"dns: patterns that make no sense", names_refused},
    {"ip: addresses and networks", networks},
    {"names and networks by their look", name_or_network},
    {"lists", lists},
    {NULL, NULL}};
