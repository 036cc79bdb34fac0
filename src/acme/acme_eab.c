/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_eab.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_eab_secret.h"
#include "base/b64url.h"
#include "base/own.h"
#include "base/pjson.h"
#include "jose/jose_mac.h"
#include "policy/policy_cidr.h"
#include "policy/policy_pattern.h"

#include "base/banned.h"

#define MEMBER "externalAccountBinding"

static problem_t *problem_refused(apr_pool_t *pool, const char *kid,
                                  const char *why)
{
    return problem_make(pool, PROBLEM_UNAUTHORIZED,
                        "the external account key \"%.64s\" %s", kid, why);
}

/* A row that only acmectl writes makes no sense. */
static problem_t *problem_row(apr_pool_t *pool, const char *kid,
                              const char *what)
{
    problem_t *prob = problem_internal(
        pool, APR_EGENERAL, "external account key %s: its %s cannot be read",
        kid, what);

    prob->status = 500;
    return prob;
}

/* Does the directory bind accounts to keys of other profiles too? */
static int is_default_directory(const acme_t *acme, const acme_verified_t *v)
{
    return !*v->route->directory && acme->conf->default_profile;
}

static int is_binding_wanted(const acme_t *acme, const acme_verified_t *v)
{
    const apr_array_header_t *profiles = acme->conf->profiles;
    int i;

    if (v->route->profile->external != ACME_EXTERNAL_OFF)
        return 1;
    for (i = 0; is_default_directory(acme, v) && i < profiles->nelts; i++)
        if (APR_ARRAY_IDX(profiles, i, const acme_profile_t *)->external !=
            ACME_EXTERNAL_OFF)
            return 1;
    return 0;
}

/* RFC 8555 7.3.4: the same url, and the account's key as payload, which is
 * compared by thumbprint (R28). */
static problem_t *binding_check(const jose_mac_t *mac, const acme_verified_t *v)
{
    jose_jwk_t *key;
    problem_t *prob;
    json_t *json;

    if (strcmp(mac->url, v->url))
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "the \"url\" of the " MEMBER " is \"%.256s\", but "
                            "the request's is \"%.256s\"",
                            mac->url, v->url);
    prob = pjson_parse(&json, mac->parts.payload, mac->parts.payload_len,
                       MEMBER " payload", v->pool);
    if (prob)
        return prob;
    prob = pjson_object_check(json, MEMBER " payload", v->pool);
    if (prob)
        return prob;
    prob = jose_jwk_parse(&key, json, v->pool);
    if (prob)
        return prob;
    if (!strcmp(key->thumbprint, v->key->thumbprint))
        return NULL;
    return problem_make(v->pool, PROBLEM_MALFORMED,
                        "the payload of the " MEMBER " is another key than the "
                        "one that signs the request");
}

static problem_t *secret_try(int *is_right, const jose_mac_t *mac,
                             const acme_t *acme, const char *sealed,
                             apr_pool_t *pool)
{
    const unsigned char *octets;
    const char *secret;
    apr_size_t len;
    problem_t *prob = acme_eab_secret_open(&secret, acme->conf->eab_keys,
                                           mac->kid, sealed, pool);

    if (prob)
        return prob;
    if (b64url_decode(&octets, &len, secret, strlen(secret), pool) !=
        APR_SUCCESS)
        return problem_row(pool, mac->kid, "secret");
    own_cleanse(pool, (unsigned char *)octets, len);
    *is_right = jose_mac_is_right(mac, octets, len);
    return NULL;
}

/* A secret that was rotated away is good for a while. */
static problem_t *mac_check(const jose_mac_t *mac, const acme_t *acme,
                            const store_eab_t *row, const acme_verified_t *v)
{
    problem_t *prob;
    int is_right;

    if (!acme->conf->eab_keys)
        return problem_internal(v->pool, APR_SUCCESS, "%s",
                                acme->conf->eab_problem
                                    ? acme->conf->eab_problem
                                    : "there is no key file for external "
                                      "account keys");
    prob = secret_try(&is_right, mac, acme, row->secret, v->pool);
    if (!prob && !is_right && row->previous_secret &&
        row->previous_until > v->now)
        prob = secret_try(&is_right, mac, acme, row->previous_secret, v->pool);
    if (prob || is_right)
        return prob;
    return problem_refused(v->pool, mac->kid,
                           "did not make this binding: the MAC is wrong; is "
                           "the HMAC key the one that was handed out with it?");
}

static int is_status(const store_eab_t *row, const char *status)
{
    return !strcmp(row->status, status);
}

static problem_t *state_check(const store_eab_t *row, const acme_verified_t *v)
{
    if (!is_status(row, "valid"))
        return problem_refused(v->pool, row->kid,
                               apr_pstrcat(v->pool, "is ", row->status, NULL));
    if (row->expires_at && row->expires_at <= v->now)
        return problem_refused(
            v->pool, row->kid,
            apr_pstrcat(v->pool, "expired at ",
                        clock_rfc3339(row->expires_at, v->pool), NULL));
    return NULL;
}

/* In its profile's directory, or in the default one if the profile can be had
 * there. */
static problem_t *directory_check(const store_eab_t *row, const acme_t *acme,
                                  const acme_verified_t *v)
{
    const acme_profile_t *profile = acme_conf_profile(acme->conf, row->profile);

    if (!strcmp(row->realm, acme->conf->realm) &&
        (!strcmp(row->profile, v->route->profile->name) ||
         (is_default_directory(acme, v) && profile && profile->enrollment)))
        return NULL;
    return problem_refused(
        v->pool, row->kid,
        apr_psprintf(v->pool,
                     "is for the profile \"%s\", which has another directory",
                     row->profile));
}

static problem_t *texts_parse(json_t **list, const char *text, const char *kid,
                              const char *what, apr_pool_t *pool)
{
    json_t *value;
    size_t i;

    if (pjson_parse(list, text, strlen(text), what, pool) ||
        !json_is_array(*list))
        return problem_row(pool, kid, what);
    json_array_foreach(*list, i, value)
    {
        if (!json_is_string(value))
            return problem_row(pool, kid, what);
    }
    return NULL;
}

/* --from */
static problem_t *source_check(const store_eab_t *row, const acme_verified_t *v)
{
    apr_array_header_t *cidrs = apr_array_make(v->pool, 2, sizeof(void *));
    problem_t *prob;
    json_t *list, *value;
    size_t i;

    if (!row->sources)
        return NULL;
    prob = texts_parse(&list, row->sources, row->kid, "networks", v->pool);
    if (prob)
        return prob;
    json_array_foreach(list, i, value)
    {
        policy_cidr_t *cidr;

        if (policy_cidr_parse(&cidr, json_string_value(value), v->pool))
            return problem_row(v->pool, row->kid, "networks");
        APR_ARRAY_PUSH(cidrs, policy_cidr_t *) = cidr;
    }
    if (policy_cidr_list_contains(cidrs, v->req->client_ip))
        return NULL;
    return problem_refused(
        v->pool, row->kid,
        apr_psprintf(v->pool, "must not be used from %s, only from %s",
                     v->req->client_ip, policy_cidr_list_text(cidrs, v->pool)));
}

static problem_t *row_get(store_eab_t **row, acme_t *acme, const char *kid,
                          apr_pool_t *pool)
{
    apr_status_t rv = store_eab_get(row, acme->store, kid, pool);

    if (APR_STATUS_IS_ENOENT(rv))
        return problem_refused(pool, kid, "is not known to this server");
    if (rv != APR_SUCCESS)
        return problem_internal(pool, rv, "get external account key %s", kid);
    return NULL;
}

problem_t *acme_eab_bind(const char **kid, acme_t *acme,
                         const acme_verified_t *v, json_t *binding)
{
    jose_mac_t *mac;
    store_eab_t *row;
    problem_t *prob;

    *kid = NULL;
    if (!binding && v->route->profile->external == ACME_EXTERNAL_REQUIRED)
        return problem_make(v->pool, PROBLEM_EXTERNAL_ACCOUNT_REQUIRED,
                            "this directory needs an external account: ask its "
                            "operator for a key identifier and an HMAC key");
    if (!binding || !is_binding_wanted(acme, v))
        return NULL;
    prob = jose_mac_parse(&mac, binding, MEMBER, v->pool);
    if (prob)
        return prob;
    prob = binding_check(mac, v);
    if (prob)
        return prob;
    prob = row_get(&row, acme, mac->kid, v->pool);
    if (prob)
        return prob;
    /* Whoever does not know the secret learns nothing about the key. */
    prob = mac_check(mac, acme, row, v);
    if (prob)
        return prob;
    prob = state_check(row, v);
    if (prob)
        return prob;
    prob = directory_check(row, acme, v);
    if (prob)
        return prob;
    *kid = row->kid;
    return source_check(row, v);
}

problem_t *acme_eab_bind_problem(acme_t *acme, const char *kid,
                                 const acme_verified_t *v)
{
    store_eab_t *row;
    problem_t *prob = row_get(&row, acme, kid, v->pool);

    if (!prob)
        prob = state_check(row, v);
    if (prob)
        return prob;
    return problem_refused(v->pool, kid,
                           "has all the accounts that it may have");
}

problem_t *acme_eab_account_check(const store_account_t *account,
                                  apr_pool_t *pool)
{
    if (!account->eab_kid ||
        (account->eab_status && !strcmp(account->eab_status, "valid")))
        return NULL;
    return problem_make(pool, PROBLEM_UNAUTHORIZED,
                        "the external account key \"%s\" of this account is "
                        "%s, so the account can do nothing",
                        account->eab_kid,
                        account->eab_status ? account->eab_status : "gone");
}

static problem_t *allow_parse(acme_eab_t *eab, const acme_verified_t *v)
{
    const store_eab_t *row = eab->row;
    json_t *list, *value;
    problem_t *prob;
    size_t i;

    if (!row->allow)
        return NULL;
    prob = texts_parse(&list, row->allow, row->kid, "names", v->pool);
    if (prob)
        return prob;
    eab->allow = apr_array_make(v->pool, 4, sizeof(policy_pattern_t *));
    json_array_foreach(list, i, value)
    {
        policy_pattern_t *pattern;

        if (policy_pattern_name_parse(&pattern, json_string_value(value),
                                      v->pool))
            return problem_row(v->pool, row->kid, "names");
        APR_ARRAY_PUSH(eab->allow, policy_pattern_t *) = pattern;
    }
    return NULL;
}

problem_t *acme_eab_get(const acme_eab_t **eab, acme_t *acme,
                        const acme_verified_t *v)
{
    acme_eab_t *made;
    store_eab_t *row;
    problem_t *prob;

    *eab = NULL;
    if (!v->account->eab_kid)
        return NULL;
    prob = row_get(&row, acme, v->account->eab_kid, v->pool);
    if (prob)
        return prob;
    prob = source_check(row, v);
    if (prob)
        return prob;
    made = apr_pcalloc(v->pool, sizeof(*made));
    made->row = row;
    *eab = made;
    return allow_parse(made, v);
}

int acme_eab_is_validated(const acme_profile_t *profile, const acme_eab_t *eab)
{
    if (!eab || strcmp(eab->row->profile, profile->name))
        return 1;
    return profile->validation && !eab->row->skip_validation;
}
