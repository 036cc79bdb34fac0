/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_conf_pki.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/evp.h>

#include "acme/acme_plan.h"
#include "ca/ca_openssl.h"
#include "policy/policy_challenge.h"

#include "base/banned.h"

#define IDENTITIES_MAX 10
#define LIFETIME_MIN   60
#define CRL_LIFE_MIN   60
#define CRL_LIFE_MAX   (366 * 86400)
#define OCSP_LIFE_MIN  60
#define OCSP_LIFE_MAX  (10 * 86400)

#define NAME_CHARS   "abcdefghijklmnopqrstuvwxyz0123456789-"
#define NAME_LEN_MAX 32

/* The URL space's words (pki.md, Profiles): no profile may have such a name. */
static const char *const reserved[] = {
    "directory",   "new-nonce",  "new-account",  "new-order", "new-authz",
    "revoke-cert", "key-change", "renewal-info", "acct",      "order",
    "authz",       "chall",      "cert",         "issuer",    "orders",
};

#define SELF_SIGNED "self-signed"
#define SELF_SIGNED_WHY                                                        \
    "an ACME server never has the subscriber's key, so it cannot make "        \
    "self-signed certificates; leave the issuer out and the automatic CA "     \
    "signs"

static int is_name(const char *name)
{
    apr_size_t len = strlen(name);

    return len && len <= NAME_LEN_MAX && strspn(name, NAME_CHARS) == len;
}

static int is_name_reserved(const char *name)
{
    apr_size_t i;

    for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (!strcmp(reserved[i], name))
            return 1;
    return 0;
}

static void issuer_type_check(apr_array_header_t *findings,
                              const acme_issuer_t *issuer)
{
    const char *type = issuer->type;

    if (!strcmp(type, "internal"))
        return;
    if (!strcmp(type, "acme") || !strcmp(type, "exec"))
        acme_conf_finding(findings,
                          "ACMEIssuerType %s (issuer %s): it comes in a later "
                          "version; use internal",
                          type, issuer->name);
    else if (!strcmp(type, SELF_SIGNED))
        acme_conf_finding(
            findings,
            "ACMEIssuerType self-signed (issuer %s): " SELF_SIGNED_WHY,
            issuer->name);
    else
        acme_conf_finding(findings,
                          "ACMEIssuerType %s (issuer %s): there is no such "
                          "type; use internal",
                          type, issuer->name);
}

static void path_check(apr_array_header_t *findings, const char *directive,
                       const char *path, const acme_issuer_t *issuer)
{
    if (path && !strncmp(path, "pkcs11:", 7))
        acme_conf_finding(findings,
                          "%s %s (issuer %s): keys in PKCS #11 tokens come in "
                          "a later version; use a PEM file",
                          directive, path, issuer->name);
    else if (path && *path != '/')
        acme_conf_finding(findings,
                          "%s %s (issuer %s): it is not an absolute path; "
                          "write one",
                          directive, path, issuer->name);
}

static void issuer_files_check(apr_array_header_t *findings,
                               const acme_issuer_t *issuer)
{
    int i;

    path_check(findings, "ACMEIssuerCertificate", issuer->certificate, issuer);
    path_check(findings, "ACMEIssuerKey", issuer->key, issuer);
    path_check(findings, "ACMEIssuerDirectory", issuer->directory, issuer);
    for (i = 0; i < issuer->alternates->nelts; i++)
        path_check(findings, "ACMEIssuerAlternate",
                   APR_ARRAY_IDX(issuer->alternates, i, const char *), issuer);
    if (issuer->directory ? issuer->certificate || issuer->key
                          : !issuer->certificate || !issuer->key)
        acme_conf_finding(findings,
                          "<ACMEIssuer %s>: it has %s; write "
                          "ACMEIssuerCertificate and ACMEIssuerKey, or "
                          "ACMEIssuerDirectory alone",
                          issuer->name,
                          issuer->directory ? "a directory beside other files"
                          : issuer->certificate ? "no key"
                          : issuer->key         ? "no certificate"
                                        : "neither certificate nor key");
}

/* Who fetches it may be about to check a certificate of an https server. */
static void issuer_url_check(apr_array_header_t *findings, const char *url)
{
    if (url && !strncmp(url, "https://", 8))
        acme_conf_finding(findings,
                          "ACMEIssuerURL %s: what checks certificates is "
                          "fetched without TLS; write http://name/",
                          url);
    else if (url && strpbrk(url, "?#"))
        acme_conf_finding(findings,
                          "ACMEIssuerURL %s: paths are put behind it, so it "
                          "can have no query; write http://name/",
                          url);
    else
        acme_conf_link_check(findings, "ACMEIssuerURL", url);
}

static void issuer_check(apr_array_header_t *findings,
                         const acme_issuer_t *issuer)
{
    if (!is_name(issuer->name))
        acme_conf_finding(findings,
                          "<ACMEIssuer %s>: a name is 1 to 32 lower-case "
                          "letters, digits or '-'; rename it",
                          issuer->name);
    issuer_type_check(findings, issuer);
    if (!strcmp(issuer->type, "internal"))
        issuer_files_check(findings, issuer);
    if (issuer->crl &&
        (issuer->crl_life < CRL_LIFE_MIN || issuer->crl_life > CRL_LIFE_MAX))
        acme_conf_finding(findings,
                          "ACMEIssuerCRL on next-update=%" APR_INT64_T_FMT
                          "s (issuer %s): lists live from a minute to a year; "
                          "write next-update=7d",
                          issuer->crl_life, issuer->name);
    if (issuer->ocsp && (issuer->ocsp_life < OCSP_LIFE_MIN ||
                         issuer->ocsp_life > OCSP_LIFE_MAX))
        acme_conf_finding(findings,
                          "ACMEIssuerOCSP on next-update=%" APR_INT64_T_FMT
                          "s (issuer %s): responses live from a minute to ten "
                          "days; write next-update=12h",
                          issuer->ocsp_life, issuer->name);
    issuer_url_check(findings, issuer->url);
}

static void issuers_check(apr_array_header_t *findings, const acme_conf_t *conf)
{
    int i;

    issuer_url_check(findings, conf->issuer_url);
    for (i = 1; i < conf->issuers->nelts; i++) {
        const acme_issuer_t *issuer =
            APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *);

        issuer_check(findings, issuer);
        if (acme_conf_issuer(conf, issuer->name) != issuer)
            acme_conf_finding(findings,
                              "<ACMEIssuer %s>: an issuer of this name is "
                              "there already%s; rename it",
                              issuer->name,
                              !strcmp(issuer->name, ACME_ISSUER_AUTOMATIC)
                                  ? ", the one that nobody configures"
                                  : "");
    }
}

/* Times as an operator writes them: "365d", "90s". */
static const char *span_text(apr_int64_t seconds, apr_pool_t *pool)
{
    static const struct {
        apr_int64_t seconds;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int i = 0;

    while (seconds % units[i].seconds)
        i++;
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "%c",
                        seconds / units[i].seconds, units[i].letter);
}

static void validity_check(apr_array_header_t *findings,
                           const acme_profile_t *profile)
{
    const ca_profile_t *validity = &profile->validity;
    apr_int64_t longest =
        acme_plan_validity(profile->policy, validity).max_validity;
    apr_pool_t *pool = findings->pool;
    const char *text = profile->validity_text
                           ? profile->validity_text
                           : span_text(validity->validity, pool);

    if (validity->validity < LIFETIME_MIN)
        acme_conf_finding(findings,
                          "ACMEProfileValidity %s (profile %s): it is shorter "
                          "than a minute; choose %s to %s",
                          text, profile->name, span_text(LIFETIME_MIN, pool),
                          span_text(longest, pool));
    else if (validity->validity > longest)
        acme_conf_finding(findings,
                          "ACMEProfileValidity %s (profile %s): policy %s, of "
                          "preset %s, allows %s at most (ACMEPolicyMaxValidity)"
                          "; choose %s to %s, or raise that",
                          text, profile->name, profile->policy->name,
                          profile->policy->preset, span_text(longest, pool),
                          span_text(LIFETIME_MIN, pool),
                          span_text(longest, pool));
}

static void subdomains_check(apr_array_header_t *findings,
                             const acme_profile_t *profile)
{
    if (profile->subdomains && !acme_conf_has_subdomains(profile))
        acme_conf_finding(findings,
                          "ACMEProfileSubdomains on (profile %s): only dns-01 "
                          "proves that; write ACMEProfileChallenges dns-01 ..."
                          ", or off",
                          profile->name);
}

/* Is the word at this place in the list before? */
static int is_before(const apr_array_header_t *words, int at)
{
    int i;

    for (i = 0; i < at; i++) {
        if (!strcmp(APR_ARRAY_IDX(words, i, const char *),
                    APR_ARRAY_IDX(words, at, const char *)))
            return 1;
    }
    return 0;
}

/* draft-ietf-acme-dns-persist-02 3.1: what clients take. */
static void identities_check(apr_array_header_t *findings,
                             const acme_conf_t *conf)
{
    identifier_t *name;

    if (!conf->dns_persist)
        return;
    if (!conf->caa_identities->nelts && conf->server_name &&
        identifier_parse(&name, "dns", conf->server_name, 0, findings->pool))
        acme_conf_finding(findings,
                          "ACMEDNSPersist: a record must begin with a DNS "
                          "name of this CA, which the ServerName %s is not; "
                          "write ACMECAAIdentity ca.example",
                          conf->server_name);
    if (conf->caa_identities->nelts > IDENTITIES_MAX)
        acme_conf_finding(
            findings,
            "ACMECAAIdentity %s: dns-persist-01 has ten names at "
            "most; name fewer, or write ACMEDNSPersist off",
            APR_ARRAY_IDX(conf->caa_identities, IDENTITIES_MAX, const char *));
}

static void challenges_check(apr_array_header_t *findings,
                             const acme_conf_t *conf,
                             const acme_profile_t *profile)
{
    apr_pool_t *pool = findings->pool;
    int i;

    if (!profile->challenges->nelts)
        acme_conf_finding(findings,
                          "ACMEProfileChallenges (profile %s): there is none; "
                          "name some of: %s",
                          profile->name, policy_challenge_list(pool));
    for (i = 0; i < profile->challenges->nelts; i++) {
        const char *type = APR_ARRAY_IDX(profile->challenges, i, const char *);

        if (!policy_challenge_is_known(type))
            acme_conf_finding(findings,
                              "ACMEProfileChallenges %s (profile %s): there is "
                              "no such challenge type; use some of: %s",
                              type, profile->name, policy_challenge_list(pool));
        else if (is_before(profile->challenges, i))
            acme_conf_finding(findings,
                              "ACMEProfileChallenges %s (profile %s): it is "
                              "there twice; write it once",
                              type, profile->name);
        else if (!acme_conf_has_challenge(conf, type))
            acme_conf_finding(
                findings,
                "ACMEProfileChallenges %s (profile %s): it is a draft's, and "
                "off; write %s on, or leave it out",
                type, profile->name,
                strcmp(type, POLICY_CHALLENGE_PERSIST) ? "ACMEDNSAccount"
                                                       : "ACMEDNSPersist");
    }
}

/* Who gets certificates without proving anything must be known by a key. */
static void enrollment_check(apr_array_header_t *findings,
                             const acme_profile_t *profile)
{
    if (!profile->validation && profile->external == ACME_EXTERNAL_OFF)
        acme_conf_finding(findings,
                          "ACMEProfileValidation off (profile %s): anybody "
                          "could have certificates for any name; write "
                          "ACMEProfileExternalAccount required, or leave "
                          "validation on",
                          profile->name);
}

static void policy_check(apr_array_header_t *findings,
                         const acme_profile_t *profile)
{
    if (profile->policy->needs_external_account &&
        (profile->external != ACME_EXTERNAL_REQUIRED || profile->validation))
        acme_conf_finding(findings,
                          "ACMEProfilePolicy %s (profile %s): no challenge "
                          "proves what its preset %s certifies; write "
                          "ACMEProfileExternalAccount required and "
                          "ACMEProfileValidation off, or name another policy",
                          profile->policy->name, profile->name,
                          profile->policy->preset);
}

static void issuer_name_check(apr_array_header_t *findings,
                              const acme_conf_t *conf,
                              const acme_profile_t *profile)
{
    if (acme_conf_issuer(conf, profile->issuer))
        return;
    if (!strcmp(profile->issuer, SELF_SIGNED))
        acme_conf_finding(
            findings,
            "ACMEProfileIssuer self-signed (profile %s): " SELF_SIGNED_WHY,
            profile->name);
    else
        acme_conf_finding(findings,
                          "ACMEProfileIssuer %s (profile %s): there is no such "
                          "issuer; write <ACMEIssuer %s>, or leave it out for "
                          "the automatic CA",
                          profile->issuer, profile->name, profile->issuer);
}

static void profile_check(apr_array_header_t *findings, const acme_conf_t *conf,
                          const acme_profile_t *profile)
{
    const char *name = profile->name;

    if (!is_name(name))
        acme_conf_finding(findings,
                          "<ACMEProfile %s>: a name is 1 to 32 lower-case "
                          "letters, digits or '-'; rename it",
                          name);
    else if (is_name_reserved(name))
        acme_conf_finding(findings,
                          "<ACMEProfile %s>: this word is part of the URLs; "
                          "rename it",
                          name);
    issuer_name_check(findings, conf, profile);
    policy_check(findings, profile);
    validity_check(findings, profile);
    challenges_check(findings, conf, profile);
    subdomains_check(findings, profile);
    enrollment_check(findings, profile);
}

static void default_check(apr_array_header_t *findings, const acme_conf_t *conf)
{
    const acme_profile_t *profile;

    if (!conf->default_profile)
        return;
    profile = acme_conf_profile(conf, conf->default_profile);
    if (!profile)
        acme_conf_finding(findings,
                          "ACMEDefaultProfile %s: there is no such profile; "
                          "write <ACMEProfile %s>, or name another one",
                          conf->default_profile, conf->default_profile);
    else if (!profile->enrollment)
        acme_conf_finding(findings,
                          "ACMEDefaultProfile %s: this profile is not for "
                          "ACME; write ACMEProfileEnrollment acme in it",
                          conf->default_profile);
}

static void profiles_check(apr_array_header_t *findings,
                           const acme_conf_t *conf)
{
    int i, k;

    if (!conf->profiles->nelts)
        acme_conf_finding(findings,
                          "ACMEServer on: there is no profile; leave the "
                          "built-in one or write <ACMEProfile name>");
    for (i = 0; i < conf->profiles->nelts; i++) {
        const acme_profile_t *a =
            APR_ARRAY_IDX(conf->profiles, i, const acme_profile_t *);

        profile_check(findings, conf, a);
        for (k = 0; k < i; k++) {
            const acme_profile_t *b =
                APR_ARRAY_IDX(conf->profiles, k, const acme_profile_t *);

            if (!strcmp(a->name, b->name) ||
                !strcmp(a->directory, b->directory))
                acme_conf_finding(findings,
                                  "<ACMEProfile %s>: a profile of this name or "
                                  "directory is there already; rename one",
                                  a->name);
        }
    }
}

void acme_conf_pki_check(apr_array_header_t *findings, const acme_conf_t *conf)
{
    issuers_check(findings, conf);
    profiles_check(findings, conf);
    identities_check(findings, conf);
    default_check(findings, conf);
}

const char *acme_conf_profile_fault(const acme_conf_t *conf,
                                    const acme_profile_t *profile,
                                    apr_pool_t *pool)
{
    const ca_set_t *set = acme_conf_issuer(conf, profile->issuer)->set;
    const EVP_MD *digest;
    const char *fault;

    if (conf->blocklist_problem)
        return conf->blocklist_problem;
    digest = ca_digest_for(set->issuer->key);
    fault = policy_signature_fault(
        profile->policy, digest ? EVP_MD_get_type(digest) : NID_ED25519, pool);
    if (!fault)
        return NULL;
    return apr_psprintf(pool,
                        "issuer %s signs in a way that policy %s does not "
                        "allow: %s",
                        profile->issuer, profile->policy->name, fault);
}

static apr_int64_t leaf_life(const acme_conf_t *conf, const char *issuer)
{
    apr_int64_t life = 0;
    int i;

    for (i = 0; i < conf->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(conf->profiles, i, const acme_profile_t *);

        if (!strcmp(profile->issuer, issuer) &&
            profile->validity.validity > life)
            life = profile->validity.validity;
    }
    return life;
}

ca_set_files_t acme_conf_issuer_files(const acme_conf_t *conf,
                                      const acme_issuer_t *issuer)
{
    ca_set_files_t files = {0};

    files.certificate = issuer->certificate;
    files.key = issuer->key;
    files.directory = issuer->directory;
    files.alternates = issuer->alternates;
    files.leaf_life = leaf_life(conf, issuer->name);
    return files;
}
