/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_caa.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_response.h"
#include "acme/acme_route.h"
#include "base/identifier.h"
#include "base/pjson.h"

#include "base/banned.h"

#define FRESH (8 * 3600)

static dcv_caa_t *caa_make(const acme_conf_t *conf, const char *directory,
                           const char *account_id, apr_pool_t *pool)
{
    dcv_caa_t *caa = apr_pcalloc(pool, sizeof(*caa));

    caa->names = apr_array_make(pool, 1, sizeof(dcv_caa_name_t *));
    caa->identities = acme_conf_issuer_names(conf, pool);
    caa->account_uri = acme_route_url(conf, ACME_ROUTE_ACCOUNT, directory,
                                      account_id, NULL, pool);
    caa->is_strict = conf->caa_strict;
    return caa;
}

static void name_add(dcv_caa_t *caa, const char *domain, int is_wildcard,
                     const char *method, apr_pool_t *pool)
{
    dcv_caa_name_t *name = apr_palloc(pool, sizeof(*name));

    name->domain = domain;
    name->is_wildcard = is_wildcard;
    name->method = method;
    APR_ARRAY_PUSH((apr_array_header_t *)caa->names, dcv_caa_name_t *) = name;
}

static int is_dns(const char *type)
{
    return !strcmp(type, identifier_type_name(IDENTIFIER_DNS));
}

dcv_caa_t *acme_caa_of_authz(const acme_conf_t *conf,
                             const store_authz_t *authz, const char *type,
                             apr_pool_t *pool)
{
    const acme_profile_t *profile =
        authz->profile ? acme_conf_profile(conf, authz->profile) : NULL;
    dcv_caa_t *caa;

    if (!profile || !profile->caa || !is_dns(authz->type))
        return NULL;
    caa = caa_make(conf, authz->directory, authz->account_id, pool);
    name_add(caa, authz->value, authz->wildcard, type, pool);
    return caa;
}

static int is_above(const store_authz_t *authz, const char *value)
{
    apr_size_t len = strlen(authz->value), all = strlen(value);

    return authz->subdomains && all > len && value[all - len - 1] == '.' &&
           !strcmp(value + all - len, authz->value);
}

/* What authorizes the identifier: its own, or that of a domain above. */
static const store_authz_t *authz_find(const apr_array_header_t *authzs,
                                       const identifier_t *identifier)
{
    const char *value = identifier_base(identifier);
    const store_authz_t *above = NULL;
    int i;

    for (i = 0; i < authzs->nelts; i++) {
        const store_authz_t *authz =
            APR_ARRAY_IDX(authzs, i, const store_authz_t *);

        if (is_dns(authz->type) && !strcmp(authz->value, value) &&
            !authz->wildcard == !identifier_is_wildcard(identifier))
            return authz;
        if (is_above(authz, value))
            above = authz;
    }
    return above;
}

/* It was looked at with these very records. */
static int is_fresh(const store_authz_t *authz, const identifier_t *identifier,
                    apr_int64_t since, apr_int64_t now)
{
    return authz && authz->attempted && authz->validated_at > now - FRESH &&
           authz->validated_at > since &&
           !strcmp(authz->value, identifier_base(identifier));
}

dcv_caa_t *acme_caa_of_order(const acme_conf_t *conf,
                             const acme_profile_t *profile,
                             const apr_array_header_t *identifiers,
                             const apr_array_header_t *authzs,
                             apr_int64_t since, apr_int64_t now,
                             apr_pool_t *pool)
{
    dcv_caa_t *caa = NULL;
    int i;

    for (i = 0; profile->caa && authzs && i < identifiers->nelts; i++) {
        const identifier_t *identifier =
            APR_ARRAY_IDX(identifiers, i, const identifier_t *);
        const store_authz_t *authz;

        if (identifier->type != IDENTIFIER_DNS)
            continue;
        authz = authz_find(authzs, identifier);
        if (is_fresh(authz, identifier, since, now))
            continue;
        if (!caa)
            caa = caa_make(
                conf, APR_ARRAY_IDX(authzs, 0, store_authz_t *)->directory,
                APR_ARRAY_IDX(authzs, 0, store_authz_t *)->account_id, pool);
        name_add(caa, identifier_base(identifier),
                 identifier_is_wildcard(identifier),
                 authz ? authz->attempted : NULL, pool);
    }
    return caa;
}

static json_t *names_render(const dcv_caa_t *caa)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < caa->names->nelts; i++) {
        const dcv_caa_name_t *name =
            APR_ARRAY_IDX(caa->names, i, const dcv_caa_name_t *);
        json_t *json = json_object();

        acme_response_set_string(json, "name", name->domain);
        json_object_set_new(json, "wildcard", json_boolean(name->is_wildcard));
        acme_response_set_string(json, "method", name->method);
        json_array_append_new(list, json);
    }
    return list;
}

json_t *acme_caa_render(const dcv_caa_t *caa)
{
    json_t *json = json_object();

    json_object_set_new(json, "identities",
                        pjson_strings_render(caa->identities));
    acme_response_set_string(json, "account", caa->account_uri);
    json_object_set_new(json, "strict", json_boolean(caa->is_strict));
    json_object_set_new(json, "names", names_render(caa));
    return json;
}

static int names_parse(dcv_caa_t *caa, json_t *list, apr_pool_t *pool)
{
    json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        const char *domain = json_string_value(json_object_get(value, "name"));

        if (!domain)
            return 0;
        name_add(caa, apr_pstrdup(pool, domain),
                 json_is_true(json_object_get(value, "wildcard")),
                 apr_pstrdup(
                     pool, json_string_value(json_object_get(value, "method"))),
                 pool);
    }
    return caa->names->nelts;
}

int acme_caa_parse(dcv_caa_t **caa, json_t *json, apr_pool_t *pool)
{
    apr_array_header_t *identities;
    dcv_caa_t *made;
    json_t *value;
    size_t i;

    *caa = NULL;
    if (!json)
        return 1;
    made = apr_pcalloc(pool, sizeof(*made));
    identities = apr_array_make(pool, 1, sizeof(const char *));
    json_array_foreach(json_object_get(json, "identities"), i, value)
    {
        if (!json_is_string(value))
            return 0;
        APR_ARRAY_PUSH(identities, const char *) =
            apr_pstrdup(pool, json_string_value(value));
    }
    made->identities = identities;
    made->names = apr_array_make(pool, 1, sizeof(dcv_caa_name_t *));
    made->account_uri =
        apr_pstrdup(pool, json_string_value(json_object_get(json, "account")));
    made->is_strict = json_is_true(json_object_get(json, "strict"));
    *caa = made;
    return names_parse(made, json_object_get(json, "names"), pool);
}
