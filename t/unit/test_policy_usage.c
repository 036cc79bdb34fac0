/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_usage.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "policy_help.h"
#include "recipe.h"

#define SIGN   X509v3_KU_DIGITAL_SIGNATURE
#define NONREP X509v3_KU_NON_REPUDIATION
#define ENCIPH X509v3_KU_KEY_ENCIPHERMENT
#define DATA   X509v3_KU_DATA_ENCIPHERMENT
#define AGREE  X509v3_KU_KEY_AGREEMENT
#define CERT   X509v3_KU_KEY_CERT_SIGN

static void key_usages(apr_pool_t *pool)
{
    static const struct {
        const char *lines;
        unsigned int asked, refused;
        unsigned int rsa, ec, ed25519; /* issued */
    } rows[] = {
        {"", 0, 0, SIGN | ENCIPH, SIGN, SIGN},
        {"", SIGN, 0, SIGN | ENCIPH, SIGN, SIGN},
        {"", SIGN | ENCIPH, 0, SIGN | ENCIPH, SIGN, SIGN},
        {"", AGREE, AGREE, SIGN | ENCIPH, SIGN, SIGN},
        {"", CERT | NONREP, CERT | NONREP, SIGN | ENCIPH, SIGN, SIGN},
        {"ku allow keyAgreement", 0, 0, SIGN | ENCIPH, SIGN, SIGN},
        {"ku allow keyAgreement", AGREE, 0, SIGN | ENCIPH, SIGN | AGREE, SIGN},
        {"ku allow nonRepudiation", NONREP, 0, SIGN | ENCIPH | NONREP,
         SIGN | NONREP, SIGN | NONREP},
        {"ku allow dataEncipherment", DATA | SIGN, 0, SIGN | ENCIPH | DATA,
         SIGN, SIGN},
        {"ku allow keyEncipherment", ENCIPH, 0, SIGN | ENCIPH, SIGN, SIGN},
        {"ku require nonRepudiation", 0, 0, SIGN | ENCIPH | NONREP,
         SIGN | NONREP, SIGN | NONREP},
        {"ku require NonRepudiation", NONREP, 0, SIGN | ENCIPH | NONREP,
         SIGN | NONREP, SIGN | NONREP},
        {"ku deny keyEncipherment", 0, 0, SIGN, SIGN, SIGN},
        {"ku deny keyEncipherment", ENCIPH, ENCIPH, SIGN, SIGN, SIGN},
        {"ku deny digitalSignature; ku require keyAgreement", SIGN, SIGN,
         ENCIPH | AGREE, AGREE, AGREE},
        {"ku deny keyCertSign", CERT, CERT, SIGN | ENCIPH, SIGN, SIGN},
        {"preset tls-client", ENCIPH | SIGN, 0, SIGN | ENCIPH, SIGN, SIGN},
        {"preset tls-client", 0, 0, SIGN, SIGN, SIGN},
        {"preset code-signing", ENCIPH, ENCIPH, SIGN, SIGN, SIGN},
        {"preset email", NONREP, 0, SIGN | ENCIPH | NONREP, SIGN | NONREP,
         SIGN | NONREP},
    };
    EVP_PKEY *rsa = recipe_key("RSA-2048", pool);
    EVP_PKEY *ec = recipe_key("P-256", pool);
    EVP_PKEY *ed25519 = recipe_key("ED25519", pool);
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        policy_t *policy = policy_help_make(rows[i].lines, pool);
        unsigned int asked = rows[i].asked;

        ok(policy_key_usage_refused(policy, asked) == rows[i].refused, "%s %u",
           rows[i].lines, asked);
        is_int(policy_key_usage_issued(policy, rsa, asked), rows[i].rsa);
        is_int(policy_key_usage_issued(policy, ec, asked), rows[i].ec);
        is_int(policy_key_usage_issued(policy, ed25519, asked),
               rows[i].ed25519);
    }
}

static apr_array_header_t *words(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(char *));
    char **word;

    apr_tokenize_to_argv(text, &word, pool);
    for (; *word; ++word)
        APR_ARRAY_PUSH(list, char *) = *word;
    return list;
}

static void ext_key_usages(apr_pool_t *pool)
{
    static const struct {
        const char *lines, *asked, *refused, *issued;
    } rows[] = {
        {"", "", "", "serverAuth"},
        {"", "serverAuth", "", "serverAuth"},
        {"", "serverAuth clientAuth", "", "serverAuth"},
        {"", "clientAuth", "", "serverAuth"},
        {"", "codeSigning", "codeSigning", "serverAuth"},
        {"", "codeSigning codeSigning", "codeSigning", "serverAuth"},
        {"", "1.2.3.4", "1.2.3.4", "serverAuth"},
        {"", "anyExtendedKeyUsage", "anyExtendedKeyUsage", "serverAuth"},
        {"eku allow clientAuth", "", "", "serverAuth"},
        {"eku allow clientAuth", "clientAuth", "", "serverAuth clientAuth"},
        {"eku allow clientAuth", "clientAuth clientAuth", "",
         "serverAuth clientAuth"},
        {"eku allow CLIENTAUTH", "clientAuth", "", "serverAuth clientAuth"},
        {"eku allow 1.3.6.1.5.5.7.3.2", "clientAuth", "",
         "serverAuth clientAuth"},
        {"eku require clientAuth", "", "", "serverAuth clientAuth"},
        {"eku deny clientAuth", "clientAuth", "clientAuth", "serverAuth"},
        {"eku deny serverAuth; eku require clientAuth", "serverAuth",
         "serverAuth", "clientAuth"},
        {"eku deny serverAuth; eku require clientAuth", "", "", "clientAuth"},
        {"eku allow 1.2.3.4", "1.2.3.4", "", "serverAuth 1.2.3.4"},
        {"eku allow 1.2.3.4", "1.2.3.5", "1.2.3.5", "serverAuth"},
        {"eku require 1.2.3.4", "", "", "serverAuth 1.2.3.4"},
        {"eku deny OCSPSigning anyExtendedKeyUsage", "", "", "serverAuth"},
        {"preset tls-dual", "clientAuth", "", "serverAuth clientAuth"},
        {"preset short-lived", "clientAuth", "", "serverAuth"},
        {"preset tls-client", "serverAuth", "serverAuth", "clientAuth"},
        {"preset tls-client", "clientAuth", "", "clientAuth"},
        {"preset code-signing", "clientAuth", "clientAuth", "codeSigning"},
        {"preset email", "serverAuth emailProtection", "serverAuth",
         "emailProtection"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        policy_t *policy = policy_help_make(rows[i].lines, pool);
        apr_array_header_t *asked = words(rows[i].asked, pool);

        is_str(
            apr_array_pstrcat(
                pool, policy_ext_key_usage_refused(policy, asked, pool), ' '),
            rows[i].refused);
        is_str(apr_array_pstrcat(
                   pool, policy_ext_key_usage_issued(policy, asked, pool), ' '),
               rows[i].issued);
    }
}

static void lines_refused(apr_pool_t *pool)
{
    static const char *const table[][2] = {
        {"ku allow foo", "no key usage; choose among digitalSignature"},
        {"ku permit keyAgreement", "write allow, require or deny"},
        {"ku allow keyCertSign", "for CA certificates"},
        {"ku require cRLSign", "for CA certificates"},
        {"eku allow foo", "no extended key usage; choose among serverAuth"},
        {"eku allow commonName", "no extended key usage"},
        {"eku allow 1", "no extended key usage"},
        {"eku allow 9.9.9", "no extended key usage"},
        {"eku allow 1..2", "no extended key usage"},
        {"eku allow ''", "no extended key usage"},
        {"eku permit serverAuth", "write allow, require or deny"},
        {"eku allow OCSPSigning", "an authority"},
        {"eku require anyextendedkeyusage", "an authority"},
        {"eku allow 1.3.6.1.5.5.7.3.9", "an authority"},
        {"eku require 2.5.29.37.0", "an authority"},
        {NULL, NULL}};
    static const char *const clashes[][3] = {
        {"ku deny keyAgreement", "ku allow keyAgreement", "deny"},
        {"ku deny keyAgreement", "ku require keyAgreement", "deny"},
        {"ku require keyAgreement", "ku deny keyAgreement", "other"},
        {"ku allow keyAgreement", "ku deny keyAgreement", "other"},
        {"eku deny clientAuth", "eku allow clientAuth", "deny"},
        {"eku allow clientAuth", "eku deny clientAuth", "other"},
        {"eku require clientAuth", "eku deny clientAuth", "other"},
        {NULL, NULL, NULL}};
    const char *fault;
    int i;

    for (i = 0; table[i][0]; ++i) {
        fault = policy_help_line(policy_make("p", pool), table[i][0], pool);
        ok(fault && strstr(fault, table[i][1]), "%s: \"%s\" in \"%s\"",
           table[i][0], table[i][1], fault ? fault : "");
    }
    for (i = 0; clashes[i][0]; ++i) {
        policy_t *policy = policy_help_make(clashes[i][0], pool);

        fault = policy_help_line(policy, clashes[i][1], pool);
        ok(fault && strstr(fault, clashes[i][2]), "%s; %s: %s", clashes[i][0],
           clashes[i][1], fault ? fault : "");
    }
}

const tap_case_t tap_cases[] = {
    {"key usages asked, refused, issued", key_usages},
    {"extended key usages asked, refused, issued", ext_key_usages},
    {"usages that make no sense", lines_refused},
    {NULL, NULL}};
