/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_section.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_profile.h"
#include "httpd/httpd_words.h"
#include "policy/policy_make.h"
#include "policy/policy_subject.h"

#include "base/banned.h"

/* A leaf's life where nobody says anything, in seconds. */
#define VALIDITY_DEFAULT (90 * 86400)

#define NAME_CHARS   "abcdefghijklmnopqrstuvwxyz0123456789-"
#define NAME_LEN_MAX 32

/* By httpd_section_e: what its directives' names begin with. */
static const char *const prefixes[] = {"ACMEIssuer", "ACMEPolicy",
                                       "ACMEProfile"};

httpd_section_t *httpd_section_current(const cmd_parms *cmd)
{
    return httpd_conf_get(cmd->server)->section;
}

const char *httpd_section_find(httpd_section_t **section, const cmd_parms *cmd,
                               httpd_section_e kind)
{
    *section = httpd_section_current(cmd);
    if (*section)
        return NULL; /* body_check has seen that it is one of this kind */
    return apr_pstrcat(cmd->pool, cmd->cmd->name,
                       ": it stands outside of any section; write it between <",
                       prefixes[kind], " name> and </", prefixes[kind], ">",
                       NULL);
}

static httpd_section_t *section_find(const apr_array_header_t *sections,
                                     httpd_section_e kind, const char *name)
{
    int i;

    for (i = 0; sections && i < sections->nelts; i++) {
        httpd_section_t *section =
            APR_ARRAY_IDX(sections, i, httpd_section_t *);

        if (section->kind == kind && !strcmp(section->name, name))
            return section;
    }
    return NULL;
}

/* The section's own directives and no others: httpd itself would take any. */
static const char *body_check(const cmd_parms *cmd, httpd_section_e kind,
                              const char *name)
{
    const ap_directive_t *dir;
    apr_size_t len = strlen(prefixes[kind]);

    for (dir = cmd->directive->first_child; dir; dir = dir->next)
        if (strncasecmp(dir->directive, prefixes[kind], len) ||
            !dir->directive[len])
            return apr_psprintf(cmd->pool,
                                "%s %s: it does not belong into <%s %s>; "
                                "write it outside",
                                dir->directive, dir->args, prefixes[kind],
                                name);
    return NULL;
}

/* "<ACMEIssuer corp>": the name, or the mistake. */
static const char *name_parse(const char **name, const cmd_parms *cmd,
                              httpd_section_e kind, const char *args)
{
    const char *end = strrchr(args, '>');
    apr_array_header_t *words;
    const char *mistake;
    apr_size_t len;

    if (!end || end[1])
        return apr_pstrcat(cmd->pool, cmd->cmd->name, " ", args,
                           ": it is not closed; write ", cmd->cmd->name,
                           " name>", NULL);
    mistake = httpd_words(
        &words, cmd, apr_pstrmemdup(cmd->pool, args, (apr_size_t)(end - args)));
    if (mistake)
        return mistake;
    *name = APR_ARRAY_IDX(words, 0, const char *);
    len = strlen(*name);
    if (words->nelts == 1 && len && len <= NAME_LEN_MAX &&
        strspn(*name, NAME_CHARS) == len)
        return NULL;
    return apr_pstrcat(cmd->pool, cmd->cmd->name, " ", args,
                       ": a name is 1 to 32 lower-case letters, digits or "
                       "'-'; write <",
                       prefixes[kind], " name>", NULL);
}

static httpd_section_t *section_make(const cmd_parms *cmd, httpd_section_e kind,
                                     const char *name)
{
    httpd_section_t *section = apr_pcalloc(cmd->pool, sizeof(*section));

    section->kind = kind;
    section->name = name;
    section->place = cmd->directive;
    if (kind == HTTPD_ISSUER)
        section->issuer = acme_issuer_make(name, cmd->pool);
    else if (kind == HTTPD_POLICY)
        section->policy = policy_make(name, cmd->pool);
    else {
        section->profile = acme_profile_make(name, cmd->pool);
        section->profile->validity.validity = 0;
        section->profile->validity.max_validity = 0;
    }
    return section;
}

/* Of const char *, as one mistake. */
static const char *findings_join(const apr_array_header_t *findings,
                                 const httpd_section_t *section,
                                 apr_pool_t *pool)
{
    const char *text = NULL;
    int i;

    for (i = 0; i < findings->nelts; i++)
        text = apr_psprintf(pool, "%s%s<%s %s>: %s", text ? text : "",
                            text ? "\n" : "", prefixes[section->kind],
                            section->name,
                            APR_ARRAY_IDX(findings, i, const char *));
    return text;
}

/* What is in it, into a section that exists. */
static const char *body_read(cmd_parms *cmd, httpd_section_t *section)
{
    httpd_conf_t *conf = httpd_conf_get(cmd->server);
    const char *mistake;

    conf->section = section;
    mistake = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    conf->section = NULL;
    if (!mistake && section->policy)
        mistake = findings_join(policy_findings(section->policy, cmd->pool),
                                section, cmd->pool);
    return mistake;
}

const char *httpd_section_open(cmd_parms *cmd, void *dir, const char *args)
{
    httpd_conf_t *conf = httpd_conf_get(cmd->server);
    httpd_section_e kind = (httpd_section_e)(apr_size_t)cmd->info;
    httpd_section_t *section;
    const char *name = "", *mistake = name_parse(&name, cmd, kind, args);

    if (!mistake)
        mistake = body_check(cmd, kind, name);
    if (mistake)
        return mistake;
    section = section_find(conf->sections, kind, name);
    if (section)
        return apr_psprintf(cmd->pool,
                            "<%s %s>: there is one of this name already "
                            "(%s:%d); rename one",
                            prefixes[kind], name, section->place->filename,
                            section->place->line_num);
    section = section_make(cmd, kind, name);
    if (!conf->sections)
        conf->sections =
            apr_array_make(cmd->pool, 4, sizeof(httpd_section_t *));
    APR_ARRAY_PUSH(conf->sections, httpd_section_t *) = section;
    return body_read(cmd, section);
}

apr_array_header_t *httpd_section_merge(const apr_array_header_t *base,
                                        const apr_array_header_t *add,
                                        apr_pool_t *pool)
{
    apr_array_header_t *merged =
        apr_array_make(pool, 4, sizeof(httpd_section_t *));
    int i;

    for (i = 0; i < base->nelts; i++) {
        httpd_section_t *section = APR_ARRAY_IDX(base, i, httpd_section_t *);

        if (!section_find(add, section->kind, section->name))
            APR_ARRAY_PUSH(merged, httpd_section_t *) = section;
    }
    apr_array_cat(merged, add);
    return merged;
}

/* Of an issuer that is not there, the reason is told by acme_conf_check. */
static const policy_t *policy_resolve(const httpd_conf_t *conf,
                                      const httpd_section_t *section,
                                      apr_array_header_t *findings,
                                      apr_pool_t *pool)
{
    const char *name = section->policy_name;
    const httpd_section_t *found;

    if (!name)
        return policy_make("tls-server", pool);
    found = section_find(conf->sections, HTTPD_POLICY, name);
    if (found)
        return found->policy;
    APR_ARRAY_PUSH(findings, const char *) = apr_psprintf(
        findings->pool,
        "ACMEProfilePolicy %s (profile %s): there is no such policy; write "
        "<ACMEPolicy %s>, or name another one",
        name, section->name, name);
    return policy_make(name, pool);
}

/* What ACMEProfileValidity left open follows the policy. */
static void validity_resolve(ca_profile_t *validity, const policy_t *policy)
{
    if (!validity->max_validity)
        validity->max_validity = policy->max_validity;
    if (!validity->validity)
        validity->validity = validity->max_validity < VALIDITY_DEFAULT
                                 ? validity->max_validity
                                 : VALIDITY_DEFAULT;
}

static void subject_check(const acme_profile_t *profile,
                          apr_array_header_t *findings, apr_pool_t *pool)
{
    apr_array_header_t *faults = policy_subject_findings(
        profile->policy, acme_profile_subject(profile, pool), pool);
    int i;

    for (i = 0; i < faults->nelts; i++)
        APR_ARRAY_PUSH(findings, const char *) =
            apr_psprintf(findings->pool, "ACMEProfileSubject (profile %s): %s",
                         profile->name, APR_ARRAY_IDX(faults, i, const char *));
}

static void profile_resolve(httpd_conf_t *conf, const httpd_section_t *section,
                            apr_array_header_t *findings, apr_pool_t *pool)
{
    acme_profile_t *profile =
        apr_pmemdup(pool, section->profile, sizeof(*profile));

    profile->policy = policy_resolve(conf, section, findings, pool);
    validity_resolve(&profile->validity, profile->policy);
    subject_check(profile, findings, pool);
    APR_ARRAY_PUSH(conf->acme->profiles, acme_profile_t *) = profile;
}

static int has_kind(const apr_array_header_t *sections, httpd_section_e kind)
{
    int i;

    for (i = 0; i < sections->nelts; i++)
        if (APR_ARRAY_IDX(sections, i, httpd_section_t *)->kind == kind)
            return 1;
    return 0;
}

void httpd_section_resolve(httpd_conf_t *conf, apr_array_header_t *findings,
                           apr_pool_t *pool)
{
    int i;

    if (!conf->sections)
        return;
    if (has_kind(conf->sections, HTTPD_PROFILE))
        apr_array_clear(conf->acme->profiles); /* the built-in one */
    for (i = 0; i < conf->sections->nelts; i++) {
        const httpd_section_t *section =
            APR_ARRAY_IDX(conf->sections, i, httpd_section_t *);

        if (section->issuer)
            APR_ARRAY_PUSH(conf->acme->issuers, acme_issuer_t *) =
                section->issuer;
        else if (section->profile)
            profile_resolve(conf, section, findings, pool);
    }
}
