/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_glob.h"

#include <apr_strings.h>
#include <time.h>
#include <string.h>

#include "tap.h"

/* What the header says, slowly: for comparison. */
static int labels_slow(const char *p, const char *n)
{
    apr_size_t pl, nl;

    if (!p || !n)
        return !p && !n;
    pl = strcspn(p, ".");
    nl = strcspn(n, ".");
    if (pl == 2 && !strncmp(p, "**", 2)) {
        const char *rest = p[pl] ? p + pl + 1 : NULL;

        for (;;) {
            nl = strcspn(n, ".");
            if (labels_slow(rest, n[nl] ? n + nl + 1 : NULL))
                return 1;
            if (!n[nl])
                return 0;
            n += nl + 1;
        }
    }
    if (!(pl == 1 && *p == '*') && (pl != nl || strncmp(p, n, nl)))
        return 0;
    return labels_slow(p[pl] ? p + pl + 1 : NULL, n[nl] ? n + nl + 1 : NULL);
}

/* All patterns of up to five labels of a, *, ** against all names of up to six
 * of a and b. */
static void all_labels(apr_pool_t *pool)
{
    static const char *const parts[] = {"a", "*", "**"};
    int p, n, i, wrong = 0, count = 0;

    for (p = 1; p < 4 * 4 * 4 * 4 * 4; ++p) {
        char pattern[40] = "", name[40];

        for (i = p; i; i /= 4) {
            if (i % 4 == 0)
                break;
            apr_cpystrn(pattern + strlen(pattern), *pattern ? "." : "", 2);
            apr_cpystrn(pattern + strlen(pattern), parts[i % 4 - 1], 3);
        }
        if (i)
            continue;
        for (n = 1; n < 128; ++n) {
            apr_size_t len = 0;

            for (i = n; i > 1; i /= 2) {
                if (len)
                    name[len++] = '.';
                name[len++] = i % 2 ? 'a' : 'b';
            }
            if (!len)
                continue;
            name[len] = '\0';
            ++count;
            if (policy_glob_labels(pattern, name, 0) !=
                labels_slow(pattern, name)) {
                ok(0, "%s %s", pattern, name);
                ++wrong;
            }
        }
    }
    ok(count > 30000, "%d", count);
    is_int(wrong, 0);
}

static void text(apr_pool_t *pool)
{
    static const policy_glob_t any = {"", "", 1, 0}, some = {"", "", 0, 0};
    static const policy_glob_t path = {"/", "?", 0, 0}, low = {"", "", 1, 1};
    static const struct {
        const policy_glob_t *glob;
        const char *pattern, *text;
        int matches;
    } rows[] = {
        {&any, "", "", 1},
        {&any, "", "a", 0},
        {&any, "*", "", 1},
        {&some, "*", "", 0},
        {&some, "*", "a", 1},
        {&some, "a*", "a", 0},
        {&some, "a*", "ab", 1},
        {&any, "a*", "a", 1},
        {&any, "*a", "ba", 1},
        {&any, "*a", "bab", 0},
        {&any, "a*b*c", "abc", 1},
        {&any, "a*b*c", "axbxbxc", 1},
        {&any, "a*b*c", "acb", 0},
        {&some, "a*b*c", "abc", 0},
        {&path, "/*", "/a", 1},
        {&path, "/*", "/a/b", 0},
        {&path, "/**", "/a/b", 1},
        {&path, "/**", "/a?b", 0},
        {&path, "/*?b", "/a?b", 1},
        {&path, "/*/c", "/a/c", 1},
        {&path, "/*/c", "/a/b/c", 0},
        {&path, "/**/c", "/a/b/c", 1},
        {&path, "/**c", "/c", 0},
        {&path, "/a**c*", "/abc/cd", 1},
        {&any, "A", "a", 0},
        {&low, "A*z", "abZ", 1},
        {&low, "[", "{", 0},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i)
        ok(policy_glob_text(rows[i].glob, rows[i].pattern, rows[i].text) ==
               rows[i].matches,
           "%s %s", rows[i].pattern, rows[i].text);
}

/* A stranger's text cannot make it slow. */
static void worst(apr_pool_t *pool)
{
    static const policy_glob_t any = {"", "", 1, 0};
    char pattern[POLICY_GLOB_MAX + 1], *long_text = apr_palloc(pool, 100001);
    clock_t begin = clock(); /* of this process */
    int i;

    for (i = 0; i + 1 < POLICY_GLOB_MAX; i += 2)
        memcpy(pattern + i, "*a", 3);
    memset(long_text, 'a', 100000);
    long_text[100000] = '\0';
    ok(policy_glob_text(&any, pattern, long_text));
    long_text[99999] = 'b';
    ok(!policy_glob_text(&any, pattern, long_text));
    ok(clock() - begin < 10 * CLOCKS_PER_SEC);
    ok(!policy_glob_text(&any, long_text, "a"));
    for (i = 1; i < 1000; i += 2)
        long_text[i] = '.';
    long_text[999] = '\0';
    ok(!policy_glob_labels("**.a.**.a.**.a.**.a.**.a.**.a.**.b", long_text, 0));
    ok(policy_glob_labels("**.a.**.a.**.a.**.a.**.a.**.a.**", long_text, 0));
}

const tap_case_t tap_cases[] = {
    {"labels, all patterns and names up to a size", all_labels},
    {"text", text},
    {"nothing takes long", worst},
    {NULL, NULL}};
