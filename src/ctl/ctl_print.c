/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/pjson.h"

#include "base/banned.h"

void ctl_print_error(const char *fmt, ...)
{
    va_list ap;

    fputs("acmectl: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

/* What clients chose (contacts) must not reach the terminal as it is: JSON's
 * escapes leave printable ASCII. */
static const char *string_text(const json_t *value, apr_pool_t *pool)
{
    json_t *copy = json_string(json_string_value(value));
    char *quoted = json_dumps(copy, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    const char *text = "?";

    if (quoted && strlen(quoted) >= 2)
        text = apr_pstrndup(pool, quoted + 1, strlen(quoted) - 2);
    free(quoted);
    json_decref(copy);
    return *text ? text : "-";
}

static const char *value_text(const json_t *value, apr_pool_t *pool)
{
    const char *text = NULL;
    json_t *item;
    size_t i;

    if (json_is_string(value))
        return string_text(value, pool);
    if (json_is_integer(value))
        return apr_psprintf(pool, "%" APR_INT64_T_FMT,
                            (apr_int64_t)json_integer_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    if (json_is_object(value))
        return pjson_text(value, 0, pool);
    json_array_foreach((json_t *)value, i, item)
    {
        const char *next = value_text(item, pool);

        text = text ? apr_pstrcat(pool, text, " ", next, NULL) : next;
    }
    return text ? text : "-";
}

static void json_print(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    putchar('\n');
}

void ctl_print_object(const ctl_t *ctl, const json_t *object)
{
    const char *name;
    json_t *value;

    if (ctl->is_json) {
        json_print(object);
        return;
    }
    json_object_foreach((json_t *)object, name, value)
    {
        /* PEM keeps its lines; it is our own. */
        if (strcmp(name, "pem") == 0)
            printf("%s", json_string_value(value));
        else
            printf("%-16s %s\n", name, value_text(value, ctl->pool));
    }
}

static void row_print(const ctl_t *ctl, const json_t *object,
                      const char *const *columns, const int *widths)
{
    int i;

    for (i = 0; columns[i]; i++) {
        const char *text =
            object ? value_text(json_object_get(object, columns[i]), ctl->pool)
                   : columns[i];

        if (columns[i + 1])
            printf("%-*s  ", widths[i], text);
        else
            printf("%s\n", text);
    }
}

void ctl_print_rows(const ctl_t *ctl, const json_t *list,
                    const char *const *columns)
{
    int widths[16] = {0};
    json_t *row;
    size_t i;
    int column;

    if (ctl->is_json) {
        json_print(list);
        return;
    }
    for (column = 0; columns[column]; column++) {
        widths[column] = (int)strlen(columns[column]);
        json_array_foreach((json_t *)list, i, row)
        {
            int width = (int)strlen(
                value_text(json_object_get(row, columns[column]), ctl->pool));

            if (width > widths[column])
                widths[column] = width;
        }
    }
    row_print(ctl, NULL, columns, widths);
    json_array_foreach((json_t *)list, i, row)
        row_print(ctl, row, columns, widths);
}

void ctl_print_list(const ctl_t *ctl, const json_t *list,
                    const char *const *columns)
{
    json_t *row;

    ctl_print_rows(ctl, list, columns);
    if (ctl->is_json)
        return;
    if (json_array_size(list) == (size_t)ctl->limit) {
        row = json_array_get(list, ctl->limit - 1);
        fprintf(stderr, "More: --before %s\n",
                json_string_value(json_object_get(row, columns[0])));
    }
}

json_t *ctl_print_time(const ctl_t *ctl, apr_int64_t seconds)
{
    return seconds ? json_string(clock_rfc3339(seconds, ctl->pool))
                   : json_null();
}

json_t *ctl_print_text(const char *text)
{
    return text ? json_string(text) : json_null();
}

json_t *ctl_print_stored(const char *text)
{
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;

    return json ? json : json_null();
}

ctl_exit_e ctl_print_problem(const problem_t *prob)
{
    char text[128];

    if (prob->rv == APR_SUCCESS)
        ctl_print_error("%s", prob->cause ? prob->cause : prob->detail);
    else
        ctl_print_error("%s (%s)", prob->cause ? prob->cause : prob->detail,
                        apr_strerror(prob->rv, text, sizeof(text)));
    return CTL_FAILED;
}

ctl_exit_e ctl_print_status(apr_status_t rv, const char *what, const char *id)
{
    char text[128];

    if (rv == APR_SUCCESS)
        return CTL_OK;
    if (APR_STATUS_IS_ENOENT(rv)) {
        ctl_print_error("no such %s: %s", what, id);
        return CTL_NOTFOUND;
    }
    ctl_print_error("%s: the database cannot do it now: %s", what,
                    apr_strerror(rv, text, sizeof(text)));
    return CTL_FAILED;
}
