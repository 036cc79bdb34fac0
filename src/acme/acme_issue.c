/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_issue.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_publish.h"
#include "ca/ca_issue.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/* Why it can sign nothing now, NULL if it can. */
static const char *obstacle_find(const acme_issuer_t *issuer, apr_int64_t now,
                                 apr_pool_t *pool)
{
    const char *fault = acme_conf_issuer_fault(issuer);
    const ca_issuer_t *newest;

    if (fault)
        return fault;
    newest = issuer->set->issuer;
    if (!newest)
        return apr_psprintf(pool, "issuer %s has no generation that can sign",
                            issuer->name);
    if (!newest->key)
        return apr_psprintf(pool, "issuer %s has no key", issuer->name);
    if (newest->not_after <= now)
        return apr_psprintf(pool, "the certificate of issuer %s expired at %s",
                            issuer->name,
                            clock_rfc3339(newest->not_after, pool));
    if (newest->not_before > now)
        return apr_psprintf(pool,
                            "the certificate of issuer %s is not valid before "
                            "%s",
                            issuer->name,
                            clock_rfc3339(newest->not_before, pool));
    return NULL;
}

/* For the clients' operators: the reason, without the server's directories and
 * without what its own operator is to do (he has it in the log). */
static const char *public_reason(const char *obstacle, apr_pool_t *pool)
{
    char *text = apr_pstrndup(pool, obstacle, strcspn(obstacle, ";"));
    char *word = text;

    while (*word) {
        if (*word == '/') {
            const char *last = memrchr(word, '/', strcspn(word, " "));

            memmove(word, last + 1, strlen(last + 1) + 1);
        }
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    return text;
}

static problem_t *problem_obstacle(const char *obstacle, apr_pool_t *pool)
{
    problem_t *prob = problem_internal(pool, APR_SUCCESS, "%s", obstacle);

    prob->detail =
        apr_psprintf(pool,
                     "Nothing can be issued here at the moment: %s; please "
                     "try again later",
                     public_reason(obstacle, pool));
    return prob;
}

static problem_t *ready_check(const acme_issuer_t *issuer, apr_int64_t now,
                              apr_pool_t *pool)
{
    const char *obstacle =
        issuer ? obstacle_find(issuer, now, pool) : "its issuer is gone";

    return obstacle ? problem_obstacle(obstacle, pool) : NULL;
}

problem_t *acme_issue_ready_check(const acme_t *acme, const char *issuer,
                                  apr_pool_t *pool)
{
    return ready_check(acme_conf_issuer(acme->conf, issuer),
                       clock_seconds(acme->clock), pool);
}

problem_t *acme_issue_profile_check(const acme_t *acme,
                                    const acme_profile_t *profile,
                                    apr_pool_t *pool)
{
    problem_t *prob = acme_issue_ready_check(acme, profile->issuer, pool);
    const char *fault;

    if (prob)
        return prob;
    fault = acme_conf_profile_fault(acme->conf, profile, pool);
    return fault ? problem_obstacle(fault, pool) : NULL;
}

/* A virtual host's own plans go by the issuer's name: its generations may have
 * been replaced.  Others' plans are ours if we have the generation. */
static const acme_issuer_t *issuer_find(const acme_t *acme,
                                        const acme_plan_t *plan)
{
    const acme_issuer_t *issuer = NULL;

    if (!strcmp(plan->server, acme->conf->server_name))
        issuer = acme_conf_issuer(acme->conf, plan->issuer_name);
    return issuer ? issuer : acme_conf_issuer_of(acme->conf, plan->issuer);
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
                                   apr_int64_t *not_after,
                                   const ca_issuer_t *issuer,
                                   const acme_plan_t *plan, apr_int64_t now,
                                   apr_pool_t *pool)
{
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
    return validity_compute(
        not_before, not_after,
        acme_conf_issuer(acme->conf, profile->issuer)->set->issuer, &wish, now,
        pool);
}

problem_t *acme_issue_check(const acme_t *acme, const acme_plan_t *plan,
                            apr_int64_t now, apr_pool_t *pool)
{
    const acme_issuer_t *issuer = issuer_find(acme, plan);
    apr_int64_t not_before, not_after;
    problem_t *prob = ready_check(issuer, now, pool);

    if (prob)
        return prob;
    return validity_compute(&not_before, &not_after, issuer->set->issuer, plan,
                            now, pool);
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

/* pki.md, Internal: a leaf never outlives its issuer, and who finds it short
 * learns why. */
static void clamp_log(const acme_t *acme, const acme_plan_t *plan,
                      const ca_issuer_t *issuer, const ca_request_t *request,
                      apr_pool_t *pool)
{
    if (plan->not_after || request->not_after != issuer->not_after)
        return;
    log_write(acme->log, LOG_LEVEL_NOTICE, "AS0310", APR_SUCCESS,
              "certificate %s for %s is clamped to the end of issuer %s, %s; "
              "renew the issuer",
              plan->serial, plan->identifiers, issuer->name,
              clock_rfc3339(issuer->not_after, pool));
}

/* "O=Example Corp" → type and value. */
static apr_array_header_t *attributes_make(const apr_array_header_t *texts,
                                           apr_pool_t *pool)
{
    apr_array_header_t *list;
    int i;

    if (!texts || !texts->nelts)
        return NULL;
    list = apr_array_make(pool, texts->nelts, sizeof(ca_attribute_t *));
    for (i = 0; i < texts->nelts; i++) {
        const char *text = APR_ARRAY_IDX(texts, i, const char *);
        const char *equals = strchr(text, '=');
        ca_attribute_t *attribute = apr_palloc(pool, sizeof(*attribute));

        attribute->value = equals ? equals + 1 : "";
        attribute->type =
            equals ? apr_pstrmemdup(pool, text, (apr_size_t)(equals - text))
                   : text;
        APR_ARRAY_PUSH(list, ca_attribute_t *) = attribute;
    }
    return list;
}

/* pki.md, Trust and publication; RFC 9608 4: of what cannot be revoked nobody
 * says where that is to be seen. */
static void urls_init(ca_request_t *request, const acme_conf_t *conf,
                      const acme_issuer_t *issuer, apr_pool_t *pool)
{
    const char *fingerprint = issuer->set->issuer->fingerprint;

    request->issuer_url =
        acme_publish_url(conf, issuer, fingerprint, ".cer", pool);
    if (issuer->crl && !request->no_rev_avail)
        request->crl_url =
            acme_publish_url(conf, issuer, fingerprint, ".crl", pool);
    if (issuer->ocsp && !request->no_rev_avail)
        request->ocsp_url =
            acme_publish_url(conf, issuer, fingerprint, ".ocsp", pool);
}

static void request_init(ca_request_t *request, const acme_plan_t *plan,
                         apr_pool_t *pool)
{
    memset(request, 0, sizeof(*request));
    request->identifiers = identifier_list_from_text(plan->identifiers, pool);
    request->emails = plan->emails;
    request->uris = plan->uris;
    request->subject = attributes_make(plan->subject, pool);
    request->common_name = plan->common_name;
    request->key = plan->key->pkey;
    request->serial = plan->serial;
    request->key_usage = plan->key_usage;
    request->ext_key_usage = plan->ext_key_usage;
    request->no_rev_avail = plan->no_rev_avail;
}

problem_t *acme_issue_sign(store_cert_t **cert, const acme_t *acme,
                           const acme_plan_t *plan, const char *order_id,
                           apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    const acme_issuer_t *found = issuer_find(acme, plan);
    const ca_issuer_t *issuer;
    ca_request_t request;
    ca_cert_t *signed_cert;
    problem_t *prob = ready_check(found, now, pool);

    if (prob)
        return prob;
    /* The newest generation, which may be younger than the plan. */
    issuer = found->set->issuer;
    request_init(&request, plan, pool);
    urls_init(&request, acme->conf, found, pool);
    prob = validity_compute(&request.not_before, &request.not_after, issuer,
                            plan, now, pool);
    if (prob)
        return prob;
    prob = ca_issue(&signed_cert, issuer, &request, pool);
    if (prob)
        return prob;
    clamp_log(acme, plan, issuer, &request, pool);
    *cert = row_make(plan, order_id, issuer, &request, signed_cert, now, pool);
    return NULL;
}
