/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_challenge.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_authz.h"
#include "acme/acme_caa.h"
#include "acme/acme_limit_check.h"
#include "acme/acme_response.h"
#include "acme/acme_state.h"
#include "acme/acme_wait.h"
#include "acme/acme_work.h"
#include "base/own.h"
#include "base/pjson.h"
#include "base/token.h"
#include "base/words.h"
#include "policy/policy_challenge.h"
#include "policy/policy_network.h"

#include "base/banned.h"

static const char *account_url(const acme_t *acme, const store_authz_t *authz,
                               apr_pool_t *pool)
{
    return acme_route_url(acme->conf, ACME_ROUTE_ACCOUNT, authz->directory,
                          authz->account_id, NULL, pool);
}

static json_t *issuer_names(const acme_t *acme, apr_pool_t *pool)
{
    return pjson_strings_render(acme_conf_issuer_names(acme->conf, pool));
}

/* draft-ietf-acme-dns-persist-02 3.1; what draft 01 had says to a client that
 * the account's URL is wanted. */
static void persist_render(json_t *json, const acme_t *acme,
                           const store_authz_t *authz, apr_pool_t *pool)
{
    json_object_set_new(json, "issuerDomainNames", issuer_names(acme, pool));
    if (acme->conf->dns_persist != ACME_PERSIST_OLD)
        return;
    acme_response_set_string(json, "accounturi",
                             account_url(acme, authz, pool));
    json_object_set_new(json, "issuer-domain-names", issuer_names(acme, pool));
}

json_t *acme_challenge_render(const acme_t *acme, const store_authz_t *authz,
                              const char *type, const acme_verified_t *v)
{
    acme_challenge_status_e status = acme_state_challenge(authz, type, v->now);
    json_t *json = json_object(), *error;

    acme_response_set_string(json, "type", type);
    acme_response_set_string(json, "url",
                             acme_route_url(acme->conf, ACME_ROUTE_CHALLENGE,
                                            authz->directory, authz->id, type,
                                            v->pool));
    acme_response_set_string(json, "status", acme_state_challenge_name(status));
    acme_response_set_string(json, "token", authz->token);
    if (!strcmp(type, POLICY_CHALLENGE_PERSIST))
        persist_render(json, acme, authz, v->pool);
    if (status == ACME_CHALLENGE_VALID)
        acme_response_set_time(json, "validated", authz->validated_at, v->pool);
    else if (status != ACME_CHALLENGE_PENDING) {
        error = acme_response_stored(authz->error);
        if (error)
            json_object_set_new(json, "error", error);
    }
    return json;
}

/* Where the policy of the order's profile wants the name to resolve to; a
 * profile that is gone wants nothing (and nothing is issued by it). */
static void bound_add(json_t *json, const acme_t *acme,
                      const store_authz_t *authz, apr_pool_t *pool)
{
    const acme_profile_t *profile =
        authz->profile ? acme_conf_profile(acme->conf, authz->profile) : NULL;
    apr_array_header_t *networks =
        profile ? policy_network_resolves_to(
                      profile->policy,
                      apr_pstrcat(pool, authz->wildcard ? "*." : "",
                                  authz->value, NULL),
                      pool)
                : NULL;

    if (networks)
        json_object_set_new(json, "resolvesTo", pjson_strings_render(networks));
}

/* All that the validation needs, so that it begins without reading.  The
 * thumbprint is that of the key which accepted: a key change in between does
 * not matter (T43). */
static const char *plan_text(const acme_t *acme, const store_authz_t *authz,
                             const char *type, const acme_verified_t *v)
{
    json_t *json = own_json(v->pool, json_object());
    dcv_caa_t *caa = acme_caa_of_authz(acme->conf, authz, type, v->pool);

    acme_response_set_string(json, "server", acme->conf->server_name);
    acme_response_set_string(json, "method", type);
    acme_response_set_string(json, "domain", authz->value);
    if (authz->wildcard)
        json_object_set_new(json, "wildcard", json_true());
    acme_response_set_string(json, "token", authz->token);
    acme_response_set_string(json, "thumbprint", v->key->thumbprint);
    acme_response_set_string(json, "account", authz->account_id);
    json_object_set_new(json, "expires", json_integer(authz->expires_at));
    json_object_set_new(json, "accepted", json_integer(v->now));
    if (!strcmp(type, POLICY_CHALLENGE_ACCOUNT) ||
        !strcmp(type, POLICY_CHALLENGE_PERSIST)) {
        acme_response_set_string(json, "accountURL",
                                 account_url(acme, authz, v->pool));
        json_object_set_new(json, "issuers", issuer_names(acme, v->pool));
        acme_response_set_string(json, "thumbprints", v->account->prints);
    }
    bound_add(json, acme, authz, v->pool);
    if (caa)
        json_object_set_new(json, "caa", acme_caa_render(caa));
    acme_response_set_string(json, "externalAccountKey", v->account->eab_kid);
    acme_response_set_string(json, "owner", v->account->owner);
    acme_response_set_string(json, "address", v->req->client_ip);
    return pjson_text(json, 0, v->pool);
}

static void job_make(store_job_t *job, const acme_t *acme,
                     const store_authz_t *authz, const acme_verified_t *v)
{
    memset(job, 0, sizeof(*job));
    job->id = authz->id; /* its only one */
    job->kind = ACME_WORK_VALIDATE;
    job->subject = authz->id;
    job->data = plan_text(acme, authz, v->route->tail, v);
    job->due_at = v->now;
    job->lease_owner = acme->owner;
    job->lease_until = acme_work_lease(acme, v->now);
}

/* A validation that has not ended in time goes on by its job, and so does one
 * that is to be tried again: they are promised by now. */
static apr_status_t attempt_store(acme_t *acme, const store_authz_t *authz,
                                  const store_job_t *job, apr_pool_t *pool)
{
    return store_authz_attempt(acme->store, authz->id, authz->attempted,
                               authz->thumbprint, authz->attempted_at, job,
                               NULL, pool);
}

/* What came of it: it is valid, or it is stored, or somebody was faster. */
static apr_status_t held_end(acme_held_e *how, store_authz_t *authz,
                             acme_t *acme, const store_job_t *job,
                             const dcv_result_t *result, apr_pool_t *pool)
{
    apr_status_t rv = result ? acme_work_prove(authz, acme, job, result, pool)
                             : APR_INCOMPLETE;

    *how = rv == APR_SUCCESS ? ACME_HELD_PROVEN : ACME_HELD_LOST;
    if (rv != APR_INCOMPLETE)
        return rv;
    rv = attempt_store(acme, authz, job, pool);
    if (rv == APR_SUCCESS)
        *how = ACME_HELD_STORED;
    return rv;
}

/* Nothing is stored before the answer is known, or the client has waited for
 * long enough.  0: there is no room for that, or another request holds it; if
 * that is one of this process, it was waited for. */
static int attempt_hold(apr_status_t *rv, store_authz_t *authz, acme_t *acme,
                        const store_job_t *job, apr_pool_t *pool)
{
    apr_interval_time_t patience = acme->conf->validation_wait;
    const acme_host_t *host = acme->host;
    const dcv_result_t *result;
    acme_limit_held_t mark;
    apr_status_t begun = APR_EBUSY;
    acme_held_e how;
    void *held;

    if (!host->hold || !patience)
        return 0;
    if (acme_limit_hold(&mark, acme, job->id, patience))
        begun = acme_wait_held(&held, &result, acme, job, patience);
    if (APR_STATUS_IS_EBUSY(begun))
        (void)acme_wait_job(acme, job->id, patience, 1);
    if (begun == APR_SUCCESS) {
        *rv = held_end(&how, authz, acme, job, result, pool);
        host->release(host->baton, held, how);
    }
    acme_limit_unhold(&mark);
    return begun == APR_SUCCESS;
}

static problem_t *challenge_start(store_authz_t **authz, acme_t *acme,
                                  const acme_verified_t *v)
{
    store_authz_t *attempted = apr_pmemdup(v->pool, *authz, sizeof(**authz));
    store_job_t job;
    apr_status_t rv;

    job_make(&job, acme, *authz, v);
    attempted->attempted = v->route->tail;
    attempted->attempted_at = v->now;
    attempted->thumbprint = v->key->thumbprint;
    if (!attempt_hold(&rv, attempted, acme, &job, v->pool)) {
        rv = attempt_store(acme, attempted, &job, v->pool);
        if (rv == APR_SUCCESS)
            acme->host->submit(acme->host->baton, acme, &job);
    }
    /* Somebody was faster: this is what came of it (R14, T65). */
    if (APR_STATUS_IS_EEXIST(rv))
        return acme_authz_load(authz, acme, v);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "attempt authz %s", (*authz)->id);
    *authz = attempted;
    return NULL;
}

/* Seconds after a try before the client can have another one (RFC 8555 8.2). */
#define HURRY_MIN 2

/* Is it waiting to be tried again, and was it long enough? */
static int is_hurry_due(const store_authz_t *authz, const acme_conf_t *conf,
                        apr_int64_t now)
{
    return authz->error && authz->attempted_at > now &&
           now >= authz->attempted_at - acme_work_seconds(conf->dcv->retry) +
                      HURRY_MIN;
}

/* The client says that its response has changed: now, then (T65). */
static problem_t *challenge_hurry(store_authz_t *authz, acme_t *acme,
                                  const acme_verified_t *v)
{
    store_job_t *job;
    apr_status_t rv =
        store_authz_hurry(&job, acme->store, authz->id, authz->id, acme->owner,
                          acme_work_lease(acme, v->now), v->now, v->pool);

    if (APR_STATUS_IS_ENOENT(rv)) /* it is being tried just now */
        return NULL;
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "hurry authz %s", authz->id);
    authz->attempted_at = v->now;
    acme->host->submit(acme->host->baton, acme, job);
    return NULL;
}

/* Another challenge than the one that was accepted cannot be any more. */
static problem_t *challenge_accept(store_authz_t **authz, acme_t *acme,
                                   const acme_verified_t *v)
{
    if (acme_state_authz(*authz, v->now) != ACME_AUTHZ_PENDING)
        return NULL;
    if (!(*authz)->attempted)
        return challenge_start(authz, acme, v);
    if (!strcmp((*authz)->attempted, v->route->tail) &&
        is_hurry_due(*authz, acme->conf, v->now))
        return challenge_hurry(*authz, acme, v);
    return NULL;
}

static void challenge_answer(acme_response_t *res, acme_t *acme,
                             const store_authz_t *authz,
                             const acme_verified_t *v)
{
    json_t *json = own_json(
        v->pool, acme_challenge_render(acme, authz, v->route->tail, v));

    acme_response_json(res, 200, json, v->pool);
    acme_response_link(res,
                       acme_route_url(acme->conf, ACME_ROUTE_AUTHZ,
                                      authz->directory, authz->id, NULL,
                                      v->pool),
                       "up", v->pool);
}

problem_t *acme_challenge_post(acme_response_t *res, acme_t *acme,
                               const acme_verified_t *v)
{
    apr_time_t end = clock_now(&clock_monotonic) + acme->conf->validation_wait;
    store_authz_t *authz;
    problem_t *prob = acme_authz_load(&authz, acme, v);

    if (prob)
        return prob;
    if (!words_text_has(authz->challenges, v->route->tail) ||
        !acme_conf_has_challenge(acme->conf, v->route->tail))
        return acme_state_not_found("challenge", v->pool);
    if (v->payload) {
        prob = challenge_accept(&authz, acme, v);
        if (prob)
            return prob;
    }
    prob = acme_authz_wait(&authz, acme, v, end - clock_now(&clock_monotonic));
    if (prob)
        return prob;
    acme_authz_progress(res, acme, authz, v);
    challenge_answer(res, acme, authz, v);
    return NULL;
}
