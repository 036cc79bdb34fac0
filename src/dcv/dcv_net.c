/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/banned.h"

/* An address without its family's ceremony. */
typedef struct {
    int family;
    unsigned char octets[16]; /* the first 4 for AF_INET */
} bits_t;

typedef struct {
    bits_t prefix;
    int length;
    int is_allow;
    int is_built_in;
    const char *text;
} rule_t;

struct dcv_net_t {
    apr_array_header_t *rules; /* of rule_t */
    int is_bound;              /* what no rule speaks of is forbidden */
};

static const char *const built_in[] = {
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
    "255.255.255.255/32", "::/128", "::1/128", "fe80::/10", "ff00::/8",
    /* Where clouds tell machines their secrets, besides 169.254.169.254. */
    "100.100.100.200/32",     /* Alibaba */
    "168.63.129.16/32",       /* Azure */
    "192.0.0.192/32",         /* Oracle */
    "fd00:42::42/128",        /* Scaleway */
    "fd00:c1::a9fe:a9fe/128", /* Oracle */
    "fd00:ec2::254/128",      /* Amazon */
    "fd20:ce::254/128",       /* Google */
};

/* IPv6 ranges that carry an IPv4 address, and where in it. */
static const struct {
    unsigned char prefix[12];
    int length;  /* of the prefix, octets */
    int at;      /* of the IPv4 address, octets */
    int is_ipv4; /* packets leave as IPv4 */
} wrappers[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12, 12, 1},
    {{0x00, 0x64, 0xff, 0x9b}, 12, 12, 0},      /* NAT64, RFC 6052 */
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 6, 12, 0}, /* the same, RFC 8215 */
    {{0x20, 0x02}, 2, 2, 0},                    /* 6to4, RFC 3056 */
};

static int width(const bits_t *bits)
{
    return bits->family == AF_INET ? 32 : 128;
}

/* The IPv4 address in bits, if there is one. */
static int unwrap(bits_t *inner, int *is_ipv4, const bits_t *bits)
{
    apr_size_t i;

    if (bits->family != AF_INET6)
        return 0;
    for (i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
        if (memcmp(bits->octets, wrappers[i].prefix,
                   (apr_size_t)wrappers[i].length))
            continue;
        memset(inner, 0, sizeof(*inner));
        inner->family = AF_INET;
        memcpy(inner->octets, bits->octets + wrappers[i].at, 4);
        *is_ipv4 = wrappers[i].is_ipv4;
        return 1;
    }
    return 0;
}

/* Do the first length bits agree? */
static int has_prefix(const bits_t *bits, const bits_t *prefix, int length)
{
    apr_size_t whole = (apr_size_t)length / 8;
    int mask = 0xff00 >> (length % 8) & 0xff;

    return bits->family == prefix->family &&
           !memcmp(bits->octets, prefix->octets, whole) &&
           (!mask || !((bits->octets[whole] ^ prefix->octets[whole]) & mask));
}

/* "8" → 8; -1 if it is no number up to max. */
static int length_parse(const char *text, int max)
{
    int length = 0;
    const char *c;

    if (!*text || (*text == '0' && text[1]))
        return -1;
    for (c = text; *c; c++) {
        if (!apr_isdigit(*c))
            return -1;
        length = length * 10 + (*c - '0');
        if (length > max)
            return -1;
    }
    return length;
}

static apr_status_t rule_parse(rule_t *rule, const char *text, apr_pool_t *pool)
{
    char *address = apr_pstrdup(pool, text), *slash = strchr(address, '/');
    bits_t masked;
    int i, is_ipv4;

    memset(rule, 0, sizeof(*rule));
    if (slash)
        *slash = '\0';
    rule->prefix.family = strchr(address, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(rule->prefix.family, address, rule->prefix.octets) != 1)
        return APR_EINVAL;
    rule->length = width(&rule->prefix);
    if (slash)
        rule->length = length_parse(slash + 1, rule->length);
    if (rule->length < 0)
        return APR_EINVAL;
    for (i = rule->length; i < width(&rule->prefix); i++) {
        if (rule->prefix.octets[i / 8] & (0x80 >> (i % 8)))
            return APR_EINVAL;
    }
    rule->text = apr_pstrdup(pool, text);
    /* A v4-mapped network is the IPv4 network: nobody is ever asked about the
     * mapped form. */
    if (rule->length >= 96 && unwrap(&masked, &is_ipv4, &rule->prefix) &&
        is_ipv4) {
        rule->prefix = masked;
        rule->length -= 96;
    }
    return APR_SUCCESS;
}

dcv_net_t *dcv_net_make(apr_pool_t *pool)
{
    dcv_net_t *net = apr_pcalloc(pool, sizeof(*net));
    apr_size_t i;

    net->rules = apr_array_make(pool, 16, sizeof(rule_t));
    for (i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
        rule_t *rule = apr_array_push(net->rules);

        (void)rule_parse(rule, built_in[i], pool);
        rule->is_built_in = 1;
        rule->text = apr_pstrcat(pool, built_in[i], " (built in)", NULL);
    }
    return net;
}

dcv_net_t *dcv_net_make_bound(const apr_array_header_t *networks,
                              apr_pool_t *pool)
{
    dcv_net_t *net = apr_pcalloc(pool, sizeof(*net));
    int i;

    net->is_bound = 1;
    net->rules = apr_array_make(pool, networks->nelts + 1, sizeof(rule_t));
    for (i = 0; i < networks->nelts; i++) {
        const char *text = APR_ARRAY_IDX(networks, i, const char *);

        if (dcv_net_rule_add(net, text, 1, pool) != APR_SUCCESS)
            return NULL;
    }
    return net;
}

apr_status_t dcv_net_rule_add(dcv_net_t *net, const char *text, int is_allow,
                              apr_pool_t *pool)
{
    rule_t rule;
    apr_status_t rv = rule_parse(&rule, text, pool);

    if (rv != APR_SUCCESS)
        return rv;
    rule.is_allow = is_allow;
    rule.text = apr_pstrcat(
        pool, text,
        is_allow ? " (ACMEValidationAllow)" : " (ACMEValidationDeny)", NULL);
    APR_ARRAY_PUSH(net->rules, rule_t) = rule;
    return APR_SUCCESS;
}

/* Longer first, then the operator's, then deny. */
static int is_stronger(const rule_t *rule, const rule_t *than)
{
    if (rule->length != than->length)
        return rule->length > than->length;
    if (rule->is_built_in != than->is_built_in)
        return than->is_built_in;
    return than->is_allow && !rule->is_allow;
}

/* The rule that decides about bits, NULL if none speaks of it. */
static const rule_t *rule_find(const dcv_net_t *net, const bits_t *bits)
{
    const rule_t *found = NULL;
    int i;

    for (i = 0; i < net->rules->nelts; i++) {
        const rule_t *rule = &APR_ARRAY_IDX(net->rules, i, rule_t);

        if (has_prefix(bits, &rule->prefix, rule->length) &&
            (!found || is_stronger(rule, found)))
            found = rule;
    }
    return found;
}

static int bits_init(bits_t *bits, const struct sockaddr *addr)
{
    memset(bits, 0, sizeof(*bits));
    bits->family = addr->sa_family;
    if (addr->sa_family == AF_INET)
        memcpy(bits->octets, &((const struct sockaddr_in *)addr)->sin_addr, 4);
    else if (addr->sa_family == AF_INET6)
        memcpy(bits->octets, &((const struct sockaddr_in6 *)addr)->sin6_addr,
               16);
    else
        return 0;
    return 1;
}

int dcv_net_is_allowed(const dcv_net_t *net, const struct sockaddr *addr,
                       const char **rule)
{
    const rule_t *outer, *decides;
    bits_t bits, inner;
    int is_ipv4 = 0;

    if (rule)
        *rule = NULL;
    if (!bits_init(&bits, addr)) {
        if (rule)
            *rule = "not an IP address (built in)";
        return 0;
    }
    decides = rule_find(net, &bits);
    if (unwrap(&inner, &is_ipv4, &bits)) {
        /* Who forbids IPv6 or all 6to4 means these packets too; who allows
         * them does not mean what is inside. */
        outer = decides;
        decides = rule_find(net, &inner);
        if (!is_ipv4 && (net->is_bound || (outer && !outer->is_allow)))
            decides = outer;
    }
    if (decides ? decides->is_allow : !net->is_bound)
        return 1;
    if (rule)
        *rule = decides ? decides->text : "not in its networks";
    return 0;
}
