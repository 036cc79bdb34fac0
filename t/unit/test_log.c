/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

typedef struct {
    int calls;
    log_level_e level;
    const char *tag;
    apr_status_t rv;
    char text[4096];
} sink_t;

static void sink_write(void *baton, log_level_e level, const char *tag,
                       apr_status_t rv, const char *text)
{
    sink_t *sink = baton;

    ++sink->calls;
    sink->level = level;
    sink->tag = tag;
    sink->rv = rv;
    apr_cpystrn(sink->text, text, sizeof(sink->text));
}

static void levels(apr_pool_t *pool)
{
    sink_t sink = {0};
    log_t log = {sink_write, &sink, LOG_LEVEL_INFO};

    log_write(&log, LOG_LEVEL_DEBUG, NULL, APR_SUCCESS, "unseen");
    is_int(sink.calls, 0);
    log_write(&log, LOG_LEVEL_INFO, "AS0001", APR_ENOENT, "%s=%d", "a", 5);
    is_int(sink.calls, 1);
    is_int(sink.level, LOG_LEVEL_INFO);
    is_int(sink.rv, APR_ENOENT);
    is_str(sink.tag, "AS0001");
    is_str(sink.text, "a=5");
}

static void silence(apr_pool_t *pool)
{
    log_t log = {NULL, NULL, LOG_LEVEL_TRACE};

    log_write(NULL, LOG_LEVEL_CRIT, "AS0001", APR_SUCCESS, "nobody hears");
    log_write(&log, LOG_LEVEL_CRIT, "AS0001", APR_SUCCESS, "nobody hears");
    ok(1);
}

static void cut(apr_pool_t *pool)
{
    sink_t sink = {0};
    log_t log = {sink_write, &sink, LOG_LEVEL_TRACE};
    char *large = apr_palloc(pool, 10001);

    memset(large, 'x', 10000);
    large[10000] = '\0';
    log_write(&log, LOG_LEVEL_TRACE, NULL, APR_SUCCESS, "%s", large);
    is_int(strlen(sink.text), 2047);
}

const tap_case_t tap_cases[] = {
    {"less important messages are dropped, others arrive whole", levels},
    {"no log is silent", silence},
    {"text is cut at 2 KiB", cut},
    {NULL, NULL}};
