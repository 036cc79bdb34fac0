/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_authz.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_challenge.h"
#include "acme/acme_response.h"
#include "acme/acme_state.h"
#include "acme/acme_wait.h"
#include "base/own.h"
#include "base/pjson.h"

#include "base/banned.h"

problem_t *acme_authz_load(store_authz_t **authz, acme_t *acme,
                           const acme_verified_t *v)
{
    apr_status_t rv =
        store_authz_get(authz, acme->store, v->route->id, v->pool);

    if (APR_STATUS_IS_ENOENT(rv) ||
        (rv == APR_SUCCESS && strcmp((*authz)->account_id, v->account->id)))
        return acme_state_not_found("authorization", v->pool);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "get authz %s", v->route->id);
    return NULL;
}

static json_t *challenges_render(const acme_t *acme, const store_authz_t *authz,
                                 const acme_verified_t *v)
{
    char *types = apr_pstrdup(v->pool, authz->challenges), *state;
    json_t *json = json_array();
    char *type = apr_strtok(types, " ", &state);

    for (; type; type = apr_strtok(NULL, " ", &state))
        if ((authz->attempted || acme_conf_has_challenge(acme->conf, type)) &&
            acme_state_is_challenge_shown(authz, type, v->now))
            json_array_append_new(json,
                                  acme_challenge_render(acme, authz, type, v));
    return json;
}

void acme_authz_answer(acme_response_t *res, const acme_t *acme,
                       const store_authz_t *authz, const acme_verified_t *v,
                       int status)
{
    json_t *json = own_json(v->pool, json_object());
    json_t *identifier = json_object();

    acme_response_set_string(identifier, "type", authz->type);
    acme_response_set_string(identifier, "value", authz->value);
    json_object_set_new(json, "identifier", identifier);
    acme_response_set_string(
        json, "status", acme_state_authz_name(acme_state_authz(authz, v->now)));
    acme_response_set_time(json, "expires", authz->expires_at, v->pool);
    json_object_set_new(json, "challenges", challenges_render(acme, authz, v));
    if (authz->subdomains)
        json_object_set_new(json, "subdomainAuthAllowed", json_true());
    if (authz->wildcard)
        json_object_set_new(json, "wildcard", json_true());
    acme_response_json(res, status, json, v->pool);
}

problem_t *acme_authz_wait(store_authz_t **authz, acme_t *acme,
                           const acme_verified_t *v,
                           apr_interval_time_t patience)
{
    if (patience <= 0 || !(*authz)->attempted ||
        (*authz)->attempted_at > v->now ||
        acme_state_authz(*authz, v->now) != ACME_AUTHZ_PENDING)
        return NULL;
    if (acme_wait_job(acme, (*authz)->id, patience, 1) != APR_SUCCESS)
        return NULL;
    return acme_authz_load(authz, acme, v);
}

void acme_authz_progress(acme_response_t *res, acme_t *acme,
                         const store_authz_t *authz, const acme_verified_t *v)
{
    if (!authz->attempted ||
        acme_state_authz(authz, v->now) != ACME_AUTHZ_PENDING)
        return;
    acme_response_retry_after(res, authz->attempted_at - v->now + 1, v->pool);
    if (authz->attempted_at + 1 < v->now)
        acme->host->wake(acme->host->baton);
}

static problem_t *status_parse(const acme_verified_t *v)
{
    const char *status;
    problem_t *prob = pjson_need_string(&status, v->payload, "status", v->pool);

    if (prob || !strcmp(status, "deactivated"))
        return prob;
    return problem_make(v->pool, PROBLEM_MALFORMED,
                        "an authorization's \"status\" can only be set to "
                        "\"deactivated\" (RFC 8555 7.5.2)");
}

/* RFC 8555 7.5.2; once more is no mistake. */
static problem_t *authz_deactivate(store_authz_t **authz, acme_t *acme,
                                   const acme_verified_t *v)
{
    store_event_t *event = acme_audit_event(v, "authz.deactivate");
    problem_t *prob = status_parse(v);
    apr_status_t rv;

    if (prob || !strcmp((*authz)->status, "deactivated"))
        return prob;
    event->authz_id = (*authz)->id;
    rv = store_authz_deactivate(acme->store, (*authz)->id, event, v->pool);
    if (rv == APR_SUCCESS) {
        acme_audit_tell(acme, event, v->pool);
        (*authz)->status = "deactivated";
        return NULL;
    }
    if (!APR_STATUS_IS_EEXIST(rv))
        return problem_internal(v->pool, rv, "deactivate authz %s",
                                (*authz)->id);
    prob = acme_authz_load(authz, acme, v);
    if (prob || !strcmp((*authz)->status, "deactivated"))
        return prob;
    return problem_make(v->pool, PROBLEM_MALFORMED,
                        "the authorization is %s and cannot be deactivated",
                        (*authz)->status);
}

problem_t *acme_authz_post(acme_response_t *res, acme_t *acme,
                           const acme_verified_t *v)
{
    store_authz_t *authz;
    problem_t *prob = acme_authz_load(&authz, acme, v);

    if (prob)
        return prob;
    prob = v->payload
               ? authz_deactivate(&authz, acme, v)
               : acme_authz_wait(&authz, acme, v, acme->conf->validation_wait);
    if (prob)
        return prob;
    acme_authz_progress(res, acme, authz, v);
    acme_authz_answer(res, acme, authz, v, 200);
    return NULL;
}
