/* SPDX-License-Identifier: Apache-2.0 */
#include "base/identifier.h"

#include <apr_strings.h>
#include <string.h>

#include "base/problem.h"
#include "tap.h"

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static identifier_t *good(const char *value, int flags, apr_pool_t *pool)
{
    identifier_t *id = NULL;
    problem_t *prob = identifier_parse(&id, "dns", value, flags, pool);

    ok(!prob, "%s: %s", value, prob ? prob->detail : "");
    return id;
}

static const char *fault(const char *value, int flags, apr_pool_t *pool)
{
    identifier_t *id = NULL;
    problem_t *prob = identifier_parse(&id, "dns", value, flags, pool);

    ok(prob, "%s", value);
    if (!prob)
        return "";
    is_int(prob->type, PROBLEM_MALFORMED);
    return prob->detail;
}

static identifier_t *make(const char *value, apr_pool_t *pool)
{
    identifier_t *id = NULL;

    return identifier_parse(&id, "dns", value, 0, pool) ? NULL : id;
}

static void normal_form(apr_pool_t *pool)
{
    identifier_t *id;

    id = good("WWW.Example.COM", 0, pool);
    need(id);
    is_str(id->value, "www.example.com");
    is_int(id->type, IDENTIFIER_DNS);
    is_str(identifier_type_name(id->type), "dns");
    ok(!identifier_is_wildcard(id));
    is_str(identifier_base(id), "www.example.com");
    good("localhost", 0, pool);
    good("1.2.3.4.example", 0, pool);
    good("123.x1", 0, pool);
    good("r3---sn.example", 0, pool);
    good("a.b", 0, pool);
}

static void wildcards(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "*",   "*.",         "*.*.x.example", "a.*.x",
        "a.*", "*a.example", "a*.example",    "**.example",
        "*.*", "..x",        "*..x",          NULL};
    identifier_t *id = good("*.Example.com", 0, pool);
    int i;

    need(id);
    is_str(id->value, "*.example.com");
    ok(identifier_is_wildcard(id));
    is_str(identifier_base(id), "example.com");
    good("*.x", 0, pool);
    for (i = 0; bad[i]; ++i)
        fault(bad[i], 0, pool);
}

static void dots(apr_pool_t *pool)
{
    ok(strstr(fault("example.com.", 0, pool), "ends with a dot"));
    ok(strstr(fault("", 0, pool), "empty"));
    fault(".", 0, pool);
    fault("..", 0, pool);
    fault(".example.com", 0, pool);
    ok(strstr(fault("a..example.com", 0, pool), "empty label"));
    fault("*.example.com.", 0, pool);
}

static void sizes(apr_pool_t *pool)
{
    const char *n191 = L63 "." L63 "." L63;
    const char *n253 = apr_pstrcat(pool, n191, ".", L63 + 2, NULL);

    good(L63 ".example", 0, pool);
    ok(strstr(fault(L63 "a.example", 0, pool), "63"));
    is_int(strlen(n253), 253);
    good(n253, 0, pool);
    ok(strstr(fault(apr_pstrcat(pool, "a", n253, NULL), 0, pool), "253"));
    fault(apr_pstrcat(pool, "*.", n253, NULL), 0, pool);
    good(apr_pstrcat(pool, "*.", n253 + 2, NULL), 0, pool);
    fault(apr_pstrcat(pool, n253, n253, n253, n253, NULL), 0, pool);
}

static void characters(apr_pool_t *pool)
{
    static const char *const bad[] = {"a b.example",
                                      "a/b.example",
                                      "a:80",
                                      "user@example",
                                      "-a.example",
                                      "a-.example",
                                      "-",
                                      "a.-",
                                      "a\tb.example",
                                      "a\nb.example",
                                      "a\x7f.example",
                                      "a'b.example",
                                      "http://a.example",
                                      "a\"b.example",
                                      "[::1]",
                                      "a,b.example",
                                      NULL};
    int i;

    for (i = 0; bad[i]; ++i)
        fault(bad[i], IDENTIFIER_UNDERSCORE, pool);
    ok(strstr(fault("_a.example", 0, pool), "\"_\""));
    good("_a.b_c.example", IDENTIFIER_UNDERSCORE, pool);
}

static void addresses(apr_pool_t *pool)
{
    ok(strstr(fault("192.0.2.1", 0, pool), "IPv4"));
    fault("1", 0, pool);
    fault("example.123", 0, pool);
    fault("*.1", 0, pool);
    fault("2001:db8::1", 0, pool);
    /* curl, as every URL library, would make "Host: 127.0.0.1" of it */
    ok(strstr(fault("0x7F000001", 0, pool), "IPv4"));
    fault("1.2.3.0x4", 0, pool);
    fault("a.0x7f", 0, pool);
    fault("a.0x", 0, pool);
    good("0x7f.example", 0, pool);
    good("a.0x7g", 0, pool);
    good("a.x0", 0, pool);
}

static void a_labels(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "xn--",
        "xn--.example",
        "xn---.example",
        "xn--a.example",
        "xn--0.example",
        "xn--a-.example",
        "xn--ls8h.example",     /* an emoji, IDNA2008 disallows it */
        "xn--99999999.example", /* overflows */
        "xn--example-.com",     /* encodes plain ASCII */
        "xn--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz.example",
        "xn--wca.example", /* upper case u umlaut */
        "xn--\xc3\xbc.example",
        NULL};
    identifier_t *id;
    int i;

    good("xn--mnchen-3ya.example", 0, pool);
    good("*.xn--mnchen-3ya.example", 0, pool);
    good("xn--strae-oqa.example", 0, pool);
    good("xn--fiqs8s", 0, pool);
    id = good("XN--MNCHEN-3YA.example", 0, pool);
    need(id);
    is_str(id->value, "xn--mnchen-3ya.example");
    for (i = 0; bad[i]; ++i)
        fault(bad[i], 0, pool);
    ok(strstr(fault("m\xc3\xbcnchen.example", 0, pool), "A-label"));
    ok(strstr(fault("\xff\xfe.example", 0, pool), "A-label"));
}

/* No label, however wrong, may do more than be refused. */
static void hostile_a_labels(apr_pool_t *pool)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    char name[70] = "xn--";
    identifier_t *id;
    unsigned seed = 1;
    int i, j, len, taken = 0;

    for (i = 0; i < 20000; ++i) {
        seed = seed * 1103515245u + 12345u;
        len = 1 + (int)((seed >> 16) % 59);
        for (j = 0; j < len; ++j) {
            seed = seed * 1103515245u + 12345u;
            name[4 + j] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        name[4 + len] = '\0';
        if (!identifier_parse(&id, "dns", name, 0, pool)) {
            ++taken;
            is_str(id->value, name);
        }
    }
    tap_diag("%d of 20000 random xn-- labels are A-labels", taken);
}

static void quoting(apr_pool_t *pool)
{
    const char *detail = fault("a\x1b[31m\"\xff\n.example", 0, pool);
    identifier_t *id;
    problem_t *prob;
    char *large = apr_palloc(pool, 5001);

    ok(strstr(detail, "\"a?[31m???.example\""), "%s", detail);
    memset(large, 'a', 5000);
    large[5000] = '\0';
    ok(strlen(fault(large, 0, pool)) < 300);
    prob = identifier_parse(&id, "i\np", "192.0.2.1", 0, pool);
    ok(prob && strstr(prob->detail, "\"dns\" and \"ip\" are"));
    need(prob);
    is_int(prob->type, PROBLEM_UNSUPPORTED_IDENTIFIER);
    ok(strstr(prob->detail, "\"i?p\""));
    ok(identifier_parse(&id, "DNS", "a.example", 0, pool) != NULL);
    ok(identifier_parse(&id, "", "a.example", 0, pool) != NULL);
}

static void ips(apr_pool_t *pool)
{
    static const char *const good[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:DB8:0:0:0::1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"::", "::"},
        {NULL, NULL}};
    static const char *const bad[] = {"",
                                      "192.0.2",
                                      "192.0.2.01",
                                      "192.0.2.1/32",
                                      "[::1]",
                                      "fe80::1%lo",
                                      "0xc0.0.2.1",
                                      "192.0.2.1.",
                                      "a.test",
                                      "::ffff:1.2.3.4",
                                      "*.0.2.1",
                                      " 192.0.2.1",
                                      "1:2:3:4:5:6:7:8:9",
                                      "3221225985",
                                      NULL};
    unsigned char octets[16];
    identifier_t *id;
    problem_t *prob;
    int i;

    for (i = 0; good[i][0]; ++i) {
        prob = identifier_parse(&id, "ip", good[i][0], 0, pool);
        ok(!prob, "%s", good[i][0]);
        if (prob)
            continue;
        is_str(id->value, good[i][1]);
        is_int(id->type, IDENTIFIER_IP);
        ok(!identifier_is_wildcard(id));
        is_str(identifier_base(id), good[i][1]);
        is_str(identifier_type_guess(good[i][0]), "ip");
        is_str(
            identifier_from_octets(octets, identifier_octets(octets, id), pool)
                ->value,
            good[i][1]);
    }
    for (i = 0; bad[i]; ++i) {
        prob = identifier_parse(&id, "ip", bad[i], 0, pool);
        ok(prob && prob->type == PROBLEM_MALFORMED, "%s", bad[i]);
    }
    is_str(identifier_type_guess("a.test"), "dns");
    is_str(identifier_type_guess("192.0.2.1/32"), "dns");
    is_int(identifier_octets(octets, make("a.test", pool)), 0);
    ok(!identifier_from_octets(octets, 5, pool));
}

static void lists(apr_pool_t *pool)
{
    apr_array_header_t *a = apr_array_make(pool, 4, sizeof(identifier_t *)), *b;
    static const char *const names[] = {"b.example", "*.a.example", "a.example",
                                        "B.EXAMPLE", "a.example",   NULL};
    int i;

    is_str(identifier_list_text(a, pool), "");
    identifier_sort(a);
    for (i = 0; names[i]; ++i)
        APR_ARRAY_PUSH(a, identifier_t *) = make(names[i], pool);
    identifier_sort(a);
    is_str(identifier_list_text(a, pool),
           "dns:*.a.example dns:a.example dns:b.example");
    b = identifier_list_from_text(identifier_list_text(a, pool), pool);
    need(b);
    is_int(b->nelts, 3);
    ok(identifier_lists_equal(a, b));
    apr_array_pop(b);
    ok(!identifier_lists_equal(a, b));
    APR_ARRAY_PUSH(b, identifier_t *) = make("c.example", pool);
    ok(!identifier_lists_equal(a, b));
    ok(identifier_list_from_text("iq:192.0.2.1", pool) == NULL);
    ok(identifier_list_from_text(":192.0.2.1", pool) == NULL);
    ok(identifier_list_from_text("ip:", pool) == NULL);
    b = identifier_list_from_text("dns:a.test ip:10.0.0.1 ip:2001:db8::1",
                                  pool);
    need(b && b->nelts == 3);
    is_str(identifier_list_text(b, pool),
           "dns:a.test ip:10.0.0.1 ip:2001:db8::1");
    is_int(APR_ARRAY_IDX(b, 2, identifier_t *)->type, IDENTIFIER_IP);
    is_str(APR_ARRAY_IDX(b, 2, identifier_t *)->value, "2001:db8::1");
    ok(identifier_list_from_text("dns:a.example  dns:b", pool) == NULL);
    ok(identifier_list_from_text("dns:", pool) == NULL);
    is_int(identifier_list_from_text("", pool)->nelts, 0);
}

static void octets_of(apr_pool_t *pool)
{
    unsigned char octets[16];

    is_int(identifier_address(octets, "192.0.2.1"), 4);
    ok(!memcmp(octets, "\xc0\x00\x02\x01", 4));
    is_int(identifier_address(octets, "2001:db8::1"), 16);
    ok(!memcmp(octets, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16));
    is_int(identifier_address(octets, "192.0.2"), 0);
    is_int(identifier_address(octets, "192.0.2.1/32"), 0);
    is_int(identifier_address(octets, "[::1]"), 0);
    is_int(identifier_address(octets, "a.test"), 0);
    is_int(identifier_address(octets, ""), 0);
}

const tap_case_t tap_cases[] = {
    {"T47 names become lower case, one label is enough", normal_form},
    {"T48 wildcards are \"*.\" before a name and nothing else", wildcards},
    {"T47 trailing dots and empty labels are malformed", dots},
    {"labels of 64 and names of 254 octets are refused", sizes},
    {"only letters, digits, hyphens inside, underscore by flag", characters},
    {"a last label that is a number is refused", addresses},
    {"T84 addresses, in their one form", ips},
    {"T49 xn-- labels are A-labels, U-labels are malformed", a_labels},
    {"T49 hostile xn-- labels are refused only", hostile_a_labels},
    {"T46 problems quote harmlessly and name the type", quoting},
    {"T47 lists: sorted, without doubles, text both ways", lists},
    {"the octets of an address", octets_of},
    {NULL, NULL}};
