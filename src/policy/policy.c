/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <apr_strings.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/banned.h"

static const char *const attributes[POLICY_ATTRIBUTE_COUNT] = {
    "CN", "O", "OU", "C", "ST", "L", "DC", "dns", "ip", "email", "uri"};

/* RFC 5280 4.2.1.3 */
static const struct {
    const char *name;
    unsigned int flag;
} key_usages[] = {
    {"digitalSignature", X509v3_KU_DIGITAL_SIGNATURE},
    {"nonRepudiation", X509v3_KU_NON_REPUDIATION},
    {"keyEncipherment", X509v3_KU_KEY_ENCIPHERMENT},
    {"dataEncipherment", X509v3_KU_DATA_ENCIPHERMENT},
    {"keyAgreement", X509v3_KU_KEY_AGREEMENT},
    {"keyCertSign", X509v3_KU_KEY_CERT_SIGN},
    {"cRLSign", X509v3_KU_CRL_SIGN},
    {"encipherOnly", X509v3_KU_ENCIPHER_ONLY},
    {"decipherOnly", X509v3_KU_DECIPHER_ONLY},
};
#define KEY_USAGE_COUNT (sizeof(key_usages) / sizeof(*key_usages))

static const struct {
    const char *name;
    unsigned int flag;
    int digest;
} signatures[] = {
    {"sha256", POLICY_SIGNATURE_SHA256, NID_sha256},
    {"sha384", POLICY_SIGNATURE_SHA384, NID_sha384},
    {"sha512", POLICY_SIGNATURE_SHA512, NID_sha512},
    {"ed25519", POLICY_SIGNATURE_ED25519, NID_ED25519},
};
#define SIGNATURE_COUNT (sizeof(signatures) / sizeof(*signatures))

const char *policy_attribute_name(policy_attribute_e attribute)
{
    return attributes[attribute];
}

int policy_attribute_find(const char *name)
{
    int i;

    for (i = 0; i < POLICY_ATTRIBUTE_COUNT; ++i) {
        if (strcasecmp(attributes[i], name) == 0)
            return i;
    }
    return -1;
}

int policy_rule_is_list(const policy_rule_t *rule)
{
    return rule->allow->nelts > 0 || rule->require->nelts > 0;
}

unsigned int policy_key_usage_find(const char *name)
{
    apr_size_t i;

    for (i = 0; i < KEY_USAGE_COUNT; ++i) {
        if (strcasecmp(key_usages[i].name, name) == 0)
            return key_usages[i].flag;
    }
    return 0;
}

const char *policy_key_usage_text(unsigned int usage, apr_pool_t *pool)
{
    const char *text = "";
    apr_size_t i;

    for (i = 0; i < KEY_USAGE_COUNT; ++i) {
        if (usage & key_usages[i].flag)
            text = apr_pstrcat(pool, text, *text ? ", " : "",
                               key_usages[i].name, NULL);
    }
    return text;
}

unsigned int policy_signature_find(const char *name)
{
    apr_size_t i;

    for (i = 0; i < SIGNATURE_COUNT; ++i) {
        if (strcasecmp(signatures[i].name, name) == 0)
            return signatures[i].flag;
    }
    return 0;
}

const char *policy_signatures_text(unsigned int flags, apr_pool_t *pool)
{
    const char *text = "";
    apr_size_t i;

    for (i = 0; i < SIGNATURE_COUNT; ++i) {
        if (flags & signatures[i].flag)
            text = apr_pstrcat(pool, text, *text ? ", " : "",
                               signatures[i].name, NULL);
    }
    return text;
}

const char *policy_signature_fault(const policy_t *policy, int digest,
                                   apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < SIGNATURE_COUNT; ++i) {
        if (signatures[i].digest == digest &&
            policy->signatures & signatures[i].flag)
            return NULL;
    }
    return apr_psprintf(pool, "%s; allowed are: %s",
                        OBJ_nid2sn(digest) ? OBJ_nid2sn(digest)
                                           : "an unknown digest",
                        policy_signatures_text(policy->signatures, pool));
}
