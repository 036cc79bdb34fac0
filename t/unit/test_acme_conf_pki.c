/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_conf_pki.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

static acme_issuer_t *issuer_make(const char *name, apr_pool_t *pool)
{
    acme_issuer_t *issuer = apr_pcalloc(pool, sizeof(*issuer));

    issuer->name = name;
    issuer->type = "internal";
    issuer->certificate = "/srv/corp.pem";
    issuer->key = "/srv/corp.key";
    issuer->alternates = apr_array_make(pool, 1, sizeof(const char *));
    return issuer;
}

static acme_profile_t *profile_make(const char *name, apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);
    acme_profile_t *profile = APR_ARRAY_IDX(conf->profiles, 0, void *);

    profile->name = profile->directory = name;
    return profile;
}

/* An issuer "corp" and a profile "web" that uses it. */
static acme_conf_t *conf_make(acme_issuer_t **issuer, acme_profile_t **profile,
                              apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);

    *issuer = issuer_make("corp", pool);
    *profile = profile_make("web", pool);
    (*profile)->issuer = "corp";
    APR_ARRAY_PUSH(conf->issuers, acme_issuer_t *) = *issuer;
    apr_array_clear(conf->profiles);
    APR_ARRAY_PUSH(conf->profiles, acme_profile_t *) = *profile;
    return conf;
}

/* want "": nothing is found; else one finding that begins so and has a remedy.
 */
static void found(const acme_conf_t *conf, const char *want, const char *why,
                  apr_pool_t *pool)
{
    apr_array_header_t *findings = apr_array_make(pool, 1, sizeof(char *));
    const char *text;

    acme_conf_pki_check(findings, conf);
    text = apr_array_pstrcat(pool, findings, '\n');
    ok(findings->nelts == !!*want, "%s: %s", want, text);
    ok(!strncmp(text, want, strlen(want)) && strstr(text, why), "%s: %s", why,
       text);
    ok(!*want || strstr(text, "; "), "a remedy in %s", text);
}

#define ISSUER(member, value, want, why)                                       \
    do {                                                                       \
        conf = conf_make(&issuer, &profile, pool);                             \
        issuer->member = (value);                                              \
        found(conf, want, why, pool);                                          \
    } while (0)
#define PROFILE(member, value, want, why)                                      \
    do {                                                                       \
        conf = conf_make(&issuer, &profile, pool);                             \
        profile->member = (value);                                             \
        found(conf, want, why, pool);                                          \
    } while (0)

static void issuers(apr_pool_t *pool)
{
    acme_issuer_t *issuer;
    acme_profile_t *profile;
    acme_conf_t *conf;

    ISSUER(name, "corp", "", "");
    ISSUER(url, "http://pki.corp.example/", "", "");
    ISSUER(url, "ldap://x", "ACMEIssuerURL ldap://x", "http");
    ISSUER(type, "acme", "ACMEIssuerType acme (issuer corp)", "later version");
    ISSUER(type, "exec", "ACMEIssuerType exec (issuer corp)", "later version");
    ISSUER(type, "self-signed", "ACMEIssuerType self-signed", "never has");
    ISSUER(type, "vault", "ACMEIssuerType vault", "no such type");
    ISSUER(key, NULL, "<ACMEIssuer corp>", "no key");
    ISSUER(certificate, NULL, "<ACMEIssuer corp>", "no certificate");
    ISSUER(directory, "/srv/corp", "<ACMEIssuer corp>", "beside");
    ISSUER(key, "pkcs11:token=ca", "ACMEIssuerKey pkcs11:token=ca",
           "later version");
    ISSUER(key, "ca.key", "ACMEIssuerKey ca.key", "absolute");
    conf = conf_make(&issuer, &profile, pool);
    issuer->certificate = issuer->key = NULL;
    found(conf, "<ACMEIssuer corp>", "neither", pool);
    issuer->directory = "/srv/corp";
    found(conf, "", "", pool);
    APR_ARRAY_PUSH(issuer->alternates, const char *) = "x.pem";
    found(conf, "ACMEIssuerAlternate x.pem", "absolute", pool);
}

static void issuer_names(apr_pool_t *pool)
{
    acme_issuer_t *issuer;
    acme_profile_t *profile;
    acme_conf_t *conf = conf_make(&issuer, &profile, pool);

    APR_ARRAY_PUSH(conf->issuers, acme_issuer_t *) = issuer_make("corp", pool);
    found(conf, "<ACMEIssuer corp>", "already", pool);
    conf = conf_make(&issuer, &profile, pool);
    APR_ARRAY_PUSH(conf->issuers, acme_issuer_t *) = issuer_make("Up", pool);
    found(conf, "<ACMEIssuer Up>", "1 to 32", pool);
    conf = conf_make(&issuer, &profile, pool);
    APR_ARRAY_PUSH(conf->issuers, acme_issuer_t *) =
        issuer_make("automatic", pool);
    found(conf, "<ACMEIssuer automatic>", "nobody configures", pool);
}

static void profiles(apr_pool_t *pool)
{
    acme_issuer_t *issuer;
    acme_profile_t *profile;
    acme_conf_t *conf;

    PROFILE(issuer, "automatic", "", "");
    PROFILE(issuer, "other", "ACMEProfileIssuer other (profile web)",
            "no such issuer");
    PROFILE(caa, 1, "", "");
    PROFILE(enrollment, 0, "", "");
    PROFILE(external, ACME_EXTERNAL_REQUIRED, "", "");
    PROFILE(validation, 0, "ACMEProfileValidation off (profile web)",
            "anybody");
    profile->external = ACME_EXTERNAL_REQUIRED;
    found(conf, "", "", pool);
}

static void defaults(apr_pool_t *pool)
{
    acme_issuer_t *issuer;
    acme_profile_t *profile;
    acme_conf_t *conf = conf_make(&issuer, &profile, pool);

    ok(!acme_conf_profile_at(conf, ""));
    ok(acme_conf_profile_at(conf, "web") == profile);
    conf->default_profile = "web";
    found(conf, "", "", pool);
    ok(acme_conf_profile_at(conf, "") == profile);
    ok(acme_conf_profile_at(conf, "web") == profile);
    profile->enrollment = 0;
    found(conf, "ACMEDefaultProfile web", "not for ACME", pool);
    ok(!acme_conf_profile_at(conf, "web"));
    conf->default_profile = "mail";
    found(conf, "ACMEDefaultProfile mail", "no such profile", pool);
}

const tap_case_t tap_cases[] = {{"issuers: types, files, links", issuers},
                                {"issuers: names", issuer_names},
                                {"profiles: issuer, validation, CAA", profiles},
                                {"pki.md: the default directory", defaults},
                                {NULL, NULL}};
