/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <apr_strings.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/banned.h"

static const char *const attributes[POLICY_ATTRIBUTE_COUNT] = {
    "CN", "O", "OU", "C", "ST", "L", "DC", "dns", "ip", "email", "uri"};

typedef struct {
    const char *name;
    unsigned int flag;
    int digest; /* of a signature */
} flag_t;

/* RFC 5280 4.2.1.3 */
static const flag_t key_usages[] = {
    {"digitalSignature", X509v3_KU_DIGITAL_SIGNATURE, 0},
    {"nonRepudiation", X509v3_KU_NON_REPUDIATION, 0},
    {"keyEncipherment", X509v3_KU_KEY_ENCIPHERMENT, 0},
    {"dataEncipherment", X509v3_KU_DATA_ENCIPHERMENT, 0},
    {"keyAgreement", X509v3_KU_KEY_AGREEMENT, 0},
    {"keyCertSign", X509v3_KU_KEY_CERT_SIGN, 0},
    {"cRLSign", X509v3_KU_CRL_SIGN, 0},
    {"encipherOnly", X509v3_KU_ENCIPHER_ONLY, 0},
    {"decipherOnly", X509v3_KU_DECIPHER_ONLY, 0},
    {NULL, 0, 0},
};

static const flag_t signatures[] = {
    {"sha256", POLICY_SIGNATURE_SHA256, NID_sha256},
    {"sha384", POLICY_SIGNATURE_SHA384, NID_sha384},
    {"sha512", POLICY_SIGNATURE_SHA512, NID_sha512},
    {"ed25519", POLICY_SIGNATURE_ED25519, NID_ED25519},
    {NULL, 0, 0},
};

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

static unsigned int flag_find(const flag_t *flags, const char *name)
{
    for (; flags->name; ++flags) {
        if (strcasecmp(flags->name, name) == 0)
            return flags->flag;
    }
    return 0;
}

static const char *flags_text(const flag_t *flags, unsigned int given,
                              apr_pool_t *pool)
{
    const char *text = "";

    for (; flags->name; ++flags) {
        if (given & flags->flag)
            text =
                apr_pstrcat(pool, text, *text ? ", " : "", flags->name, NULL);
    }
    return text;
}

unsigned int policy_key_usage_find(const char *name)
{
    return flag_find(key_usages, name);
}

const char *policy_key_usage_text(unsigned int usage, apr_pool_t *pool)
{
    return flags_text(key_usages, usage, pool);
}

unsigned int policy_signature_find(const char *name)
{
    return flag_find(signatures, name);
}

const char *policy_signatures_text(unsigned int flags, apr_pool_t *pool)
{
    return flags_text(signatures, flags, pool);
}

const char *policy_signature_fault(const policy_t *policy, int digest,
                                   apr_pool_t *pool)
{
    const flag_t *signature;

    for (signature = signatures; signature->name; ++signature) {
        if (signature->digest == digest && policy->signatures & signature->flag)
            return NULL;
    }
    return apr_psprintf(pool, "%s; allowed are: %s",
                        OBJ_nid2sn(digest) ? OBJ_nid2sn(digest)
                                           : "an unknown digest",
                        policy_signatures_text(policy->signatures, pool));
}
