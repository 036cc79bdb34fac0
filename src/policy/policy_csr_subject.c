/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr_subject.h"

#include <apr_strings.h>
#include <string.h>

#include "base/quote.h"
#include "base/words.h"
#include "policy/policy_rule.h"
#include "policy/policy_usage.h"

#include "base/banned.h"

/* RFC 5280 A.1: ub-common-name */
#define COMMON_NAME_MAX 64
#define QUOTE_MAX       80
#define FAULTS_MAX      10

typedef struct {
    policy_csr_wishes_t *wishes;
    const policy_csr_terms_t *terms;
    apr_pool_t *pool;
    int faults; /* so many at most are left */
} check_t;

static void fault_add(check_t *check, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void fault_add(check_t *check, const char *fmt, ...)
{
    va_list args;

    if (check->faults-- <= 0)
        return;
    va_start(args, fmt);
    policy_csr_wishes_fault(check->wishes,
                            apr_pvsprintf(check->pool, fmt, args));
    va_end(args);
}

static const char *quote(const check_t *check, const char *text)
{
    return quote_make(text, strlen(text), QUOTE_MAX, check->pool);
}

static int is_default(const check_t *check, const policy_value_t *value)
{
    const apr_array_header_t *defaults = check->terms->defaults;
    int i;

    for (i = 0; defaults && i < defaults->nelts; ++i) {
        const policy_value_t *one =
            APR_ARRAY_IDX(defaults, i, const policy_value_t *);

        if (one->attribute == value->attribute &&
            strcmp(one->value, value->value) == 0)
            return 1;
    }
    return 0;
}

static void value_check(check_t *check, const policy_value_t *value)
{
    const char *fault = policy_rule_fault(
        check->terms->policy, value->attribute, value->value, check->pool);

    if (fault)
        fault_add(check, "its subject has %s=\"%s\": %s",
                  policy_attribute_name(value->attribute),
                  quote(check, value->value), fault);
}

/* What the profile would fill in anyway needs no list. */
static void subject_check(check_t *check)
{
    const apr_array_header_t *subject = check->wishes->subject;
    const policy_t *policy = check->terms->policy;
    apr_array_header_t *unlisted =
        apr_array_make(check->pool, 2, sizeof(const char *));
    int i;

    for (i = 0; i < subject->nelts; ++i) {
        const policy_value_t *value =
            APR_ARRAY_IDX(subject, i, const policy_value_t *);

        if (policy_rule_is_list(&policy->rules[value->attribute]) ||
            is_default(check, value))
            value_check(check, value);
        else
            words_add(unlisted, policy_attribute_name(value->attribute));
    }
    if (unlisted->nelts)
        fault_add(check, "its subject has %s, which policy %s does not allow",
                  policy_csr_wishes_list(unlisted, check->pool), policy->name);
}

static void texts_check(check_t *check, policy_attribute_e attribute,
                        const char *what, const apr_array_header_t *texts)
{
    const policy_t *policy = check->terms->policy;
    const char *fault;
    int i;

    if (texts->nelts && !policy_rule_is_list(&policy->rules[attribute])) {
        fault_add(check,
                  "its subjectAltName has %s, which policy %s does not allow",
                  what, policy->name);
        return;
    }
    for (i = 0; i < texts->nelts; ++i) {
        const char *text = APR_ARRAY_IDX(texts, i, const char *);

        fault = policy_rule_fault(policy, attribute, text, check->pool);
        if (fault)
            fault_add(check, "its subjectAltName has the %s \"%s\": %s",
                      policy_attribute_name(attribute), quote(check, text),
                      fault);
    }
}

static int has_attribute(const apr_array_header_t *subject,
                         policy_attribute_e attribute, int count)
{
    int i;

    for (i = 0; i < count; ++i) {
        if (APR_ARRAY_IDX(subject, i, const policy_value_t *)->attribute ==
            attribute)
            return 1;
    }
    return 0;
}

/* Where the request is silent about an attribute; several defaults of one are
 * all filled in. */
static void defaults_fill(check_t *check)
{
    const apr_array_header_t *defaults = check->terms->defaults;
    apr_array_header_t *subject = check->wishes->subject;
    int i, count = subject->nelts;

    for (i = 0; defaults && i < defaults->nelts; ++i) {
        policy_value_t *value = APR_ARRAY_IDX(defaults, i, policy_value_t *);

        if (!has_attribute(subject, value->attribute, count))
            APR_ARRAY_PUSH(subject, policy_value_t *) = value;
    }
}

/* As directories write names: the largest first. */
static void subject_sort(apr_array_header_t *subject)
{
    static const int rank[POLICY_SUBJECT_COUNT] = {6, 4, 5, 1, 2, 3, 0};
    policy_value_t **list = (policy_value_t **)subject->elts, *value;
    int i, k;

    for (i = 1; i < subject->nelts; ++i) {
        value = list[i];
        for (k = i;
             k > 0 && rank[list[k - 1]->attribute] > rank[value->attribute];
             --k)
            list[k] = list[k - 1];
        list[k] = value;
    }
}

static apr_array_header_t *values_of(const check_t *check,
                                     policy_attribute_e attribute,
                                     const char *common_name)
{
    const apr_array_header_t *subject = check->wishes->subject;
    apr_array_header_t *values =
        apr_array_make(check->pool, 2, sizeof(const char *));
    int i;

    if (attribute == POLICY_EMAIL)
        return check->wishes->emails;
    if (attribute == POLICY_URI)
        return check->wishes->uris;
    if (attribute == POLICY_CN && common_name)
        APR_ARRAY_PUSH(values, const char *) = common_name;
    for (i = 0; i < subject->nelts; ++i) {
        const policy_value_t *value =
            APR_ARRAY_IDX(subject, i, const policy_value_t *);

        if (value->attribute == attribute)
            APR_ARRAY_PUSH(values, const char *) = value->value;
    }
    return values;
}

/* Names were looked at by policy_names_check. */
static void required_check(check_t *check, const char *common_name)
{
    const policy_t *policy = check->terms->policy;
    apr_array_header_t *missing;
    int i;

    for (i = 0; i < POLICY_ATTRIBUTE_COUNT; ++i) {
        policy_attribute_e attribute = (policy_attribute_e)i;

        if (i == POLICY_DNS || i == POLICY_IP ||
            !policy->rules[i].require->nelts)
            continue;
        missing = policy_rule_missing(policy, attribute,
                                      values_of(check, attribute, common_name),
                                      check->pool);
        if (missing->nelts)
            fault_add(check, "policy %s requires %s %s", policy->name,
                      policy_attribute_name(attribute),
                      policy_pattern_list(missing, check->pool));
    }
}

/* Left out, it is in the names anyway. */
static int is_dispensable(const check_t *check, const char *name)
{
    const policy_csr_wishes_t *wishes = check->wishes;

    if (strlen(name) > COMMON_NAME_MAX)
        return 1;
    return wishes->common_name && identifier_is_wildcard(wishes->common_name) &&
           !check->terms->policy->rules[POLICY_CN].require->nelts &&
           policy_rule_fault(check->terms->policy, POLICY_CN, name,
                             check->pool);
}

/* The CSR's. */
static const char *common_name_wished(check_t *check)
{
    const policy_csr_wishes_t *wishes = check->wishes;
    const char *name = wishes->common_text, *fault;

    if (wishes->common_name)
        name = wishes->common_name->value;
    if (!name || is_dispensable(check, name))
        return NULL;
    fault =
        policy_rule_fault(check->terms->policy, POLICY_CN, name, check->pool);
    if (fault)
        fault_add(check, "its CN is \"%s\": %s", quote(check, name), fault);
    return name;
}

/* protocol: CN, the first that is short enough and that the policy likes. */
static const char *common_name_fill(const check_t *check)
{
    const apr_array_header_t *identifiers = check->terms->identifiers;
    int i;

    for (i = 0; check->terms->common_name && i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);

        if (id->type == IDENTIFIER_DNS &&
            strlen(id->value) <= COMMON_NAME_MAX &&
            !policy_rule_fault(check->terms->policy, POLICY_CN, id->value,
                               check->pool))
            return id->value;
    }
    return NULL;
}

const char *policy_csr_subject_check(policy_csr_wishes_t *wishes,
                                     const policy_csr_terms_t *terms,
                                     apr_pool_t *pool)
{
    check_t check = {wishes, terms, pool, FAULTS_MAX};
    const char *common_name = common_name_wished(&check);

    subject_check(&check);
    texts_check(&check, POLICY_EMAIL, "an e-mail address", wishes->emails);
    texts_check(&check, POLICY_URI, "a URI", wishes->uris);
    if (!common_name)
        common_name = common_name_fill(&check);
    defaults_fill(&check);
    subject_sort(wishes->subject);
    required_check(&check, common_name);
    return common_name;
}
