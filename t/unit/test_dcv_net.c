/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_net.h"

#include <apr_strings.h>
#include <string.h>
#include <sys/un.h>

#include "dcv/dcv_address.h"
#include "tap.h"

/* NULL: allowed. */
static const char *rule_of(const dcv_net_t *net, const char *text,
                           apr_pool_t *pool)
{
    dcv_address_t *address = dcv_address_parse(text, pool);
    const char *rule = "?";
    int is_allowed;

    if (!address)
        return "no address";
    is_allowed = dcv_net_is_allowed(net, &address->sock.any, &rule);
    ok(is_allowed == !rule, "%s", text);
    ok(dcv_net_is_allowed(net, &address->sock.any, NULL) == is_allowed);
    return rule;
}

static void allowed(const dcv_net_t *net, const char *text, apr_pool_t *pool)
{
    const char *rule = rule_of(net, text, pool);

    ok(!rule, "%s: %s", text, rule ? rule : "");
}

static void denied(const dcv_net_t *net, const char *text, const char *by,
                   apr_pool_t *pool)
{
    const char *rule = rule_of(net, text, pool);

    ok(rule && !strcmp(rule, by), "%s: %s, want %s", text,
       rule ? rule : "allowed", by);
}

static void add(dcv_net_t *net, const char *text, int is_allow,
                apr_pool_t *pool)
{
    ok(dcv_net_rule_add(net, text, is_allow, pool) == APR_SUCCESS, "%s", text);
}

#define BUILT_IN " (built in)"
#define DENY     " (ACMEValidationDeny)"

/* address, the rule that denies it (NULL: allowed) */
static const struct {
    const char *address, *rule;
} built_in[] = {
    {"0.0.0.0", "0.0.0.0/8" BUILT_IN},
    {"0.255.255.255", "0.0.0.0/8" BUILT_IN},
    {"1.0.0.0", NULL},
    {"10.0.0.1", NULL},
    {"100.64.0.1", NULL},
    {"126.255.255.255", NULL},
    {"127.0.0.0", "127.0.0.0/8" BUILT_IN},
    {"127.0.0.1", "127.0.0.0/8" BUILT_IN},
    {"127.255.255.255", "127.0.0.0/8" BUILT_IN},
    {"128.0.0.0", NULL},
    {"169.253.255.255", NULL},
    {"169.254.0.0", "169.254.0.0/16" BUILT_IN},
    {"169.254.169.254", "169.254.0.0/16" BUILT_IN},
    {"169.254.255.255", "169.254.0.0/16" BUILT_IN},
    {"169.255.0.0", NULL},
    {"172.16.0.1", NULL},
    {"192.168.0.1", NULL},
    {"223.255.255.255", NULL},
    {"224.0.0.0", "224.0.0.0/4" BUILT_IN},
    {"239.255.255.255", "224.0.0.0/4" BUILT_IN},
    {"240.0.0.1", NULL},
    {"255.255.255.254", NULL},
    {"255.255.255.255", "255.255.255.255/32" BUILT_IN},
    {"::", "::/128" BUILT_IN},
    {"::1", "::1/128" BUILT_IN},
    {"::2", NULL},
    {"2001:db8::1", NULL},
    {"fc00::1", NULL},
    {"fd00:ec2::253", NULL},
    {"fd00:ec2::254", "fd00:ec2::254/128" BUILT_IN},
    {"100.100.100.199", NULL},
    {"100.100.100.200", "100.100.100.200/32" BUILT_IN},
    {"168.63.129.16", "168.63.129.16/32" BUILT_IN},
    {"192.0.0.192", "192.0.0.192/32" BUILT_IN},
    {"fd00:42::42", "fd00:42::42/128" BUILT_IN},
    {"fd00:c1::a9fe:a9fe", "fd00:c1::a9fe:a9fe/128" BUILT_IN},
    {"fd20:ce::253", NULL},
    {"fd20:ce::254", "fd20:ce::254/128" BUILT_IN},
    {"fe7f:ffff::1", NULL},
    {"fe80::1", "fe80::/10" BUILT_IN},
    {"febf:ffff::1", "fe80::/10" BUILT_IN},
    {"fec0::1", NULL},
    {"feff::1", NULL},
    {"ff00::", "ff00::/8" BUILT_IN},
    {"ff02::1", "ff00::/8" BUILT_IN},
    /* v4-mapped, NAT64, 6to4 */
    {"::ffff:10.0.0.1", NULL},
    {"::ffff:127.0.0.1", "127.0.0.0/8" BUILT_IN},
    {"::ffff:7f00:1", "127.0.0.0/8" BUILT_IN},
    {"::ffff:169.254.169.254", "169.254.0.0/16" BUILT_IN},
    {"::fffe:7f00:1", NULL},
    {"64:ff9b::10.0.0.1", NULL},
    {"64:ff9b::127.0.0.1", "127.0.0.0/8" BUILT_IN},
    {"64:ff9b::a9fe:a9fe", "169.254.0.0/16" BUILT_IN},
    {"64:ff9b::1:7f00:1", NULL},
    {"64:ff9b:1::10.0.0.1", NULL},
    {"64:ff9b:1:fffe::127.0.0.1", "127.0.0.0/8" BUILT_IN},
    {"64:ff9b:2::127.0.0.1", NULL},
    {"2002:a00:1::1", NULL},
    {"2002:7f00:1::1", "127.0.0.0/8" BUILT_IN},
    {"2002:a9fe:a9fe::", "169.254.0.0/16" BUILT_IN},
    {"2002:e000:1::1", "224.0.0.0/4" BUILT_IN},
    {"2003:7f00:1::1", NULL},
};

static void defaults(apr_pool_t *pool)
{
    dcv_net_t *net = dcv_net_make(pool);
    size_t i;

    for (i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
        if (built_in[i].rule)
            denied(net, built_in[i].address, built_in[i].rule, pool);
        else
            allowed(net, built_in[i].address, pool);
    }
}

/* Each prefix length of an address: the address itself is met, and of the next
 * bit's other half nothing is. */
static void lengths(apr_pool_t *pool)
{
    int length;

    for (length = 1; length <= 32; length++) {
        unsigned int bits = 0x0a000000u >> (32 - length) << (32 - length);
        dcv_net_t *net = dcv_net_make(pool);
        const char *prefix, *inside, *outside;
        unsigned int other = bits ^ (1u << (32 - length));
        unsigned int last = bits | (length < 32 ? 0xffffffffu >> length : 0);

        prefix =
            apr_psprintf(pool, "%u.%u.%u.%u/%d", bits >> 24, bits >> 16 & 255,
                         bits >> 8 & 255, bits & 255, length);
        add(net, prefix, 0, pool);
        if (length >= 8) {
            inside =
                apr_psprintf(pool, "%u.%u.%u.%u", last >> 24, last >> 16 & 255,
                             last >> 8 & 255, last & 255);
            denied(net, inside, apr_pstrcat(pool, prefix, DENY, NULL), pool);
            outside =
                apr_psprintf(pool, "%u.%u.%u.%u", other >> 24,
                             other >> 16 & 255, other >> 8 & 255, other & 255);
            allowed(net, outside, pool);
        }
    }
}

static void lengths_ipv6(apr_pool_t *pool)
{
    int length;

    for (length = 16; length <= 128; length++) {
        unsigned char bits[16] = {0x20, 0x01, 0x0d, 0xb8}, other[16];
        dcv_net_t *net = dcv_net_make(pool);
        const char *prefix;
        int bit = length - 1;

        if (length < 32)
            bits[3] = bits[2] = 0;
        memcpy(other, bits, sizeof(bits));
        other[bit / 8] ^= (unsigned char)(0x80 >> (bit % 8));
        prefix =
            apr_psprintf(pool, "%s/%d",
                         dcv_address_make(AF_INET6, bits, pool)->text, length);
        add(net, prefix, 0, pool);
        denied(net, dcv_address_make(AF_INET6, bits, pool)->text,
               apr_pstrcat(pool, prefix, DENY, NULL), pool);
        allowed(net, dcv_address_make(AF_INET6, other, pool)->text, pool);
    }
}

static void longest(apr_pool_t *pool)
{
    dcv_net_t *net = dcv_net_make(pool);

    add(net, "10.0.0.0/8", 0, pool);
    add(net, "10.1.0.0/16", 1, pool);
    add(net, "10.1.1.0/24", 0, pool);
    add(net, "10.1.1.1", 1, pool);
    denied(net, "10.0.0.1", "10.0.0.0/8" DENY, pool);
    allowed(net, "10.1.0.1", pool);
    denied(net, "10.1.1.2", "10.1.1.0/24" DENY, pool);
    allowed(net, "10.1.1.1", pool);
    allowed(net, "11.0.0.1", pool);
    /* allowing one network does not open what is longer and built in */
    add(net, "0.0.0.0/0", 1, pool);
    add(net, "::/0", 1, pool);
    denied(net, "127.0.0.1", "127.0.0.0/8" BUILT_IN, pool);
    denied(net, "::1", "::1/128" BUILT_IN, pool);
    denied(net, "fe80::1", "fe80::/10" BUILT_IN, pool);
}

static void ties(apr_pool_t *pool)
{
    dcv_net_t *net = dcv_net_make(pool);

    add(net, "127.0.0.0/8", 1, pool); /* the operator's over the built-in */
    add(net, "::1", 1, pool);
    allowed(net, "127.0.0.1", pool);
    allowed(net, "::1", pool);
    allowed(net, "::ffff:127.0.0.1", pool);
    add(net, "127.0.0.0/8", 0, pool); /* deny on a tie, in any order */
    denied(net, "127.0.0.1", "127.0.0.0/8" DENY, pool);
    add(net, "192.0.2.0/24", 0, pool);
    add(net, "192.0.2.0/24", 1, pool);
    denied(net, "192.0.2.1", "192.0.2.0/24" DENY, pool);
    add(net, "fe80::/9", 1, pool);
    denied(net, "fe80::1", "fe80::/10" BUILT_IN, pool);
    add(net, "fe80::/11", 1, pool);
    allowed(net, "fe80::1", pool);
    denied(net, "fea0::1", "fe80::/10" BUILT_IN, pool);
}

static void wrapped(apr_pool_t *pool)
{
    dcv_net_t *net = dcv_net_make(pool);

    /* a v4-mapped rule is an IPv4 rule */
    add(net, "::ffff:10.0.0.0/104", 0, pool);
    denied(net, "10.2.3.4", "::ffff:10.0.0.0/104" DENY, pool);
    denied(net, "::ffff:10.2.3.4", "::ffff:10.0.0.0/104" DENY, pool);
    denied(net, "64:ff9b::10.2.3.4", "::ffff:10.0.0.0/104" DENY, pool);
    denied(net, "2002:a02:304::1", "::ffff:10.0.0.0/104" DENY, pool);
    allowed(net, "11.2.3.4", pool);
    /* who allows a wrapper does not allow what is inside */
    add(net, "64:ff9b::/96", 1, pool);
    add(net, "2002::/16", 1, pool);
    add(net, "2002:7f00:1::/48", 1, pool);
    denied(net, "64:ff9b::127.0.0.1", "127.0.0.0/8" BUILT_IN, pool);
    denied(net, "2002:7f00:1::1", "127.0.0.0/8" BUILT_IN, pool);
    /* who denies it means all of it */
    net = dcv_net_make(pool);
    add(net, "2002::/16", 0, pool);
    denied(net, "2002:808:808::1", "2002::/16" DENY, pool);
    add(net, "::/0", 0, pool);
    denied(net, "64:ff9b::8.8.8.8", "::/0" DENY, pool);
    denied(net, "2001:db8::1", "::/0" DENY, pool);
    allowed(net, "8.8.8.8", pool);
    allowed(net, "::ffff:8.8.8.8", pool); /* goes out as IPv4 */
}

static void syntax(apr_pool_t *pool)
{
    static const char *const good[] = {
        "10.0.0.0/8", "10.1.2.3",      "0.0.0.0/0",   "10.1.2.3/32",
        "::1",        "2001:db8::/32", "fe80::/10",   "::/0",
        "::/128",     "::ffff:0:0/96", "128.0.0.0/1", NULL};
    static const char *const bad[] = {
        "",           "10.0.0.0/",    "10.0.0.0/33", "10.0.0.0/-1",
        "10.0.0.1/8", "10.0.0.0/08",  "10.0.0.0/8 ", " 10.0.0.0/8",
        "10.0.0/8",   "10.0.0.0/8/8", "10.0.0.0/+8", "10.0.0.0/x",
        "/8",         "host",         "host/8",      "2001:db8::1/32",
        "::/129",     "fe80::1%lo",   "[::1]",       "::1/0",
        "10.0.0.256", "0x7f.0.0.1",   "010.0.0.1",   "10.0.0.0/99999999999",
        "::g",        "1.2.3.4/0",    "10.0.0.0/8,", NULL};
    dcv_net_t *net = dcv_net_make(pool);
    int i;

    for (i = 0; good[i]; i++)
        ok(dcv_net_rule_add(net, good[i], 1, pool) == APR_SUCCESS, "%s",
           good[i]);
    for (i = 0; bad[i]; i++)
        ok(dcv_net_rule_add(net, bad[i], 1, pool) == APR_EINVAL, "%s", bad[i]);
}

static void other_families(apr_pool_t *pool)
{
    dcv_net_t *net = dcv_net_make(pool);
    struct sockaddr_un local;
    const char *rule;

    memset(&local, 0, sizeof(local));
    local.sun_family = AF_UNIX;
    ok(!dcv_net_is_allowed(net, (struct sockaddr *)&local, &rule));
    ok(rule);
}

const tap_case_t tap_cases[] = {
    {"T79 what is denied without any directive", defaults},
    {"T79 every prefix length of IPv4", lengths},
    {"T79 every prefix length of IPv6", lengths_ipv6},
    {"T79 the longest prefix wins", longest},
    {"T79 ties: the operator's rule, then deny", ties},
    {"T79 addresses inside addresses", wrapped},
    {"T79 what is a CIDR", syntax},
    {"T79 only IP", other_families},
    {NULL, NULL}};
