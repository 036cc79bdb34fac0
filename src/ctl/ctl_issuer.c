/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_issuer.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_publish.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/pjson.h"
#include "ca/ca_constraints.h"
#include "ca/ca_generation.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

static const char *problem_text(const problem_t *prob, apr_pool_t *pool)
{
    const char *text = prob->cause ? prob->cause : prob->detail;
    char reason[128];

    if (prob->rv == APR_SUCCESS)
        return text;
    return apr_psprintf(pool, "%s (%s)", text,
                        apr_strerror(prob->rv, reason, sizeof(reason)));
}

/* Its files, which httpd's parent makes. */
static problem_t *automatic_load(acme_issuer_t *issuer, const ctl_t *ctl)
{
    const char *dir = apr_pstrcat(ctl->pool, ctl->conf->state_dir, "/ca", NULL);
    apr_array_header_t *list =
        apr_array_make(ctl->pool, 2, sizeof(ca_issuer_t *));
    ca_generations_t found;
    problem_t *prob, *fault = NULL;
    int i;

    prob = ca_generation_scan(&found, dir, "issuing-", ctl->pool);
    if (prob)
        return prob;
    for (i = 0; i < found.numbers->nelts; i++) {
        ca_issuer_t *generation = ca_generation_load(
            &prob, &found, APR_ARRAY_IDX(found.numbers, i, int), issuer->name,
            NULL, ctl->pool);

        if (generation)
            APR_ARRAY_PUSH(list, ca_issuer_t *) = generation;
        if (prob)
            fault = prob;
    }
    issuer->set = ca_set_make(issuer->name, list, NULL,
                              clock_seconds(&clock_system), ctl->pool);
    if (issuer->set->issuer)
        return NULL;
    return fault ? fault
                 : problem_internal(ctl->pool, APR_SUCCESS,
                                    "%s: there is no CA that could sign (yet); "
                                    "httpd makes it when it starts",
                                    dir);
}

static problem_t *files_load(acme_issuer_t *issuer, const ctl_t *ctl)
{
    ca_set_files_t files = acme_conf_issuer_files(ctl->conf, issuer);

    return ca_set_load(&issuer->set, issuer->name, &files,
                       clock_seconds(&clock_system), NULL, ctl->pool);
}

apr_status_t ctl_issuer_load(acme_issuer_t *issuer, const ctl_t *ctl)
{
    problem_t *prob = strcmp(issuer->name, ACME_ISSUER_AUTOMATIC)
                          ? files_load(issuer, ctl)
                          : automatic_load(issuer, ctl);

    issuer->problem = prob ? problem_text(prob, ctl->pool) : NULL;
    if (!prob)
        return APR_SUCCESS;
    return prob->rv ? prob->rv : APR_ENOENT;
}

/* As certificates say it, if they do. */
static json_t *url_render(const ctl_t *ctl, const acme_issuer_t *issuer,
                          const ca_issuer_t *generation, const char *suffix)
{
    return ctl_print_text(acme_publish_url(
        ctl->conf, issuer, generation->fingerprint, suffix, ctl->pool));
}

static json_t *generation_render(const ctl_t *ctl, const acme_issuer_t *issuer,
                                 const ca_issuer_t *generation)
{
    json_t *json = json_object();

    json_object_set_new(json, "generation",
                        json_integer(generation->generation));
    json_object_set_new(
        json, "subject",
        json_string(
            ca_name_text(X509_get_subject_name(generation->cert), ctl->pool)));
    json_object_set_new(json, "hasKey", json_boolean(generation->key != NULL));
    json_object_set_new(json, "notBefore",
                        ctl_print_time(ctl, generation->not_before));
    json_object_set_new(json, "notAfter",
                        ctl_print_time(ctl, generation->not_after));
    json_object_set_new(json, "fingerprint",
                        json_string(generation->fingerprint));
    json_object_set_new(
        json, "nameConstraints",
        json_string(ca_constraints_text(generation, ctl->pool)));
    json_object_set_new(json, "url",
                        url_render(ctl, issuer, generation, ".cer"));
    json_object_set_new(json, "crl",
                        issuer->crl
                            ? url_render(ctl, issuer, generation, ".crl")
                            : json_null());
    json_object_set_new(json, "ocsp",
                        issuer->ocsp
                            ? url_render(ctl, issuer, generation, ".ocsp")
                            : json_null());
    return json;
}

/* What may not be read may be all right. */
static const char *status_of(apr_status_t loaded)
{
    if (loaded == APR_SUCCESS)
        return "ready";
    return APR_STATUS_IS_EACCES(loaded) ? "unknown" : "broken";
}

/* loaded: what ctl_issuer_load said. */
static json_t *issuer_render(const ctl_t *ctl, const acme_issuer_t *issuer,
                             apr_status_t loaded)
{
    const ca_issuer_t *newest = issuer->set ? issuer->set->issuer : NULL;
    json_t *json = json_object(), *list = json_array();
    int i;

    json_object_set_new(json, "name", json_string(issuer->name));
    json_object_set_new(json, "type", json_string(issuer->type));
    json_object_set_new(json, "status", json_string(status_of(loaded)));
    json_object_set_new(json, "notAfter",
                        ctl_print_time(ctl, newest ? newest->not_after : 0));
    json_object_set_new(json, "profiles",
                        ctl_profile_users(ctl, issuer->name, NULL));
    json_object_set_new(json, "problem", ctl_print_text(issuer->problem));
    json_object_set_new(
        json, "warnings",
        pjson_strings_render(issuer->set ? issuer->set->warnings : NULL));
    json_object_set_new(json, "certificate",
                        ctl_print_text(issuer->certificate));
    json_object_set_new(json, "key", ctl_print_text(issuer->key));
    json_object_set_new(json, "directory", ctl_print_text(issuer->directory));
    json_object_set_new(json, "alternates",
                        pjson_strings_render(issuer->alternates));
    for (i = 0; issuer->set && i < issuer->set->generations->nelts; i++)
        json_array_append_new(
            list, generation_render(ctl, issuer,
                                    APR_ARRAY_IDX(issuer->set->generations, i,
                                                  const ca_issuer_t *)));
    json_object_set_new(json, "generations", list);
    return json;
}

/* As `acmectl ca list` does. */
static ctl_exit_e exit_of(const acme_issuer_t *issuer, apr_status_t loaded)
{
    if (!APR_STATUS_IS_EACCES(loaded))
        return CTL_OK;
    ctl_print_error("issuer %s: %.*s; run this as root", issuer->name,
                    (int)strcspn(issuer->problem, ";"), issuer->problem);
    return CTL_FAILED;
}

static ctl_exit_e issuer_list(ctl_t *ctl)
{
    static const char *const columns[] = {
        "name", "type", "status", "notAfter", "profiles", "warnings", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    ctl_exit_e code = CTL_OK;
    int i;

    for (i = 0; i < ctl->conf->issuers->nelts; i++) {
        acme_issuer_t *issuer =
            APR_ARRAY_IDX(ctl->conf->issuers, i, acme_issuer_t *);
        apr_status_t loaded = ctl_issuer_load(issuer, ctl);

        json_array_append_new(list, issuer_render(ctl, issuer, loaded));
        if (exit_of(issuer, loaded) != CTL_OK)
            code = CTL_FAILED;
    }
    ctl_print_list(ctl, list, columns);
    return code;
}

static ctl_exit_e issuer_show(ctl_t *ctl)
{
    acme_issuer_t *issuer = acme_conf_issuer(ctl->conf, ctl->id);
    apr_status_t loaded;

    if (!issuer)
        return ctl_print_status(APR_ENOENT, "issuer", ctl->id);
    loaded = ctl_issuer_load(issuer, ctl);
    ctl_print_object(ctl,
                     own_json(ctl->pool, issuer_render(ctl, issuer, loaded)));
    return exit_of(issuer, loaded);
}

#define ROOT_ALONE                                                             \
    "Needs root, who alone may read their keys: to others an issuer is\n"      \
    "\"unknown\", and the exit code 1."

const ctl_command_t ctl_issuer_commands[] = {
    {"issuer", "list", CTL_NEEDS_CONF, 0, 0, "", NULL,
     "the configured issuers, and whether they could sign now\n" ROOT_ALONE,
     issuer_list},
    {"issuer", "show", CTL_NEEDS_CONF, 1, 1, "NAME", NULL,
     "all about an issuer and its generations\n" ROOT_ALONE, issuer_show},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
