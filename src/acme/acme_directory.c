/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_directory.h"

#include <string.h>

#include "acme/acme_persist.h"
#include "acme/acme_profile.h"
#include "acme/acme_response.h"
#include "base/own.h"
#include "base/pjson.h"
#include "base/words.h"
#include "policy/policy_challenge.h"

#include "base/banned.h"

/* What is advertised works (T31); what has no line here is not there yet. */
static const struct {
    const char *name;
    acme_route_e route;
} resources[] = {
    {"newNonce", ACME_ROUTE_NEW_NONCE},
    {"newAccount", ACME_ROUTE_NEW_ACCOUNT},
    {"newOrder", ACME_ROUTE_NEW_ORDER},
    {"newAuthz", ACME_ROUTE_NEW_AUTHZ},
    {"revokeCert", ACME_ROUTE_REVOKE_CERT},
    {"keyChange", ACME_ROUTE_KEY_CHANGE},
    {"renewalInfo", ACME_ROUTE_RENEWAL_INFO},
};

static void identities_render(json_t *meta, const char *member,
                              const acme_conf_t *conf, apr_pool_t *pool)
{
    json_object_set_new(
        meta, member, pjson_strings_render(acme_conf_issuer_names(conf, pool)));
}

/* draft-ietf-acme-dns-persist-02 3.2, 4.1: what a record is made of before
 * there is a challenge. */
static void persist_render(json_t *meta, const acme_conf_t *conf,
                           const acme_profile_t *profile, apr_pool_t *pool)
{
    if (!words_has(profile->challenges, POLICY_CHALLENGE_PERSIST))
        return;
    identities_render(meta, "issuerDomainNames", conf, pool);
    acme_response_set_string(meta, "accountHashPrefix",
                             acme_persist_prefix(conf, pool));
}

/* Where no authorization serves a later order there is nothing to be had from
 * one that comes beforehand. */
static int is_there(const acme_conf_t *conf, acme_route_e route)
{
    return route != ACME_ROUTE_NEW_AUTHZ || conf->authz_reuse;
}

static json_t *meta_render(const acme_conf_t *conf, const acme_route_t *route,
                           apr_pool_t *pool)
{
    json_t *meta = json_object();

    acme_response_set_string(meta, "termsOfService", conf->terms_url);
    acme_response_set_string(meta, "website", conf->website);
    if (route->profile->caa) /* RFC 8555 9.7.6 */
        identities_render(meta, "caaIdentities", conf, pool);
    persist_render(meta, conf, route->profile, pool);
    json_object_set_new(
        meta, "externalAccountRequired",
        json_boolean(route->profile->external == ACME_EXTERNAL_REQUIRED));
    if (acme_conf_has_subdomains(route->profile))
        json_object_set_new(meta, "subdomainAuthAllowed", json_true());
    json_object_set_new(meta, "profiles",
                        acme_profile_list(conf, route->directory));
    return meta;
}

problem_t *acme_directory_get(acme_response_t *res, acme_t *acme,
                              const acme_verified_t *v)
{
    json_t *json = own_json(v->pool, json_object());
    const char *text;
    apr_size_t i;

    for (i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
        if (is_there(acme->conf, resources[i].route))
            acme_response_set_string(
                json, resources[i].name,
                acme_route_url(acme->conf, resources[i].route,
                               v->route->directory, NULL, NULL, v->pool));
    json_object_set_new(json, "meta",
                        meta_render(acme->conf, v->route, v->pool));
    /* One member per line: old getssl reads it by line (R24). */
    text = pjson_text(json, PJSON_PRETTY, v->pool);
    acme_response_body(res, 200, "application/json", text, strlen(text));
    return NULL;
}

/* RFC 8555 7.2: 200 to HEAD and POST-as-GET, 204 to GET (R1).  The nonce itself
 * is in every answer. */
problem_t *acme_directory_nonce(acme_response_t *res, acme_t *acme,
                                const acme_verified_t *v)
{
    res->status = strcmp(v->req->method, "GET") ? 200 : 204;
    return NULL;
}
