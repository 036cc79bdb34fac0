/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"

#include "base/banned.h"

#define YEARS_MAX 100

const char *ctl_option(const ctl_t *ctl, const char *name)
{
    apr_array_header_t *values = ctl_option_all(ctl, name);

    return values->nelts
               ? APR_ARRAY_IDX(values, values->nelts - 1, const char *)
               : NULL;
}

static int value_add(void *values, const char *name, const char *value)
{
    APR_ARRAY_PUSH((apr_array_header_t *)values, const char *) = value;
    return 1;
}

apr_array_header_t *ctl_option_all(const ctl_t *ctl, const char *name)
{
    apr_array_header_t *values =
        apr_array_make(ctl->pool, 4, sizeof(const char *));

    apr_table_do(value_add, values, ctl->options, name, NULL);
    return values;
}

/* A whole number and nothing else. */
static int number_parse(apr_int64_t *number, const char *text, const char **end)
{
    char *rest;

    errno = 0;
    *number = strtoll(text, &rest, 10);
    *end = rest;
    return *text >= '0' && *text <= '9' && !errno;
}

ctl_exit_e ctl_option_number(apr_int64_t *number, const ctl_t *ctl,
                             const char *name, apr_int64_t min, apr_int64_t max)
{
    const char *text = ctl_option(ctl, name), *end;
    apr_int64_t parsed;

    if (!text)
        return CTL_OK;
    if (!number_parse(&parsed, text, &end) || *end || parsed < min ||
        parsed > max) {
        ctl_print_error("--%s %s: it is no number from %" APR_INT64_T_FMT
                        " to %" APR_INT64_T_FMT "; choose one",
                        name, text, min, max);
        return CTL_USAGE;
    }
    *number = parsed;
    return CTL_OK;
}

/* Seconds of a unit; 0: there is no such unit. */
static apr_int64_t unit_find(const char *unit)
{
    static const struct {
        const char *unit;
        apr_int64_t seconds;
    } units[] = {{"s", 1},     {"min", 60},      {"h", 3600},
                 {"d", 86400}, {"w", 7 * 86400}, {"y", 365 * 86400},
                 {NULL, 0}};
    int i;

    for (i = 0; units[i].unit; i++)
        if (!strcmp(units[i].unit, unit))
            break;
    return units[i].seconds;
}

/* A date, or a span from now in this direction (1, -1); 0: it is neither. */
static int time_parse(apr_int64_t *at, const char *text, apr_int64_t now,
                      int direction)
{
    apr_int64_t count, unit, longest = YEARS_MAX * unit_find("y");
    const char *end;

    if (clock_rfc3339_parse(at, text) == APR_SUCCESS)
        return 1;
    if (!number_parse(&count, text, &end))
        return 0;
    unit = unit_find(end);
    if (!unit || count > longest / unit)
        return 0;
    *at = now + direction * count * unit;
    return 1;
}

static ctl_exit_e time_take(apr_int64_t *at, const char *name, const char *text,
                            apr_int64_t now, int direction)
{
    if (time_parse(at, text, now, direction))
        return CTL_OK;
    ctl_print_error("--%s %s: it is neither a span nor a date; write it like "
                    "90d (s min h d w y; 100y at most) or "
                    "2027-01-31T12:00:00Z",
                    name, text);
    return CTL_USAGE;
}

ctl_exit_e ctl_option_time(apr_int64_t *at, const ctl_t *ctl, const char *name,
                           apr_int64_t now)
{
    const char *text = ctl_option(ctl, name);
    apr_int64_t parsed = now;
    ctl_exit_e code;

    if (!text)
        return CTL_OK;
    code = time_take(&parsed, name, text, now, 1);
    if (code == CTL_OK && parsed <= now) {
        ctl_print_error("--%s %s: this is over already; name a later time",
                        name, text);
        return CTL_USAGE;
    }
    if (code == CTL_OK)
        *at = parsed;
    return code;
}

ctl_exit_e ctl_option_past(apr_int64_t *at, const ctl_t *ctl, const char *name,
                           apr_int64_t now)
{
    const char *text = ctl_option(ctl, name);

    return text ? time_take(at, name, text, now, -1) : CTL_OK;
}
