/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_caa.h"
#include "acme/acme_persist.h"
#include "acme/acme_profile.h"
#include "acme/acme_route.h"
#include "base/token.h"
#include "dcv/dcv_survey.h"
#include "policy/policy_challenge.h"

#include "base/banned.h"

#define TOKEN_OCTETS 24
#define PRINT_OCTETS 32 /* of a key's thumbprint */

static const struct {
    const char *type;
    dcv_method_e method;
    int is_dns, is_account;
} methods[] = {
    {"http-01", DCV_HTTP01, 0, 0},
    {"dns-01", DCV_DNS01, 1, 0},
    {"tls-alpn-01", DCV_TLSALPN01, 0, 0},
    {POLICY_CHALLENGE_ACCOUNT, DCV_DNS_ACCOUNT01, 1, 1},
    {POLICY_CHALLENGE_PERSIST, DCV_DNS_PERSIST01, 1, 1},
};

static size_t find(const char *type)
{
    size_t i, last = sizeof(methods) / sizeof(methods[0]) - 1;

    for (i = 0; i < last && strcmp(methods[i].type, type); i++)
        ;
    return i;
}

int ctl_check_is_dns(const char *type)
{
    return methods[find(type)].is_dns;
}

int ctl_check_is_account(const char *type)
{
    return methods[find(type)].is_account;
}

/* What the drafts' methods want besides. */
static void account_add(dcv_job_t *job, const ctl_check_t *check)
{
    const acme_conf_t *conf = check->ctl->conf;
    const store_account_t *account = check->account;

    job->account_url =
        acme_route_url(conf, ACME_ROUTE_ACCOUNT, account->directory,
                       account->id, NULL, job->pool);
    job->issuers = acme_conf_issuer_names(conf, job->pool);
    acme_persist_fill(job, conf, account->thumbprint, account->prints);
}

static apr_array_header_t *bounds_of(const ctl_check_t *check)
{
    apr_pool_t *pool = check->ctl->pool;
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(identifier_t *));

    APR_ARRAY_PUSH(list, const identifier_t *) = check->identifier;
    return acme_profile_bounds(check->profile, list, pool);
}

/* The thumbprint is nobody's, or the account's: what answers by itself for it
 * is then even right. */
dcv_job_t *ctl_check_job(const ctl_check_t *check, const char *type)
{
    apr_pool_t *pool = check->ctl->pool;
    dcv_job_t *job = apr_pcalloc(pool, sizeof(*job));

    job->method = methods[find(type)].method;
    job->domain = check->domain;
    job->token = token_make(TOKEN_OCTETS, pool);
    job->key_authorization =
        apr_pstrcat(pool, job->token, ".",
                    check->account ? check->account->thumbprint
                                   : token_make(PRINT_OCTETS, pool),
                    NULL);
    job->bounds = bounds_of(check);
    job->account = check->account ? check->account->id : "";
    job->is_wildcard = identifier_is_wildcard(check->identifier);
    job->pool = pool;
    if (ctl_check_is_dns(type))
        job->survey = dcv_survey_make(pool);
    if (ctl_check_is_account(type))
        account_add(job, check);
    return job;
}

/* On the server it comes after the proof. */
dcv_job_t *ctl_check_job_caa(const ctl_check_t *check, const char *type)
{
    const store_account_t *account = check->account;
    apr_pool_t *pool = check->ctl->pool;
    store_authz_t authz = {0};
    dcv_job_t *job = apr_pcalloc(pool, sizeof(*job));

    authz.account_id = account ? account->id : "";
    authz.directory = account ? account->directory : check->profile->directory;
    authz.profile = check->profile->name;
    authz.type = identifier_type_name(check->identifier->type);
    authz.value = check->domain;
    authz.wildcard = identifier_is_wildcard(check->identifier);
    job->method = DCV_RESOLVE; /* of nothing: what remains is CAA */
    job->bounds = apr_array_make(pool, 1, sizeof(dcv_bound_t *));
    job->domain = check->domain;
    job->caa = acme_caa_of_authz(check->ctl->conf, &authz, type, pool);
    job->account = authz.account_id;
    job->pool = pool;
    return job->caa ? job : NULL;
}

/* On the server it comes after the proof; by other methods, with it. */
dcv_job_t *ctl_check_job_bound(const ctl_check_t *check, const char *type)
{
    apr_pool_t *pool = check->ctl->pool;
    dcv_job_t *job = apr_pcalloc(pool, sizeof(*job));

    job->method = DCV_RESOLVE;
    job->bounds = bounds_of(check);
    job->domain = check->domain;
    job->account = check->account ? check->account->id : "";
    job->pool = pool;
    return ctl_check_is_dns(type) && job->bounds && job->bounds->nelts ? job
                                                                       : NULL;
}
