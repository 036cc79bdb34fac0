/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_make.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "policy/policy_network.h"
#include "policy/policy_preset.h"
#include "policy/policy_usage.h"

#include "base/banned.h"

#define RSA_MIN      2048 /* hygiene, whatever the policy */
#define RSA_MAX      16384
#define NAMES_MAX    1000
#define QUOTE_MAX    80
#define VALIDITY_MIN 60
#define VALIDITY_MAX (APR_INT64_C(100) * 366 * 86400)

static const char *quote(const char *text, apr_pool_t *pool)
{
    return quote_make(text, strlen(text), QUOTE_MAX, pool);
}

policy_t *policy_make(const char *name, apr_pool_t *pool)
{
    policy_t *policy = apr_pcalloc(pool, sizeof(*policy));

    policy->name = name;
    policy_preset_fill(policy, "tls-server", pool);
    return policy;
}

const char *policy_preset_set(policy_t *policy, const char *preset,
                              apr_pool_t *pool)
{
    if (policy->is_touched)
        return "a preset replaces everything before it; make it the first "
               "line of the policy";
    if (policy_preset_fill(policy, preset, pool))
        return NULL;
    return apr_psprintf(pool, "\"%s\" is no preset; choose one of %s",
                        quote(preset, pool), policy_preset_list(pool));
}

static const char *rule_add(policy_t *policy, int attribute, const char *verb,
                            const char *text, apr_pool_t *pool)
{
    policy_rule_t *rule = &policy->rules[attribute];
    policy_verb_e which = policy_verb_find(verb);
    apr_array_header_t *list;
    policy_pattern_t *pattern;
    const char *fault;

    if (which == POLICY_NO_VERB)
        return policy_verb_fault(verb, pool);
    fault = policy_pattern_parse(&pattern, (policy_attribute_e)attribute, text,
                                 pool);
    if (fault)
        return fault;
    policy->is_touched = 1;
    list = which == POLICY_ALLOW     ? rule->allow
           : which == POLICY_REQUIRE ? rule->require
                                     : rule->deny;
    APR_ARRAY_PUSH(list, policy_pattern_t *) = pattern;
    return NULL;
}

const char *policy_subject_add(policy_t *policy, const char *type,
                               const char *verb, const char *pattern,
                               apr_pool_t *pool)
{
    int attribute = policy_attribute_find(type);

    if (attribute < 0 || attribute >= POLICY_SUBJECT_COUNT)
        return apr_psprintf(pool,
                            "\"%s\" is no subject attribute that can be "
                            "ruled; choose one of CN, O, OU, C, ST, L, DC",
                            quote(type, pool));
    return rule_add(policy, attribute, verb, pattern, pool);
}

const char *policy_san_add(policy_t *policy, const char *type, const char *verb,
                           const char *pattern, apr_pool_t *pool)
{
    int attribute = policy_attribute_find(type);

    if (attribute < POLICY_SUBJECT_COUNT)
        return apr_psprintf(pool,
                            "\"%s\" is no kind of subjectAltName; choose one "
                            "of dns, ip, email, uri",
                            quote(type, pool));
    return rule_add(policy, attribute, verb, pattern, pool);
}

/* "2048-4096" or "3072" */
static const char *rsa_range_parse(int *min, int *max, const char *text,
                                   apr_pool_t *pool)
{
    char *end;
    long low = strtol(text, &end, 10), high = low;

    if (apr_isdigit(*text) && *end == '-' && apr_isdigit(end[1]))
        high = strtol(end + 1, &end, 10);
    if (!apr_isdigit(*text) || *end)
        return apr_psprintf(pool,
                            "\"rsa:%s\" has no size; write it like "
                            "rsa:2048-4096 or rsa:3072",
                            quote(text, pool));
    if (low < RSA_MIN || high > RSA_MAX || low > high)
        return apr_psprintf(pool,
                            "\"rsa:%s\" is out of range; choose %d to %d bits, "
                            "the smaller number first",
                            quote(text, pool), RSA_MIN, RSA_MAX);
    *min = (int)low;
    *max = (int)high;
    return NULL;
}

static const struct {
    const char *word;
    unsigned int kind;
} key_words[] = {
    {"ec:P-256", POLICY_KEY_P256},
    {"ec:P-384", POLICY_KEY_P384},
    {"ec:P-521", POLICY_KEY_P521},
    {"ed25519", POLICY_KEY_ED25519},
};

static unsigned int key_word_find(const char *word)
{
    apr_size_t i;

    for (i = 0; i < sizeof(key_words) / sizeof(*key_words); ++i) {
        if (strcasecmp(key_words[i].word, word) == 0)
            return key_words[i].kind;
    }
    return 0;
}

const char *policy_key_set(policy_t *policy, const apr_array_header_t *words,
                           apr_pool_t *pool)
{
    int i, min = policy->rsa_min, max = policy->rsa_max;
    unsigned int kinds = 0, kind;
    const char *word, *fault;

    for (i = 0; i < words->nelts; ++i) {
        word = APR_ARRAY_IDX(words, i, const char *);
        kind = key_word_find(word);
        if (strncasecmp(word, "rsa:", 4) == 0) {
            fault = rsa_range_parse(&min, &max, word + 4, pool);
            if (fault)
                return fault;
            kind = POLICY_KEY_RSA;
        }
        if (!kind)
            return apr_psprintf(pool,
                                "\"%s\" is no kind of key; choose among "
                                "ec:P-256, ec:P-384, ec:P-521, ed25519 and "
                                "rsa:2048-4096",
                                quote(word, pool));
        if (kinds & kind)
            return apr_psprintf(pool, "\"%s\" stands here twice; leave one out",
                                quote(word, pool));
        kinds |= kind;
    }
    if (!kinds)
        return "no kind of key is left; name one at least";
    policy->is_touched = 1;
    policy->key_kinds = kinds;
    policy->rsa_min = min;
    policy->rsa_max = max;
    return NULL;
}

const char *policy_signature_set(policy_t *policy,
                                 const apr_array_header_t *words,
                                 apr_pool_t *pool)
{
    unsigned int flags = 0, flag;
    int i;

    for (i = 0; i < words->nelts; ++i) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);

        flag = policy_signature_find(word);
        if (!flag)
            return apr_psprintf(pool,
                                "\"%s\" is no signature algorithm; choose "
                                "among %s",
                                quote(word, pool),
                                policy_signatures_text(~0u, pool));
        flags |= flag;
    }
    if (!flags)
        return "no signature algorithm is left; name one at least";
    policy->is_touched = 1;
    policy->signatures = flags;
    return NULL;
}

const char *policy_max_validity_set(policy_t *policy, apr_int64_t seconds,
                                    apr_pool_t *pool)
{
    policy_t preset;

    if (seconds < VALIDITY_MIN || seconds > VALIDITY_MAX)
        return "it is shorter than a minute or longer than a century; write "
               "it like 90d or 1y";
    policy_preset_fill(&preset, policy->preset, pool);
    if (policy->is_short_lived && seconds > preset.max_validity)
        return apr_psprintf(pool,
                            "the preset %s lasts %d days at most, since nobody "
                            "can revoke what it issues; shorten it, or choose "
                            "another preset",
                            policy->preset, (int)(preset.max_validity / 86400));
    policy->is_touched = 1;
    policy->max_validity = seconds;
    return NULL;
}

const char *policy_max_names_set(policy_t *policy, int count, apr_pool_t *pool)
{
    if (count < 1 || count > NAMES_MAX)
        return apr_psprintf(pool, "%d is out of range; choose 1 to %d", count,
                            NAMES_MAX);
    policy->is_touched = 1;
    policy->max_names = count;
    return NULL;
}

/* "resolves-to=10.9.0.0/16,10.8.0.0/16" */
static const char *network_word_parse(policy_network_t *network,
                                      const char *word, apr_pool_t *pool)
{
    static const char to[] = "resolves-to=", from[] = "requested-from=";
    apr_array_header_t **list;
    apr_size_t len;

    if (strncasecmp(word, to, sizeof(to) - 1) == 0) {
        list = &network->resolves_to;
        len = sizeof(to) - 1;
    }
    else if (strncasecmp(word, from, sizeof(from) - 1) == 0) {
        list = &network->requested_from;
        len = sizeof(from) - 1;
    }
    else
        return apr_psprintf(pool,
                            "\"%s\" says nothing about networks; write "
                            "resolves-to=CIDR or requested-from=CIDR",
                            quote(word, pool));
    if (!*list)
        *list = apr_array_make(pool, 2, sizeof(policy_cidr_t *));
    return policy_cidr_list_parse(*list, word + len, pool);
}

const char *policy_network_add(policy_t *policy, const char *pattern,
                               const apr_array_header_t *words,
                               apr_pool_t *pool)
{
    policy_network_t *network = apr_pcalloc(pool, sizeof(*network));
    const char *fault =
        policy_pattern_name_parse(&network->pattern, pattern, pool);
    int i;

    for (i = 0; !fault && i < words->nelts; ++i)
        fault = network_word_parse(network,
                                   APR_ARRAY_IDX(words, i, const char *), pool);
    if (fault)
        return fault;
    if (words->nelts == 0)
        return "the pattern is bound to nothing; write resolves-to=CIDR or "
               "requested-from=CIDR behind it";
    policy->is_touched = 1;
    APR_ARRAY_PUSH(policy->networks, policy_network_t *) = network;
    return NULL;
}

static void finding_add(apr_array_header_t *findings, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void finding_add(apr_array_header_t *findings, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    APR_ARRAY_PUSH(findings, const char *) =
        apr_pvsprintf(findings->pool, fmt, args);
    va_end(args);
}

static int has_text(const apr_array_header_t *patterns, int count,
                    const char *text)
{
    int i;

    for (i = 0; i < count; ++i) {
        if (strcasecmp(text,
                       APR_ARRAY_IDX(patterns, i, policy_pattern_t *)->text) ==
            0)
            return 1;
    }
    return 0;
}

/* What is allowed and denied by the same words, each once. */
static void clashes_add(apr_array_header_t *findings,
                        const policy_attribute_e attribute,
                        const apr_array_header_t *list,
                        const apr_array_header_t *deny)
{
    int i;

    for (i = 0; i < list->nelts; ++i) {
        const char *text = APR_ARRAY_IDX(list, i, policy_pattern_t *)->text;

        if (has_text(deny, deny->nelts, text) && !has_text(list, i, text))
            finding_add(findings,
                        "%s \"%s\" is denied and allowed or required; deny "
                        "wins, so take it out of one list",
                        policy_attribute_name(attribute), text);
    }
}

/* A CSR is signed with the key that it asks for. */
static void signatures_add(apr_array_header_t *findings, const policy_t *policy)
{
    unsigned int others = policy->key_kinds & ~POLICY_KEY_ED25519;
    unsigned int digests = policy->signatures & ~POLICY_SIGNATURE_ED25519;

    if ((others && digests) ||
        (policy->key_kinds != others && policy->signatures != digests))
        return;
    finding_add(findings,
                "no key that it allows can sign a CSR as it allows (%s), so "
                "nothing would be issued; add to ACMEPolicySignature or "
                "ACMEPolicyKey",
                policy_signatures_text(policy->signatures, findings->pool));
}

apr_array_header_t *policy_findings(const policy_t *policy, apr_pool_t *pool)
{
    apr_array_header_t *findings =
        apr_array_make(pool, 1, sizeof(const char *));
    int i;

    for (i = 0; i < POLICY_ATTRIBUTE_COUNT; ++i) {
        const policy_rule_t *rule = &policy->rules[i];

        clashes_add(findings, (policy_attribute_e)i,
                    apr_array_append(pool, rule->allow, rule->require),
                    rule->deny);
    }
    signatures_add(findings, policy);
    if (!policy->ku_require)
        finding_add(findings, "no key usage is left; require digitalSignature");
    if (!policy->eku_require->nelts)
        finding_add(findings, "no extended key usage is left; require the one "
                              "that the certificates are for");
    return findings;
}
