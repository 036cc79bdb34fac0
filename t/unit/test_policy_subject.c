/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_subject.h"

#include <apr_strings.h>
#include <string.h>

#include "policy_help.h"

#define TEN "1234567890"

static void values(apr_pool_t *pool)
{
    static const struct {
        policy_attribute_e attribute;
        const char *value, *fault; /* NULL: fine */
    } rows[] = {
        {POLICY_O, "Example Corp", NULL},
        {POLICY_O, "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x90\xaa", NULL},
        {POLICY_O, "", "is empty"},
        {POLICY_O, "a\nb", "control"},
        {POLICY_O, "a\x7f", "control"},
        {POLICY_O, "a\xc2\x85", "control"},
        {POLICY_O, "\xff", "UTF-8"},
        {POLICY_O, "\xc3", "UTF-8"},
        {POLICY_O, "\xc0\xaf", "UTF-8"},
        {POLICY_O, "\xe0\x80\xaf", "UTF-8"},
        {POLICY_O, "\xed\xa0\x80", "UTF-8"},
        {POLICY_O, "\xf4\x90\x80\x80", "UTF-8"},
        {POLICY_O, "\xf5\x80\x80\x80", "UTF-8"},
        {POLICY_O, "\xe2\x82", "UTF-8"},
        {POLICY_O, TEN TEN TEN TEN TEN TEN "1234", NULL},
        {POLICY_O, TEN TEN TEN TEN TEN TEN "12345", "more than 64"},
        {POLICY_CN, TEN TEN TEN TEN TEN TEN "12345", "more than 64"},
        {POLICY_L, TEN TEN TEN TEN TEN TEN "12345", NULL},
        {POLICY_ST, TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "12345678",
         NULL},
        {POLICY_ST, TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "123456789",
         "more than 128"},
        {POLICY_DC, "example", NULL},
        {POLICY_DC, "\xc3\xbc", "ASCII"},
        {POLICY_C, "DE", NULL},
        {POLICY_C, "de", "two capital"},
        {POLICY_C, "D", "two capital"},
        {POLICY_C, "DEU", "more than 2"},
        {POLICY_C, "\xc3\x84\xc3\x96", "two capital"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *fault =
            policy_value_fault(rows[i].attribute, rows[i].value, pool);

        ok(!fault == !rows[i].fault, "%d", (int)i);
        if (fault && rows[i].fault)
            ok(strstr(fault, rows[i].fault), "%s", fault);
    }
}

static void directives(apr_pool_t *pool)
{
    static const char *const bad[][2] = {{"O", "has no \"=\""},
                                         {"", "has no \"=\""},
                                         {"=x", "no subject attribute"},
                                         {"X=x", "no subject attribute"},
                                         {"dns=x", "no subject attribute"},
                                         {"CN=x", "no default"},
                                         {"O=", "is empty"},
                                         {"C=Germany", "more than 2"},
                                         {"C=de", "two capital"},
                                         {NULL, NULL}};
    policy_value_t *value;
    const char *fault;
    int i;

    need(!policy_value_parse(&value, "O=Example=Corp", pool));
    is_int(value->attribute, POLICY_O);
    is_str(value->value, "Example=Corp");
    need(!policy_value_parse(&value, "c=DE", pool));
    is_int(value->attribute, POLICY_C);
    for (i = 0; bad[i][0]; ++i) {
        fault = policy_value_parse(&value, bad[i][0], pool);
        ok(fault && strstr(fault, bad[i][1]), "%s: %s", bad[i][0],
           fault ? fault : "");
    }
}

static void defaults(apr_pool_t *pool)
{
    static const char *const rows[][3] = {
        /* policy, default, finding */
        {"", "O=Corp", NULL},
        {"subject O require Corp", "O=Corp", NULL},
        {"subject O require Corp", "C=DE", NULL},
        {"subject O require Corp", "O=Other", "allows O Corp only"},
        {"subject O allow C*", "O=Corp", NULL},
        {"subject O deny Corp", "O=Corp", "denies O Corp"},
        {"subject O deny corp", "O=Corp", "denies O corp"},
        {NULL, NULL, NULL}};
    apr_array_header_t *list, *findings;
    policy_value_t *value;
    int i;

    for (i = 0; rows[i][0]; ++i) {
        list = apr_array_make(pool, 1, sizeof(void *));
        need(!policy_value_parse(&value, rows[i][1], pool));
        APR_ARRAY_PUSH(list, policy_value_t *) = value;
        findings = policy_subject_findings(policy_help_make(rows[i][0], pool),
                                           list, pool);
        is_int(findings->nelts, rows[i][2] ? 1 : 0);
        if (findings->nelts && rows[i][2])
            ok(strstr(APR_ARRAY_IDX(findings, 0, char *), rows[i][2]), "%s",
               APR_ARRAY_IDX(findings, 0, char *));
    }
    is_int(
        policy_subject_findings(policy_help_make("", pool), NULL, pool)->nelts,
        0);
}

const tap_case_t tap_cases[] = {
    {"values that may stand in a certificate", values},
    {"what the directive says", directives},
    {"defaults that the policy would refuse", defaults},
    {NULL, NULL}};
