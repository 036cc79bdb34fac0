/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_cidr.h"

#include <string.h>

#include "tap.h"

/* Every length, both sides of its edge. */
static void edges(apr_pool_t *pool)
{
    policy_cidr_t *cidr;
    char text[64], in[64], out[64];
    int length;

    for (length = 1; length <= 32; ++length) {
        unsigned int base = 0xaaaaaaaau & (0xffffffffu << (32 - length));
        unsigned int last = base | (length < 32 ? 0xffffffffu >> length : 0);
        unsigned int other = base ^ (1u << (32 - length));

        snprintf(text, sizeof(text), "%u.%u.%u.%u/%d", base >> 24,
                 base >> 16 & 255, base >> 8 & 255, base & 255, length);
        snprintf(in, sizeof(in), "%u.%u.%u.%u", last >> 24, last >> 16 & 255,
                 last >> 8 & 255, last & 255);
        snprintf(out, sizeof(out), "%u.%u.%u.%u", other >> 24,
                 other >> 16 & 255, other >> 8 & 255, other & 255);
        need(!policy_cidr_parse(&cidr, text, pool));
        ok(policy_cidr_contains(cidr, in), "%s %s", text, in);
        ok(!policy_cidr_contains(cidr, out), "%s %s", text, out);
    }
}

static void lists(apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(void *));

    ok(!policy_cidr_list_contains(list, "10.0.0.1"));
    ok(!policy_cidr_list_parse(list, "10.0.0.0/8,192.0.2.1,::1", pool));
    is_int(list->nelts, 3);
    is_str(policy_cidr_list_text(list, pool), "10.0.0.0/8, 192.0.2.1, ::1");
    ok(policy_cidr_list_contains(list, "10.1.1.1"));
    ok(policy_cidr_list_contains(list, "::1"));
    ok(!policy_cidr_list_contains(list, "192.0.2.2"));
    ok(!policy_cidr_list_contains(list, ""));
    ok(policy_cidr_list_parse(list, "", pool));
    ok(policy_cidr_list_parse(list, "10.0.0.0/8,", pool));
    ok(policy_cidr_list_parse(list, ",10.0.0.0/8", pool));
    ok(policy_cidr_list_parse(list, "10.0.0.0/8 ::1", pool));
}

static const char *common(const char *a, const char *b, apr_pool_t *pool)
{
    apr_array_header_t *x = apr_array_make(pool, 2, sizeof(void *));
    apr_array_header_t *y = apr_array_make(pool, 2, sizeof(void *));

    ok(!policy_cidr_list_parse(x, a, pool));
    ok(!policy_cidr_list_parse(y, b, pool));
    return policy_cidr_list_text(policy_cidr_list_common(x, y, pool), pool);
}

static void intersections(apr_pool_t *pool)
{
    static const char *const rows[][3] = {
        {"10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8"},
        {"10.0.0.0/8", "10.9.0.0/16", "10.9.0.0/16"},
        {"10.9.0.0/16", "10.0.0.0/8", "10.9.0.0/16"},
        {"10.0.0.0/8", "11.0.0.0/8", ""},
        {"0.0.0.0/0", "::1", ""},
        {"::/0", "10.0.0.0/8", "10.0.0.0/8"},
        {"10.0.0.0/8,192.0.2.0/24", "192.0.0.0/16,10.1.1.1",
         "10.1.1.1, 192.0.2.0/24"},
        {NULL, NULL, NULL}};
    int i;

    for (i = 0; rows[i][0]; ++i)
        is_str(common(rows[i][0], rows[i][1], pool), rows[i][2]);
}

const tap_case_t tap_cases[] = {{"every length has its edge", edges},
                                {"lists", lists},
                                {"what is common", intersections},
                                {NULL, NULL}};
