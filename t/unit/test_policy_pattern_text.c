/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_pattern.h"

#include "pattern_help.h"

static void common_names(apr_pool_t *pool)
{
    static const row_t table[] = {{"*.acme.com", "www.acme.com", 1, 1},
                                  {"*.acme.com", "a.b.acme.com", 0, 0},
                                  {"*.acme.com", "Alice Smith", 0, 0},
                                  {"**", "a.b.c", 1, 1},
                                  {"**", "Alice Smith", 0, 0},
                                  {"*", "Alice Smith", 0, 0},
                                  {"Robot *", "Robot 7", 1, 1},
                                  {"Robot *", "Robot ", 1, 1},
                                  {"Robot *", "robot 7", 0, 1},
                                  {"Robot *", "Robot", 0, 0},
                                  {"Robot *", "A Robot 7", 0, 0},
                                  {"Robot *", "robot7.acme.com", 0, 0},
                                  {"* *", "Alice Smith", 1, 1},
                                  {"* *", "Alice", 0, 0},
                                  {"* *", "a.acme.com", 0, 0},
                                  {"wildcard:*.acme.com", "*.acme.com", 1, 1},
                                  {"wildcard:*.acme.com", "www.acme.com", 0, 0},
                                  {NULL, NULL, 0, 0}};
    static const char *const bad[][2] = {
        {"web-*.acme.com", "whole label or none"},
        {"a..b", "empty label"},
        {"10.0.0.1", "all digits"},
        {"", "is empty"},
        {"a\tb", "control character"},
        {NULL, NULL}};

    rows(POLICY_CN, table, pool);
    refused(POLICY_CN, bad, pool);
}

static void subjects(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"Example Corp", "Example Corp", 1, 1},
        {"Example Corp", "example corp", 0, 1},
        {"Example Corp", "Example Corp ", 0, 0},
        {"Example Corp", "Example Corporation", 0, 0},
        {"Example Corp", "An Example Corp", 0, 0},
        {"Example*", "Example", 1, 1},
        {"Example*", "Example Corp", 1, 1},
        {"Example*", "An Example", 0, 0},
        {"*Corp", "Example Corp", 1, 1},
        {"*Corp", "Example Corp Ltd", 0, 0},
        {"E*p*C*p", "Example Corp", 1, 1},
        {"E*p*C*x", "Example Corp", 0, 0},
        {"*", "anything at all", 1, 1},
        {"*", "M\xc3\xbcller", 1, 1},
        {"**", "anything", 1, 1},
        {"M\xc3\xbcller*", "M\xc3\xbcller GmbH", 1, 1},
        {"a.b", "a.b", 1, 1},
        {"a.b", "axb", 0, 0},
        {"a?c", "abc", 0, 0},
        {"a[bc]", "ab", 0, 0},
        {"a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 0},
        {NULL, NULL, 0, 0}};
    static const char *const bad[][2] = {
        {"", "is empty"},
        {"a\nb", "control character"},
        {"a\x7f", "control character"},
        {"\xff\xff", "not UTF-8"},
        {"12345678901234567890123456789012345678901234567890123456789012345",
         "more than 64"},
        {NULL, NULL}};
    static const char *const no_country[][2] = {{"de", "two capital letters"},
                                                {"DEU", "more than 2"},
                                                {"D", "two capital letters"},
                                                {"D1", "two capital letters"},
                                                {NULL, NULL}};

    rows(POLICY_O, table, pool);
    refused(POLICY_O, bad, pool);
    refused(POLICY_C, no_country, pool);
    ok(parsed(POLICY_C, "DE", pool));
    ok(parsed(POLICY_C, "*", pool));
    ok(parsed(POLICY_C, "D*", pool));
}

static void emails(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"*@acme.com", "alice@acme.com", 1, 1},
        {"*@acme.com", "Alice.Smith@ACME.com", 1, 1},
        {"*@acme.com", "@acme.com", 0, 0},
        {"*@acme.com", "alice@evil.acme.com", 0, 0},
        {"*@acme.com", "alice@acme.com.evil.org", 0, 0},
        {"*@acme.com", "alice@evil.org@acme.com", 0, 0},
        {"*@acme.com", "alice", 0, 0},
        {"*@*.acme.com", "alice@mail.acme.com", 1, 1},
        {"*@*.acme.com", "alice@acme.com", 0, 0},
        {"*@**.acme.com", "alice@a.b.acme.com", 1, 1},
        {"alice@acme.com", "ALICE@acme.com", 1, 1},
        {"alice@acme.com", "bob@acme.com", 0, 0},
        {"team-*@acme.com", "team-a@acme.com", 1, 1},
        {"team-*@acme.com", "team-@acme.com", 0, 0},
        {NULL, NULL, 0, 0}};
    static const char *const bad[][2] = {{"", "is empty"},
                                         {"alice", "no \"@\""},
                                         {"@acme.com", "nothing before"},
                                         {"alice@", "empty label"},
                                         {"alice@a..b", "empty label"},
                                         {"alice@a*.b", "whole label"},
                                         {"al ice@a.b", "no address has"},
                                         {"alice..b@a.b", "separates nothing"},
                                         {".alice@a.b", "separates nothing"},
                                         {"alice.@a.b", "separates nothing"},
                                         {"a\"b@a.b", "no address has"},
                                         {"a@b@a.b", "no address has"},
                                         {NULL, NULL}};

    rows(POLICY_EMAIL, table, pool);
    refused(POLICY_EMAIL, bad, pool);
}

static void uris(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"spiffe://acme.com/*", "spiffe://acme.com/web", 1, 1},
        {"spiffe://acme.com/*", "spiffe://acme.com/a/b", 0, 0},
        {"spiffe://acme.com/*", "spiffe://acme.com/", 0, 0},
        {"spiffe://acme.com/*", "spiffe://acme.com", 0, 0},
        {"spiffe://acme.com/*", "spiffe://evil.org/web", 0, 0},
        {"spiffe://acme.com/*", "spiffe://acme.com.evil.org/web", 0, 0},
        {"spiffe://acme.com/*", "spiffe://acme.com/web?x", 0, 0},
        {"spiffe://acme.com/*", "spiffe://acme.com/web#x", 0, 0},
        {"spiffe://acme.com/*", "SPIFFE://ACME.com/web", 1, 1},
        {"spiffe://acme.com/*", "https://acme.com/web", 0, 0},
        {"spiffe://acme.com/ns/*/sa/*", "spiffe://acme.com/ns/a/sa/b", 1, 1},
        {"spiffe://acme.com/ns/*/sa/*", "spiffe://acme.com/ns/a/b/sa/c", 0, 0},
        {"spiffe://acme.com/ns/**", "spiffe://acme.com/ns/a/b/c", 1, 1},
        {"spiffe://acme.com/ns/**", "spiffe://acme.com/nsx", 0, 0},
        {"spiffe://acme.com/Web", "spiffe://acme.com/web", 0, 1},
        {"https://*.acme.com/", "https://www.acme.com/", 1, 1},
        {"https://*.acme.com/", "https://www.acme.com", 1, 1},
        {"https://*.acme.com", "https://www.acme.com/", 1, 1},
        {"https://*.acme.com/", "https://a.b.acme.com/", 0, 0},
        {"https://**.acme.com/", "https://a.b.acme.com/", 1, 1},
        {"https://*.acme.com/", "https://evil.org/.acme.com/", 0, 0},
        {"https://*.acme.com/", "https://evil.org?.acme.com/", 0, 0},
        {"https://*.acme.com/", "https://evil.org#.acme.com/", 0, 0},
        {"https://*.acme.com/", "https://www.acme.com:8443/", 0, 0},
        {"https://*.acme.com:8443/", "https://www.acme.com:8443/", 1, 1},
        {"https://*.acme.com:8443/", "https://www.acme.com/", 0, 0},
        {"urn:uuid:*", "urn:uuid:1234-5678", 1, 1},
        {"urn:uuid:*", "urn:oid:1234", 0, 0},
        {"urn:*", "urn:uuid:1", 1, 1},
        {"urn:*", "urn://a/uuid", 0, 0},
        {NULL, NULL, 0, 0}};
    static const char *const bad[][2] = {
        {"", "is empty"},
        {"acme.com/*", "scheme"},
        {"*://acme.com/", "scheme"},
        {"/a", "scheme"},
        {"https:", "nothing behind"},
        {"https://", "no host"},
        {"https:///a", "no host"},
        {"https://a*.b/", "whole label"},
        {"https://user@a.b/", "user before"},
        {"https://a.b/../c", "\"..\""},
        {"https://a.b/./c", "\"..\""},
        {"https://a.b/%2e%2e/c", "need not be"},
        {"https://a.b/%zz", "two hex digits"},
        {"https://a.b/a b", "must not stand"},
        {"https://a.b/\xc3\xbc", "not ASCII"},
        {"https://10.0.0.1/", "all digits"},
        {"1a:b", "scheme"},
        {NULL, NULL}};

    rows(POLICY_URI, table, pool);
    refused(POLICY_URI, bad, pool);
}

const tap_case_t tap_cases[] = {{"CN: names and text", common_names},
                                {"O to DC: text", subjects},
                                {"email", emails},
                                {"uri", uris},
                                {NULL, NULL}};
