/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directives.  A setter looks at a value's form; whether the values of a
 * virtual host make sense is acme_conf_check()'s business.  cmd->info is the
 * offset of the value in httpd_conf_t.
 */

#include "httpd/httpd_conf.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/identifier.h"

#include "base/banned.h"

#define DAY 86400

static void *place(cmd_parms *cmd)
{
    return (char *)httpd_conf_get(cmd->server) + (apr_size_t)cmd->info;
}

/* "ACMENonceSlots many: it is no number; write a whole number" */
static const char *mistake(cmd_parms *cmd, const char *value, const char *why)
{
    return apr_pstrcat(cmd->pool, cmd->cmd->name, " ", value, ": ", why, NULL);
}

static const char *flag_set(cmd_parms *cmd, void *dir, int on)
{
    *(int *)place(cmd) = on != 0;
    return NULL;
}

static const char *text_set(cmd_parms *cmd, void *dir, const char *arg)
{
    *(const char **)place(cmd) = arg;
    return NULL;
}

static const char *path_set(cmd_parms *cmd, void *dir, const char *arg)
{
    *(const char **)place(cmd) = strcmp(arg, "/") ? arg : "";
    return NULL;
}

static const char *file_set(cmd_parms *cmd, void *dir, const char *arg)
{
    char *path = ap_server_root_relative(cmd->pool, arg);
    apr_size_t len;

    if (!path)
        return mistake(cmd, arg,
                       "it is no path; write an absolute one, or one "
                       "below ServerRoot");
    len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    *(const char **)place(cmd) = path;
    return NULL;
}

static int number_parse(int *number, const char *text)
{
    char *end;
    apr_int64_t value = apr_strtoi64(text, &end, 10);

    if (end == text || *end || value < 0 || value > APR_INT32_MAX)
        return 0;
    *number = (int)value;
    return 1;
}

static const char *number_set(cmd_parms *cmd, void *dir, const char *arg)
{
    if (!number_parse(place(cmd), arg))
        return mistake(cmd, arg, "it is no number; write a whole number");
    return NULL;
}

static const char *port_set(cmd_parms *cmd, void *dir, const char *type,
                            const char *arg)
{
    httpd_conf_t *conf = httpd_conf_get(cmd->server);
    int *port;

    if (!strcmp(type, "http-01"))
        port = &conf->http01_port;
    else if (!strcmp(type, "tls-alpn-01"))
        port = &conf->tlsalpn01_port;
    else
        return mistake(cmd, type,
                       "there is no such challenge type with a "
                       "port; write http-01 or tls-alpn-01");
    if (!number_parse(port, arg))
        return mistake(cmd, arg, "it is no port; write a number up to 65535");
    return NULL;
}

/* httpd's own parser takes "1h30m" for an hour. */
static int span_parse(apr_interval_time_t *span, const char *text)
{
    static const struct {
        const char *name;
        apr_interval_time_t length;
    } units[] = {{"", APR_USEC_PER_SEC},
                 {"ms", 1000},
                 {"s", APR_USEC_PER_SEC},
                 {"min", 60 * APR_USEC_PER_SEC},
                 {"h", 3600 * APR_USEC_PER_SEC},
                 {"d", DAY * APR_USEC_PER_SEC},
                 {"w", 7 * DAY * APR_USEC_PER_SEC},
                 {"y", 365 * DAY * APR_USEC_PER_SEC}};
    char *end;
    apr_int64_t value = apr_strtoi64(text, &end, 10);
    apr_size_t i;

    if (end == text || value < 0 || value > 1000000)
        return 0;
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(end, units[i].name))
            continue;
        *span = value * units[i].length;
        return 1;
    }
    return 0;
}

static const char *span_set(cmd_parms *cmd, void *dir, const char *arg)
{
    if (!span_parse(place(cmd), arg))
        return mistake(cmd, arg,
                       "it is no time; write a number with ms, s "
                       "(default), min, h, d, w or y");
    return NULL;
}

static apr_array_header_t *list(cmd_parms *cmd)
{
    apr_array_header_t **at = place(cmd);

    if (!*at)
        *at = apr_array_make(cmd->pool, 4, sizeof(void *));
    return *at;
}

static const char *list_add(cmd_parms *cmd, void *dir, const char *arg)
{
    APR_ARRAY_PUSH(list(cmd), const char *) = arg;
    return NULL;
}

static const char *database_set(cmd_parms *cmd, void *dir, const char *driver,
                                const char *params)
{
    httpd_conf_t *conf = httpd_conf_get(cmd->server);

    conf->db_driver = driver;
    conf->db_params = ap_server_root_relative(cmd->pool, params);
    if (!conf->db_params)
        return mistake(cmd, params,
                       "it is no path; write an absolute one, or "
                       "one below ServerRoot");
    return NULL;
}

static int is_ip(const char *text)
{
    struct in6_addr addr;

    return inet_pton(AF_INET, text, &addr) == 1 ||
           inet_pton(AF_INET6, text, &addr) == 1;
}

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53" → libunbound's
 * "ip" or "ip@port"; NULL if it is none of them. */
static const char *nameserver_parse(const char *text, apr_pool_t *pool)
{
    const char *colon = strrchr(text, ':');
    char *host;
    apr_size_t len;
    int port;

    if (is_ip(text))
        return text;
    if (!colon || !number_parse(&port, colon + 1) || port < 1 || port > 65535)
        return NULL;
    len = (apr_size_t)(colon - text);
    if (*text == '[' && len > 2 && text[len - 1] == ']')
        host = apr_pstrmemdup(pool, text + 1, len - 2);
    else if (memchr(text, ':', len))
        return NULL;
    else
        host = apr_pstrmemdup(pool, text, len);
    return is_ip(host) ? apr_psprintf(pool, "%s@%d", host, port) : NULL;
}

static const char *name_parse(const char *text, apr_pool_t *pool)
{
    identifier_t *identifier;
    problem_t *prob =
        identifier_parse(&identifier, "dns", text, IDENTIFIER_UNDERSCORE, pool);

    return prob || identifier_is_wildcard(identifier) ? NULL
                                                      : identifier->value;
}

static const char *resolver_add(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    dcv_resolver_t *resolver = apr_pcalloc(cmd->pool, sizeof(*resolver));
    int i = 0;

    if (argc > 0 && !nameserver_parse(argv[0], cmd->pool)) {
        resolver->zone = name_parse(argv[0], cmd->pool);
        if (!resolver->zone)
            return mistake(cmd, argv[0],
                           "it is neither a zone nor an address; write "
                           "[ZONE] IP[:PORT] ...");
        i++;
    }
    if (i == argc)
        return mistake(cmd, argc ? argv[0] : "",
                       "there is no name server; write [ZONE] IP[:PORT] ...");
    resolver->servers = apr_array_make(cmd->pool, argc, sizeof(const char *));
    for (; i < argc; i++) {
        const char *server = nameserver_parse(argv[i], cmd->pool);

        if (!server)
            return mistake(cmd, argv[i],
                           "it is no address; write IP or IP:PORT, or "
                           "[IP]:PORT for IPv6");
        APR_ARRAY_PUSH(resolver->servers, const char *) = server;
    }
    APR_ARRAY_PUSH(list(cmd), dcv_resolver_t *) = resolver;
    return NULL;
}

static const char *host_add(cmd_parms *cmd, void *dir, int argc,
                            char *const argv[])
{
    dcv_host_t *host = apr_pcalloc(cmd->pool, sizeof(*host));
    int i;

    if (argc < 2)
        return mistake(cmd, argc ? argv[0] : "",
                       "there is no address; write NAME IP ...");
    host->name = name_parse(argv[0], cmd->pool);
    if (!host->name)
        return mistake(cmd, argv[0], "it is no DNS name; write NAME IP ...");
    host->addresses = apr_array_make(cmd->pool, argc, sizeof(const char *));
    for (i = 1; i < argc; i++) {
        if (!is_ip(argv[i]))
            return mistake(cmd, argv[i], "it is no address; write NAME IP ...");
        APR_ARRAY_PUSH(host->addresses, const char *) = argv[i];
    }
    APR_ARRAY_PUSH(list(cmd), dcv_host_t *) = host;
    return NULL;
}

#define AT(member) (void *)offsetof(httpd_conf_t, member)

const command_rec httpd_cmds[] = {
    AP_INIT_FLAG("ACMEServer", flag_set, AT(enabled), RSRC_CONF,
                 "on: this virtual host is an ACME server"),
    AP_INIT_FLAG("ACMEPublish", flag_set, AT(publish), RSRC_CONF,
                 "on: this plain-HTTP virtual host publishes roots and "
                 "issuers"),
    AP_INIT_TAKE1("ACMEBaseURL", text_set, AT(base_url), RSRC_CONF,
                  "what every URL handed out starts with"),
    AP_INIT_ITERATE("ACMEBaseURLAlias", list_add, AT(aliases), RSRC_CONF,
                    "further base URLs under which requests are accepted"),
    AP_INIT_TAKE1("ACMEPath", path_set, AT(path), RSRC_CONF,
                  "where the module's URLs start"),
    AP_INIT_TAKE1("ACMEStateDir", file_set, AT(state_dir), RSRC_CONF,
                  "directory of the automatic CA and the database"),
    AP_INIT_TAKE2("ACMEDatabase", database_set, AT(db_driver), RSRC_CONF,
                  "driver and its parameters: sqlite3 FILE"),
    AP_INIT_TAKE1("ACMERealm", text_set, AT(realm), RSRC_CONF,
                  "realm of the accounts"),
    AP_INIT_TAKE1("ACMENonceSlots", number_set, AT(nonce_slots), RSRC_CONF,
                  "how many nonces may be outstanding"),
    AP_INIT_TAKE1("ACMETermsURL", text_set, AT(terms_url), RSRC_CONF,
                  "terms of service, which clients must then agree to"),
    AP_INIT_TAKE1("ACMEWebsite", text_set, AT(website), RSRC_CONF,
                  "a web site about this server, for the directory"),
    AP_INIT_TAKE_ARGV("ACMEResolver", resolver_add, AT(resolvers), RSRC_CONF,
                      "[ZONE] IP[:PORT] ...: name servers for validation"),
    AP_INIT_TAKE_ARGV("ACMEResolverHost", host_add, AT(hosts), RSRC_CONF,
                      "NAME IP ...: a static answer"),
    AP_INIT_TAKE2("ACMEValidationPort", port_set, NULL, RSRC_CONF,
                  "http-01 or tls-alpn-01, and its port"),
    AP_INIT_ITERATE("ACMEValidationAllow", list_add, AT(allow), RSRC_CONF,
                    "networks that validation may dial"),
    AP_INIT_ITERATE("ACMEValidationDeny", list_add, AT(deny), RSRC_CONF,
                    "networks that validation may not dial"),
    AP_INIT_TAKE1("ACMEValidationTimeout", span_set, AT(timeout), RSRC_CONF,
                  "time for a whole validation"),
    AP_INIT_TAKE1("ACMEValidationMax", number_set, AT(max_in_flight), RSRC_CONF,
                  "validations in flight per child"),
    AP_INIT_FLAG("ACMEValidationUnderscore", flag_set, AT(underscore),
                 RSRC_CONF, "on: names may have underscores"),
    AP_INIT_FLAG("ACMEToleratePaddedCSR", flag_set, AT(tolerate_padded_csr),
                 RSRC_CONF, "on: a CSR may end in \"=\""),
    AP_INIT_TAKE1("ACMEOrderLifetime", span_set, AT(order_lifetime), RSRC_CONF,
                  "how long an order may take"),
    AP_INIT_TAKE1("ACMEAuthzLifetime", span_set, AT(authz_lifetime), RSRC_CONF,
                  "how long an authorization stays valid"),
    AP_INIT_FLAG("ACMEAuthzReuse", flag_set, AT(authz_reuse), RSRC_CONF,
                 "on: a valid authorization serves later orders too"),
    AP_INIT_TAKE1("ACMEFinalizeWait", span_set, AT(finalize_wait), RSRC_CONF,
                  "how long finalize waits for the certificate"),
    AP_INIT_TAKE1("ACMETestNonceReject", number_set, AT(nonce_reject),
                  RSRC_CONF,
                  "for testing: percentage of good nonces to refuse"),
    {NULL, {NULL}, NULL, 0, NO_ARGS, NULL},
};
