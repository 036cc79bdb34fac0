/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_finalize.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_issue.h"
#include "acme/acme_order.h"
#include "acme/acme_work.h"
#include "base/b64url.h"
#include "base/pjson.h"
#include "base/token.h"
#include "ca/ca_openssl.h"
#include "policy/policy_csr.h"
#include "policy/policy_names.h"

#include "base/banned.h"

typedef struct {
    const unsigned char *der;
    apr_size_t len;
} csr_t;

/* RFC 8555 6.1 has no padding; the tolerance is for Synology (T02). */
static apr_size_t text_length(const acme_conf_t *conf, const char *text)
{
    apr_size_t len = strlen(text);
    int i;

    for (i = 0; conf->tolerate_padded_csr && i < 2; i++)
        if (len && text[len - 1] == '=')
            len--;
    return len;
}

static problem_t *csr_decode(csr_t *csr, const acme_t *acme,
                             const acme_verified_t *v)
{
    const char *text;
    problem_t *prob = pjson_need_string(&text, v->payload, "csr", v->pool);

    if (prob)
        return prob;
    if (strstr(text, "-----BEGIN"))
        return problem_make(v->pool, PROBLEM_BAD_CSR,
                            "the \"csr\" is PEM; send the base64url of its "
                            "DER (RFC 8555 7.4)");
    if (b64url_decode(&csr->der, &csr->len, text, text_length(acme->conf, text),
                      v->pool) == APR_SUCCESS)
        return NULL;
    return problem_make(v->pool, PROBLEM_MALFORMED,
                        "the \"csr\" is not base64url without padding "
                        "(RFC 8555 6.1)");
}

static int is_claimed_by(const store_order_t *row, const csr_t *csr,
                         apr_pool_t *pool)
{
    return row->csr_sha256 &&
           !strcmp(ca_sha256_hex(csr->der, csr->len, pool), row->csr_sha256);
}

/* "the authorizations for a.example, b.example are not valid yet" */
static const char *pending_text(const acme_order_t *order,
                                const acme_verified_t *v)
{
    apr_array_header_t *names = apr_array_make(v->pool, 4, sizeof(char *));
    int i;

    for (i = 0; i < order->authzs->nelts; i++) {
        const store_authz_t *authz =
            APR_ARRAY_IDX(order->authzs, i, const store_authz_t *);

        if (acme_state_authz(authz, v->now) == ACME_AUTHZ_VALID)
            continue;
        if (names->nelts == 10) {
            APR_ARRAY_PUSH(names, const char *) = "…";
            break;
        }
        APR_ARRAY_PUSH(names, const char *) = authz->value;
    }
    return apr_psprintf(v->pool,
                        "the order is pending: the authorizations for %s are "
                        "not valid yet",
                        apr_array_pstrcat(v->pool, names, ','));
}

static const char *invalid_text(const acme_order_t *order,
                                const acme_verified_t *v)
{
    const char *detail = NULL;
    problem_t *prob;
    json_t *json;

    if (order->row->error) {
        if (!pjson_parse(&json, order->row->error, strlen(order->row->error),
                         "error", v->pool))
            detail = json_string_value(json_object_get(json, "detail"));
    }
    else {
        prob = acme_state_order_problem(order->row, order->authzs, v->now,
                                        v->pool);
        detail = prob ? prob->detail : NULL;
    }
    return apr_pstrcat(v->pool,
                       "the order is invalid: ", detail ? detail : "it failed",
                       "; place a new order", NULL);
}

/* T55, with the reason in words. */
static problem_t *problem_not_ready(const acme_order_t *order,
                                    const acme_verified_t *v)
{
    const char *text = "the order was finalized before, with another CSR";

    if (order->status == ACME_ORDER_PENDING)
        text = pending_text(order, v);
    else if (order->status == ACME_ORDER_INVALID)
        text = invalid_text(order, v);
    return problem_make(v->pool, PROBLEM_ORDER_NOT_READY, "%s", text);
}

/* Removing a profile stops its issuance (pki.md, Profiles). */
static problem_t *profile_find(const acme_profile_t **profile,
                               const acme_t *acme, const store_order_t *row,
                               apr_pool_t *pool)
{
    *profile = acme_conf_profile(acme->conf, row->profile);
    if (*profile)
        return NULL;
    return problem_make(pool, PROBLEM_INVALID_PROFILE,
                        "the order's profile \"%s\" is not offered any more; "
                        "place a new order",
                        row->profile);
}

/* RFC 8555 11.1 forbids the requesting account's key, which policy_csr_check
 * has seen; that of another account is as bad (T58). */
static problem_t *key_take(jose_jwk_t **key, const policy_csr_t *csr,
                           acme_t *acme, const acme_verified_t *v)
{
    apr_status_t rv;

    *key = jose_jwk_from_pkey(csr->key, v->pool);
    if (!*key)
        return problem_make(v->pool, PROBLEM_BAD_CSR,
                            "the CSR's key is of a kind that this server does "
                            "not know");
    rv = store_account_key_known(acme->store, (*key)->thumbprint, v->pool);
    if (APR_STATUS_IS_ENOENT(rv))
        return NULL;
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "look for an account's key");
    return problem_make(v->pool, PROBLEM_BAD_CSR,
                        "the CSR's key is an account's key; a certificate "
                        "needs a key of its own (RFC 8555 11.1)");
}

static problem_t *identifiers_get(apr_array_header_t **identifiers,
                                  const store_order_t *row, apr_pool_t *pool)
{
    problem_t *prob;

    *identifiers = identifier_list_from_text(row->identifiers, pool);
    if (*identifiers)
        return NULL;
    prob = problem_internal(pool, APR_EGENERAL, "order %s has no identifiers",
                            row->id);
    prob->status = 500;
    return prob;
}

/* Policy and profile may have changed since newOrder (T61). */
static problem_t *csr_approve(policy_csr_t **csr, jose_jwk_t **key,
                              acme_t *acme, const acme_verified_t *v,
                              const acme_profile_t *profile,
                              const apr_array_header_t *identifiers,
                              const csr_t *raw)
{
    problem_t *prob =
        policy_names_check(profile->policy, NULL, identifiers, 0, v->pool);
    policy_csr_terms_t terms = {0};

    if (prob)
        return prob;
    terms.policy = profile->policy;
    terms.identifiers = identifiers;
    terms.account_key = v->key->pkey;
    terms.common_name = profile->validity.common_name;
    prob = policy_csr_check(csr, &terms, raw->der, raw->len, v->pool);
    if (prob)
        return prob;
    return key_take(key, *csr, acme, v);
}

static problem_t *plan_make(acme_plan_t **plan, const char **sha256,
                            acme_t *acme, const acme_verified_t *v,
                            const store_order_t *row, const csr_t *raw)
{
    const acme_profile_t *profile;
    apr_array_header_t *identifiers;
    policy_csr_t *csr;
    jose_jwk_t *key;
    problem_t *prob = profile_find(&profile, acme, row, v->pool);

    if (prob)
        return prob;
    prob = acme_issue_ready_check(acme, profile->issuer, v->pool);
    if (prob)
        return prob;
    prob = identifiers_get(&identifiers, row, v->pool);
    if (prob)
        return prob;
    prob = csr_approve(&csr, &key, acme, v, profile, identifiers, raw);
    if (prob)
        return prob;
    *sha256 = csr->sha256;
    *plan = acme_plan_make(acme, acme_conf_issuer(acme->conf, profile->issuer),
                           profile->policy, &profile->validity, key, v->now,
                           v->pool);
    (*plan)->account_id = row->account_id;
    (*plan)->realm = row->realm;
    (*plan)->directory = row->directory;
    (*plan)->profile = row->profile;
    (*plan)->identifiers = row->identifiers;
    (*plan)->common_name = csr->common_name;
    (*plan)->key_usage = csr->key_usage;
    (*plan)->ext_key_usage = csr->ext_key_usage;
    (*plan)->wished_at = row->created_at;
    (*plan)->not_before = row->not_before;
    (*plan)->not_after = row->not_after;
    return acme_issue_check(acme, *plan, v->now, v->pool);
}

/* What a claimed order looks like, without asking the database again. */
static void processing_set(acme_order_t *order, const acme_verified_t *v,
                           const char *sha256)
{
    order->row->processing_since = v->now;
    order->row->csr_sha256 = sha256;
    order->status = ACME_ORDER_PROCESSING;
}

/* The worker has all that is needed from here on.  When the order cannot be
 * read again it is processing for all we know: the claim is on disk. */
static void issue_wait(acme_order_t *order, acme_t *acme,
                       const acme_verified_t *v, const store_job_t *job)
{
    acme_order_t again;
    problem_t *prob;

    acme->host->submit(acme->host->baton, acme, job);
    if (acme->host->wait(acme->host->baton, job->id,
                         acme->conf->finalize_wait) != APR_SUCCESS)
        return;
    prob = acme_order_load(&again, acme, v);
    if (!prob && again.status != ACME_ORDER_READY)
        *order = again;
}

static problem_t *order_claim(acme_order_t *order, acme_t *acme,
                              const acme_verified_t *v, const csr_t *csr)
{
    store_job_t job = {0};
    acme_plan_t *plan;
    const char *sha256;
    problem_t *prob = plan_make(&plan, &sha256, acme, v, order->row, csr);
    apr_status_t rv;

    if (prob)
        return prob;
    job.id = token_id(apr_time_from_sec(v->now), v->pool);
    job.kind = ACME_WORK_ISSUE;
    job.subject = order->row->id;
    job.data = acme_plan_text(plan, v->pool);
    job.due_at = v->now;
    job.lease_owner = acme->owner;
    job.lease_until = acme_work_lease(acme, v->now);
    rv = store_order_claim(acme->store, order->row->id, sha256, v->now, &job,
                           NULL, v->pool);
    if (APR_STATUS_IS_EEXIST(rv)) {
        /* Somebody was faster (T60): with this CSR or another one? */
        prob = acme_order_load(order, acme, v);
        if (prob || is_claimed_by(order->row, csr, v->pool))
            return prob;
        return problem_not_ready(order, v);
    }
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "claim order %s", order->row->id);
    processing_set(order, v, sha256);
    issue_wait(order, acme, v, &job);
    return NULL;
}

problem_t *acme_finalize_post(acme_response_t *res, acme_t *acme,
                              const acme_verified_t *v)
{
    acme_order_t order;
    csr_t csr;
    problem_t *prob = csr_decode(&csr, acme, v);

    if (prob)
        return prob;
    prob = acme_order_load(&order, acme, v);
    if (prob)
        return prob;
    res->order = order.row->id;
    if (order.status == ACME_ORDER_INVALID ||
        !is_claimed_by(order.row, &csr, v->pool)) {
        if (order.status != ACME_ORDER_READY)
            return problem_not_ready(&order, v);
        prob = order_claim(&order, acme, v, &csr);
        if (prob)
            return prob;
    }
    acme_order_progress(acme, &order, v);
    acme_order_answer(res, acme, v, &order, 200);
    return NULL;
}
