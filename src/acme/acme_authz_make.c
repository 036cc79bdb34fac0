/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_authz_make.h"

#include <string.h>

#include "base/token.h"
#include "policy/policy_challenge.h"

#include "base/banned.h"

/* How many labels further up an authorization for subdomains is looked for. */
#define ANCESTORS_MAX 10
/* RFC 8555 8.1 wants 128 bits at least. */
#define TOKEN_OCTETS 24

/* Without validation it is valid from birth, and no challenge was ever
 * attempted: that tells it from a proven one. */
static void authz_grant(store_authz_t *authz, const acme_t *acme,
                        const acme_verified_t *v)
{
    authz->status = "valid";
    authz->validated_at = v->now;
    authz->expires_at = v->now + acme->conf->authz_lifetime;
}

store_authz_t *acme_authz_make(const acme_t *acme, const acme_verified_t *v,
                               const acme_profile_t *profile,
                               const acme_eab_t *eab,
                               const identifier_t *identifier,
                               apr_int64_t expires_at)
{
    store_authz_t *authz = apr_pcalloc(v->pool, sizeof(*authz));

    authz->id = token_id(apr_time_from_sec(v->now), v->pool);
    authz->account_id = v->account->id;
    authz->realm = v->account->realm;
    authz->directory = v->account->directory;
    authz->profile = profile->name;
    authz->type = identifier_type_name(identifier->type);
    authz->value = identifier_base(identifier);
    authz->wildcard = identifier_is_wildcard(identifier);
    authz->status = "pending";
    authz->token = token_make(TOKEN_OCTETS, v->pool);
    authz->challenges =
        policy_challenge_offer(profile->challenges, identifier, v->pool);
    authz->created_at = v->now;
    authz->expires_at = expires_at;
    if (!acme_eab_is_validated(profile, eab))
        authz_grant(authz, acme, v);
    return authz;
}

store_authz_t *
acme_authz_make_above(const acme_t *acme, const acme_verified_t *v,
                      const acme_profile_t *profile, const acme_eab_t *eab,
                      const identifier_t *identifier, apr_int64_t expires_at)
{
    store_authz_t *authz =
        acme_authz_make(acme, v, profile, eab, identifier, expires_at);

    authz->subdomains = 1;
    authz->challenges = "dns-01";
    return authz;
}

static problem_t *above_get(store_authz_t **authz, acme_t *acme,
                            const acme_verified_t *v,
                            const acme_profile_t *profile, const char *value)
{
    apr_status_t rv =
        store_authz_get_above(authz, acme->store, v->account->id, profile->name,
                              identifier_type_name(IDENTIFIER_DNS), value,
                              v->now + ACME_AUTHZ_REUSE_MIN, v->pool);

    if (rv == APR_SUCCESS && (*authz)->attempted)
        return NULL;
    *authz = NULL;
    if (rv == APR_SUCCESS || APR_STATUS_IS_ENOENT(rv))
        return NULL;
    return problem_internal(v->pool, rv, "find authz above");
}

problem_t *acme_authz_reuse_above(store_authz_t **authz, acme_t *acme,
                                  const acme_verified_t *v,
                                  const acme_profile_t *profile,
                                  const identifier_t *identifier)
{
    *authz = NULL;
    if (!acme->conf->authz_reuse)
        return NULL;
    return above_get(authz, acme, v, profile, identifier->value);
}

/* RFC 9444: of the nearest domain above (whole labels) that has one. */
static problem_t *reuse_ancestor(store_authz_t **authz, acme_t *acme,
                                 const acme_verified_t *v,
                                 const acme_profile_t *profile,
                                 const identifier_t *identifier)
{
    const char *value = identifier->value;
    problem_t *prob = NULL;
    int i;

    if (identifier->type != IDENTIFIER_DNS ||
        identifier_is_wildcard(identifier) ||
        !acme_conf_has_subdomains(profile))
        return NULL;
    for (i = 0; i < ANCESTORS_MAX && !prob && !*authz; i++) {
        value = strchr(value, '.');
        if (!value)
            break;
        prob = above_get(authz, acme, v, profile, ++value);
    }
    return prob;
}

problem_t *acme_authz_reuse(store_authz_t **authz, acme_t *acme,
                            const acme_verified_t *v,
                            const acme_profile_t *profile,
                            const acme_eab_t *eab,
                            const identifier_t *identifier)
{
    int is_validated = acme_eab_is_validated(profile, eab);
    apr_status_t rv;

    *authz = NULL;
    if (!acme->conf->authz_reuse)
        return NULL;
    rv = store_authz_get_reusable(
        authz, acme->store, v->account->id, profile->name,
        identifier_type_name(identifier->type), identifier_base(identifier),
        identifier_is_wildcard(identifier), v->now + ACME_AUTHZ_REUSE_MIN,
        v->pool);
    if (rv == APR_SUCCESS && (!is_validated || (*authz)->attempted))
        return NULL;
    *authz = NULL;
    if (rv == APR_SUCCESS || APR_STATUS_IS_ENOENT(rv))
        return reuse_ancestor(authz, acme, v, profile, identifier);
    return problem_internal(v->pool, rv, "find reusable authz");
}
