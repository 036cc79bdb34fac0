/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_load.h"

#include <string.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include <http_main.h>

#include "acme/acme_eab_secret.h"
#include "ca/ca_auto.h"
#include "httpd/httpd_life.h"
#include "httpd/httpd_log.h"
#include "policy/policy_blocklist.h"

#include "base/banned.h"

static const char *problem_text(const problem_t *prob)
{
    return prob->cause ? prob->cause : prob->detail;
}

/* `httpd -t` by somebody else than root sees less than a start does: what to do
 * about that is no chown. */
static const char *look_text(const problem_t *prob, apr_pool_t *pool)
{
    const char *text = problem_text(prob);

    if (!APR_STATUS_IS_EACCES(prob->rv) || geteuid() == 0)
        return text;
    return apr_psprintf(pool,
                        "%.*s; run this as root to see what a start will see",
                        (int)strcspn(text, ";"), text);
}

static acme_issuer_t *automatic(const acme_conf_t *acme)
{
    return acme_conf_issuer(acme, ACME_ISSUER_AUTOMATIC);
}

static const char *ca_dir(const acme_conf_t *acme, apr_pool_t *pool)
{
    return apr_pstrcat(pool, acme->state_dir, "/ca", NULL);
}

static int exists(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

/* Of the virtual host's profiles those that have this issuer: "web, lan". */
static const char *users_of(const acme_conf_t *acme, const char *issuer,
                            apr_pool_t *pool)
{
    const char *text = NULL;
    int i;

    for (i = 0; i < acme->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(acme->profiles, i, const acme_profile_t *);

        if (!strcmp(profile->issuer, issuer))
            text = apr_pstrcat(pool, text ? text : "", text ? ", " : "",
                               profile->name, NULL);
    }
    return text;
}

static void unusable_tell(const acme_issuer_t *issuer, const acme_conf_t *acme,
                          const char *tag, const log_t *log, apr_pool_t *pool)
{
    const char *users = users_of(acme, issuer->name, pool);

    log_write(log, LOG_LEVEL_CRIT, tag, APR_SUCCESS,
              "issuer %s of %s signs nothing until the next reload%s%s: %s",
              issuer->name, acme->server_name,
              users ? ", and these profiles answer 503: " : "",
              users ? users : "", issuer->problem);
}

/* Virtual hosts that share a state directory share its CA. */
static const acme_issuer_t *shared_find(const httpd_conf_t *conf)
{
    server_rec *server;

    for (server = ap_server_conf; server; server = server->next) {
        const httpd_conf_t *other = httpd_conf_get(server);

        if (other != conf && other->acme &&
            !strcmp(other->acme->state_dir, conf->acme->state_dir) &&
            (automatic(other->acme)->set || automatic(other->acme)->problem))
            return automatic(other->acme);
    }
    return NULL;
}

static void automatic_make(httpd_conf_t *conf, const log_t *log,
                           apr_pool_t *pconf)
{
    const acme_conf_t *acme = conf->acme;
    acme_issuer_t *issuer = automatic(acme);
    problem_t *prob = ca_auto_ensure(
        &issuer->set, ca_dir(acme, pconf),
        apr_pstrcat(pconf, "ACME CA of ", acme->server_name, NULL),
        clock_seconds(&clock_system), log, pconf);

    if (prob)
        issuer->problem = problem_text(prob);
}

const char *httpd_load_automatic(httpd_conf_t *conf, const char *ca_problem,
                                 apr_pool_t *pconf)
{
    acme_issuer_t *issuer = automatic(conf->acme);
    const acme_issuer_t *shared;
    const log_t *log;

    if (issuer->set || issuer->problem)
        return issuer->problem;
    log = httpd_log_server(conf->server, pconf);
    shared = shared_find(conf);
    if (ca_problem)
        issuer->problem = ca_problem;
    else if (shared) {
        issuer->set = shared->set;
        issuer->problem = shared->problem;
    }
    else
        automatic_make(conf, log, pconf);
    if (issuer->problem && httpd_life_is_real_start())
        unusable_tell(issuer, conf->acme, "AS0404", log, pconf);
    return issuer->problem;
}

/* With its profiles' issuers elsewhere it is needed for what it has signed
 * before, and (httpd_tls.c) for a virtual host without a certificate. */
static int is_automatic_needed(const acme_conf_t *acme, apr_pool_t *pool)
{
    return users_of(acme, ACME_ISSUER_AUTOMATIC, pool) ||
           exists(
               apr_pstrcat(pool, ca_dir(acme, pool), "/", CA_AUTO_ROOT, NULL),
               pool);
}

/* Virtual hosts share what they inherited. */
static void issuer_load(acme_issuer_t *issuer, const acme_conf_t *acme,
                        const log_t *log, int is_start, apr_pool_t *pool)
{
    ca_set_files_t files = acme_conf_issuer_files(acme, issuer);
    problem_t *prob = ca_set_load(&issuer->set, issuer->name, &files,
                                  clock_seconds(&clock_system), log, pool);

    if (prob)
        issuer->problem = is_start ? problem_text(prob) : look_text(prob, pool);
}

static void unusable_look_tell(const char *issuer, const char *why,
                               const log_t *log)
{
    log_write(log, LOG_LEVEL_WARNING, "AS0417", APR_SUCCESS,
              "issuer %s would sign nothing now: %s", issuer, why);
}

static void issuer_tell(const acme_issuer_t *issuer, const acme_conf_t *acme,
                        const log_t *log, int is_start, apr_pool_t *pool)
{
    int i;

    if (issuer->problem && is_start)
        unusable_tell(issuer, acme, "AS0416", log, pool);
    else if (issuer->problem)
        unusable_look_tell(issuer->name, issuer->problem, log);
    for (i = 0; issuer->set && i < issuer->set->warnings->nelts; i++)
        log_write(log, LOG_LEVEL_WARNING, "AS0418", APR_SUCCESS,
                  "issuer %s: %s", issuer->name,
                  APR_ARRAY_IDX(issuer->set->warnings, i, const char *));
}

static void issuers_load(const acme_conf_t *acme, const log_t *log, int is_told,
                         int is_start, apr_pool_t *pool)
{
    int i;

    for (i = 1; i < acme->issuers->nelts; i++) {
        acme_issuer_t *issuer =
            APR_ARRAY_IDX(acme->issuers, i, acme_issuer_t *);

        if (issuer->set || issuer->problem)
            continue;
        issuer_load(issuer, acme, is_told ? log : NULL, is_start, pool);
        if (is_told)
            issuer_tell(issuer, acme, log, is_start, pool);
    }
}

static int has_external(const acme_conf_t *acme)
{
    int i;

    for (i = 0; i < acme->profiles->nelts; i++)
        if (APR_ARRAY_IDX(acme->profiles, i, const acme_profile_t *)
                ->external != ACME_EXTERNAL_OFF)
            return 1;
    return 0;
}

static void eab_load(acme_conf_t *acme, const char *ca_problem,
                     const log_t *log, int is_told, int is_start,
                     apr_pool_t *pool)
{
    acme_eab_keys_t *keys = NULL;
    problem_t *prob;
    int is_there = exists(acme->eab_key_file, pool);

    acme->eab_problem = ca_problem;
    if (ca_problem || (!is_start && !is_there))
        return;
    prob = acme_eab_keys_load(&keys, acme->eab_key_file, is_start,
                              is_told ? log : NULL, pool);
    if (!prob) {
        acme->eab_keys = keys;
        if (!is_there)
            log_write(log, LOG_LEVEL_NOTICE, "AS0429", APR_SUCCESS,
                      "made the key file for external account keys, %s; keys "
                      "that the database has already need the old file",
                      acme->eab_key_file);
        return;
    }
    acme->eab_problem = is_start ? problem_text(prob) : look_text(prob, pool);
    if (is_told)
        log_write(log,
                  is_start && has_external(acme) ? LOG_LEVEL_CRIT
                                                 : LOG_LEVEL_WARNING,
                  "AS0419", prob->rv,
                  "external account keys cannot be used until the next reload: "
                  "%s",
                  acme->eab_problem);
}

/* Without it nobody can say which keys are good, so none is. */
static void blocklist_load(acme_conf_t *acme, const log_t *log, int is_told,
                           int is_start, apr_pool_t *pool)
{
    policy_blocklist_t *list = policy_blocklist_make(pool);
    const char *fault =
        policy_blocklist_debian_read(list, POLICY_BLOCKLIST_DEBIAN, pool);
    int i;

    for (i = 0; !fault && i < acme->key_blocklists->nelts; i++) {
        const char *file = APR_ARRAY_IDX(acme->key_blocklists, i, const char *);

        fault = policy_blocklist_read(list, file, pool);
        if (fault)
            fault = apr_psprintf(pool, "ACMEKeyBlocklist %s: %s", file, fault);
    }
    acme->blocklist_problem = fault;
    if (!fault && !policy_blocklist_is_empty(list))
        acme->blocklist = list;
    if (!fault)
        return;
    if (is_told && is_start)
        log_write(log, LOG_LEVEL_CRIT, "AS0420", APR_SUCCESS,
                  "%s issues nothing and answers 503 until the next reload: %s",
                  acme->server_name, acme->blocklist_problem);
    else if (is_told)
        log_write(log, LOG_LEVEL_WARNING, "AS0426", APR_SUCCESS,
                  "%s would issue nothing now: %s", acme->server_name,
                  acme->blocklist_problem);
}

/* Profiles whose policy and issuer do not fit. */
static void profiles_tell(const acme_conf_t *acme, const log_t *log,
                          int is_start, apr_pool_t *pool)
{
    int i;

    for (i = 0; !acme->blocklist_problem && i < acme->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(acme->profiles, i, const acme_profile_t *);
        const ca_set_t *set = acme_conf_issuer(acme, profile->issuer)->set;
        const char *fault = NULL;

        if (set && set->issuer && set->issuer->key)
            fault = acme_conf_profile_fault(acme, profile, pool);
        if (fault)
            log_write(log, is_start ? LOG_LEVEL_CRIT : LOG_LEVEL_WARNING,
                      "AS0427", APR_SUCCESS,
                      "profile %s issues nothing and answers 503: %s",
                      profile->name, fault);
    }
}

/* pki.md, Issuers: one warning. */
static void url_tell(const acme_conf_t *acme, const log_t *log)
{
    int i;

    for (i = 0; i < acme->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(acme->profiles, i, const acme_profile_t *);
        const acme_issuer_t *issuer = acme_conf_issuer(acme, profile->issuer);

        if (issuer->url || acme->issuer_url || acme->publish_url)
            continue;
        log_write(log, LOG_LEVEL_WARNING, "AS0430", APR_SUCCESS,
                  "certificates of %s do not say where their issuer and its "
                  "list of revoked certificates are; write <VirtualHost *:80> "
                  "with ServerName %s, or ACMEIssuerURL http://...",
                  acme->server_name, acme->server_name);
        return;
    }
}

/* DNSSEC without its keys: no name server can be asked. */
static void trust_tell(const acme_conf_t *acme, const log_t *log, int is_start,
                       apr_pool_t *pool)
{
    const char *fault = NULL;

    if (acme->dcv->dnssec)
        fault = dcv_conf_trust_fault(acme->dcv->trust_anchor, pool);
    if (fault)
        log_write(log, is_start ? LOG_LEVEL_CRIT : LOG_LEVEL_WARNING, "AS0432",
                  APR_SUCCESS, "%s can ask no name servers: %s",
                  acme->server_name, fault);
}

void httpd_load_vhost(httpd_conf_t *conf, const char *ca_problem,
                      apr_pool_t *pconf)
{
    acme_conf_t *acme = conf->acme;
    const log_t *log = httpd_log_server(conf->server, pconf);
    int is_told = httpd_life_is_real_start();

    acme->loaded_at = clock_seconds(&clock_system);
    if (ca_problem || is_automatic_needed(acme, pconf))
        httpd_load_automatic(conf, ca_problem, pconf);
    issuers_load(acme, log, is_told, 1, pconf);
    eab_load(acme, ca_problem, log, is_told, 1, pconf);
    blocklist_load(acme, log, is_told, 1, pconf);
    if (is_told) {
        profiles_tell(acme, log, 1, pconf);
        url_tell(acme, log);
        trust_tell(acme, log, 1, pconf);
    }
}

static void automatic_look(const acme_conf_t *acme, const log_t *log,
                           apr_pool_t *pool)
{
    problem_t *prob;

    if (!is_automatic_needed(acme, pool))
        return;
    prob = ca_auto_look(ca_dir(acme, pool), clock_seconds(&clock_system), pool);
    if (prob)
        unusable_look_tell(ACME_ISSUER_AUTOMATIC, look_text(prob, pool), log);
}

void httpd_load_look(httpd_conf_t *conf, const char *ca_problem,
                     apr_pool_t *pool)
{
    const log_t *log = httpd_log_startup(conf->server, pool);

    if (!ca_problem)
        automatic_look(conf->acme, log, pool);
    issuers_load(conf->acme, log, 1, 0, pool);
    eab_load(conf->acme, NULL, log, 1, 0, pool);
    blocklist_load(conf->acme, log, 1, 0, pool);
    profiles_tell(conf->acme, log, 0, pool);
    trust_tell(conf->acme, log, 0, pool);
}
