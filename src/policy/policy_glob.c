/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_glob.h"

#include <apr_lib.h>
#include <string.h>

#include "base/banned.h"

static apr_size_t label_len(const char *name)
{
    return strcspn(name, ".");
}

/* The next label, or NULL behind the last one. */
static const char *label_next(const char *name)
{
    name += label_len(name);
    return *name ? name + 1 : NULL;
}

static int label_is(const char *name, const char *label)
{
    apr_size_t len = strlen(label);

    return label_len(name) == len && memcmp(name, label, len) == 0;
}

static int label_matches(const char *pattern, const char *name, int is_covering)
{
    apr_size_t len = label_len(pattern);

    if (is_covering && label_is(name, "*"))
        return 1;
    if (label_is(pattern, "*"))
        return 1;
    return label_len(name) == len && strncasecmp(pattern, name, len) == 0;
}

/* If labels behind the last "**" do not match, it takes one more; what was
 * before it never needs another look. */
int policy_glob_labels(const char *pattern, const char *name, int is_covering)
{
    const char *star = NULL, *after = NULL; /* behind the last "**" */
    int is_starred = 0;

    while (name) {
        if (pattern && label_is(pattern, "**")) {
            is_starred = 1;
            pattern = star = label_next(pattern);
            name = after = label_next(name);
        }
        else if (pattern && label_matches(pattern, name, is_covering)) {
            pattern = label_next(pattern);
            name = label_next(name);
        }
        else if (is_starred && after) {
            pattern = star;
            name = after = label_next(after);
        }
        else
            return 0;
    }
    return !pattern;
}

/* Which places of the pattern the text read so far may have led to. */
typedef struct {
    const policy_glob_t *glob;
    const char *pattern;
    unsigned char at[POLICY_GLOB_MAX + 1];
} places_t;

static apr_size_t star_len(const char *pattern)
{
    return strspn(pattern, "*");
}

/* An empty run is jumped over. */
static void reach(places_t *places, apr_size_t at)
{
    const char *pattern = places->pattern;

    places->at[at] = 1;
    if (pattern[at] == '*' && places->glob->may_be_empty)
        places->at[at + star_len(pattern + at)] = 1;
}

static int is_same(const policy_glob_t *glob, char a, char b)
{
    return a == b || (glob->any_case && apr_tolower(a) == apr_tolower(b));
}

static void step(places_t *next, const places_t *places, char c)
{
    const policy_glob_t *glob = places->glob;
    const char *pattern = places->pattern;
    apr_size_t at;

    memset(next->at, 0, sizeof(next->at));
    for (at = 0; pattern[at]; ++at) {
        apr_size_t len = star_len(pattern + at);

        if (!places->at[at])
            continue;
        if (len == 0) {
            if (is_same(glob, pattern[at], c))
                reach(next, at + 1);
        }
        else if (!strchr(len == 1 ? glob->once : glob->twice, c)) {
            reach(next, at);
            reach(next, at + len);
        }
    }
}

int policy_glob_text(const policy_glob_t *glob, const char *pattern,
                     const char *text)
{
    places_t places[2] = {{glob, pattern, {0}}, {glob, pattern, {0}}};
    apr_size_t len = strlen(pattern);
    int now = 0;

    if (len > POLICY_GLOB_MAX)
        return 0;
    reach(&places[0], 0);
    for (; *text; ++text) {
        step(&places[!now], &places[now], *text);
        now = !now;
    }
    return places[now].at[len];
}
