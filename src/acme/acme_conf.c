/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_conf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "acme/acme_conf_pki.h"
#include "base/words.h"
#include "policy/policy_challenge.h"
#include "policy/policy_make.h"

#include "store/store_conninfo.h"

#include "base/banned.h"

#ifndef ACME_STATE_DIR
#define ACME_STATE_DIR "/var/lib/acme-server"
#endif

#define DAY          86400
#define LIFETIME_MIN 60
#define LIFETIME_MAX (3650 * DAY)
#define SLOTS_MIN    16
#define SLOTS_MAX    16777216
/* What a counter can count (acme_limit.c). */
#define LIMIT_SPAN_MAX (366 * DAY)
#define LIMIT_RATE_MAX 1000
#define WAIT_MAX       apr_time_from_sec(60)

acme_profile_t *acme_profile_make(const char *name, apr_pool_t *pool)
{
    acme_profile_t *profile = apr_pcalloc(pool, sizeof(*profile));

    profile->name = name;
    profile->directory = name;
    profile->policy = policy_make("tls-server", pool);
    profile->validity.validity = 90 * DAY;
    profile->validity.max_validity = 365 * DAY;
    profile->validity.backdate = 3600;
    profile->validity.common_name = 1;
    profile->issuer = ACME_ISSUER_AUTOMATIC;
    profile->challenges = policy_challenge_defaults(pool);
    profile->external = ACME_EXTERNAL_OFF;
    profile->validation = 1;
    profile->subject = apr_array_make(pool, 1, sizeof(const char *));
    return profile;
}

acme_issuer_t *acme_issuer_make(const char *name, apr_pool_t *pool)
{
    acme_issuer_t *issuer = apr_pcalloc(pool, sizeof(*issuer));

    issuer->name = name;
    issuer->type = "internal";
    issuer->crl = issuer->ocsp = 1;
    issuer->crl_life = 7 * DAY;
    issuer->ocsp_life = DAY / 2;
    issuer->alternates = apr_array_make(pool, 1, sizeof(const char *));
    return issuer;
}

static acme_profile_t *profile_default(apr_pool_t *pool)
{
    acme_profile_t *profile = acme_profile_make("default", pool);

    profile->directory = "";
    profile->enrollment = 1;
    return profile;
}

acme_conf_t *acme_conf_make(apr_pool_t *pool)
{
    acme_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

    conf->base_url_aliases = apr_array_make(pool, 1, sizeof(const char *));
    conf->path = "/acme";
    conf->realm = "";
    conf->state_dir = ACME_STATE_DIR;
    conf->store.driver = "sqlite3";
    conf->store.params = ACME_STATE_DIR "/db/acme.db";
    conf->order_lifetime = 7 * DAY;
    conf->authz_lifetime = 30 * DAY;
    conf->retention = 30 * DAY;
    conf->authz_reuse = 1;
    acme_limit_defaults(conf->limits);
    conf->nonce_slots = 65536;
    conf->finalize_wait = apr_time_from_sec(5);
    conf->validation_wait = apr_time_from_sec(1);
    conf->dcv = dcv_conf_make(pool);
    conf->caa_identities = apr_array_make(pool, 1, sizeof(const char *));
    conf->key_blocklists = apr_array_make(pool, 1, sizeof(const char *));
    conf->eab_key_file = ACME_STATE_DIR "/ca/eab.key";
    conf->issuers = apr_array_make(pool, 2, sizeof(acme_issuer_t *));
    APR_ARRAY_PUSH(conf->issuers, acme_issuer_t *) =
        acme_issuer_make(ACME_ISSUER_AUTOMATIC, pool);
    conf->profiles = apr_array_make(pool, 1, sizeof(acme_profile_t *));
    APR_ARRAY_PUSH(conf->profiles, acme_profile_t *) = profile_default(pool);
    return conf;
}

acme_issuer_t *acme_conf_issuer(const acme_conf_t *conf, const char *name)
{
    int i;

    for (i = 0; i < conf->issuers->nelts; i++) {
        acme_issuer_t *issuer =
            APR_ARRAY_IDX(conf->issuers, i, acme_issuer_t *);

        if (!strcmp(issuer->name, name))
            return issuer;
    }
    return NULL;
}

const acme_profile_t *acme_conf_profile(const acme_conf_t *conf,
                                        const char *name)
{
    int i;

    for (i = 0; i < conf->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(conf->profiles, i, const acme_profile_t *);

        if (!strcmp(profile->name, name))
            return profile;
    }
    return NULL;
}

int acme_conf_has_subdomains(const acme_profile_t *profile)
{
    return profile->subdomains && words_has(profile->challenges, "dns-01");
}

static int has_generation(const acme_issuer_t *issuer, const char *fingerprint)
{
    int i;

    for (i = 0; issuer->set && i < issuer->set->generations->nelts; i++)
        if (!strcmp(
                APR_ARRAY_IDX(issuer->set->generations, i, const ca_issuer_t *)
                    ->fingerprint,
                fingerprint))
            return 1;
    return 0;
}

const acme_issuer_t *acme_conf_issuer_of(const acme_conf_t *conf,
                                         const char *fingerprint)
{
    int i;

    for (i = 0; i < conf->issuers->nelts; i++) {
        const acme_issuer_t *issuer =
            APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *);

        if (has_generation(issuer, fingerprint))
            return issuer;
    }
    return NULL;
}

const acme_profile_t *acme_conf_profile_at(const acme_conf_t *conf,
                                           const char *directory)
{
    int i;

    for (i = 0; i < conf->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(conf->profiles, i, const acme_profile_t *);

        if (profile->enrollment && !strcmp(profile->directory, directory))
            return profile;
    }
    if (*directory || !conf->default_profile)
        return NULL;
    return acme_conf_profile(conf, conf->default_profile);
}

const char *acme_conf_issuer_fault(const acme_issuer_t *issuer)
{
    if (issuer->set && issuer->set->issuer)
        return NULL;
    if (issuer->problem)
        return issuer->problem;
    return issuer->set ? "it has no generation that can sign"
                       : "there is no CA";
}

void acme_conf_finding(apr_array_header_t *findings, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    APR_ARRAY_PUSH(findings, const char *) =
        apr_pvsprintf(findings->pool, fmt, ap);
    va_end(ap);
}

static int has_only(const char *text, const char *accept)
{
    return text[strspn(text, accept)] == '\0';
}

#define LOWER    "abcdefghijklmnopqrstuvwxyz"
#define UPPER    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS   "0123456789"
#define URL_SAFE LOWER UPPER DIGITS "-._~/:[]@!$&'()*+,;=%"

/* ":8443" or nothing */
static int is_port(const char *text, apr_size_t len)
{
    return len == 0 || (len >= 2 && len <= 6 && *text == ':' &&
                        strspn(text + 1, DIGITS) >= len - 1 &&
                        atoi(text + 1) >= 1 && atoi(text + 1) <= 65535);
}

/* The reason why authority[len] is not host and port, or NULL. */
static const char *authority_fault(const char *authority, apr_size_t len)
{
    apr_size_t host = strspn(authority, LOWER UPPER DIGITS "-._");

    if (*authority == '[') {
        host = 1 + strspn(authority + 1, "abcdefABCDEF" DIGITS ":.");
        if (host == 1 || authority[host] != ']')
            return "its host is no IPv6 address";
        host++;
    }
    if (host == 0)
        return "it has no host";
    if (host < len && authority[host] != ':')
        return "its host holds characters that no name has";
    if (!is_port(authority + host, len - host))
        return "its port is no number from 1 to 65535";
    return NULL;
}

/* Would a client's library rewrite this path (RFC 3986 6.2.2)? */
static int is_path_stable(const char *path)
{
    const char *c;

    if (strstr(path, "//"))
        return 0;
    for (c = strstr(path, "/."); c; c = strstr(c + 1, "/.")) {
        apr_size_t dots = strspn(c + 1, ".");

        if (dots <= 2 && (!c[1 + dots] || c[1 + dots] == '/'))
            return 0;
    }
    for (c = strchr(path, '%'); c; c = strchr(c + 1, '%'))
        if (!apr_isxdigit(c[1]) || !apr_isxdigit(c[2]))
            return 0;
    return 1;
}

/* The reason why url cannot be a base, or NULL. */
static const char *base_url_fault(const char *url)
{
    const char *path;
    apr_size_t len;

    if (strncmp(url, "https://", 8))
        return "ACME needs https (RFC 8555 6.1)";
    if (!has_only(url, URL_SAFE))
        return "it holds a query, a fragment or characters that must not "
               "stand in a URL";
    len = strcspn(url + 8, "/");
    path = url + 8 + len;
    if (authority_fault(url + 8, len))
        return authority_fault(url + 8, len);
    if (*path && path[strlen(path) - 1] == '/')
        return "it ends in a slash";
    if (!is_path_stable(path))
        return "its path holds empty or dotted parts, or a stray \"%\"";
    return NULL;
}

/* Handed out and compared byte by byte, so nothing that anybody on the way
 * could want to normalise. */
static void base_url_check(apr_array_header_t *findings, const char *directive,
                           const char *url)
{
    const char *fault;

    if (!url || !*url) {
        acme_conf_finding(
            findings,
            "%s: there is no URL to start with; set ServerName, or %s "
            "https://name",
            directive, directive);
        return;
    }
    fault = base_url_fault(url);
    if (fault)
        acme_conf_finding(findings, "%s %s: %s; write https://name[:port]",
                          directive, url, fault);
}

void acme_conf_link_check(apr_array_header_t *findings, const char *directive,
                          const char *url)
{
    if (url && ((strncmp(url, "https://", 8) && strncmp(url, "http://", 7)) ||
                !has_only(url, URL_SAFE "?#")))
        acme_conf_finding(
            findings,
            "%s %s: it is not an http or https URL; write https://name/path",
            directive, url);
}

static void urls_check(apr_array_header_t *findings, const acme_conf_t *conf)
{
    const char *path = conf->path;
    int i;

    base_url_check(findings, "ACMEBaseURL", conf->base_url);
    for (i = 0; conf->base_url_aliases && i < conf->base_url_aliases->nelts;
         i++)
        base_url_check(findings, "ACMEBaseURLAlias",
                       APR_ARRAY_IDX(conf->base_url_aliases, i, const char *));
    if (*path && (*path != '/' || strstr(path, "//") || strstr(path, "/.") ||
                  path[strlen(path) - 1] == '/' ||
                  !has_only(path, LOWER UPPER DIGITS "-._~/")))
        acme_conf_finding(
            findings,
            "ACMEPath %s: it is not a plain absolute path; write it "
            "like /acme",
            path);
    acme_conf_link_check(findings, "ACMETermsURL", conf->terms_url);
    acme_conf_link_check(findings, "ACMEWebsite", conf->website);
}

/* Its values may be secret. */
static void conninfo_check(apr_array_header_t *findings, const char *conninfo)
{
    const char *fault =
        conninfo ? store_conninfo_fault(conninfo, findings->pool) : NULL;

    if (!conninfo)
        fault = "there is no CONNINFO; write one like \"dbname=acme\"";
    if (fault)
        acme_conf_finding(findings, "ACMEDatabase pgsql: %s", fault);
}

static void database_check(apr_array_header_t *findings,
                           const acme_conf_t *conf)
{
    if (!conf->state_dir || *conf->state_dir != '/')
        acme_conf_finding(
            findings, "ACMEStateDir %s: it is not an absolute path; write one",
            conf->state_dir ? conf->state_dir : "");
    if (!strcmp(conf->store.driver, "pgsql"))
        conninfo_check(findings, conf->store.params);
    else if (strcmp(conf->store.driver, "sqlite3"))
        acme_conf_finding(
            findings,
            "ACMEDatabase %s: this build knows no such database; use "
            "sqlite3 or pgsql",
            conf->store.driver);
    else if (!conf->store.params || *conf->store.params != '/')
        acme_conf_finding(
            findings,
            "ACMEDatabase sqlite3 %s: it is not an absolute path; "
            "write one",
            conf->store.params ? conf->store.params : "");
    if (strlen(conf->realm) > 64 ||
        !has_only(conf->realm, LOWER UPPER DIGITS "-._"))
        acme_conf_finding(
            findings,
            "ACMERealm %s: a realm is at most 64 letters, digits, '-', "
            "'.' or '_'; choose such a name",
            conf->realm);
}

static void number_check(apr_array_header_t *findings, const char *directive,
                         apr_int64_t value, apr_int64_t min, apr_int64_t max,
                         const char *unit)
{
    if (value < min || value > max)
        acme_conf_finding(findings,
                          "%s %" APR_INT64_T_FMT
                          ": it is out of range; choose %" APR_INT64_T_FMT
                          " to %" APR_INT64_T_FMT "%s",
                          directive, value, min, max, unit);
}

/* As a directive takes it: "90min". */
static const char *span_text(apr_interval_time_t span, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        apr_interval_time_t length;
    } units[] = {{"y", apr_time_from_sec(365 * (apr_int64_t)DAY)},
                 {"d", apr_time_from_sec(DAY)},
                 {"h", apr_time_from_sec(3600)},
                 {"min", apr_time_from_sec(60)},
                 {"s", apr_time_from_sec(1)},
                 {"ms", 1000}};
    apr_size_t i = 0;

    if (!span)
        return "0";
    while (strcmp(units[i].name, "ms") && span % units[i].length)
        i++;
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "%s", span / units[i].length,
                        units[i].name);
}

static void span_check(apr_array_header_t *findings, const char *directive,
                       apr_interval_time_t value, apr_interval_time_t min,
                       apr_interval_time_t max)
{
    apr_pool_t *pool = findings->pool;

    if (value < min || value > max)
        acme_conf_finding(
            findings, "%s %s: it is out of range; choose %s to %s", directive,
            span_text(value, pool), span_text(min, pool), span_text(max, pool));
}

static void numbers_check(apr_array_header_t *findings, const acme_conf_t *conf)
{
    span_check(
        findings, "ACMEOrderLifetime", apr_time_from_sec(conf->order_lifetime),
        apr_time_from_sec(LIFETIME_MIN), apr_time_from_sec(LIFETIME_MAX));
    span_check(
        findings, "ACMEAuthzLifetime", apr_time_from_sec(conf->authz_lifetime),
        apr_time_from_sec(LIFETIME_MIN), apr_time_from_sec(LIFETIME_MAX));
    span_check(findings, "ACMERetention", apr_time_from_sec(conf->retention),
               apr_time_from_sec(DAY), apr_time_from_sec(LIFETIME_MAX));
    span_check(findings, "ACMEFinalizeWait", conf->finalize_wait, 0, WAIT_MAX);
    span_check(findings, "ACMEValidationWait", conf->validation_wait, 0,
               WAIT_MAX);
    span_check(findings, "ACMEValidationRetry", conf->dcv->retry, 0,
               apr_time_from_sec(600));
    span_check(findings, "ACMEValidationTimeout", conf->dcv->timeout,
               apr_time_from_msec(100), apr_time_from_sec(600));
    number_check(findings, "ACMENonceSlots", conf->nonce_slots, SLOTS_MIN,
                 SLOTS_MAX, "");
    number_check(findings, "ACMETestNonceReject", conf->nonce_reject, 0, 100,
                 " percent");
    number_check(findings, "ACMEValidationPort http-01", conf->dcv->http01_port,
                 1, 65535, "");
    number_check(findings, "ACMEValidationPort dns-01", conf->dcv->dns01_port,
                 1, 65535, "");
    number_check(findings, "ACMEValidationPort tls-alpn-01",
                 conf->dcv->tlsalpn01_port, 1, 65535, "");
    number_check(findings, "ACMEValidationMax", conf->dcv->max_in_flight, 1,
                 100000, "");
}

static void limits_check(apr_array_header_t *findings, const acme_conf_t *conf)
{
    int i;

    for (i = 0; i < ACME_LIMIT_COUNT; i++) {
        const acme_limit_rule_t *rule = &conf->limits[i];
        const char *directive =
            apr_pstrcat(findings->pool, "ACMERateLimit ",
                        acme_limit_name((acme_limit_e)i), NULL);

        number_check(findings, directive, rule->count, 0, APR_INT32_MAX, "");
        if (!rule->count || !acme_limit_has_span((acme_limit_e)i))
            continue;
        span_check(findings, directive, apr_time_from_sec(rule->span),
                   apr_time_from_sec(1), apr_time_from_sec(LIMIT_SPAN_MAX));
        if (rule->count > rule->span * LIMIT_RATE_MAX)
            acme_conf_finding(findings,
                              "%s %s: it is too fast to be counted; write at "
                              "most %d for each second, or off",
                              directive,
                              acme_limit_rule_text(rule, findings->pool),
                              LIMIT_RATE_MAX);
    }
}

apr_array_header_t *acme_conf_check(const acme_conf_t *conf, apr_pool_t *pool)
{
    apr_array_header_t *findings =
        apr_array_make(pool, 4, sizeof(const char *));

    urls_check(findings, conf);
    database_check(findings, conf);
    numbers_check(findings, conf);
    limits_check(findings, conf);
    acme_conf_pki_check(findings, conf);
    return findings;
}
