/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_subject.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "base/quote.h"
#include "policy/policy_rule.h"

#include "base/banned.h"

#define QUOTE_MAX 80

/* RFC 5280 A.1: ub-common-name and its like; a DC is a label. */
static const int longest[POLICY_SUBJECT_COUNT] = {64, 64, 64, 2, 128, 128, 63};

/* Octets of the UTF-8 character at text, 0 if there is none (RFC 3629). */
static int utf8_len(const unsigned char *text)
{
    int i, len = text[0] < 0x80   ? 1
                 : text[0] < 0xc2 ? 0
                 : text[0] < 0xe0 ? 2
                 : text[0] < 0xf0 ? 3
                 : text[0] < 0xf5 ? 4
                                  : 0;

    for (i = 1; i < len; ++i) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((text[0] == 0xe0 && text[1] < 0xa0) ||
        (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) ||
        (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return len;
}

const char *policy_value_fault(policy_attribute_e attribute, const char *value,
                               apr_pool_t *pool)
{
    const unsigned char *at = (const unsigned char *)value;
    int count = 0, len;

    if (!*value)
        return "it is empty";
    for (; *at; at += len, ++count) {
        len = utf8_len(at);
        if (len == 0)
            return "it is not UTF-8";
        if (*at < ' ' || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
            return "it has a control character";
        if (len > 1 && attribute == POLICY_DC)
            return "a DC is ASCII";
    }
    if (count > longest[attribute])
        return apr_psprintf(pool, "it has more than %d characters",
                            longest[attribute]);
    if (attribute == POLICY_C &&
        (count != 2 || !apr_isupper(value[0]) || !apr_isupper(value[1])))
        return "a country is two capital letters (ISO 3166)";
    return NULL;
}

const char *policy_value_parse(policy_value_t **value, const char *text,
                               apr_pool_t *pool)
{
    const char *equals = strchr(text, '='), *fault;
    policy_value_t *made = apr_palloc(pool, sizeof(*made));
    int attribute;

    if (!equals)
        return apr_psprintf(pool,
                            "\"%s\" has no \"=\"; write it like "
                            "O=\"Example Corp\"",
                            quote_make(text, strlen(text), QUOTE_MAX, pool));
    attribute = policy_attribute_find(
        apr_pstrmemdup(pool, text, (apr_size_t)(equals - text)));
    if (attribute < 0 || attribute >= POLICY_SUBJECT_COUNT)
        return apr_psprintf(
            pool,
            "\"%s\" is no subject attribute; choose among O, "
            "OU, C, ST, L, DC",
            quote_make(text, (apr_size_t)(equals - text), QUOTE_MAX, pool));
    if (attribute == POLICY_CN)
        return "a CN is the requester's own name and is no default; see "
               "ACMEProfileCommonName";
    fault = policy_value_fault((policy_attribute_e)attribute, equals + 1, pool);
    if (fault)
        return apr_psprintf(
            pool, "%s \"%s\": %s; mend it",
            policy_attribute_name((policy_attribute_e)attribute),
            quote_make(equals + 1, strlen(equals + 1), QUOTE_MAX, pool), fault);
    made->attribute = (policy_attribute_e)attribute;
    made->value = apr_pstrdup(pool, equals + 1);
    *value = made;
    return NULL;
}

apr_array_header_t *policy_subject_findings(const policy_t *policy,
                                            const apr_array_header_t *defaults,
                                            apr_pool_t *pool)
{
    apr_array_header_t *findings =
        apr_array_make(pool, 1, sizeof(const char *));
    int i;

    for (i = 0; defaults && i < defaults->nelts; ++i) {
        const policy_value_t *value =
            APR_ARRAY_IDX(defaults, i, const policy_value_t *);
        const char *fault =
            policy_rule_fault(policy, value->attribute, value->value, pool);

        if (fault)
            APR_ARRAY_PUSH(findings, const char *) = apr_psprintf(
                pool, "%s=\"%s\": %s; allow it in policy %s, or leave it out",
                policy_attribute_name(value->attribute), value->value, fault,
                policy->name);
    }
    return findings;
}
