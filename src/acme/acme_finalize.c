/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_finalize.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_caa.h"
#include "acme/acme_claim.h"
#include "acme/acme_csr.h"
#include "acme/acme_issue.h"
#include "acme/acme_order.h"
#include "acme/acme_profile.h"
#include "base/b64url.h"
#include "base/pjson.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

typedef struct {
    const unsigned char *der;
    apr_size_t len;
} csr_t;

/* What was approved, in the order in which it is. */
typedef struct {
    const acme_eab_t *eab; /* NULL: none */
    const acme_profile_t *profile;
    apr_array_header_t *identifiers;
    policy_csr_t *csr;
    jose_jwk_t *key; /* of the CSR */
} finalize_t;

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

/* An authorization that was valid from birth is no proof where one is needed by
 * now. */
static problem_t *proof_check(const acme_order_t *order,
                              const finalize_t *finalize, apr_pool_t *pool)
{
    int i;

    if (!acme_eab_is_validated(finalize->profile, finalize->eab))
        return NULL;
    for (i = 0; order->authzs && i < order->authzs->nelts; i++) {
        const store_authz_t *authz =
            APR_ARRAY_IDX(order->authzs, i, const store_authz_t *);

        if (!authz->attempted)
            return problem_make(pool, PROBLEM_UNAUTHORIZED,
                                "the profile \"%s\" wants names to be "
                                "validated by now, and %s was not; place a new "
                                "order",
                                finalize->profile->name, authz->value);
    }
    return NULL;
}

static int is_authorized_itself(const acme_order_t *order, const char *name)
{
    int i;

    for (i = 0; i < order->authzs->nelts; i++)
        if (!strcmp(
                APR_ARRAY_IDX(order->authzs, i, const store_authz_t *)->value,
                name))
            return 1;
    return 0;
}

/* Is a name proven by a domain above it (RFC 9444)? */
static int is_above_used(const acme_order_t *order, const finalize_t *finalize)
{
    int i, has_above = 0;

    for (i = 0; order->authzs && i < order->authzs->nelts; i++)
        has_above |=
            APR_ARRAY_IDX(order->authzs, i, const store_authz_t *)->subdomains;
    for (i = 0; has_above && i < finalize->identifiers->nelts; i++)
        if (!is_authorized_itself(
                order, identifier_base(APR_ARRAY_IDX(finalize->identifiers, i,
                                                     const identifier_t *))))
            return 1;
    return 0;
}

static problem_t *above_check(const acme_order_t *order,
                              const finalize_t *finalize, apr_pool_t *pool)
{
    if (!is_above_used(order, finalize) ||
        acme_conf_has_subdomains(finalize->profile))
        return NULL;
    return problem_make(pool, PROBLEM_UNAUTHORIZED,
                        "the profile \"%s\" wants each name to be validated "
                        "by now, not a domain above it; place a new order",
                        finalize->profile->name);
}

/* Everything may have changed since newOrder (T61): what the order stands on.
 */
static problem_t *order_approve(finalize_t *finalize, acme_t *acme,
                                const acme_verified_t *v,
                                const acme_order_t *order)
{
    problem_t *prob = acme_eab_get(&finalize->eab, acme, v);

    if (!prob)
        prob = acme_profile_of_order(&finalize->profile, acme, order->row,
                                     finalize->eab, v->pool);
    if (!prob)
        prob = acme_issue_profile_check(acme, finalize->profile, v->pool);
    return prob ? prob
                : identifiers_get(&finalize->identifiers, order->row, v->pool);
}

static problem_t *names_approve(const finalize_t *finalize, acme_t *acme,
                                const acme_verified_t *v,
                                const acme_order_t *order)
{
    problem_t *prob = acme_profile_names_check(
        finalize->profile, acme, v, finalize->eab, finalize->identifiers);

    if (!prob)
        prob = proof_check(order, finalize, v->pool);
    return prob ? prob : above_check(order, finalize, v->pool);
}

static problem_t *csr_approve(finalize_t *finalize, acme_t *acme,
                              const acme_verified_t *v, const csr_t *raw)
{
    acme_csr_wish_t wish = {.profile = finalize->profile,
                            .identifiers = finalize->identifiers,
                            .account_key = v->key->pkey,
                            .der = raw->der,
                            .len = raw->len};

    return acme_csr_check(&finalize->csr, &finalize->key, acme, &wish, v->pool);
}

/* What is wrong with the names, and with the CSR: at once. */
static problem_t *wishes_approve(finalize_t *finalize, acme_t *acme,
                                 const acme_verified_t *v,
                                 const acme_order_t *order, const csr_t *csr)
{
    problem_t *names = names_approve(finalize, acme, v, order);
    problem_t *prob = csr_approve(finalize, acme, v, csr);
    apr_array_header_t *subs;

    if (!names || !prob)
        return names ? names : prob;
    subs = apr_array_make(v->pool, 4, sizeof(problem_t *));
    acme_profile_refusal_add(subs, names, finalize->identifiers);
    acme_profile_refusal_add(subs, prob, finalize->identifiers);
    return problem_fold(subs, v->pool);
}

static apr_array_header_t *subject_texts(const apr_array_header_t *values,
                                         apr_pool_t *pool)
{
    apr_array_header_t *texts =
        apr_array_make(pool, values->nelts + 1, sizeof(const char *));
    int i;

    for (i = 0; i < values->nelts; i++) {
        const policy_value_t *value =
            APR_ARRAY_IDX(values, i, const policy_value_t *);

        APR_ARRAY_PUSH(texts, const char *) =
            apr_pstrcat(pool, policy_attribute_name(value->attribute), "=",
                        value->value, NULL);
    }
    return texts;
}

static acme_plan_t *plan_make(const finalize_t *finalize, acme_t *acme,
                              const acme_verified_t *v,
                              const acme_order_t *order)
{
    const store_order_t *row = order->row;
    const acme_profile_t *profile = finalize->profile;
    const policy_csr_t *csr = finalize->csr;
    acme_plan_t *plan = acme_plan_make(
        acme, acme_conf_issuer(acme->conf, profile->issuer), profile->policy,
        &profile->validity, finalize->key, v->now, v->pool);

    plan->account_id = row->account_id;
    plan->realm = row->realm;
    plan->directory = row->directory;
    plan->profile = row->profile;
    plan->identifiers = row->identifiers;
    plan->common_name = csr->common_name;
    plan->subject = subject_texts(csr->subject, v->pool);
    plan->emails = csr->emails;
    plan->uris = csr->uris;
    plan->key_usage = csr->key_usage;
    plan->ext_key_usage = csr->ext_key_usage;
    plan->no_rev_avail = profile->policy->is_short_lived;
    plan->wished_at = row->created_at;
    plan->not_before = row->not_before;
    plan->not_after = row->not_after;
    plan->eab_kid = v->account->eab_kid;
    plan->owner = v->req->user ? v->req->user : v->account->owner;
    plan->ip = v->req->client_ip;
    if (!acme_eab_is_validated(profile, finalize->eab) ||
        is_above_used(order, finalize))
        plan->bounds =
            acme_profile_bounds(profile, finalize->identifiers, v->pool);
    plan->caa = acme_caa_of_order(acme->conf, profile, finalize->identifiers,
                                  order->authzs, acme->since, v->now, v->pool);
    return plan;
}

/* Order and CSR against everything. */
static problem_t *plan_approve(acme_plan_t **plan, finalize_t *finalize,
                               acme_t *acme, const acme_verified_t *v,
                               const acme_order_t *order, const csr_t *csr)
{
    problem_t *prob = order_approve(finalize, acme, v, order);

    if (!prob)
        prob = wishes_approve(finalize, acme, v, order, csr);
    if (prob)
        return prob;
    *plan = plan_make(finalize, acme, v, order);
    return acme_issue_check(acme, *plan, v->now, v->pool);
}

/* Somebody was faster (T60): with this CSR or another one?  Or what the order
 * stands on has just been deactivated (T61). */
static problem_t *claim_lost(acme_order_t *order, acme_t *acme,
                             const acme_verified_t *v, const csr_t *csr)
{
    problem_t *prob = acme_order_load(order, acme, v);

    if (prob || is_claimed_by(order->row, csr, v->pool))
        return prob;
    if (order->status != ACME_ORDER_READY)
        return problem_not_ready(order, v);
    return problem_make(v->pool, PROBLEM_UNAUTHORIZED,
                        "the account, or an authorization of the order, has "
                        "just been deactivated");
}

static problem_t *order_claim(acme_order_t *order, acme_t *acme,
                              const acme_verified_t *v, const csr_t *csr)
{
    finalize_t finalize = {0};
    acme_plan_t *plan;
    problem_t *prob = plan_approve(&plan, &finalize, acme, v, order, csr);
    int is_lost = 0;

    if (prob)
        return prob;
    prob = acme_claim_run(&is_lost, order, acme, v, plan, finalize.csr->sha256);
    return is_lost ? claim_lost(order, acme, v, csr) : prob;
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
