/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_SECTION_H
#define HTTPD_SECTION_H

/*
 * <ACMEIssuer>, <ACMEPolicy>, <ACMEProfile>: what stands in them, and their
 * merging.  Within one scope each name is there once; a virtual host's section
 * hides the main server's of the same kind and name.
 *
 * A section is read at once: its directives are those with its own prefix, and
 * those stand nowhere else.
 */

#include "httpd/httpd_conf.h"
#include "policy/policy.h"

typedef enum { HTTPD_ISSUER, HTTPD_POLICY, HTTPD_PROFILE } httpd_section_e;

typedef struct httpd_section_t {
    httpd_section_e kind;
    const char *name;
    const ap_directive_t *place;
    /* Of its kind, the others NULL.  An issuer is shared by all virtual hosts
     * that have it, and so loaded once. */
    acme_issuer_t *issuer;
    policy_t *policy;
    acme_profile_t *profile; /* but for its policy */
    const char *policy_name; /* ACMEProfilePolicy; NULL: not said */
} httpd_section_t;

/* Of httpd_section_t *. */
apr_array_header_t *httpd_section_merge(const apr_array_header_t *base,
                                        const apr_array_header_t *add,
                                        apr_pool_t *pool);

/* Issuers and profiles of conf's sections into conf->acme. */
void httpd_section_resolve(httpd_conf_t *conf, apr_array_header_t *findings,
                           apr_pool_t *pool);

/*
 * For the setters (httpd_cmds.c, httpd_issuer.c, httpd_policy.c,
 * httpd_profile.c).
 */

/* The section that is being read; NULL outside. */
httpd_section_t *httpd_section_current(const cmd_parms *cmd);

/* The same for a directive that stands in sections only: those of its kind.
 * NULL, or the mistake. */
const char *httpd_section_find(httpd_section_t **section, const cmd_parms *cmd,
                               httpd_section_e kind);

const char *httpd_section_open(cmd_parms *cmd, void *dir, const char *arg);

const char *httpd_issuer_type(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_issuer_file(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_issuer_alternate(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_issuer_url(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_issuer_crl(cmd_parms *cmd, void *dir, const char *args);
const char *httpd_issuer_ocsp(cmd_parms *cmd, void *dir, const char *args);

const char *httpd_policy_preset(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_policy_names(cmd_parms *cmd, void *dir, const char *args);
const char *httpd_policy_usage(cmd_parms *cmd, void *dir, const char *args);
const char *httpd_policy_words(cmd_parms *cmd, void *dir, const char *args);
const char *httpd_policy_validity(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_policy_count(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_policy_network(cmd_parms *cmd, void *dir, const char *args);

const char *httpd_profile_text(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_profile_flag(cmd_parms *cmd, void *dir, int on);
const char *httpd_profile_policy(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_profile_validity(cmd_parms *cmd, void *dir, const char *args);
const char *httpd_profile_challenges(cmd_parms *cmd, void *dir,
                                     const char *args);
const char *httpd_profile_subject(cmd_parms *cmd, void *dir, const char *args);
const char *httpd_profile_external(cmd_parms *cmd, void *dir, const char *arg);
const char *httpd_profile_enrollment(cmd_parms *cmd, void *dir,
                                     const char *arg);

#endif
