/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_csr.h"

#include "acme/acme_profile.h"
#include "ca/ca_issue.h"
#include "policy/policy_subject.h"
#include "store/store_blocked.h"

#include "base/banned.h"

/* RFC 8555 11.1 forbids the requesting account's key, which policy_csr_check
 * has seen; that of another account is as bad (T58). */
static problem_t *key_check(const acme_t *acme, const policy_csr_t *csr,
                            const jose_jwk_t *key, apr_pool_t *pool)
{
    store_blocked_t *blocked;
    apr_status_t rv;

    rv = store_account_key_known(acme->store, key->thumbprint, pool);
    if (rv == APR_SUCCESS)
        return problem_make(pool, PROBLEM_BAD_CSR,
                            "the CSR's key is an account's key; a certificate "
                            "needs a key of its own (RFC 8555 11.1)");
    if (!APR_STATUS_IS_ENOENT(rv))
        return problem_internal(pool, rv, "look for an account's key");
    rv = store_blocked_get(&blocked, acme->store, csr->spki_sha256, pool);
    if (rv == APR_SUCCESS)
        return problem_make(pool, PROBLEM_BAD_CSR,
                            "the CSR's key must not be used: %s",
                            blocked->reason);
    if (!APR_STATUS_IS_ENOENT(rv))
        return problem_internal(pool, rv, "look for a blocked key");
    return NULL;
}

static problem_t *key_take(jose_jwk_t **key, const policy_csr_t *csr,
                           const acme_t *acme, apr_pool_t *pool)
{
    *key = jose_jwk_from_pkey(csr->key, pool);
    if (!*key)
        return problem_make(pool, PROBLEM_BAD_CSR,
                            "the CSR's key is of a kind that this server does "
                            "not know");
    return key_check(acme, csr, *key, pool);
}

static apr_array_header_t *attributes_make(const apr_array_header_t *values,
                                           apr_pool_t *pool)
{
    apr_array_header_t *list =
        apr_array_make(pool, values->nelts, sizeof(ca_attribute_t *));
    int i;

    for (i = 0; i < values->nelts; i++) {
        const policy_value_t *value =
            APR_ARRAY_IDX(values, i, const policy_value_t *);
        ca_attribute_t *attribute = apr_palloc(pool, sizeof(*attribute));

        attribute->type = policy_attribute_name(value->attribute);
        attribute->value = value->value;
        APR_ARRAY_PUSH(list, ca_attribute_t *) = attribute;
    }
    return list;
}

/* What the issuer's certificate lets it sign: said here, where the order stays
 * ready, and not by the worker, who can only fail it. */
static problem_t *constraints_check(const acme_t *acme,
                                    const acme_profile_t *profile,
                                    const policy_csr_t *csr, apr_pool_t *pool)
{
    ca_request_t request = {.emails = csr->emails,
                            .uris = csr->uris,
                            .common_name = csr->common_name};

    request.subject = attributes_make(csr->subject, pool);
    return ca_issue_names_check(
        acme_conf_issuer(acme->conf, profile->issuer)->set->issuer, &request,
        pool);
}

problem_t *acme_csr_check(policy_csr_t **csr, jose_jwk_t **key,
                          const acme_t *acme, const acme_csr_wish_t *wish,
                          apr_pool_t *pool)
{
    policy_csr_terms_t terms = {0};
    problem_t *prob;

    terms.policy = wish->profile->policy;
    terms.identifiers = wish->identifiers;
    terms.account_key = wish->account_key;
    terms.blocklist = acme->conf->blocklist;
    terms.defaults = acme_profile_subject(wish->profile, pool);
    terms.common_name = wish->profile->validity.common_name;
    prob = policy_csr_check(csr, &terms, wish->der, wish->len, pool);
    if (!prob)
        prob = constraints_check(acme, wish->profile, *csr, pool);
    return prob ? prob : key_take(key, *csr, acme, pool);
}
