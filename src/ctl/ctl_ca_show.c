/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_ca.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "ca/ca_file.h"
#include "ca/ca_generation.h"
#include "ca/ca_hierarchy.h"
#include "ca/ca_openssl.h"
#include "ca/ca_set.h"

#include "base/banned.h"

/* Where the automatic CA keeps its own (ca_auto.h). */
#define AUTOMATIC_PREFIX "issuing-"

/* Called for each generation.  issuer is NULL where there is no certificate, or
 * a broken one; fault says why.  Not CTL_OK ends the walk. */
typedef ctl_exit_e (*generation_fn)(void *baton, const ctl_t *ctl,
                                    const char *name, int generation,
                                    const ca_issuer_t *issuer,
                                    const char *state, const char *fault);

static const char *fault_text(const problem_t *fault)
{
    return fault ? fault->cause : NULL;
}

static const char *state_of(const ca_issuer_t *issuer, const ca_set_t *set,
                            const problem_t *fault, apr_int64_t now)
{
    if (!issuer)
        return "broken";
    if (issuer == set->issuer)
        return "signs";
    if (now >= issuer->not_after)
        return "expired";
    if (fault)
        return "broken";
    if (!issuer->key)
        return "keyless";
    return now < issuer->not_before ? "later" : "ready";
}

/* What a directory has of generation n. */
typedef struct {
    ca_issuer_t *issuer;
    problem_t *fault;
    int is_waiting;
} place_t;

static place_t *places_load(ca_set_t **set, const ctl_t *ctl, const char *name,
                            const ca_generations_t *found)
{
    place_t *places =
        apr_pcalloc(ctl->pool, ((size_t)found->last + 1) * sizeof(*places));
    apr_array_header_t *usable =
        apr_array_make(ctl->pool, 4, sizeof(ca_issuer_t *));
    int i;

    for (i = 1; i <= found->last; i++)
        places[i].is_waiting =
            ca_file_exists(ca_generation_path(found, i, ".key", ctl->pool));
    for (i = 0; i < found->numbers->nelts; i++) {
        int n = APR_ARRAY_IDX(found->numbers, i, int);

        places[n].is_waiting = 0;
        places[n].issuer = ca_generation_load(&places[n].fault, found, n, name,
                                              ctl->log, ctl->pool);
        if (places[n].issuer)
            APR_ARRAY_PUSH(usable, ca_issuer_t *) = places[n].issuer;
    }
    *set = ca_set_make(name, usable, NULL, clock_seconds(&clock_system),
                       ctl->pool);
    return places;
}

/* Newest first. */
static ctl_exit_e dir_walk(const ctl_t *ctl, const char *name, const char *dir,
                           const char *prefix, generation_fn fn, void *baton)
{
    apr_int64_t now = clock_seconds(&clock_system);
    ctl_exit_e code = CTL_OK;
    ca_generations_t found;
    ca_set_t *set;
    place_t *places;
    int i;
    problem_t *prob = ca_generation_scan(&found, dir, prefix, ctl->pool);

    if (prob)
        return ctl_ca_problem(prob);
    places = places_load(&set, ctl, name, &found);
    for (i = found.last; i > 0 && code == CTL_OK; i--) {
        const place_t *place = &places[i];

        if (place->is_waiting)
            code = fn(baton, ctl, name, i, NULL, "waiting", NULL);
        else if (place->issuer || place->fault)
            code = fn(baton, ctl, name, i, place->issuer,
                      state_of(place->issuer, set, place->fault, now),
                      fault_text(place->fault));
    }
    return code;
}

/* Certificate and key in files of their own. */
static ctl_exit_e pair_walk(const ctl_t *ctl, const acme_issuer_t *conf,
                            generation_fn fn, void *baton)
{
    ca_set_files_t files = {0};
    ca_issuer_t *issuer = NULL;
    ca_set_t *set;
    problem_t *prob, *unreadable;

    files.certificate = conf->certificate;
    files.key = conf->key;
    prob = ca_set_load(&set, conf->name, &files, clock_seconds(&clock_system),
                       ctl->log, ctl->pool);
    if (!prob)
        return fn(baton, ctl, conf->name, 1, set->issuer, "signs", NULL);
    unreadable = ca_issuer_load(&issuer, conf->name, 1, conf->certificate, NULL,
                                0, ctl->pool);
    return fn(baton, ctl, conf->name, 1, unreadable ? NULL : issuer, "broken",
              prob->cause);
}

static ctl_exit_e issuer_walk(const ctl_t *ctl, const acme_issuer_t *issuer,
                              generation_fn fn, void *baton)
{
    if (issuer->directory)
        return dir_walk(ctl, issuer->name, issuer->directory, "", fn, baton);
    if (issuer->certificate)
        return pair_walk(ctl, issuer, fn, baton);
    return dir_walk(ctl, issuer->name,
                    apr_pstrcat(ctl->pool, ctl->conf->state_dir, "/ca", NULL),
                    AUTOMATIC_PREFIX, fn, baton);
}

/* The issuers of the server, or the one that --issuer names. */
static ctl_exit_e issuers_walk(ctl_t *ctl, generation_fn fn, void *baton)
{
    const char *only = ctl_option(ctl, "issuer");
    ctl_exit_e code = ctl_conf_load(ctl), worst = CTL_OK;
    int i, found = 0;

    if (code != CTL_OK)
        return code;
    for (i = 0; i < ctl->conf->issuers->nelts; i++) {
        const acme_issuer_t *issuer =
            APR_ARRAY_IDX(ctl->conf->issuers, i, const acme_issuer_t *);

        if (only && strcmp(only, issuer->name) != 0)
            continue;
        found = 1;
        code = issuer_walk(ctl, issuer, fn, baton);
        worst = code != CTL_OK ? code : worst;
    }
    if (found || !only)
        return worst;
    ctl_print_error("--issuer %s: the server has no such issuer; `acmectl ca "
                    "list` has them all",
                    only);
    return CTL_NOTFOUND;
}

static ctl_exit_e walk(ctl_t *ctl, generation_fn fn, void *baton)
{
    const char *dir = ctl_option(ctl, "dir");
    ca_generations_t found;

    if (!dir)
        return issuers_walk(ctl, fn, baton);
    /* the automatic CA's own directory will do, too */
    if (!ca_generation_scan(&found, dir, AUTOMATIC_PREFIX, ctl->pool) &&
        found.last)
        return dir_walk(ctl, "automatic", dir, AUTOMATIC_PREFIX, fn, baton);
    return dir_walk(ctl, ctl_ca_issuer_name(ctl, dir), dir, "", fn, baton);
}

static json_t *name_json(const ctl_t *ctl, const X509_NAME *name)
{
    return json_string(ca_name_text(name, ctl->pool));
}

static const char *kind_text(const ca_issuer_t *issuer)
{
    const char *kind = ca_key_kind(X509_get0_pubkey(issuer->cert));

    return kind ? kind : "other";
}

/* What lists show; a new reference. */
static json_t *generation_render(const ctl_t *ctl, const char *name,
                                 int generation, const ca_issuer_t *issuer,
                                 const char *state, const char *fault)
{
    json_t *json = json_pack("{s:s, s:i, s:s}", "issuer", name, "generation",
                             generation, "state", state);

    if (issuer) {
        json_object_set_new(json, "notBefore",
                            ctl_print_time(ctl, issuer->not_before));
        json_object_set_new(json, "notAfter",
                            ctl_print_time(ctl, issuer->not_after));
        json_object_set_new(json, "key", json_string(kind_text(issuer)));
        json_object_set_new(
            json, "subject",
            name_json(ctl, X509_get_subject_name(issuer->cert)));
        json_object_set_new(json, "fingerprint",
                            json_string(issuer->fingerprint));
    }
    if (fault)
        json_object_set_new(json, "fault", json_string(fault));
    return json;
}

static json_t *serial_json(const ca_issuer_t *issuer)
{
    BIGNUM *number =
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(issuer->cert), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    json_t *json = hex ? json_string(hex) : json_null();

    OPENSSL_free(hex);
    BN_free(number);
    return json;
}

static const char *pem_text(const ctl_t *ctl, const ca_issuer_t *issuer)
{
    const char *text = "";
    int i;

    for (i = 0; i < issuer->chain->nelts; i++)
        text = apr_pstrcat(
            ctl->pool, text,
            ca_cert_pem(APR_ARRAY_IDX(issuer->chain, i, X509 *), ctl->pool),
            NULL);
    return text;
}

static void details_add(json_t *json, const ctl_t *ctl,
                        const ca_issuer_t *issuer)
{
    json_t *chain = json_array();
    int i;

    for (i = 1; i < issuer->chain->nelts; i++)
        json_array_append_new(
            chain, name_json(ctl, X509_get_subject_name(APR_ARRAY_IDX(
                                      issuer->chain, i, X509 *))));
    json_object_set_new(json, "serial", serial_json(issuer));
    json_object_set_new(json, "keyId", json_string(issuer->key_id));
    json_object_set_new(json, "constraints",
                        json_string(ca_constraints_text(issuer, ctl->pool)));
    json_object_set_new(json, "chain", chain);
    json_object_set_new(json, "alternates",
                        json_integer(issuer->alternates->nelts));
    json_object_set_new(json, "pem", json_string(pem_text(ctl, issuer)));
}

/* generation_fn; baton: the list. */
static ctl_exit_e list_add(void *baton, const ctl_t *ctl, const char *name,
                           int generation, const ca_issuer_t *issuer,
                           const char *state, const char *fault)
{
    json_array_append_new(
        baton, generation_render(ctl, name, generation, issuer, state, fault));
    return CTL_OK;
}

ctl_exit_e ctl_ca_list(ctl_t *ctl)
{
    static const char *const columns[] = {
        "issuer", "generation", "state", "notAfter", "key", "subject", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    ctl_exit_e code = walk(ctl, list_add, list);

    ctl->limit = -1; /* all are there */
    if (code == CTL_OK || json_array_size(list) > 0)
        ctl_print_list(ctl, list, columns);
    return code;
}

/* What is looked for, and what was found. */
typedef struct {
    int generation; /* 0: the one that signs */
    json_t *json;
} show_t;

/* generation_fn */
static ctl_exit_e show_add(void *baton, const ctl_t *ctl, const char *name,
                           int generation, const ca_issuer_t *issuer,
                           const char *state, const char *fault)
{
    show_t *show = baton;

    if (show->json || (show->generation ? show->generation != generation
                                        : strcmp(state, "signs") != 0))
        return CTL_OK;
    show->json = own_json(ctl->pool, generation_render(ctl, name, generation,
                                                       issuer, state, fault));
    if (issuer)
        details_add(show->json, ctl, issuer);
    return CTL_OK;
}

ctl_exit_e ctl_ca_show(ctl_t *ctl)
{
    show_t show = {0, NULL};
    ctl_exit_e code;
    char *end = NULL;

    if (ctl->id) {
        show.generation = (int)strtol(ctl->id, &end, 10);
        if (*end || show.generation < 1 || show.generation > CA_GENERATION_MAX)
            return ctl_command_usage("a generation is a number, not ", ctl->id);
    }
    code = walk(ctl, show_add, &show);
    if (show.json) {
        ctl_print_object(ctl, show.json);
        return CTL_OK;
    }
    if (code != CTL_OK)
        return code;
    ctl_print_error("%s; `acmectl ca list` shows what there is",
                    ctl->id ? "there is no such generation"
                            : "no generation can sign");
    return CTL_NOTFOUND;
}
