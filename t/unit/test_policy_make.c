/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_make.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "policy/policy_network.h"
#include "policy_help.h"

/* A line that is refused, and a word of the reason. */
static void refused(const char *const (*row)[2], apr_pool_t *pool)
{
    for (; (*row)[0]; ++row) {
        policy_t *policy = policy_make("p", pool);
        const char *fault = policy_help_line(policy, (*row)[0], pool);

        ok(fault, "%s: refused", (*row)[0]);
        ok(fault && strstr(fault, (*row)[1]), "%s: want \"%s\" in \"%s\"",
           (*row)[0], (*row)[1], fault ? fault : "");
    }
}

static const char *words_text(const apr_array_header_t *words, apr_pool_t *pool)
{
    return apr_array_pstrcat(pool, words, ' ');
}

static void presets(apr_pool_t *pool)
{
    static const struct {
        const char *preset, *eku, *ignored;
        unsigned int ku, ku_rsa;
        int days, is_short_lived, needs_external_account;
    } rows[] = {
        {"tls-server", "serverAuth", "clientAuth", 0x80, 0x20, 365, 0, 0},
        {"tls-client", "clientAuth", "", 0x80, 0, 365, 0, 0},
        {"tls-dual", "serverAuth clientAuth", "", 0x80, 0x20, 365, 0, 0},
        {"short-lived", "serverAuth", "clientAuth", 0x80, 0x20, 7, 1, 0},
        {"code-signing", "codeSigning", "", 0x80, 0, 1095, 0, 1},
        {"email", "emailProtection", "", 0x80, 0x20, 365, 0, 1},
    };
    apr_size_t i;
    int k;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        policy_t *policy = policy_make("mine", pool);

        ok(!policy_preset_set(policy, rows[i].preset, pool));
        is_str(policy->name, "mine");
        is_str(policy->preset, rows[i].preset);
        is_str(words_text(policy->eku_require, pool), rows[i].eku);
        is_str(words_text(policy->eku_ignored, pool), rows[i].ignored);
        is_int(policy->ku_require, rows[i].ku);
        is_int(policy->ku_rsa, rows[i].ku_rsa);
        is_int(policy->max_validity, rows[i].days * 86400);
        is_int(policy->is_short_lived, rows[i].is_short_lived);
        is_int(policy->needs_external_account, rows[i].needs_external_account);
        is_int(policy->max_names, 100);
        is_int(policy->rsa_min, 2048);
        is_int(policy->rsa_max, 4096);
        ok(policy->key_kinds & POLICY_KEY_RSA &&
           policy->key_kinds & POLICY_KEY_P256);
        for (k = 0; k < POLICY_ATTRIBUTE_COUNT; ++k)
            ok(!policy_rule_is_list(&policy->rules[k]));
        is_int(policy_findings(policy, pool)->nelts, 0);
    }
}

static void preset_first(apr_pool_t *pool)
{
    static const char *const touching[] = {
        "subject O allow x",
        "san dns allow x",
        "key ed25519",
        "signature sha256",
        "validity 86400",
        "names 3",
        "ku allow keyAgreement",
        "eku allow clientAuth",
        "network x.test resolves-to=10.0.0.0/8",
        NULL};
    static const char *const bad[][2] = {
        {"preset tls", "no preset; choose one of tls-server, tls-client"},
        {"preset TLS-SERVER", "no preset"},
        {"preset ''", "no preset"},
        {NULL, NULL}};
    const char *fault;
    int i;

    for (i = 0; touching[i]; ++i) {
        policy_t *policy = policy_make("p", pool);

        ok(!policy_help_line(policy, "preset tls-client", pool));
        ok(!policy_help_line(policy, "preset tls-dual", pool));
        ok(!policy_help_line(policy, touching[i], pool), "%s", touching[i]);
        fault = policy_help_line(policy, "preset tls-client", pool);
        ok(fault && strstr(fault, "first line"), "%s", touching[i]);
        is_str(policy->preset, "tls-dual");
    }
    refused(bad, pool);
}

static void rules(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"subject X allow a", "choose one of CN, O, OU, C, ST, L, DC"},
        {"subject dns allow a", "no subject attribute"},
        {"subject emailAddress allow a", "no subject attribute"},
        {"subject O permit a", "write allow, require or deny"},
        {"subject O allow ''", "is empty"},
        {"subject C allow Germany", "more than 2"},
        {"subject CN allow web-*.a.test", "whole label"},
        {"san CN allow a", "choose one of dns, ip, email, uri"},
        {"san DNSName allow a", "no kind of subjectAltName"},
        {"san dns a b", "write allow, require or deny"},
        {"san dns allow a..b", "empty label"},
        {"san dns allow *.a 10.0.0.1", "all digits"},
        {"san ip allow *.a", "no address or network"},
        {"san ip deny 10.0.0.1/8", "write 10.0.0.0/8"},
        {"san email allow a.test", "no \"@\""},
        {"san uri allow a.test", "scheme"},
        {NULL, NULL}};
    policy_t *policy = policy_help_make(
        "subject cn ALLOW *.a.test; subject O require 'Example Corp' Other; "
        "san DNS allow x deny y require z; san ip deny 10.0.0.0/8",
        pool);

    is_int(policy->rules[POLICY_CN].allow->nelts, 1);
    is_int(policy->rules[POLICY_O].require->nelts, 2);
    is_int(policy->rules[POLICY_DNS].allow->nelts, 1);
    is_int(policy->rules[POLICY_DNS].deny->nelts, 1);
    is_int(policy->rules[POLICY_DNS].require->nelts, 1);
    is_int(policy->rules[POLICY_IP].deny->nelts, 1);
    ok(policy_rule_is_list(&policy->rules[POLICY_DNS]));
    ok(!policy_rule_is_list(&policy->rules[POLICY_IP]));
    refused(bad, pool);
}

static void keys(apr_pool_t *pool)
{
    static const struct {
        const char *line;
        unsigned int kinds;
        int min, max;
    } good[] = {
        {"key ec:P-256", POLICY_KEY_P256, 2048, 4096},
        {"key EC:p-384 ec:P-521", POLICY_KEY_P384 | POLICY_KEY_P521, 2048,
         4096},
        {"key ed25519", POLICY_KEY_ED25519, 2048, 4096},
        {"key rsa:3072", POLICY_KEY_RSA, 3072, 3072},
        {"key rsa:2048-8192 ec:P-256", POLICY_KEY_RSA | POLICY_KEY_P256, 2048,
         8192},
    };
    static const char *const bad[][2] = {
        {"key", "name one at least"},
        {"key dsa", "no kind of key"},
        {"key ec", "no kind of key"},
        {"key ec:P-224", "no kind of key"},
        {"key ec:secp256k1", "no kind of key"},
        {"key rsa", "no kind of key"},
        {"key rsa:", "has no size"},
        {"key rsa:2048-", "has no size"},
        {"key rsa:-4096", "has no size"},
        {"key rsa:2048bit", "has no size"},
        {"key rsa:2048-4096-8192", "has no size"},
        {"key rsa:1024", "out of range"},
        {"key rsa:1024-4096", "out of range"},
        {"key rsa:4096-2048", "out of range"},
        {"key rsa:2048-99999999999999999999", "out of range"},
        {"key rsa:32768", "out of range"},
        {"key ed25519 ed25519", "twice"},
        {"key rsa:2048 rsa:4096", "twice"},
        {"key ed448", "no kind of key"},
        {NULL, NULL}};
    apr_size_t i;

    for (i = 0; i < sizeof(good) / sizeof(*good); ++i) {
        policy_t *policy = policy_help_make(good[i].line, pool);

        is_int(policy->key_kinds, good[i].kinds);
        is_int(policy->rsa_min, good[i].min);
        is_int(policy->rsa_max, good[i].max);
    }
    refused(bad, pool);
}

static void numbers(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"validity 0", "shorter than a minute"},
        {"validity -1", "shorter than a minute"},
        {"validity 59", "shorter than a minute"},
        {"validity 3200000000", "longer than a century"},
        {"names 0", "choose 1 to 1000"},
        {"names -5", "choose 1 to 1000"},
        {"names 1001", "choose 1 to 1000"},
        {"signature", "name one at least"},
        {"signature sha1", "choose among sha256, sha384, sha512, ed25519"},
        {"signature sha256 md5", "no signature algorithm"},
        {NULL, NULL}};
    policy_t *policy = policy_help_make(
        "signature sha384 ED25519; validity 60; names 1000", pool);

    is_int(policy->signatures,
           POLICY_SIGNATURE_SHA384 | POLICY_SIGNATURE_ED25519);
    is_int(policy->max_validity, 60);
    is_int(policy->max_names, 1000);
    refused(bad, pool);
    policy = policy_help_make("preset short-lived; validity 86400", pool);
    ok(policy_help_line(policy, "validity 604801", pool));
    ok(!policy_help_line(policy, "validity 604800", pool));
}

static void networks(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"network *.a.test", "bound to nothing"},
        {"network a..b resolves-to=10.0.0.0/8", "empty label"},
        {"network *.a.test 10.0.0.0/8", "says nothing about networks"},
        {"network *.a.test resolves=10.0.0.0/8", "says nothing"},
        {"network *.a.test resolves-to=", "no address or network"},
        {"network *.a.test resolves-to=10.0.0.1/8", "write 10.0.0.0/8"},
        {"network *.a.test resolves-to=10.0.0.0/8,", "no address or network"},
        {"network *.a.test requested-from=b.test", "no address or network"},
        {NULL, NULL}};
    policy_t *policy =
        policy_help_make("network *.a.test resolves-to=10.0.0.0/8,192.0.2.1 "
                         "Resolves-To=::1 requested-from=2001:db8::/32; "
                         "network 10.0.0.0/8 requested-from=10.0.0.0/8",
                         pool);
    const policy_network_t *network;

    refused(bad, pool);
    is_int(policy->networks->nelts, 2);
    network = APR_ARRAY_IDX(policy->networks, 0, policy_network_t *);
    is_str(network->pattern->text, "*.a.test");
    is_int(network->resolves_to->nelts, 3);
    is_int(network->requested_from->nelts, 1);
    network = APR_ARRAY_IDX(policy->networks, 1, policy_network_t *);
    is_int(network->pattern->attribute, POLICY_IP);
    ok(!network->resolves_to);
}

static void findings(apr_pool_t *pool)
{
    static const char *const table[][2] = {
        {"san dns allow *.a deny *.A", "dns \"*.a\" is denied and allowed"},
        {"san dns require x; san dns deny x", "dns \"x\" is denied"},
        {"san dns allow x x require x deny x x", "dns \"x\" is denied"},
        {"key ed25519; signature sha256 sha384", "no key that it allows"},
        {"key rsa:2048 ec:P-256; signature ed25519", "no key that it allows"},
        {"subject O allow Corp deny Corp", "O \"Corp\" is denied"},
        {"ku deny digitalSignature", "no key usage is left"},
        {"eku deny serverAuth", "no extended key usage is left"},
        {NULL, NULL}};
    apr_array_header_t *list;
    int i;

    for (i = 0; table[i][0]; ++i) {
        list = policy_findings(policy_help_make(table[i][0], pool), pool);
        is_int(list->nelts, 1);
        if (list->nelts)
            ok(strstr(APR_ARRAY_IDX(list, 0, char *), table[i][1]), "%s",
               APR_ARRAY_IDX(list, 0, char *));
    }
    list = policy_findings(
        policy_help_make("san dns allow *.a deny b.a; eku deny serverAuth "
                         "; eku require clientAuth",
                         pool),
        pool);
    is_int(list->nelts, 0);
    list = policy_findings(
        policy_help_make("key ed25519 ec:P-256; signature sha256", pool), pool);
    is_int(list->nelts, 0);
}

/* The example of the guide. */
static void example(apr_pool_t *pool)
{
    policy_t *policy = policy_help_make(
        "preset tls-server; "
        "san dns allow *.corp.example **.apps.corp.example deny "
        "*.secret.corp.example; san ip allow 10.0.0.0/8; "
        "subject CN allow *.corp.example; subject O require 'Example Corp'; "
        "key ec:P-256 ec:P-384 rsa:2048-4096 ed25519; "
        "ku require digitalSignature; ku allow keyEncipherment; "
        "eku require serverAuth; eku allow clientAuth; validity 31536000; "
        "network *.dmz.corp.example resolves-to=10.9.0.0/16 "
        "requested-from=10.9.0.0/16",
        pool);

    is_int(policy_findings(policy, pool)->nelts, 0);
    is_int(policy->ku_require, X509v3_KU_DIGITAL_SIGNATURE);
    is_int(policy->ku_allow, X509v3_KU_KEY_ENCIPHERMENT);
    is_str(words_text(policy->eku_require, pool), "serverAuth");
    is_str(words_text(policy->eku_allow, pool), "clientAuth");
    is_str(words_text(policy->eku_ignored, pool), "");
}

const tap_case_t tap_cases[] = {{"presets", presets},
                                {"a preset comes first", preset_first},
                                {"rules for subject and subjectAltName", rules},
                                {"kinds of key", keys},
                                {"validity, names, signatures", numbers},
                                {"networks", networks},
                                {"what does not fit together", findings},
                                {"the guide's example", example},
                                {NULL, NULL}};
