/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_words.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/banned.h"

#define DAY 86400

const char *httpd_mistake(const cmd_parms *cmd, const char *value,
                          const char *why)
{
    return apr_pstrcat(cmd->pool, cmd->cmd->name, *value ? " " : "", value,
                       ": ", why, NULL);
}

/* A quote opens a word, or stands behind its "=" (O="Example Corp"). */
static int is_opening(const char *at, const char *start)
{
    return (*at == '"' || *at == '\'') && (at == start || at[-1] == '=');
}

/* Up to the closing quote, as httpd reads it; NULL if there is none. */
static const char *quoted_copy(char **to, const char *at)
{
    char quote = *at++;

    for (; *at && *at != quote; at++) {
        if (*at == '\\' && (at[1] == quote || at[1] == '\\'))
            at++;
        *(*to)++ = *at;
    }
    return *at ? at + 1 : NULL;
}

/* The next word of *args; NULL when a quote is left open. */
static const char *word_next(const char **args, apr_pool_t *pool)
{
    const char *start = *args, *at = start;
    char *word = apr_palloc(pool, strlen(start) + 1), *to = word;

    while (at && *at && !apr_isspace(*at)) {
        if (is_opening(at, start))
            at = quoted_copy(&to, at);
        else
            *to++ = *at++;
    }
    *to = '\0';
    *args = at;
    return at ? word : NULL;
}

const char *httpd_words(apr_array_header_t **words, const cmd_parms *cmd,
                        const char *args)
{
    const char *at = args, *word;

    *words = apr_array_make(cmd->pool, 4, sizeof(const char *));
    for (;;) {
        while (apr_isspace(*at))
            at++;
        if (!*at)
            break;
        if (*at == '#')
            return httpd_mistake(cmd, args,
                                 "there are no comments behind a directive; "
                                 "write it on a line of its own");
        word = word_next(&at, cmd->pool);
        if (!word)
            return httpd_mistake(cmd, args, "a quote is left open; close it");
        APR_ARRAY_PUSH(*words, const char *) = word;
    }
    if ((*words)->nelts)
        return NULL;
    if (*cmd->cmd->name == '<')
        return apr_pstrcat(cmd->pool, cmd->cmd->name,
                           ">: it has no name; write ", cmd->cmd->name,
                           " name>", NULL);
    return apr_pstrcat(cmd->pool, cmd->cmd->name, ": it says nothing; write ",
                       cmd->cmd->errmsg, NULL);
}

const char *httpd_path_parse(const char **path, const cmd_parms *cmd,
                             const char *arg)
{
    char *full = ap_server_root_relative(cmd->pool, arg);
    apr_size_t len;

    if (!full)
        return httpd_mistake(cmd, arg,
                             "it is no path; write an absolute one, or one "
                             "below ServerRoot");
    len = strlen(full);
    while (len > 1 && full[len - 1] == '/')
        full[--len] = '\0';
    *path = full;
    return NULL;
}

int httpd_number_parse(int *number, const char *text)
{
    char *end;
    apr_int64_t value = apr_strtoi64(text, &end, 10);

    if (end == text || *end || value < 0 || value > APR_INT32_MAX)
        return 0;
    *number = (int)value;
    return 1;
}

/* httpd's own parser takes "1h30m" for an hour. */
static int span_read(apr_interval_time_t *span, const char *text)
{
    static const struct {
        const char *name;
        apr_interval_time_t length;
    } units[] = {{"", APR_USEC_PER_SEC},
                 {"ms", 1000},
                 {"s", APR_USEC_PER_SEC},
                 {"min", 60 * APR_USEC_PER_SEC},
                 {"h", 3600 * APR_USEC_PER_SEC},
                 {"d", DAY * APR_USEC_PER_SEC},
                 {"w", 7 * DAY * APR_USEC_PER_SEC},
                 {"y", 365 * DAY * APR_USEC_PER_SEC}};
    char *end;
    apr_int64_t value = apr_strtoi64(text, &end, 10);
    apr_size_t i;

    if (end == text || value < 0 || value > 1000000)
        return 0;
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(end, units[i].name))
            continue;
        *span = value * units[i].length;
        return 1;
    }
    return 0;
}

const char *httpd_span_parse(apr_interval_time_t *span, const cmd_parms *cmd,
                             const char *text)
{
    if (span_read(span, text))
        return NULL;
    return httpd_mistake(cmd, text,
                         "it is no time; write a number with ms, s (default), "
                         "min, h, d, w or y");
}
