/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <time.h>

#include "base/banned.h"

static apr_time_t system_now(void *baton)
{
    return apr_time_now();
}

static apr_time_t monotonic_now(void *baton)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

const clock_source_t clock_system = {system_now, NULL};
const clock_source_t clock_monotonic = {monotonic_now, NULL};

apr_time_t clock_now(const clock_source_t *source)
{
    return source->now(source->baton);
}

struct timespec clock_after(apr_interval_time_t span)
{
    apr_time_t then = clock_now(&clock_monotonic) + span;
    struct timespec spec = {apr_time_sec(then), apr_time_usec(then) * 1000};

    return spec;
}

apr_int64_t clock_seconds(const clock_source_t *source)
{
    return apr_time_sec(clock_now(source));
}

const char *clock_rfc3339(apr_int64_t seconds, apr_pool_t *pool)
{
    apr_time_exp_t exp;

    apr_time_exp_gmt(&exp, apr_time_from_sec(seconds));
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                        exp.tm_year + 1900, exp.tm_mon + 1, exp.tm_mday,
                        exp.tm_hour, exp.tm_min, exp.tm_sec);
}

/* Exactly `digits` digits at *text, a value of min..max; -1 if not.  Moves
 * *text behind them. */
static int number_parse(const char **text, int digits, int min, int max)
{
    int i, value = 0;

    for (i = 0; i < digits; ++i) {
        if (!apr_isdigit((*text)[i]))
            return -1;
        value = value * 10 + ((*text)[i] - '0');
    }
    *text += digits;
    return value < min || value > max ? -1 : value;
}

/* Does *text start with this octet (any case)?  Moves behind it. */
static int octet_skip(const char **text, char octet)
{
    if (apr_tolower(**text) != octet)
        return 0;
    *text += 1;
    return 1;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01, Gregorian; the year is taken to begin in March, so
 * that the leap day is its last. */
static apr_int64_t days_since_epoch(int year, int month, int day)
{
    apr_int64_t y = year - (month <= 2);
    apr_int64_t m = (month + 9) % 12;

    /* 719468 days lie between 0000-03-01 and 1970-01-01. */
    y += 400; /* keeps divisions of the year 0 away from negative numbers */
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 -
           146097 - 719468;
}

/* "Z" or "+hh:mm" at *text to seconds east of UTC; 0 if it is neither. */
static int offset_parse(apr_int64_t *offset, const char **text)
{
    int sign, hours, minutes;

    *offset = 0;
    if (octet_skip(text, 'z'))
        return 1;
    sign = **text == '-' ? -1 : 1;
    if (!octet_skip(text, '+') && !octet_skip(text, '-'))
        return 0;
    hours = number_parse(text, 2, 0, 23);
    if (hours < 0 || !octet_skip(text, ':'))
        return 0;
    minutes = number_parse(text, 2, 0, 59);
    *offset = sign * (apr_int64_t)(hours * 3600 + minutes * 60);
    return minutes >= 0;
}

static int fraction_skip(const char **text)
{
    if (!octet_skip(text, '.'))
        return 1;
    if (!apr_isdigit(**text))
        return 0;
    while (apr_isdigit(**text))
        *text += 1;
    return 1;
}

apr_status_t clock_rfc3339_parse(apr_int64_t *seconds, const char *text)
{
    int year, month, day, hour, minute, second;
    apr_int64_t offset;

    year = number_parse(&text, 4, 0, 9999);
    if (year < 0 || !octet_skip(&text, '-'))
        return APR_EINVAL;
    month = number_parse(&text, 2, 1, 12);
    if (month < 0 || !octet_skip(&text, '-'))
        return APR_EINVAL;
    day = number_parse(&text, 2, 1, month_days(year, month));
    if (day < 0 || !octet_skip(&text, 't'))
        return APR_EINVAL;
    hour = number_parse(&text, 2, 0, 23);
    if (hour < 0 || !octet_skip(&text, ':'))
        return APR_EINVAL;
    minute = number_parse(&text, 2, 0, 59);
    if (minute < 0 || !octet_skip(&text, ':'))
        return APR_EINVAL;
    /* No leap seconds: POSIX time has no number for them. */
    second = number_parse(&text, 2, 0, 59);
    if (second < 0 || !fraction_skip(&text) || !offset_parse(&offset, &text) ||
        *text)
        return APR_EINVAL;
    *seconds = days_since_epoch(year, month, day) * 86400 + hour * 3600 +
               minute * 60 + second - offset;
    return APR_SUCCESS;
}
