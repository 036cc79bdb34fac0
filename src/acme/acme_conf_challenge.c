/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_conf.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "policy/policy_challenge.h"

#include "base/banned.h"

int acme_conf_has_challenge(const acme_conf_t *conf, const char *type)
{
    if (!strcmp(type, POLICY_CHALLENGE_ACCOUNT))
        return conf->dns_account;
    return strcmp(type, POLICY_CHALLENGE_PERSIST) || conf->dns_persist;
}

void acme_conf_drafts_add(acme_conf_t *conf, apr_pool_t *pool)
{
    static const char *const drafts[] = {POLICY_CHALLENGE_ACCOUNT,
                                         POLICY_CHALLENGE_PERSIST};
    int i, k;

    for (i = 0; i < conf->profiles->nelts; i++) {
        acme_profile_t *profile =
            APR_ARRAY_IDX(conf->profiles, i, acme_profile_t *);

        if (profile->has_challenges)
            continue;
        profile->challenges = apr_array_copy(pool, profile->challenges);
        for (k = 0; k < 2; k++) {
            if (acme_conf_has_challenge(conf, drafts[k]))
                APR_ARRAY_PUSH(profile->challenges, const char *) = drafts[k];
        }
    }
}

apr_array_header_t *acme_conf_issuer_names(const acme_conf_t *conf,
                                           apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 1, sizeof(const char *));
    char *name = apr_pstrdup(pool, conf->server_name), *c;

    if (conf->caa_identities->nelts)
        return apr_array_copy(pool, conf->caa_identities);
    for (c = name; *c; c++)
        *c = (char)apr_tolower(*c);
    APR_ARRAY_PUSH(names, const char *) = name;
    return names;
}
