/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_conf.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

static acme_conf_t *conf_good(apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);

    conf->server_name = "ca.example";
    conf->base_url = "https://ca.example";
    return conf;
}

static const char *words(const apr_array_header_t *findings)
{
    return apr_array_pstrcat(findings->pool, findings, '\n');
}

static void fine(const acme_conf_t *conf, apr_pool_t *pool)
{
    apr_array_header_t *findings = acme_conf_check(conf, pool);

    ok(!findings->nelts, "%s", words(findings));
}

/* One finding, which begins with the directive, says why, and what to do. */
static void found(const acme_conf_t *conf, const char *directive,
                  const char *why, apr_pool_t *pool)
{
    apr_array_header_t *findings = acme_conf_check(conf, pool);
    const char *text;

    ok(findings->nelts == 1, "%s: %s", directive, words(findings));
    if (!findings->nelts)
        return;
    text = APR_ARRAY_IDX(findings, 0, const char *);
    if (!text)
        return;
    ok(!strncmp(text, directive, strlen(directive)), "%s in %s", directive,
       text);
    ok(strstr(text, why), "%s in %s", why, text);
    ok(strstr(text, "; "), "a remedy in %s", text);
}

/* A good configuration with one member changed. */
#define FINE(member, value)                                                    \
    do {                                                                       \
        acme_conf_t *changed = conf_good(pool);                                \
        changed->member = (value);                                             \
        fine(changed, pool);                                                   \
    } while (0)
#define FOUND(member, value, directive, why)                                   \
    do {                                                                       \
        acme_conf_t *changed = conf_good(pool);                                \
        changed->member = (value);                                             \
        found(changed, directive, why, pool);                                  \
    } while (0)

static acme_profile_t *profile(const acme_conf_t *conf, int i)
{
    return APR_ARRAY_IDX(conf->profiles, i, acme_profile_t *);
}

static void defaults(apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);

    is_str(conf->path, "/acme");
    is_str(conf->realm, "");
    is_str(conf->state_dir, "/var/lib/acme-server");
    is_str(conf->store.driver, "sqlite3");
    is_str(conf->store.params, "/var/lib/acme-server/db/acme.db");
    ok(!conf->terms_url && !conf->website && !conf->base_url);
    is_str(APR_ARRAY_IDX(conf->issuers, 0, acme_issuer_t *)->name, "automatic");
    ok(!conf->default_profile && !conf->audit_log && !conf->eab_reveal);
    is_int(conf->order_lifetime, 7 * 86400);
    is_int(conf->authz_lifetime, 30 * 86400);
    is_int(conf->retention, 30 * 86400);
    is_int(conf->authz_reuse, 1);
    is_int(conf->underscore, 0);
    is_int(conf->tolerate_padded_csr, 0);
    is_int(conf->nonce_slots, 65536);
    is_int(conf->nonce_reject, 0);
    is_int(conf->finalize_wait, 5000000);
    is_int(conf->validation_wait, 1000000);
    is_int(conf->dcv->http01_port, 80);
    is_int(conf->dcv->tlsalpn01_port, 443);
    is_int(conf->dcv->timeout, 8000000);
    is_int(conf->dcv->max_in_flight, 2000);
    is_int(conf->profiles->nelts, 1);
    is_str(profile(conf, 0)->name, "default");
    is_str(profile(conf, 0)->directory, "");
    is_str(profile(conf, 0)->issuer, "automatic");
    is_str(profile(conf, 0)->policy->name, "tls-server");
    is_int(profile(conf, 0)->validity.validity, 90 * 86400);
    found(conf, "ACMEBaseURL", "set ServerName", pool);
}

static const char *const base_urls_good[] = {
    "https://ca.example",       "https://ca.example:8443",
    "https://ca.example:443",   "https://192.0.2.1",
    "https://[2001:db8::1]",    "https://[2001:db8::1]:8443",
    "https://localhost",        "https://a-b.c_d.example/deep/er",
    "https://CA.example",       "https://ca.example/%7Ea",
    "https://ca.example:65535", NULL};

static const char *const base_urls_bad[][2] = {
    {"", "no URL"},
    {"http://ca.example", "needs https"},
    {"HTTPS://ca.example", "needs https"},
    {"ca.example", "needs https"},
    {"https:/ca.example", "needs https"},
    {"https://", "no host"},
    {"https:///acme", "no host"},
    {"https://:8443", "no host"},
    {"https://ca.example/", "slash"},
    {"https://ca.example/x/", "slash"},
    {"https://ca.example?x", "query"},
    {"https://ca.example#x", "fragment"},
    {"https://ca.example /", "characters"},
    {"https://ca.example/\xc3\xbc", "characters"},
    {"https://ca.example/\"", "characters"},
    {"https://ca.example/<a>", "characters"},
    {"https://ca.example/a\\b", "characters"},
    {"https://ca.example\n", "characters"},
    {"https://ca.example:", "port"},
    {"https://ca.example:0", "port"},
    {"https://ca.example:65536", "port"},
    {"https://ca.example:80x", "port"},
    {"https://ca.example:443:443", "port"},
    {"https://ca.example:99999999999999999999", "port"},
    {"https://me@ca.example", "host"},
    {"https://me:pw@ca.example", "port"},
    {"https://ca,b.example", "host"},
    {"https://[2001:db8::1", "host"},
    {"https://[ca.example]", "host"},
    {"https://ca.example//x", "path"},
    {"https://ca.example/./x", "path"},
    {"https://ca.example/../x", "path"},
    {"https://ca.example/x/..", "path"},
    {"https://ca.example/%", "path"},
    {"https://ca.example/%7", "path"},
    {"https://ca.example/%zz", "path"},
    {NULL, NULL}};

static void base_urls(apr_pool_t *pool)
{
    acme_conf_t *conf;
    int i;

    for (i = 0; base_urls_good[i]; i++) {
        FINE(base_url, base_urls_good[i]);
        conf = conf_good(pool);
        APR_ARRAY_PUSH(conf->base_url_aliases, const char *) =
            base_urls_good[i];
        APR_ARRAY_PUSH(conf->base_url_aliases, const char *) = "https://b.test";
        fine(conf, pool);
    }
    for (i = 0; base_urls_bad[i][0]; i++) {
        FOUND(base_url, base_urls_bad[i][0], "ACMEBaseURL",
              base_urls_bad[i][1]);
        conf = conf_good(pool);
        APR_ARRAY_PUSH(conf->base_url_aliases, const char *) = "https://b.test";
        APR_ARRAY_PUSH(conf->base_url_aliases, const char *) =
            base_urls_bad[i][0];
        found(conf, "ACMEBaseURLAlias", base_urls_bad[i][1], pool);
    }
    FOUND(base_url, NULL, "ACMEBaseURL", "set ServerName");
}

static void paths(apr_pool_t *pool)
{
    static const char *const good[] = {"",     "/acme",  "/a/b", "/~ca",
                                       "/a.b", "/A_b-9", NULL};
    static const char *const bad[] = {"acme",   "/",       "/acme/",
                                      "//acme", "/a//b",   "/.",
                                      "/..",    "/a/../b", "/.well-known/acme",
                                      "/a b",   "/a%20b",  "/a?b",
                                      "/a#b",   "/a:b",    "/\xc3\xbc",
                                      NULL};
    int i;

    for (i = 0; good[i]; i++)
        FINE(path, good[i]);
    for (i = 0; bad[i]; i++)
        FOUND(path, bad[i], "ACMEPath", "plain absolute path");
}

static void links(apr_pool_t *pool)
{
    static const char *const good[] = {"https://ca.example/terms?v=1#top",
                                       "http://ca.example/t", NULL};
    static const char *const bad[] = {
        "",     "ca.example/t",    "ftp://ca.example", "mailto:a@b",
        "/t",   "javascript:x",    "https://a b",      "https://a/>;rel=x",
        "http", "https://a/\"x\"", "https://a\r\nx",   NULL};
    int i;

    for (i = 0; good[i]; i++) {
        FINE(terms_url, good[i]);
        FINE(website, good[i]);
    }
    for (i = 0; bad[i]; i++) {
        FOUND(terms_url, bad[i], "ACMETermsURL", "not an http or https URL");
        FOUND(website, bad[i], "ACMEWebsite", "not an http or https URL");
    }
}

static void places(apr_pool_t *pool)
{
    FOUND(state_dir, "state", "ACMEStateDir", "absolute path");
    FOUND(state_dir, "", "ACMEStateDir", "absolute path");
    FOUND(state_dir, NULL, "ACMEStateDir", "absolute path");
    FOUND(store.params, "acme.db", "ACMEDatabase sqlite3", "absolute path");
    FOUND(store.params, "", "ACMEDatabase sqlite3", "absolute path");
    FOUND(store.params, NULL, "ACMEDatabase sqlite3", "absolute path");
    FOUND(store.driver, "pgsql", "ACMEDatabase pgsql", "keyword=value");
    FOUND(store.driver, "oracle", "ACMEDatabase oracle", "use sqlite3");
    FOUND(store.driver, "", "ACMEDatabase", "use sqlite3");
    FINE(realm, "corp-1.A_b");
    FINE(realm, apr_psprintf(pool, "%064d", 0));
    FOUND(realm, apr_psprintf(pool, "%065d", 0), "ACMERealm", "at most 64");
    FOUND(realm, "a b", "ACMERealm", "letters");
    FOUND(realm, "a/b", "ACMERealm", "letters");
    FOUND(realm, "\xc3\xbc", "ACMERealm", "letters");
}

static void numbers(apr_pool_t *pool)
{
    FINE(order_lifetime, 60);
    FINE(order_lifetime, 3650 * 86400);
    FOUND(order_lifetime, 59, "ACMEOrderLifetime 59", "out of range");
    FOUND(order_lifetime, 3650 * 86400 + 1, "ACMEOrderLifetime", "range");
    FOUND(order_lifetime, -1, "ACMEOrderLifetime -1", "out of range");
    FINE(authz_lifetime, 60);
    FOUND(authz_lifetime, 0, "ACMEAuthzLifetime 0", "out of range");
    FOUND(authz_lifetime, 3650 * 86400 + 1, "ACMEAuthzLifetime", "range");
    FINE(retention, 86400);
    FOUND(retention, 86399, "ACMERetention", "choose 1d to");
    FOUND(retention, 3650 * 86400 + 1, "ACMERetention", "range");
    FINE(nonce_slots, 16);
    FINE(nonce_slots, 16777216);
    FOUND(nonce_slots, 0, "ACMENonceSlots 0", "16 to 16777216");
    FOUND(nonce_slots, 15, "ACMENonceSlots 15", "16 to 16777216");
    FOUND(nonce_slots, 16777217, "ACMENonceSlots", "16 to 16777216");
    FOUND(nonce_slots, -5, "ACMENonceSlots -5", "out of range");
    FINE(nonce_reject, 100);
    FOUND(nonce_reject, 101, "ACMETestNonceReject 101", "0 to 100 percent");
    FOUND(nonce_reject, -1, "ACMETestNonceReject -1", "0 to 100 percent");
    FINE(finalize_wait, 0);
    FINE(finalize_wait, apr_time_from_sec(60));
    FINE(validation_wait, 0);
    FOUND(validation_wait, apr_time_from_sec(61), "ACMEValidationWait",
          "range");
    FOUND(finalize_wait, -1, "ACMEFinalizeWait", "out of range");
    FOUND(finalize_wait, apr_time_from_sec(61), "ACMEFinalizeWait", "range");
    FINE(dcv->http01_port, 65535);
    FOUND(dcv->http01_port, 0, "ACMEValidationPort http-01 0", "1 to 65535");
    FOUND(dcv->http01_port, 65536, "ACMEValidationPort http-01", "65535");
    FOUND(dcv->tlsalpn01_port, 0, "ACMEValidationPort tls-alpn-01", "65535");
    FOUND(dcv->tlsalpn01_port, 65536, "ACMEValidationPort tls-alpn-01", "655");
    FINE(dcv->timeout, apr_time_from_msec(100));
    FOUND(dcv->timeout, apr_time_from_msec(99), "ACMEValidationTimeout", "ra");
    FOUND(dcv->timeout, apr_time_from_sec(601), "ACMEValidationTimeout", "ra");
    FINE(dcv->max_in_flight, 1);
    FOUND(dcv->max_in_flight, 0, "ACMEValidationMax 0", "1 to 100000");
    FOUND(dcv->max_in_flight, 100001, "ACMEValidationMax", "1 to 100000");
}

/* A second profile like the first, of this name. */
static acme_conf_t *two_profiles(const char *name, const char *directory,
                                 apr_pool_t *pool)
{
    acme_conf_t *conf = conf_good(pool);
    acme_profile_t *more =
        apr_pmemdup(pool, profile(conf, 0), sizeof(acme_profile_t));

    more->name = name;
    more->directory = directory;
    more->challenges = apr_array_copy(pool, more->challenges);
    APR_ARRAY_PUSH(conf->profiles, acme_profile_t *) = more;
    return conf;
}

static void profile_names(apr_pool_t *pool)
{
    static const char *const good[] = {
        "web", "a", "0", "-", "team-a", "abcdefghijklmnopqrstuvwxyz-01234",
        NULL};
    static const char *const bad[] = {
        "",    "Web", "a_b",      "a b",
        "a/b", "a.b", "\xc3\xbc", "abcdefghijklmnopqrstuvwxyz-012345",
        NULL};
    static const char *const taken[] = {
        "directory",   "new-nonce",  "new-account",  "new-order", "new-authz",
        "revoke-cert", "key-change", "renewal-info", "acct",      "order",
        "authz",       "chall",      "cert",         NULL};
    int i;

    for (i = 0; good[i]; i++)
        fine(two_profiles(good[i], good[i], pool), pool);
    for (i = 0; bad[i]; i++)
        found(two_profiles(bad[i], "x", pool), "<ACMEProfile", "1 to 32", pool);
    for (i = 0; taken[i]; i++)
        found(two_profiles(taken[i], taken[i], pool), "<ACMEProfile",
              "part of the URLs", pool);
    found(two_profiles("default", "x", pool), "<ACMEProfile default>", "there",
          pool);
    found(two_profiles("web", "", pool), "<ACMEProfile web>", "there", pool);
}

static void profile_values(apr_pool_t *pool)
{
    acme_conf_t *conf = two_profiles("web", "web", pool);

    profile(conf, 1)->validity.validity = 59;
    found(conf, "ACMEProfileValidity 59s (profile web)", "a minute", pool);
    profile(conf, 1)->validity.validity = 366 * 86400;
    found(conf, "ACMEProfileValidity 366d (", "ACMEPolicyMaxValidity", pool);
    profile(conf, 1)->validity_text = "1y max=1y";
    found(conf, "ACMEProfileValidity 1y max=1y (", "365d at most", pool);
    profile(conf, 1)->validity.validity = 365 * 86400;
    fine(conf, pool);
    APR_ARRAY_PUSH(profile(conf, 1)->challenges, const char *) = "dns-02";
    found(conf, "ACMEProfileChallenges dns-02 (profile web)", "no such", pool);
    apr_array_clear(profile(conf, 1)->challenges);
    APR_ARRAY_PUSH(profile(conf, 1)->challenges, const char *) = "dns-01";
    APR_ARRAY_PUSH(profile(conf, 1)->challenges, const char *) = "dns-01";
    found(conf, "ACMEProfileChallenges dns-01 (profile web)", "twice", pool);
    apr_array_clear(profile(conf, 1)->challenges);
    found(conf, "ACMEProfileChallenges (profile web)", "none", pool);
    apr_array_clear(conf->profiles);
    found(conf, "ACMEServer on", "no profile", pool);
}

static void identities(apr_pool_t *pool)
{
    acme_conf_t *conf = two_profiles("web", "web", pool);
    int i;

    for (i = 0; i < 11; i++)
        APR_ARRAY_PUSH(conf->caa_identities, const char *) =
            apr_psprintf(pool, "ca%d.test", i);
    fine(conf, pool);
    conf->dns_persist = ACME_PERSIST_ON;
    found(conf, "ACMECAAIdentity ca10.test", "ten names at most", pool);
    (void)apr_array_pop(conf->caa_identities);
    fine(conf, pool);
    conf->server_name = "192.0.2.1";
    fine(conf, pool);
    apr_array_clear(conf->caa_identities);
    found(conf, "ACMEDNSPersist", "192.0.2.1 is not", pool);
    conf->server_name = "CA.corp";
    fine(conf, pool);
}

static void all_findings(apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);
    apr_array_header_t *findings;

    conf->path = "acme";
    conf->terms_url = "x";
    conf->state_dir = "x";
    conf->store.driver = "x";
    conf->realm = "!";
    conf->nonce_slots = 0;
    apr_array_clear(conf->profiles);
    findings = acme_conf_check(conf, pool);
    is_int(findings->nelts, 8);
}

const tap_case_t tap_cases[] = {
    {"pki.md: the defaults", defaults},
    {"R22 base URLs and aliases", base_urls},
    {"paths", paths},
    {"links to terms and website", links},
    {"directories, database, realm", places},
    {"numbers, at both ends of their range", numbers},
    {"names of profiles", profile_names},
    {"values of profiles", profile_values},
    {"dns-persist-01: ten names of the CA at most", identities},
    {"all findings at once", all_findings},
    {NULL, NULL}};
