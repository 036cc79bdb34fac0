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
#include "httpd/httpd_limit.h"
#include "httpd/httpd_section.h"
#include "httpd/httpd_words.h"
#include "policy/policy_make.h"

#include "base/banned.h"

static void *place(cmd_parms *cmd)
{
    return (char *)httpd_conf_get(cmd->server) + (apr_size_t)cmd->info;
}

static const char *flag_set(cmd_parms *cmd, void *dir, int on)
{
    *(int *)place(cmd) = on != 0;
    return NULL;
}

static const char *persist_set(cmd_parms *cmd, void *dir, const char *arg)
{
    int *value = place(cmd);

    if (!strcasecmp(arg, "on"))
        *value = ACME_PERSIST_ON;
    else if (!strcasecmp(arg, "off"))
        *value = ACME_PERSIST_OFF;
    else if (!strcasecmp(arg, "draft-01"))
        *value = ACME_PERSIST_OLD;
    else
        return httpd_mistake(cmd, arg,
                             "there is no such way; write on, draft-01 or off");
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
    return httpd_path_parse(place(cmd), cmd, arg);
}

/* A file, or a program behind "|", which httpd starts as it does for its own
 * logs. */
static const char *log_set(cmd_parms *cmd, void *dir, const char *arg)
{
    if (*arg != '|')
        return httpd_path_parse(place(cmd), cmd, arg);
    if (!arg[1 + strspn(arg + 1, "|$ ")])
        return httpd_mistake(cmd, arg,
                             "there is no program; write \"|program "
                             "arguments\"");
    *(const char **)place(cmd) = arg;
    return NULL;
}

static const char *number_set(cmd_parms *cmd, void *dir, const char *arg)
{
    if (!httpd_number_parse(place(cmd), arg))
        return httpd_mistake(cmd, arg, "it is no number; write a whole number");
    return NULL;
}

static const char *port_set(cmd_parms *cmd, void *dir, const char *type,
                            const char *arg)
{
    httpd_conf_t *conf = httpd_conf_get(cmd->server);
    int *port;

    if (!strcmp(type, "http-01"))
        port = &conf->http01_port;
    else if (!strcmp(type, "dns-01"))
        port = &conf->dns01_port;
    else if (!strcmp(type, "tls-alpn-01"))
        port = &conf->tlsalpn01_port;
    else
        return httpd_mistake(cmd, type,
                             "there is no such challenge type with a "
                             "port; write http-01, dns-01 or tls-alpn-01");
    if (!httpd_number_parse(port, arg))
        return httpd_mistake(cmd, arg,
                             "it is no port; write a number up to 65535");
    return NULL;
}

static const char *span_set(cmd_parms *cmd, void *dir, const char *arg)
{
    return httpd_span_parse(place(cmd), cmd, arg);
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

static const char *files_add(cmd_parms *cmd, void *dir, const char *arg)
{
    return httpd_path_parse(&APR_ARRAY_PUSH(list(cmd), const char *), cmd, arg);
}

static const char *database_set(cmd_parms *cmd, void *dir, const char *driver,
                                const char *params)
{
    httpd_conf_t *conf = httpd_conf_get(cmd->server);

    conf->db_driver = driver;
    if (!strcmp(driver, "pgsql")) {
        conf->db_params = params;
        return NULL;
    }
    conf->db_params = ap_server_root_relative(cmd->pool, params);
    if (!conf->db_params)
        return httpd_mistake(cmd, params,
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
    if (!colon || !httpd_number_parse(&port, colon + 1) || port < 1 ||
        port > 65535)
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

static const char *names_add(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *name = name_parse(arg, cmd->pool);

    if (!name)
        return httpd_mistake(cmd, arg, "it is no name; write a DNS name");
    APR_ARRAY_PUSH(list(cmd), const char *) = name;
    return NULL;
}

static const char *resolver_add(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    dcv_resolver_t *resolver = apr_pcalloc(cmd->pool, sizeof(*resolver));
    int i = 0;

    if (argc > 0 && !nameserver_parse(argv[0], cmd->pool)) {
        resolver->zone = name_parse(argv[0], cmd->pool);
        if (!resolver->zone)
            return httpd_mistake(cmd, argv[0],
                                 "it is neither a zone nor an address; write "
                                 "[ZONE] IP[:PORT] ...");
        i++;
    }
    if (i == argc)
        return httpd_mistake(
            cmd, argc ? argv[0] : "",
            "there is no name server; write [ZONE] IP[:PORT] ...");
    resolver->servers = apr_array_make(cmd->pool, argc, sizeof(const char *));
    for (; i < argc; i++) {
        const char *server = nameserver_parse(argv[i], cmd->pool);

        if (!server)
            return httpd_mistake(cmd, argv[i],
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
        return httpd_mistake(cmd, argc ? argv[0] : "",
                             "there is no address; write NAME IP ...");
    host->name = name_parse(argv[0], cmd->pool);
    if (!host->name)
        return httpd_mistake(cmd, argv[0],
                             "it is no DNS name; write NAME IP ...");
    host->addresses = apr_array_make(cmd->pool, argc, sizeof(const char *));
    for (i = 1; i < argc; i++) {
        if (!is_ip(argv[i]))
            return httpd_mistake(cmd, argv[i],
                                 "it is no address; write NAME IP ...");
        APR_ARRAY_PUSH(host->addresses, const char *) = argv[i];
    }
    APR_ARRAY_PUSH(list(cmd), dcv_host_t *) = host;
    return NULL;
}

#define AT(member)      (void *)offsetof(httpd_conf_t, member)
#define SECTION(kind)   (void *)kind
#define ISSUER(member)  (void *)offsetof(acme_issuer_t, member)
#define PROFILE(member) (void *)offsetof(acme_profile_t, member)

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
    AP_INIT_TAKE2(
        "ACMEDatabase", database_set, AT(db_driver), RSRC_CONF,
        "driver and its parameters: sqlite3 FILE, or pgsql \"CONNINFO\""),
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
    AP_INIT_FLAG("ACMEResolverAuthoritative", flag_set, AT(authoritative),
                 RSRC_CONF, "on: a zone's own name servers are asked, too"),
    AP_INIT_FLAG("ACMEResolverDNSSEC", flag_set, AT(dnssec), RSRC_CONF,
                 "on: answers must be signed where they can be"),
    AP_INIT_TAKE1("ACMEResolverTrustAnchor", file_set, AT(trust_anchor),
                  RSRC_CONF, "FILE with the keys that sign the root zone"),
    AP_INIT_ITERATE("ACMEResolverInsecure", names_add, AT(insecure), RSRC_CONF,
                    "ZONEs that need no signatures"),
    AP_INIT_TAKE2("ACMEValidationPort", port_set, NULL, RSRC_CONF,
                  "http-01, dns-01 or tls-alpn-01, and its port"),
    AP_INIT_ITERATE("ACMEValidationAllow", list_add, AT(allow), RSRC_CONF,
                    "networks that validation may dial"),
    AP_INIT_ITERATE("ACMEValidationDeny", list_add, AT(deny), RSRC_CONF,
                    "networks that validation may not dial"),
    AP_INIT_TAKE1("ACMEValidationTimeout", span_set, AT(timeout), RSRC_CONF,
                  "time for a whole validation"),
    AP_INIT_TAKE1("ACMEValidationRetry", span_set, AT(retry), RSRC_CONF,
                  "time from a failed try to the next one"),
    AP_INIT_TAKE1("ACMEValidationMax", number_set, AT(max_in_flight), RSRC_CONF,
                  "validations in flight per child"),
    AP_INIT_FLAG("ACMEValidationUnderscore", flag_set, AT(underscore),
                 RSRC_CONF, "on: names may have underscores"),
    AP_INIT_FLAG("ACMEDNSAccount", flag_set, AT(dns_account), RSRC_CONF,
                 "on: offer dns-account-01, which is a draft"),
    AP_INIT_TAKE1("ACMEDNSPersist", persist_set, AT(dns_persist), RSRC_CONF,
                  "on: offer dns-persist-01, which is a draft; draft-01: as "
                  "older clients have it, too"),
    AP_INIT_ITERATE("ACMECAAIdentity", names_add, AT(caa_identities), RSRC_CONF,
                    "the names of this CA in CAA records"),
    AP_INIT_FLAG("ACMECAAStrict", flag_set, AT(caa_strict), RSRC_CONF,
                 "on: CAA records that cannot be had refuse, everywhere"),
    AP_INIT_FLAG("ACMEToleratePaddedCSR", flag_set, AT(tolerate_padded_csr),
                 RSRC_CONF, "on: a CSR may end in \"=\""),
    AP_INIT_TAKE1("ACMEOrderLifetime", span_set, AT(order_lifetime), RSRC_CONF,
                  "how long an order may take"),
    AP_INIT_TAKE1("ACMEAuthzLifetime", span_set, AT(authz_lifetime), RSRC_CONF,
                  "how long an authorization stays valid"),
    AP_INIT_TAKE1("ACMERetention", span_set, AT(retention), RSRC_CONF,
                  "how long what is over stays in the database"),
    AP_INIT_FLAG("ACMEAuthzReuse", flag_set, AT(authz_reuse), RSRC_CONF,
                 "on: a valid authorization serves later orders too"),
    AP_INIT_TAKE12("ACMERateLimit", httpd_limit_set, NULL, RSRC_CONF,
                   "off, or WHAT N/TIME: how much is possible"),
    AP_INIT_TAKE1("ACMEFinalizeWait", span_set, AT(finalize_wait), RSRC_CONF,
                  "how long finalize waits for the certificate"),
    AP_INIT_TAKE1("ACMEValidationWait", span_set, AT(validation_wait),
                  RSRC_CONF, "how long who asks waits for a validation's end"),
    AP_INIT_TAKE1("ACMETestNonceReject", number_set, AT(nonce_reject),
                  RSRC_CONF,
                  "for testing: percentage of good nonces to refuse"),
    AP_INIT_TAKE1("ACMEDefaultProfile", text_set, AT(default_profile),
                  RSRC_CONF, "the profile of the directory without a name"),
    AP_INIT_FLAG("ACMEExternalAccountReveal", flag_set, AT(eab_reveal),
                 RSRC_CONF, "on: acmectl eab reveal shows secrets"),
    AP_INIT_TAKE1("ACMEAuditLog", log_set, AT(audit_log), RSRC_CONF,
                  "FILE or \"|PROGRAM\": one line of JSON per event"),
    AP_INIT_ITERATE("ACMEKeyBlocklist", files_add, AT(key_blocklists),
                    RSRC_CONF, "FILEs of keys that nobody may use"),

    /* <ACMEIssuer> */
    AP_INIT_RAW_ARGS("<ACMEIssuer", httpd_section_open, SECTION(HTTPD_ISSUER),
                     RSRC_CONF, "name>: a CA to sign with"),
    AP_INIT_TAKE1("ACMEIssuerType", httpd_issuer_type, NULL, RSRC_CONF,
                  "internal: certificate and key are on this machine"),
    AP_INIT_TAKE1("ACMEIssuerCertificate", httpd_issuer_file,
                  ISSUER(certificate), RSRC_CONF,
                  "PEM file: the CA's certificate, then its chain"),
    AP_INIT_TAKE1("ACMEIssuerKey", httpd_issuer_file, ISSUER(key), RSRC_CONF,
                  "PEM file: the CA's private key"),
    AP_INIT_TAKE1("ACMEIssuerDirectory", httpd_issuer_file, ISSUER(directory),
                  RSRC_CONF, "directory that acmectl ca fills"),
    AP_INIT_ITERATE("ACMEIssuerAlternate", httpd_issuer_alternate, NULL,
                    RSRC_CONF, "PEM files: further chains"),
    AP_INIT_TAKE1("ACMEIssuerURL", httpd_issuer_url, NULL, RSRC_CONF,
                  "where certificates say that their issuer is published"),
    AP_INIT_RAW_ARGS("ACMEIssuerCRL", httpd_issuer_crl, NULL, RSRC_CONF,
                     "on|off [next-update=TIME]: lists of revoked "
                     "certificates"),
    AP_INIT_RAW_ARGS("ACMEIssuerOCSP", httpd_issuer_ocsp, NULL, RSRC_CONF,
                     "on|off [next-update=TIME]: answers OCSP"),

    /* <ACMEPolicy> */
    AP_INIT_RAW_ARGS("<ACMEPolicy", httpd_section_open, SECTION(HTTPD_POLICY),
                     RSRC_CONF, "name>: what a certificate may contain"),
    AP_INIT_TAKE1("ACMEPolicyPreset", httpd_policy_preset, NULL, RSRC_CONF,
                  "tls-server, tls-client, tls-dual, short-lived, "
                  "code-signing or email"),
    AP_INIT_RAW_ARGS("ACMEPolicySubject", httpd_policy_names,
                     (void *)policy_subject_add, RSRC_CONF,
                     "CN|O|OU|C|ST|L|DC allow|require|deny PATTERN ..."),
    AP_INIT_RAW_ARGS("ACMEPolicySAN", httpd_policy_names,
                     (void *)policy_san_add, RSRC_CONF,
                     "dns|ip|email|uri allow|require|deny PATTERN ..."),
    AP_INIT_RAW_ARGS("ACMEPolicyKey", httpd_policy_words,
                     (void *)policy_key_set, RSRC_CONF,
                     "kinds of keys: ec:P-256 rsa:2048-4096 ed25519 ..."),
    AP_INIT_RAW_ARGS("ACMEPolicySignature", httpd_policy_words,
                     (void *)policy_signature_set, RSRC_CONF,
                     "sha256 sha384 sha512 ed25519"),
    AP_INIT_RAW_ARGS("ACMEPolicyKeyUsage", httpd_policy_usage,
                     (void *)policy_key_usage_add, RSRC_CONF,
                     "allow|require|deny digitalSignature ..."),
    AP_INIT_RAW_ARGS("ACMEPolicyExtendedKeyUsage", httpd_policy_usage,
                     (void *)policy_ext_key_usage_add, RSRC_CONF,
                     "allow|require|deny serverAuth ..."),
    AP_INIT_TAKE1("ACMEPolicyMaxValidity", httpd_policy_validity, NULL,
                  RSRC_CONF, "the longest life of a certificate"),
    AP_INIT_TAKE1("ACMEPolicyMaxNames", httpd_policy_count, NULL, RSRC_CONF,
                  "how many names a certificate may have"),
    AP_INIT_RAW_ARGS("ACMEPolicyNetwork", httpd_policy_network, NULL, RSRC_CONF,
                     "NAMES resolves-to=CIDR requested-from=CIDR"),

    /* <ACMEProfile> */
    AP_INIT_RAW_ARGS("<ACMEProfile", httpd_section_open, SECTION(HTTPD_PROFILE),
                     RSRC_CONF, "name>: policy, issuer and enrolment"),
    AP_INIT_TAKE1("ACMEProfileDescription", httpd_profile_text,
                  PROFILE(description), RSRC_CONF, "for people"),
    AP_INIT_TAKE1("ACMEProfilePolicy", httpd_profile_policy, NULL, RSRC_CONF,
                  "name of an <ACMEPolicy>"),
    AP_INIT_TAKE1("ACMEProfileIssuer", httpd_profile_text, PROFILE(issuer),
                  RSRC_CONF, "name of an <ACMEIssuer>"),
    AP_INIT_RAW_ARGS("ACMEProfileValidity", httpd_profile_validity, NULL,
                     RSRC_CONF, "TIME [max=TIME]"),
    AP_INIT_RAW_ARGS("ACMEProfileChallenges", httpd_profile_challenges, NULL,
                     RSRC_CONF, "http-01"),
    AP_INIT_TAKE1("ACMEProfileExternalAccount", httpd_profile_external, NULL,
                  RSRC_CONF, "required, optional or off"),
    AP_INIT_FLAG("ACMEProfileValidation", httpd_profile_flag,
                 PROFILE(validation), RSRC_CONF,
                 "off: names need not be proved"),
    AP_INIT_RAW_ARGS("ACMEProfileSubject", httpd_profile_subject, NULL,
                     RSRC_CONF, "O=\"Example Corp\" C=DE ..."),
    AP_INIT_FLAG("ACMEProfileCommonName", httpd_profile_flag,
                 PROFILE(validity.common_name), RSRC_CONF,
                 "on: the first name is the CN, too"),
    AP_INIT_FLAG("ACMEProfileCAA", httpd_profile_flag, PROFILE(caa), RSRC_CONF,
                 "off"),
    AP_INIT_FLAG("ACMEProfileSubdomains", httpd_profile_flag,
                 PROFILE(subdomains), RSRC_CONF,
                 "on: who controls a domain may have the names below it"),
    AP_INIT_TAKE1("ACMEProfileEnrollment", httpd_profile_enrollment, NULL,
                  RSRC_CONF, "acme: this profile has a directory"),
    {NULL, {NULL}, NULL, 0, NO_ARGS, NULL},
};
