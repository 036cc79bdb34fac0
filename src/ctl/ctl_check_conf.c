/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <apr_strings.h>

#include "base/pjson.h"

#include "base/banned.h"

static json_t *resolvers_render(const dcv_conf_t *conf, apr_pool_t *pool)
{
    json_t *list = json_array();
    int i, k;

    for (i = 0; i < conf->resolvers->nelts; i++) {
        const dcv_resolver_t *row =
            APR_ARRAY_IDX(conf->resolvers, i, const dcv_resolver_t *);
        const char *text = row->zone ? row->zone : "";

        for (k = 0; k < row->servers->nelts; k++)
            text =
                apr_pstrcat(pool, text, *text ? " " : "",
                            APR_ARRAY_IDX(row->servers, k, const char *), NULL);
        json_array_append_new(list, json_string(text));
    }
    if (!conf->resolvers->nelts)
        json_array_append_new(list, json_string(conf->resolv_conf));
    return list;
}

static json_t *hosts_render(const dcv_conf_t *conf, apr_pool_t *pool)
{
    json_t *list = json_array();
    int i, k;

    for (i = 0; i < conf->hosts->nelts; i++) {
        const dcv_host_t *row =
            APR_ARRAY_IDX(conf->hosts, i, const dcv_host_t *);
        const char *text = row->name;

        for (k = 0; k < row->addresses->nelts; k++)
            text = apr_pstrcat(pool, text, " ",
                               APR_ARRAY_IDX(row->addresses, k, const char *),
                               NULL);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *ports_render(const dcv_conf_t *conf, apr_pool_t *pool)
{
    return json_string(apr_psprintf(
        pool, "http-01 %d, dns-01 %d, tls-alpn-01 %d", conf->http01_port,
        conf->dns01_port, conf->tlsalpn01_port));
}

static json_t *span_render(apr_interval_time_t span, apr_pool_t *pool)
{
    return json_string(
        apr_psprintf(pool, "%" APR_TIME_T_FMT "ms", apr_time_as_msec(span)));
}

static json_t *switch_render(int is_on)
{
    return json_string(is_on ? "on" : "off");
}

json_t *ctl_check_conf(const dcv_conf_t *conf, apr_pool_t *pool)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "ACMEResolver", resolvers_render(conf, pool),
                     "ACMEResolverHost", hosts_render(conf, pool),
                     "ACMEResolverAuthoritative",
                     switch_render(conf->authoritative), "ACMEResolverDNSSEC",
                     switch_render(conf->dnssec), "ACMEResolverInsecure",
                     pjson_strings_render(conf->insecure), "ACMEValidationPort",
                     ports_render(conf, pool), "ACMEValidationAllow",
                     pjson_strings_render(conf->allow), "ACMEValidationDeny",
                     pjson_strings_render(conf->deny), "ACMEValidationTimeout",
                     span_render(conf->timeout, pool), "ACMEValidationRetry",
                     span_render(conf->retry, pool));
}
