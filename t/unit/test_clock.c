/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "tap.h"

static apr_time_t fixed_now(void *baton)
{
    return *(apr_time_t *)baton;
}

static void source(apr_pool_t *pool)
{
    apr_time_t at = APR_TIME_C(1700000000999999);
    clock_source_t fixed = {fixed_now, &at};

    is_int(clock_now(&fixed), at);
    is_int(clock_seconds(&fixed), 1700000000);
    ok(clock_seconds(&clock_system) > 1700000000);
}

static void render(apr_pool_t *pool)
{
    is_str(clock_rfc3339(0, pool), "1970-01-01T00:00:00Z");
    is_str(clock_rfc3339(1795536000, pool), "2026-11-24T16:00:00Z");
    is_str(clock_rfc3339(APR_INT64_C(253402300799), pool),
           "9999-12-31T23:59:59Z");
}

static void parse(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        apr_int64_t seconds;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"2026-11-24T16:00:00Z", 1795536000},
        {"2026-11-24t16:00:00z", 1795536000},
        {"2026-11-24T16:00:00.987654321Z", 1795536000},
        {"2026-11-24T17:30:00+01:30", 1795536000},
        {"2026-11-24T08:00:00-08:00", 1795536000},
        {"2026-11-24T16:00:00-00:00", 1795536000},
        {"2000-02-29T00:00:00Z", 951782400},
        {"2024-02-29T23:59:59Z", 1709251199},
        {"9999-12-31T23:59:59Z", APR_INT64_C(253402300799)},
        {"0000-03-01T00:00:00Z", APR_INT64_C(-62162035200)},
        {"0000-01-01T00:00:00Z", APR_INT64_C(-62167219200)},
    };
    apr_int64_t seconds;
    apr_size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); ++i) {
        ok(clock_rfc3339_parse(&seconds, good[i].text) == APR_SUCCESS, "%s",
           good[i].text);
        is_int(seconds, good[i].seconds);
    }
}

static void nonsense(apr_pool_t *pool)
{
    static const char *const bad[] = {"",
                                      "now",
                                      "2026-11-24",
                                      "2026-11-24T16:00:00",
                                      "2026-11-24 16:00:00Z",
                                      "2026-11-24T16:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "1900-02-29T00:00:00Z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:60Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00+0100",
                                      "2026-01-01T00:00:00+24:00",
                                      "2026-01-01T00:00:00+01:60",
                                      "2026-01-01T00:00:00+01:0",
                                      "2026-01-01T00:00:00ZZ",
                                      "2026-01-01T00:00:00Z ",
                                      " 2026-01-01T00:00:00Z",
                                      "+026-01-01T00:00:00Z",
                                      "2026-1-01T00:00:00Z",
                                      "12026-01-01T00:00:00Z",
                                      NULL};
    apr_int64_t seconds;
    int i;

    for (i = 0; bad[i]; ++i)
        ok(clock_rfc3339_parse(&seconds, bad[i]) == APR_EINVAL, "%s", bad[i]);
}

/* Each day of four centuries against APR's own calendar. */
static void calendar(apr_pool_t *pool)
{
    apr_int64_t day, seconds;
    apr_pool_t *sub;

    apr_pool_create(&sub, pool);
    for (day = 0; day < 146097; day += 1) {
        const char *text = clock_rfc3339(day * 86400 + 3661, sub);

        if (clock_rfc3339_parse(&seconds, text) != APR_SUCCESS ||
            seconds != day * 86400 + 3661) {
            ok(0, "%s", text);
            return;
        }
        if (day % 1000 == 0)
            apr_pool_clear(sub);
    }
}

const tap_case_t tap_cases[] = {
    {"a source is asked, the system's is near", source},
    {"T51 RFC 3339 in UTC with Z", render},
    {"T50 RFC 3339 with offset and fraction", parse},
    {"T50 what is no date is refused", nonsense},
    {"every day from 1970 to 2369 comes back", calendar},
    {NULL, NULL}};
