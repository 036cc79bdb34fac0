/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work_job.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_caa.h"
#include "acme/acme_authz_make.h"
#include "acme/acme_limit_check.h"
#include "acme/acme_persist.h"
#include "acme/acme_response.h"
#include "base/pjson.h"
#include "policy/policy_challenge.h"
#include "store/store_authz.h"

#include "base/banned.h"

/* A validation that learned nothing: about two minutes in all. */
#define VALIDATE_ATTEMPTS_MAX 8
#define VALIDATE_PAUSE_MAX    30
/* For the last of several tries. */
#define TIME_MIN apr_time_from_sec(1)

/* Where the name must resolve to; NULL for garbage. */
static apr_array_header_t *bounds_parse(const char *name, json_t *networks,
                                        apr_pool_t *pool)
{
    apr_array_header_t *bounds = apr_array_make(pool, 1, sizeof(void *));
    dcv_bound_t *bound = apr_palloc(pool, sizeof(*bound));

    bound->name = name;
    bound->resolves_to = pjson_strings_parse(networks, pool);
    if (!bound->resolves_to)
        return NULL;
    APR_ARRAY_PUSH(bounds, dcv_bound_t *) = bound;
    return bounds;
}

static const struct {
    const char *type;
    dcv_method_e method;
} methods[] = {
    {"http-01", DCV_HTTP01},
    {"dns-01", DCV_DNS01},
    {"tls-alpn-01", DCV_TLSALPN01},
    {POLICY_CHALLENGE_ACCOUNT, DCV_DNS_ACCOUNT01},
    {POLICY_CHALLENGE_PERSIST, DCV_DNS_PERSIST01},
};

static int method_find(dcv_method_e *method, const char *type)
{
    apr_size_t i;

    for (i = 0; type && i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].type, type))
            continue;
        *method = methods[i].method;
        return 1;
    }
    return 0;
}

/* What the drafts' methods need besides; 0: it is not there. */
static int draft_parse(dcv_job_t *work, json_t *json, const acme_conf_t *conf)
{
    apr_array_header_t *issuers =
        apr_array_make(work->pool, 1, sizeof(const char *));
    const char *url = json_string_value(json_object_get(json, "accountURL"));
    json_t *value;
    size_t i;

    json_array_foreach(json_object_get(json, "issuers"), i, value)
    {
        if (json_is_string(value))
            APR_ARRAY_PUSH(issuers, const char *) =
                apr_pstrdup(work->pool, json_string_value(value));
    }
    work->account_url = apr_pstrdup(work->pool, url);
    work->issuers = issuers;
    if (work->method == DCV_DNS_PERSIST01 && url)
        acme_persist_fill(
            work, conf, json_string_value(json_object_get(json, "thumbprint")),
            json_string_value(json_object_get(json, "thumbprints")));
    return (work->method != DCV_DNS_ACCOUNT01 &&
            work->method != DCV_DNS_PERSIST01) ||
           (url && issuers->nelts);
}

/* What acme_challenge wrote; NULL: it is garbage. */
static dcv_job_t *validation_parse(json_t *json, const acme_conf_t *conf,
                                   apr_pool_t *pool)
{
    const char *method = json_string_value(json_object_get(json, "method"));
    const char *domain = json_string_value(json_object_get(json, "domain"));
    const char *token = json_string_value(json_object_get(json, "token"));
    const char *print = json_string_value(json_object_get(json, "thumbprint"));
    const char *account = json_string_value(json_object_get(json, "account"));
    json_t *networks = json_object_get(json, "resolvesTo");
    dcv_method_e number;
    dcv_caa_t *caa;
    dcv_job_t *work;

    if (!method_find(&number, method) || !domain || !token || !print ||
        !account || !acme_caa_parse(&caa, json_object_get(json, "caa"), pool))
        return NULL;
    work = apr_pcalloc(pool, sizeof(*work));
    work->method = number;
    work->caa = caa;
    work->domain = apr_pstrdup(pool, domain);
    work->token = apr_pstrdup(pool, token);
    work->key_authorization = apr_pstrcat(pool, token, ".", print, NULL);
    work->account = apr_pstrdup(pool, account);
    work->is_wildcard = json_is_true(json_object_get(json, "wildcard"));
    work->pool = pool;
    if (!draft_parse(work, json, conf))
        return NULL;
    if (networks)
        /* DNS answers "*" with its own wildcard. */
        work->bounds = bounds_parse(work->is_wildcard
                                        ? apr_pstrcat(pool, "*.", domain, NULL)
                                        : work->domain,
                                    networks, pool);
    return networks && !work->bounds ? NULL : work;
}

/* An authorization whose time is over stays invalid, whatever its challenge
 * says by now. */
static problem_t *expiry_problem(json_t *json, apr_int64_t now,
                                 apr_pool_t *pool)
{
    apr_int64_t expires = json_integer_value(json_object_get(json, "expires"));

    if (!expires || expires > now)
        return NULL;
    return problem_make(pool, PROBLEM_UNAUTHORIZED,
                        "the authorization expired at %s, before it was "
                        "validated",
                        clock_rfc3339(expires, pool));
}

/* When all tries have to be over. */
static apr_int64_t until_of(json_t *json, const acme_t *acme)
{
    return json_integer_value(json_object_get(json, "accepted")) +
           acme_work_seconds(acme->conf->dcv->timeout);
}

/* The first try has all the time there is, whenever it begins, and so has one
 * that comes late, because somebody died; another one has what is left. */
static apr_interval_time_t time_left(const store_job_t *job, json_t *json,
                                     const acme_t *acme)
{
    apr_interval_time_t all = acme->conf->dcv->timeout;
    apr_interval_time_t left =
        apr_time_from_sec(until_of(json, acme)) - clock_now(acme->clock);

    if (job->due_at <= json_integer_value(json_object_get(json, "accepted")) ||
        left <= 0 || left > all)
        return all;
    return left < TIME_MIN && TIME_MIN < all ? TIME_MIN : left;
}

dcv_job_t *acme_work_validate(acme_t *acme, const store_job_t *job,
                              apr_pool_t *pool)
{
    json_t *json = acme_work_data(job, pool);
    dcv_job_t *work = json ? validation_parse(json, acme->conf, pool) : NULL;
    const char *server;
    problem_t *prob;

    if (!work) {
        acme_work_bury(acme, job, "its data is not a validation", pool);
        return NULL;
    }
    prob = expiry_problem(json, clock_seconds(acme->clock), pool);
    if (prob) {
        acme_work_fail(acme, job, prob, pool);
        return NULL;
    }
    server = json_string_value(json_object_get(json, "server"));
    if (!acme_work_is_ours(acme, server, NULL)) {
        acme_work_later(
            acme, job, LOG_LEVEL_WARNING, APR_SUCCESS,
            apr_pstrcat(pool, "this is not the virtual host ", server, NULL),
            pool);
        return NULL;
    }
    work->time_left = time_left(job, json, acme);
    return work;
}

static void validation_retry(acme_t *acme, const store_job_t *job,
                             apr_pool_t *pool)
{
    apr_int64_t pause = acme_work_pause(job->attempts, VALIDATE_PAUSE_MAX);
    apr_status_t rv = store_job_postpone(
        acme->store, job->id, clock_seconds(acme->clock) + pause, pool);

    log_write(acme->log, LOG_LEVEL_DEBUG, NULL, rv,
              "validation of authz %s learned nothing and is tried again in "
              "%" APR_INT64_T_FMT " s",
              job->subject, pause);
}

/* Why it is not valid, NULL if it is: without a problem it is proven, but not
 * where nothing was learned. */
static const problem_t *verdict_find(const dcv_result_t *result, json_t *data,
                                     apr_int64_t now, apr_pool_t *pool)
{
    if (result->problem)
        return result->problem;
    if (result->is_retryable)
        return problem_make(pool, PROBLEM_SERVER_INTERNAL,
                            "the server did not come to validate this; please "
                            "place a new order");
    return expiry_problem(data, now, pool);
}

static store_event_t *event_make(const acme_t *acme, const store_job_t *job,
                                 json_t *data, const problem_t *prob,
                                 const dcv_result_t *result, apr_pool_t *pool)
{
    store_event_t *event = acme_work_event(
        acme, prob ? "authz.invalid" : "authz.valid", data, pool);
    json_t *detail = prob ? acme_audit_problem(prob) : json_object();

    event->authz_id = job->subject;
    acme_response_set_string(
        detail, "name", json_string_value(json_object_get(data, "domain")));
    acme_response_set_string(
        detail, "method", json_string_value(json_object_get(data, "method")));
    acme_response_set_string(detail, "at", result->address);
    json_object_set_new(detail, "took",
                        json_integer(apr_time_as_msec(result->took)));
    acme_audit_detail(event, detail, pool);
    return event;
}

static void outcome_tell(acme_t *acme, const store_job_t *job,
                         const problem_t *prob, const store_event_t *event,
                         apr_status_t rv, apr_pool_t *pool)
{
    if (rv == APR_SUCCESS)
        acme_audit_tell(acme, event, pool);
    if (rv == APR_SUCCESS && prob)
        log_write(acme->log, LOG_LEVEL_INFO, "AS0309", prob->rv,
                  "validation of authz %s failed: %s: %s", job->subject,
                  problem_name(prob->type), prob->detail);
    else if (APR_STATUS_IS_EEXIST(rv))
        log_write(acme->log, LOG_LEVEL_DEBUG, NULL, APR_SUCCESS,
                  "authz %s was decided before its validation ended",
                  job->subject);
    else if (APR_STATUS_IS_ENOENT(rv))
        acme_work_bury(acme, job, "its authorization is gone", pool);
    else if (rv != APR_SUCCESS)
        acme_work_later(acme, job, LOG_LEVEL_INFO, rv,
                        "the validation's result could not be stored", pool);
}

/* What may be otherwise in a few seconds (RFC 8555 8.2). */
static int is_passing(const problem_t *prob)
{
    return prob->type == PROBLEM_CONNECTION || prob->type == PROBLEM_DNS ||
           prob->type == PROBLEM_INCORRECT_RESPONSE ||
           prob->type == PROBLEM_UNAUTHORIZED || /* no TXT record, … */
           prob->type == PROBLEM_MALFORMED ||    /* … or a wrong one */
           prob->type == PROBLEM_TLS;
}

/* When the next try begins; 0: it would be too late. */
static apr_int64_t again_at(const acme_t *acme, const problem_t *prob,
                            json_t *data, apr_int64_t now)
{
    apr_int64_t pause = acme_work_seconds(acme->conf->dcv->retry);

    return pause && is_passing(prob) && now + pause < until_of(data, acme)
               ? now + pause
               : 0;
}

/* The challenge says what has failed, and goes on being processed (T66). */
static void validation_again(acme_t *acme, const store_job_t *job,
                             const problem_t *prob, apr_int64_t at,
                             apr_pool_t *pool)
{
    const char *text = pjson_text(problem_render(prob, pool), 0, pool);
    apr_status_t rv =
        store_authz_retry(acme->store, job->subject, job->id, text, at, pool);

    log_write(acme->log, LOG_LEVEL_DEBUG, NULL,
              APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv,
              "validation of authz %s failed and is tried again: %s: %s",
              job->subject, problem_name(prob->type), prob->detail);
    if (rv == APR_SUCCESS)
        acme->host->wake(acme->host->baton);
    else if (!APR_STATUS_IS_EEXIST(rv))
        acme_work_later(acme, job, LOG_LEVEL_INFO, rv,
                        "the validation's result could not be stored", pool);
}

/* A proof that may be relied on for a short time serves its own order, and no
 * other one. */
static apr_int64_t lifetime_find(const acme_t *acme, const dcv_result_t *result)
{
    apr_int64_t lifetime = acme->conf->authz_lifetime;

    if (!result->lifetime || result->lifetime >= lifetime)
        return lifetime;
    if (result->lifetime >= ACME_AUTHZ_REUSE_MIN)
        return result->lifetime;
    return lifetime < ACME_AUTHZ_REUSE_MIN ? lifetime
                                           : ACME_AUTHZ_REUSE_MIN - 1;
}

/* Some end at a certain time, whatever the configuration says. */
static apr_int64_t valid_until(const acme_t *acme, const dcv_result_t *result,
                               apr_int64_t now)
{
    apr_int64_t until = now + lifetime_find(acme, result);

    return result->until && result->until < until ? result->until : until;
}

apr_status_t acme_work_prove(store_authz_t *authz, acme_t *acme,
                             const store_job_t *job, const dcv_result_t *result,
                             apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    json_t *data = acme_work_data(job, pool);
    store_event_t *event;
    apr_status_t rv;

    if (verdict_find(result, data, now, pool))
        return APR_INCOMPLETE;
    event = event_make(acme, job, data, NULL, result, pool);
    rv = store_authz_prove(authz, acme->store, job->id,
                           valid_until(acme, result, now), now, event);
    if (rv == APR_SUCCESS)
        acme_audit_tell(acme, event, pool);
    return rv;
}

void acme_work_validate_done(acme_t *acme, const store_job_t *job,
                             const dcv_result_t *result, apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    const problem_t *prob;
    const char *text = NULL;
    store_event_t *event;
    json_t *data;
    apr_int64_t at;
    apr_status_t rv;

    if (result->is_retryable && job->attempts < VALIDATE_ATTEMPTS_MAX) {
        validation_retry(acme, job, pool);
        return;
    }
    data = acme_work_data(job, pool);
    prob = verdict_find(result, data, now, pool);
    at = result->problem ? again_at(acme, prob, data, now) : 0;
    if (at) {
        validation_again(acme, job, prob, at, pool);
        return;
    }
    if (prob)
        text = pjson_text(problem_render(prob, pool), 0, pool);
    event = event_make(acme, job, data, prob, result, pool);
    rv = store_authz_record(acme->store, job->subject, job->id, text,
                            prob ? 0 : valid_until(acme, result, now), now,
                            event, pool);
    if (prob && rv == APR_SUCCESS && prob->status < 500)
        acme_limit_failure(acme,
                           json_string_value(json_object_get(data, "account")),
                           json_string_value(json_object_get(data, "domain")));
    outcome_tell(acme, job, prob, event, rv, pool);
}
