/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_profile.h"

#include <string.h>

#include "base/pjson.h"
#include "ca/ca_issuer.h"
#include "policy/policy_challenge.h"
#include "policy/policy_names.h"
#include "policy/policy_network.h"
#include "policy/policy_subject.h"

#include "base/banned.h"

/* Can it be asked for in this directory? */
static int is_in_directory(const acme_profile_t *profile,
                           const acme_conf_t *conf, const char *directory)
{
    if (!profile->enrollment)
        return 0;
    if (profile == acme_conf_profile_at(conf, directory))
        return 1;
    return !*directory && conf->default_profile;
}

static int is_for_account(const acme_profile_t *profile, const acme_eab_t *eab)
{
    return profile->external != ACME_EXTERNAL_REQUIRED ||
           (eab && !strcmp(eab->row->profile, profile->name));
}

/* "default, web": those that this account may use in this directory. */
static const char *names_text(const acme_conf_t *conf, const char *directory,
                              const acme_eab_t *eab, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 4, sizeof(const char *));
    int i;

    for (i = 0; i < conf->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(conf->profiles, i, const acme_profile_t *);

        if (is_in_directory(profile, conf, directory) &&
            is_for_account(profile, eab))
            APR_ARRAY_PUSH(names, const char *) = profile->name;
    }
    return names->nelts ? apr_array_pstrcat(pool, names, ' ') : "none";
}

static problem_t *named_check(const acme_profile_t *profile, const char *name,
                              const acme_t *acme, const acme_verified_t *v,
                              const acme_eab_t *eab)
{
    const char *directory = v->route->directory;

    if (profile && is_in_directory(profile, acme->conf, directory) &&
        is_for_account(profile, eab))
        return NULL;
    return problem_make(v->pool, PROBLEM_INVALID_PROFILE,
                        "there is no profile \"%.64s\" for this account in "
                        "this directory; leave \"profile\" out, or use one of: "
                        "%s",
                        name, names_text(acme->conf, directory, eab, v->pool));
}

/* The account was made before its profile wanted external accounts, or its key
 * is another profile's. */
static problem_t *problem_not_for_account(const acme_profile_t *profile,
                                          apr_pool_t *pool)
{
    return problem_make(pool, PROBLEM_EXTERNAL_ACCOUNT_REQUIRED,
                        "the profile \"%s\" needs an account with an external "
                        "account key of its own; this account has none",
                        profile->name);
}

problem_t *acme_profile_select(const acme_profile_t **profile,
                               const acme_t *acme, const acme_verified_t *v,
                               const acme_eab_t *eab)
{
    const char *name;
    problem_t *prob = pjson_string(&name, v->payload, "profile", v->pool);

    if (prob)
        return prob;
    *profile = v->route->profile;
    if (name) {
        *profile = acme_conf_profile(acme->conf, name);
        return named_check(*profile, name, acme, v, eab);
    }
    return is_for_account(*profile, eab)
               ? NULL
               : problem_not_for_account(*profile, v->pool);
}

problem_t *acme_profile_of_order(const acme_profile_t **profile,
                                 const acme_t *acme, const store_order_t *order,
                                 const acme_eab_t *eab, apr_pool_t *pool)
{
    *profile = acme_conf_profile(acme->conf, order->profile);
    if (!*profile || !is_in_directory(*profile, acme->conf, order->directory))
        return problem_make(pool, PROBLEM_INVALID_PROFILE,
                            "the order's profile \"%s\" is not offered any "
                            "more; place a new order",
                            order->profile);
    return is_for_account(*profile, eab)
               ? NULL
               : problem_not_for_account(*profile, pool);
}

/* Whom a problem without an identifier is about: the checks begin with the name
 * in quotes. */
static const identifier_t *culprit_find(const problem_t *prob,
                                        const apr_array_header_t *identifiers)
{
    int i;

    for (i = 0; *prob->detail == '"' && i < identifiers->nelts; i++) {
        const identifier_t *identifier =
            APR_ARRAY_IDX(identifiers, i, const identifier_t *);
        apr_size_t len = strlen(identifier->value);

        if (!strncmp(prob->detail + 1, identifier->value, len) &&
            prob->detail[1 + len] == '"')
            return identifier;
    }
    return NULL;
}

void acme_profile_refusal_add(apr_array_header_t *subs, problem_t *prob,
                              const apr_array_header_t *identifiers)
{
    if (prob->subproblems) {
        apr_array_cat(subs, prob->subproblems);
        return;
    }
    prob->identifier = culprit_find(prob, identifiers);
    APR_ARRAY_PUSH(subs, problem_t *) = prob;
}

problem_t *acme_profile_names_check(const acme_profile_t *profile,
                                    const acme_t *acme,
                                    const acme_verified_t *v,
                                    const acme_eab_t *eab,
                                    const apr_array_header_t *identifiers)
{
    const ca_issuer_t *issuer =
        acme_conf_issuer(acme->conf, profile->issuer)->set->issuer;
    int is_validated = acme_eab_is_validated(profile, eab);
    int flags = is_validated ? 0 : POLICY_NAMES_LISTED;
    apr_array_header_t *subs;
    problem_t *found[4] = {NULL};
    int i, count = 0;

    found[0] = policy_names_check(profile->policy, eab ? eab->allow : NULL,
                                  identifiers, flags, v->pool);
    found[1] = policy_network_requested_check(profile->policy, identifiers,
                                              v->req->client_ip, v->pool);
    found[2] = ca_issuer_names_check(issuer, identifiers, v->pool);
    /* A name that the policy does not want needs no challenge. */
    if (is_validated && !found[0])
        found[3] =
            policy_challenge_check(profile->challenges, identifiers, v->pool);
    for (i = 0; i < 4; i++) {
        if (found[i])
            found[count++] = found[i];
    }
    /* What came from one check has its own words for the whole. */
    if (count < 2)
        return count ? found[0] : NULL;
    subs = apr_array_make(v->pool, 4, sizeof(problem_t *));
    for (i = 0; i < count; i++)
        acme_profile_refusal_add(subs, found[i], identifiers);
    return problem_fold(subs, v->pool);
}

apr_array_header_t *acme_profile_bounds(const acme_profile_t *profile,
                                        const apr_array_header_t *identifiers,
                                        apr_pool_t *pool)
{
    apr_array_header_t *bounds = NULL;
    int i;

    for (i = 0; i < identifiers->nelts; i++) {
        const identifier_t *identifier =
            APR_ARRAY_IDX(identifiers, i, const identifier_t *);
        apr_array_header_t *networks = policy_network_resolves_to(
            profile->policy, identifier->value, pool);
        dcv_bound_t *bound;

        /* Of a wildcard name: DNS answers "*" with its own wildcard. */
        if (!networks)
            continue;
        bound = apr_palloc(pool, sizeof(*bound));
        bound->name = identifier->value;
        bound->resolves_to = networks;
        if (!bounds)
            bounds = apr_array_make(pool, 4, sizeof(dcv_bound_t *));
        APR_ARRAY_PUSH(bounds, dcv_bound_t *) = bound;
    }
    return bounds;
}

/* acme_conf_check has seen that they make sense. */
apr_array_header_t *acme_profile_subject(const acme_profile_t *profile,
                                         apr_pool_t *pool)
{
    apr_array_header_t *values =
        apr_array_make(pool, 2, sizeof(policy_value_t *));
    policy_value_t *value;
    int i;

    for (i = 0; i < profile->subject->nelts; i++)
        if (!policy_value_parse(
                &value, APR_ARRAY_IDX(profile->subject, i, const char *), pool))
            APR_ARRAY_PUSH(values, policy_value_t *) = value;
    return values;
}

json_t *acme_profile_list(const acme_conf_t *conf, const char *directory)
{
    json_t *json = json_object();
    int i;

    for (i = 0; i < conf->profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(conf->profiles, i, const acme_profile_t *);

        if (is_in_directory(profile, conf, directory))
            json_object_set_new(json, profile->name,
                                json_string(profile->description
                                                ? profile->description
                                                : profile->name));
    }
    return json;
}
