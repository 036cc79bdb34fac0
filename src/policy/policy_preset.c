/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_preset.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/banned.h"

#define DAY   86400
#define WORDS 3
#define ANY_KEY                                                                \
    (POLICY_KEY_P256 | POLICY_KEY_P384 | POLICY_KEY_P521 | POLICY_KEY_RSA |    \
     POLICY_KEY_ED25519)
#define SIGNATURE X509v3_KU_DIGITAL_SIGNATURE
#define ENCIPHER  X509v3_KU_KEY_ENCIPHERMENT

/* One row per preset.  The usages are what every leaf gets, what RSA leaves
 * get on top, and what is asked of a TLS server's CA out of habit: acme.sh asks
 * for serverAuth and clientAuth unless told otherwise. */
static const struct {
    const char *name;
    apr_int64_t max_validity;
    unsigned int ku, ku_rsa, ku_allow;
    const char *eku[WORDS], *eku_ignored[WORDS];
    int is_short_lived, needs_external_account;
} presets[] = {
    {"tls-server",
     365 * DAY,
     SIGNATURE,
     ENCIPHER,
     0,
     {"serverAuth"},
     {"clientAuth"},
     0,
     0},
    {"tls-client",
     365 * DAY,
     SIGNATURE,
     0,
     ENCIPHER,
     {"clientAuth"},
     {NULL},
     0,
     0},
    {"tls-dual",
     365 * DAY,
     SIGNATURE,
     ENCIPHER,
     0,
     {"serverAuth", "clientAuth"},
     {NULL},
     0,
     0},
    {"short-lived",
     7 * DAY,
     SIGNATURE,
     ENCIPHER,
     0,
     {"serverAuth"},
     {"clientAuth"},
     1,
     0},
    {"code-signing",
     3 * 365 * DAY,
     SIGNATURE,
     0,
     0,
     {"codeSigning"},
     {NULL},
     0,
     1},
    {"email",
     365 * DAY,
     SIGNATURE,
     ENCIPHER,
     X509v3_KU_NON_REPUDIATION,
     {"emailProtection"},
     {NULL},
     0,
     1},
};
#define PRESET_COUNT (sizeof(presets) / sizeof(*presets))

static apr_array_header_t *words_make(const char *const *words,
                                      apr_pool_t *pool)
{
    apr_array_header_t *list =
        apr_array_make(pool, WORDS, sizeof(const char *));
    int i;

    for (i = 0; words && i < WORDS && words[i]; ++i)
        APR_ARRAY_PUSH(list, const char *) = words[i];
    return list;
}

static void rules_make(policy_t *policy, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < POLICY_ATTRIBUTE_COUNT; ++i) {
        policy_rule_t *rule = &policy->rules[i];

        rule->allow = apr_array_make(pool, 1, sizeof(void *));
        rule->require = apr_array_make(pool, 1, sizeof(void *));
        rule->deny = apr_array_make(pool, 1, sizeof(void *));
    }
    policy->networks = apr_array_make(pool, 1, sizeof(void *));
}

int policy_preset_fill(policy_t *policy, const char *preset, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < PRESET_COUNT && strcmp(presets[i].name, preset) != 0; ++i)
        ;
    if (i == PRESET_COUNT)
        return 0;
    policy->preset = presets[i].name;
    policy->max_names = 100;
    policy->key_kinds = ANY_KEY;
    policy->rsa_min = 2048;
    policy->rsa_max = 4096;
    policy->signatures = POLICY_SIGNATURE_SHA256 | POLICY_SIGNATURE_SHA384 |
                         POLICY_SIGNATURE_SHA512 | POLICY_SIGNATURE_ED25519;
    policy->max_validity = presets[i].max_validity;
    rules_make(policy, pool);
    policy->ku_require = presets[i].ku;
    policy->ku_rsa = presets[i].ku_rsa;
    policy->ku_allow = presets[i].ku_allow;
    policy->ku_deny = 0;
    policy->eku_require = words_make(presets[i].eku, pool);
    policy->eku_allow = words_make(NULL, pool);
    policy->eku_deny = words_make(NULL, pool);
    policy->eku_ignored = words_make(presets[i].eku_ignored, pool);
    policy->is_short_lived = presets[i].is_short_lived;
    policy->needs_external_account = presets[i].needs_external_account;
    return 1;
}

const char *policy_preset_list(apr_pool_t *pool)
{
    const char *list = "";
    apr_size_t i;

    for (i = 0; i < PRESET_COUNT; ++i)
        list = apr_pstrcat(pool, list, i ? ", " : "", presets[i].name, NULL);
    return list;
}
