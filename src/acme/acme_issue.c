/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_issue.h"

#include <string.h>

#include <apr_strings.h>

#include "ca/ca_issue.h"

#include "base/banned.h"

/* Why nothing can be signed now, NULL if it can. */
static const char *obstacle_find(const acme_t *acme, apr_int64_t now,
                                 apr_pool_t *pool)
{
    const ca_auto_t *ca = acme->conf->ca;
    const ca_issuer_t *issuer = ca ? ca->issuer : NULL;

    if (!issuer)
        return acme->conf->ca_problem ? acme->conf->ca_problem
                                      : "there is no CA";
    if (!issuer->key)
        return apr_psprintf(pool, "issuer %s has no key", issuer->name);
    if (issuer->not_after <= now)
        return apr_psprintf(pool, "the certificate of issuer %s expired at %s",
                            issuer->name,
                            clock_rfc3339(issuer->not_after, pool));
    if (issuer->not_before > now)
        return apr_psprintf(pool,
                            "the certificate of issuer %s is not valid before "
                            "%s",
                            issuer->name,
                            clock_rfc3339(issuer->not_before, pool));
    return NULL;
}

static problem_t *ready_check(const acme_t *acme, apr_int64_t now,
                              apr_pool_t *pool)
{
    const char *obstacle = obstacle_find(acme, now, pool);

    return obstacle ? problem_internal(pool, APR_SUCCESS, "%s", obstacle)
                    : NULL;
}

problem_t *acme_issue_ready_check(const acme_t *acme, apr_pool_t *pool)
{
    return ready_check(acme, clock_seconds(acme->clock), pool);
}

/* A wished beginning was judged when it was accepted: an order whose validation
 * took hours is not refused for it, nor one whose issuer was renewed since. */
static apr_int64_t judged_at(const acme_plan_t *plan, const ca_issuer_t *issuer,
                             apr_int64_t now)
{
    if (!plan->not_before)
        return now;
    return plan->wished_at > issuer->not_before ? plan->wished_at
                                                : issuer->not_before;
}

/* Of a certificate that is signed now. */
static problem_t *validity_compute(apr_int64_t *not_before,
                                   apr_int64_t *not_after, const acme_t *acme,
                                   const acme_plan_t *plan, apr_int64_t now,
                                   apr_pool_t *pool)
{
    const ca_issuer_t *issuer = acme->conf->ca->issuer;
    problem_t *prob = ca_profile_validity(
        not_before, not_after, &plan->validity, issuer, plan->not_before,
        plan->not_after, judged_at(plan, issuer, now), pool);

    if (prob || *not_after > now)
        return prob;
    return problem_make(pool, PROBLEM_MALFORMED,
                        "the time that was wished for the certificate was over "
                        "at %s; place a new order",
                        clock_rfc3339(*not_after, pool));
}

problem_t *acme_issue_validity(apr_int64_t *not_before, apr_int64_t *not_after,
                               const acme_t *acme,
                               const acme_profile_t *profile,
                               apr_int64_t wish_before, apr_int64_t wish_after,
                               apr_int64_t now, apr_pool_t *pool)
{
    acme_plan_t wish = {0};

    wish.validity = acme_plan_validity(profile->policy, &profile->validity);
    wish.not_before = wish_before;
    wish.not_after = wish_after;
    wish.wished_at = now;
    return validity_compute(not_before, not_after, acme, &wish, now, pool);
}

problem_t *acme_issue_check(const acme_t *acme, const acme_plan_t *plan,
                            apr_int64_t now, apr_pool_t *pool)
{
    apr_int64_t not_before, not_after;
    problem_t *prob = ready_check(acme, now, pool);

    if (prob)
        return prob;
    return validity_compute(&not_before, &not_after, acme, plan, now, pool);
}

int acme_issue_has_issuer(const acme_t *acme, const char *fingerprint)
{
    const ca_auto_t *ca = acme->conf->ca;
    int i;

    for (i = 0; ca && i < ca->generations->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(ca->generations, i, const ca_issuer_t *)
                        ->fingerprint,
                    fingerprint))
            return 1;
    return 0;
}

static store_cert_t *row_make(const acme_plan_t *plan, const char *order_id,
                              const ca_issuer_t *issuer,
                              const ca_request_t *request,
                              const ca_cert_t *signed_cert, apr_int64_t now,
                              apr_pool_t *pool)
{
    store_cert_t *row = apr_pcalloc(pool, sizeof(*row));

    row->id = plan->cert_id;
    row->serial = plan->serial;
    row->account_id = plan->account_id;
    row->order_id = order_id;
    row->realm = plan->realm;
    row->directory = plan->directory;
    row->profile = plan->profile;
    row->issuer = issuer->fingerprint;
    row->identifiers = plan->identifiers;
    row->spki_sha256 = signed_cert->spki_sha256;
    row->der = signed_cert->der;
    row->der_len = signed_cert->der_len;
    row->not_before = request->not_before;
    row->not_after = request->not_after;
    row->issued_at = now;
    row->revoked_reason = -1;
    return row;
}

problem_t *acme_issue_sign(store_cert_t **cert, const acme_t *acme,
                           const acme_plan_t *plan, const char *order_id,
                           apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    const ca_issuer_t *issuer;
    ca_request_t request = {0};
    ca_cert_t *signed_cert;
    problem_t *prob = ready_check(acme, now, pool);

    if (prob)
        return prob;
    /* The newest generation, which may be younger than the plan. */
    issuer = acme->conf->ca->issuer;
    request.identifiers = identifier_list_from_text(plan->identifiers, pool);
    request.common_name = plan->common_name;
    request.key = plan->key->pkey;
    request.serial = plan->serial;
    request.key_usage = plan->key_usage;
    request.ext_key_usage = plan->ext_key_usage;
    prob = validity_compute(&request.not_before, &request.not_after, acme, plan,
                            now, pool);
    if (prob)
        return prob;
    prob = ca_issue(&signed_cert, issuer, &request, pool);
    if (prob)
        return prob;
    *cert = row_make(plan, order_id, issuer, &request, signed_cert, now, pool);
    return NULL;
}
