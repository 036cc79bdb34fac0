/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_issuer.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_publish.h"
#include "base/clock.h"
#include "base/own.h"
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
static const char *automatic_load(acme_issuer_t *issuer, const ctl_t *ctl)
{
    const char *dir = apr_pstrcat(ctl->pool, ctl->conf->state_dir, "/ca", NULL);
    apr_array_header_t *list =
        apr_array_make(ctl->pool, 2, sizeof(ca_issuer_t *));
    ca_generations_t found;
    problem_t *prob, *fault = NULL;
    int i;

    prob = ca_generation_scan(&found, dir, "issuing-", ctl->pool);
    if (prob)
        return problem_text(prob, ctl->pool);
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
    return fault ? problem_text(fault, ctl->pool)
                 : apr_psprintf(ctl->pool,
                                "%s: there is no CA that could sign (yet); "
                                "httpd makes it when it starts",
                                dir);
}

static const char *files_load(acme_issuer_t *issuer, const ctl_t *ctl)
{
    ca_set_files_t files = {.certificate = issuer->certificate,
                            .key = issuer->key,
                            .directory = issuer->directory,
                            .alternates = issuer->alternates};
    problem_t *prob =
        ca_set_load(&issuer->set, issuer->name, &files,
                    clock_seconds(&clock_system), NULL, ctl->pool);

    return prob ? problem_text(prob, ctl->pool) : NULL;
}

void ctl_issuer_load(acme_issuer_t *issuer, const ctl_t *ctl)
{
    if (!strcmp(issuer->name, ACME_ISSUER_AUTOMATIC))
        issuer->problem = automatic_load(issuer, ctl);
    else
        issuer->problem = files_load(issuer, ctl);
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

static json_t *users_render(const ctl_t *ctl, const char *name)
{
    const apr_array_header_t *profiles = ctl->conf->profiles;
    json_t *list = json_array();
    int i;

    for (i = 0; i < profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(profiles, i, const acme_profile_t *);

        if (!strcmp(profile->issuer, name))
            json_array_append_new(list, json_string(profile->name));
    }
    return list;
}

/* Loaded before. */
static json_t *issuer_render(const ctl_t *ctl, const acme_issuer_t *issuer)
{
    const ca_issuer_t *newest = issuer->set ? issuer->set->issuer : NULL;
    json_t *json = json_object(), *list = json_array();
    int i;

    json_object_set_new(json, "name", json_string(issuer->name));
    json_object_set_new(json, "type", json_string(issuer->type));
    json_object_set_new(json, "status",
                        json_string(issuer->problem ? "broken" : "ready"));
    json_object_set_new(json, "notAfter",
                        ctl_print_time(ctl, newest ? newest->not_after : 0));
    json_object_set_new(json, "profiles", users_render(ctl, issuer->name));
    json_object_set_new(json, "problem", ctl_print_text(issuer->problem));
    json_object_set_new(
        json, "warnings",
        ctl_print_words(issuer->set ? issuer->set->warnings : NULL));
    json_object_set_new(json, "certificate",
                        ctl_print_text(issuer->certificate));
    json_object_set_new(json, "key", ctl_print_text(issuer->key));
    json_object_set_new(json, "directory", ctl_print_text(issuer->directory));
    json_object_set_new(json, "alternates",
                        ctl_print_words(issuer->alternates));
    for (i = 0; issuer->set && i < issuer->set->generations->nelts; i++)
        json_array_append_new(
            list, generation_render(ctl, issuer,
                                    APR_ARRAY_IDX(issuer->set->generations, i,
                                                  const ca_issuer_t *)));
    json_object_set_new(json, "generations", list);
    return json;
}

static ctl_exit_e issuer_list(ctl_t *ctl)
{
    static const char *const columns[] = {"name",     "type",     "status",
                                          "notAfter", "profiles", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    int i;

    for (i = 0; i < ctl->conf->issuers->nelts; i++) {
        acme_issuer_t *issuer =
            APR_ARRAY_IDX(ctl->conf->issuers, i, acme_issuer_t *);

        ctl_issuer_load(issuer, ctl);
        json_array_append_new(list, issuer_render(ctl, issuer));
    }
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

static ctl_exit_e issuer_show(ctl_t *ctl)
{
    acme_issuer_t *issuer = acme_conf_issuer(ctl->conf, ctl->id);

    if (!issuer)
        return ctl_print_status(APR_ENOENT, "issuer", ctl->id);
    ctl_issuer_load(issuer, ctl);
    ctl_print_object(ctl, own_json(ctl->pool, issuer_render(ctl, issuer)));
    return CTL_OK;
}

const ctl_command_t ctl_issuer_commands[] = {
    {"issuer", "list", CTL_NEEDS_CONF, 0, 0, "", NULL,
     "the configured issuers, and whether they could sign now\n"
     "Needs root, who alone may read their keys.",
     issuer_list},
    {"issuer", "show", CTL_NEEDS_CONF, 1, 1, "NAME", NULL,
     "all about an issuer and its generations\n"
     "Needs root, who alone may read their keys.",
     issuer_show},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
