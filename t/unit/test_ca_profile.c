/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_profile.h"

#include "ca_fixture.h"

#define HOUR ((apr_int64_t)3600)
#define YEAR (365 * DAY)

/* 90 days, a year at most, an hour back; the issuer's life is two years. */
static const ca_profile_t usual = {90 * DAY, YEAR, HOUR, 1};
static const ca_issuer_t two_years = {
    .name = "test", .not_before = NOW - YEAR, .not_after = NOW + YEAR};

/* wishes and results relative to NOW; NONE is no wish */
#define NONE INT64_MIN
typedef struct {
    apr_int64_t before, after;         /* wished */
    apr_int64_t not_before, not_after; /* expected, unless … */
    const char *refusal;               /* part of the detail */
} row_t;

static apr_int64_t absolute(apr_int64_t wish)
{
    return wish == NONE ? 0 : NOW + wish;
}

static void check(const ca_profile_t *profile, const ca_issuer_t *issuer,
                  const row_t *row, apr_pool_t *pool)
{
    apr_int64_t from = -1, to = -1;
    problem_t *prob =
        ca_profile_validity(&from, &to, profile, issuer, absolute(row->before),
                            absolute(row->after), NOW, pool);

    tap_diag("wish %lld to %lld", (long long)row->before,
             (long long)row->after);
    if (!row->refusal) {
        ok(!prob, "%s", prob ? prob->detail : "");
        is_int(from - NOW, row->not_before);
        is_int(to - NOW, row->not_after);
        return;
    }
    ok(prob, "wanted: %s", row->refusal);
    if (!prob)
        return;
    is_str(problem_name(prob->type), "malformed");
    ok(strstr(prob->detail, row->refusal), "%s: %s", row->refusal,
       prob->detail);
    is_int(from, -1);
    is_int(to, -1);
}

static void wishes(apr_pool_t *pool)
{
    static const row_t rows[] = {
        /* both */
        {0, 30 * DAY, 0, 30 * DAY, NULL},
        {0, 1, 0, 1, NULL},
        {-HOUR, DAY, -HOUR, DAY, NULL},
        {-HOUR, YEAR - HOUR, -HOUR, YEAR - HOUR, NULL},
        {0, YEAR, 0, YEAR, NULL},
        {YEAR - 1, YEAR, YEAR - 1, YEAR, NULL},
        {10 * DAY, 20 * DAY, 10 * DAY, 20 * DAY, NULL},
        {0, YEAR + 1, 0, 0, "beyond the issuer's own end"},
        {-1, YEAR, 0, 0, "longer life than the 365 days"},
        {-HOUR - 1, DAY, 0, 0, "more than an hour in the past"},
        {-YEAR, DAY, 0, 0, "more than an hour in the past"},
        {10, 10, 0, 0, "not later"},
        {20, 10, 0, 0, "not later"},
        {-20, -10, 0, 0, "lies in the past"},
        {-HOUR, 0, 0, 0, "lies in the past"},
        /* the end only: backdated by a tenth at most */
        {NONE, 30 * DAY, -HOUR, 30 * DAY, NULL},
        {NONE, HOUR, -HOUR / 10, HOUR, NULL},
        {NONE, 10, -1, 10, NULL},
        {NONE, 1, 0, 1, NULL},
        /* … and all of max_validity can be had from now */
        {NONE, YEAR, 0, YEAR, NULL},
        {NONE, YEAR - 60, -60, YEAR - 60, NULL},
        {NONE, YEAR - 2 * HOUR, -HOUR, YEAR - 2 * HOUR, NULL},
        {NONE, YEAR + 1, 0, 0, "beyond the issuer's own end"},
        {NONE, 0, 0, 0, "lies in the past"},
        {NONE, -DAY, 0, 0, "lies in the past"},
        /* the start only */
        {0, NONE, 0, 90 * DAY, NULL},
        {-HOUR, NONE, -HOUR, 90 * DAY - HOUR, NULL},
        {30 * DAY, NONE, 30 * DAY, 120 * DAY, NULL},
        {YEAR - DAY, NONE, YEAR - DAY, YEAR, NULL},
        {YEAR, NONE, 0, 0, "beyond the issuer's own end"},
        {-HOUR - 1, NONE, 0, 0, "more than an hour in the past"},
        /* none */
        {NONE, NONE, -HOUR, 90 * DAY - HOUR, NULL},
        /* far out */
        {INT64_MAX - NOW, NONE, 0, 0, "beyond the issuer's own end"},
        {NONE, INT64_MAX - NOW, 0, 0, "beyond the issuer's own end"},
        {INT64_MIN + 1, INT64_MAX - NOW, 0, 0, "more than an hour"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i)
        check(&usual, &two_years, &rows[i], pool);
}

static void limits(apr_pool_t *pool)
{
    static const ca_profile_t week = {DAY, 7 * DAY, HOUR, 1};
    static const ca_profile_t hours = {36 * HOUR, 36 * HOUR, HOUR, 1};
    static const ca_profile_t odd = {90, 100, 0, 1};
    static const row_t week_rows[] = {
        {NONE, NONE, -HOUR, DAY - HOUR, NULL},
        {NONE, 7 * DAY, 0, 7 * DAY, NULL},
        {NONE, 7 * DAY + 1, 0, 0, "longer life than the 7 days"},
        {DAY, 8 * DAY, DAY, 8 * DAY, NULL},
        {DAY, 8 * DAY + 1, 0, 0, "longer life than the 7 days"}};
    static const row_t hours_row = {0, 36 * HOUR + 1, 0, 0, "the 36 hours"};
    static const row_t odd_row = {NONE, 101, 0, 0, "the 100 seconds"};
    int i;

    for (i = 0; i < 5; ++i)
        check(&week, &two_years, &week_rows[i], pool);
    check(&hours, &two_years, &hours_row, pool);
    check(&odd, &two_years, &odd_row, pool);
}

static void backdates(apr_pool_t *pool)
{
    static const ca_profile_t none = {DAY, DAY, 0, 1};
    static const ca_profile_t tenth = {10 * HOUR, DAY, 5 * HOUR, 1};
    static const ca_profile_t second = {9, DAY, HOUR, 1};
    static const row_t none_row = {NONE, NONE, 0, DAY, NULL};
    static const row_t tenth_row = {NONE, NONE, -HOUR, 9 * HOUR, NULL};
    static const row_t second_row = {NONE, NONE, 0, 9, NULL};

    check(&none, &two_years, &none_row, pool);
    check(&tenth, &two_years, &tenth_row, pool);
    check(&second, &two_years, &second_row, pool);
}

static void clamps(apr_pool_t *pool)
{
    static const ca_issuer_t young = {
        .name = "y", .not_before = NOW - 60, .not_after = NOW + 10 * DAY};
    static const ca_issuer_t last_second = {
        .name = "l", .not_before = NOW - YEAR, .not_after = NOW + 1};
    static const row_t rows[] = {
        {NONE, NONE, -60, 10 * DAY, NULL},
        {NONE, DAY, -60, DAY, NULL},
        {DAY, NONE, DAY, 10 * DAY, NULL},
        {-60, 10 * DAY, -60, 10 * DAY, NULL},
        {-61, DAY, 0, 0, "before the issuer's own start"},
        {0, 10 * DAY + 1, 0, 0, "2026-03-11T12:00:00Z at the latest"}};
    static const row_t last_row = {NONE, NONE, -HOUR, 1, NULL};
    int i;

    for (i = 0; i < 6; ++i)
        check(&usual, &young, &rows[i], pool);
    check(&usual, &last_second, &last_row, pool);
}

static void dead_issuers(apr_pool_t *pool)
{
    static const ca_issuer_t expired = {
        .name = "e", .not_before = NOW - YEAR, .not_after = NOW};
    static const ca_issuer_t unborn = {
        .name = "u", .not_before = NOW + 1, .not_after = NOW + YEAR};
    const ca_issuer_t *const issuers[] = {&expired, &unborn};
    int i;

    for (i = 0; i < 2; ++i) {
        apr_int64_t from, to;
        problem_t *prob = ca_profile_validity(&from, &to, &usual, issuers[i], 0,
                                              NOW + 5, NOW, pool);

        need(prob);
        is_int(prob->status, 503);
        is_str(problem_name(prob->type), "serverInternal");
        ok(strstr(prob->cause, "set the machine's clock"), "%s", prob->cause);
    }
}

/* Whatever is honoured lies within the issuer and the profile, and now is
 * within it unless the client wished for a later start. */
static void always(apr_pool_t *pool)
{
    static const apr_int64_t marks[] = {
        NONE, -YEAR,    -HOUR - 1, -HOUR,    -1,       0,    1,       600,
        DAY,  89 * DAY, 90 * DAY,  91 * DAY, YEAR - 1, YEAR, YEAR + 1};
    const int count = sizeof(marks) / sizeof(*marks);
    int i, k;

    for (i = 0; i < count; ++i) {
        for (k = 0; k < count; ++k) {
            apr_int64_t from, to;

            if (ca_profile_validity(&from, &to, &usual, &two_years,
                                    absolute(marks[i]), absolute(marks[k]), NOW,
                                    pool))
                continue;
            ok(from < to && from >= two_years.not_before &&
               to <= two_years.not_after && to - from <= YEAR && to > NOW);
            ok(marks[i] == NONE ? from <= NOW : from == NOW + marks[i]);
            ok(marks[k] == NONE || to == NOW + marks[k]);
        }
    }
}

const tap_case_t tap_cases[] = {
    {"T50 a wish is honoured exactly or refused with the limit", wishes},
    {"T50 max_validity is named in days, hours or seconds", limits},
    {"defaults are backdated, by a tenth of the life at most", backdates},
    {"defaults are clamped to the issuer's life, wishes refused", clamps},
    {"an issuer that is not valid now is our failure: 503", dead_issuers},
    {"T50 all combinations keep all limits", always},
    {NULL, NULL}};
