/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_usage.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/quote.h"
#include "base/words.h"
#include "policy/policy_make.h"
#include "policy/policy_preset.h"

#include "base/banned.h"

#define QUOTE_MAX 80
#define OID_MAX   80

#define CA_USAGES (X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN)
/* What a kind of key is good for: RFC 3279 2.3.1, RFC 8813 3, RFC 8410 5. */
#define SIGNING_USAGES (X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_NON_REPUDIATION)
#define RSA_USAGES                                                             \
    (SIGNING_USAGES | X509v3_KU_KEY_ENCIPHERMENT | X509v3_KU_DATA_ENCIPHERMENT)
#define EC_USAGES                                                              \
    (SIGNING_USAGES | X509v3_KU_KEY_AGREEMENT | X509v3_KU_ENCIPHER_ONLY |      \
     X509v3_KU_DECIPHER_ONLY)

/* OpenSSL's short names of those that people know by name. */
static const char *const ext_key_usages[] = {
    "serverAuth",
    "clientAuth",
    "codeSigning",
    "emailProtection",
    "timeStamping",
    "ipsecIKE",
    "ipsecEndSystem",
    "ipsecTunnel",
    "ipsecUser",
    "msSmartcardLogin",
    "pkInitClientAuth",
    "pkInitKDC",
    "secureShellClient",
    "secureShellServer",
    "msCodeInd",
    "msCodeCom",
    "msEFS",
    "msEFSRecovery",
};
#define EXT_KEY_USAGE_COUNT (sizeof(ext_key_usages) / sizeof(*ext_key_usages))

static const char *quote(const char *text, apr_pool_t *pool)
{
    return quote_make(text, strlen(text), QUOTE_MAX, pool);
}

policy_verb_e policy_verb_find(const char *verb)
{
    if (strcasecmp(verb, "allow") == 0)
        return POLICY_ALLOW;
    if (strcasecmp(verb, "require") == 0)
        return POLICY_REQUIRE;
    return strcasecmp(verb, "deny") == 0 ? POLICY_DENY : POLICY_NO_VERB;
}

const char *policy_verb_fault(const char *verb, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "\"%s\" is no list; write allow, require or deny "
                        "before the values",
                        quote(verb, pool));
}

static void word_remove(apr_array_header_t *words, const char *word)
{
    int i, left = 0;

    for (i = 0; i < words->nelts; ++i) {
        const char *one = APR_ARRAY_IDX(words, i, const char *);

        if (strcmp(one, word) != 0)
            APR_ARRAY_IDX(words, left++, const char *) = one;
    }
    words->nelts = left;
}

static const char *clash(const char *word, const char *list, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "%s stands in the %s list already; take it out of one",
                        word, list);
}

static const char *key_usage_fault(policy_verb_e verb, unsigned int flag,
                                   const char *word, apr_pool_t *pool)
{
    if (!flag)
        return apr_psprintf(pool, "\"%s\" is no key usage; choose among %s",
                            quote(word, pool),
                            policy_key_usage_text(~CA_USAGES, pool));
    if (verb != POLICY_DENY && flag & CA_USAGES)
        return apr_psprintf(pool,
                            "%s is for CA certificates, which no policy "
                            "issues; leave it out",
                            policy_key_usage_text(flag, pool));
    return NULL;
}

/* What the operator denies is taken from what the preset gave, but he may not
 * contradict himself. */
const char *policy_key_usage_add(policy_t *policy, const char *verb,
                                 const char *word, apr_pool_t *pool)
{
    unsigned int flag = policy_key_usage_find(word);
    policy_verb_e which = policy_verb_find(verb);
    const char *fault;
    policy_t preset;

    if (which == POLICY_NO_VERB)
        return policy_verb_fault(verb, pool);
    fault = key_usage_fault(which, flag, word, pool);
    if (fault)
        return fault;
    policy_preset_fill(&preset, policy->preset, pool);
    if (which != POLICY_DENY && policy->ku_deny & flag)
        return clash(word, "deny", pool);
    if (which == POLICY_DENY && ((policy->ku_require & ~preset.ku_require) |
                                 (policy->ku_allow & ~preset.ku_allow)) &
                                    flag)
        return clash(word, "other", pool);
    policy->is_touched = 1;
    if (which == POLICY_ALLOW)
        policy->ku_allow |= flag;
    else if (which == POLICY_REQUIRE)
        policy->ku_require |= flag;
    else {
        policy->ku_deny |= flag;
        policy->ku_require &= ~flag;
        policy->ku_rsa &= ~flag;
        policy->ku_allow &= ~flag;
    }
    return NULL;
}

/* Who holds such a certificate answers for the CA, or does anything at all. */
static const char *const too_mighty[] = {"OCSPSigning", "anyExtendedKeyUsage"};

static const char *mighty_find(const char *word)
{
    apr_size_t i;

    for (i = 0; i < sizeof(too_mighty) / sizeof(*too_mighty); ++i) {
        if (strcasecmp(too_mighty[i], word) == 0)
            return too_mighty[i];
    }
    return NULL;
}

/* "1.2.3": numbers and dots between them */
static int is_dotted(const char *word)
{
    if (!apr_isdigit(*word) || !strchr(word, '.'))
        return 0;
    for (; *word; ++word) {
        if (!apr_isdigit(*word) && (*word != '.' || !apr_isdigit(word[1])))
            return 0;
    }
    return 1;
}

/* By its name, or its OID in dots; NULL for what is neither. */
static const char *ext_key_usage_name(const char *word, apr_pool_t *pool)
{
    ASN1_OBJECT *object;
    const char *name = mighty_find(word);
    char oid[OID_MAX];
    apr_size_t i;
    int len;

    for (i = 0; i < EXT_KEY_USAGE_COUNT && !name; ++i) {
        if (strcasecmp(ext_key_usages[i], word) == 0)
            name = ext_key_usages[i];
    }
    if (name || !is_dotted(word))
        return name;
    object = OBJ_txt2obj(word, 1);
    len = object ? OBJ_obj2txt(oid, sizeof(oid), object, 1) : 0;
    if (len > 0 && len < (int)sizeof(oid))
        name = OBJ_obj2nid(object) == NID_undef
                   ? apr_pstrdup(pool, oid)
                   : OBJ_nid2sn(OBJ_obj2nid(object));
    ASN1_OBJECT_free(object);
    return name;
}

static const char *ext_key_usage_fault(policy_verb_e verb, const char *name,
                                       const char *word, apr_pool_t *pool)
{
    apr_size_t i;
    const char *list = "";

    if (name && verb != POLICY_DENY && mighty_find(name))
        return apr_psprintf(pool,
                            "%s would make every such certificate an "
                            "authority; name what it is for",
                            name);
    if (name)
        return NULL;
    for (i = 0; i < EXT_KEY_USAGE_COUNT; ++i)
        list = apr_pstrcat(pool, list, i ? ", " : "", ext_key_usages[i], NULL);
    return apr_psprintf(pool,
                        "\"%s\" is no extended key usage; choose among %s, or "
                        "write an OID in dots",
                        quote(word, pool), list);
}

const char *policy_ext_key_usage_add(policy_t *policy, const char *verb,
                                     const char *word, apr_pool_t *pool)
{
    policy_verb_e which = policy_verb_find(verb);
    const char *name = ext_key_usage_name(word, pool), *fault;
    policy_t preset;

    if (which == POLICY_NO_VERB)
        return policy_verb_fault(verb, pool);
    fault = ext_key_usage_fault(which, name, word, pool);
    if (fault)
        return fault;
    policy_preset_fill(&preset, policy->preset, pool);
    if (which != POLICY_DENY && words_has(policy->eku_deny, name))
        return clash(word, "deny", pool);
    if (which == POLICY_DENY && (words_has(policy->eku_allow, name) ||
                                 (words_has(policy->eku_require, name) &&
                                  !words_has(preset.eku_require, name))))
        return clash(word, "other", pool);
    policy->is_touched = 1;
    word_remove(policy->eku_ignored, name);
    if (which == POLICY_DENY)
        word_remove(policy->eku_require, name);
    words_add(which == POLICY_ALLOW     ? policy->eku_allow
              : which == POLICY_REQUIRE ? policy->eku_require
                                        : policy->eku_deny,
              name);
    return NULL;
}

static unsigned int useful(const EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return RSA_USAGES;
    case EVP_PKEY_EC:
        return EC_USAGES;
    default:
        return SIGNING_USAGES;
    }
}

unsigned int policy_key_usage_issued(const policy_t *policy,
                                     const EVP_PKEY *key, unsigned int asked)
{
    unsigned int usage = policy->ku_require;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        usage |= policy->ku_rsa;
    usage |= asked & policy->ku_allow & useful(key);
    return usage & ~policy->ku_deny;
}

/* What RSA keys get is no fault in a CSR with an EC key: cert-manager asks for
 * both whatever the key. */
unsigned int policy_key_usage_refused(const policy_t *policy,
                                      unsigned int asked)
{
    return asked & ~(policy->ku_require | policy->ku_rsa | policy->ku_allow);
}

apr_array_header_t *policy_ext_key_usage_issued(const policy_t *policy,
                                                const apr_array_header_t *asked,
                                                apr_pool_t *pool)
{
    apr_array_header_t *issued = apr_array_copy(pool, policy->eku_require);
    const char *word;
    int i;

    for (i = 0; asked && i < asked->nelts; ++i) {
        word = APR_ARRAY_IDX(asked, i, const char *);
        if (words_has(policy->eku_allow, word))
            words_add(issued, word);
    }
    return issued;
}

apr_array_header_t *
policy_ext_key_usage_refused(const policy_t *policy,
                             const apr_array_header_t *asked, apr_pool_t *pool)
{
    apr_array_header_t *refused = apr_array_make(pool, 2, sizeof(const char *));
    const char *word;
    int i;

    for (i = 0; i < asked->nelts; ++i) {
        word = APR_ARRAY_IDX(asked, i, const char *);
        if (!words_has(policy->eku_require, word) &&
            !words_has(policy->eku_allow, word) &&
            !words_has(policy->eku_ignored, word))
            words_add(refused, word);
    }
    return refused;
}
