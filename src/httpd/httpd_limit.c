/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_limit.h"

#include <string.h>
#include <sys/mman.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "httpd/httpd_conf.h"
#include "httpd/httpd_words.h"

#include "base/banned.h"

/* A MiB of counters. */
#define SLOTS 131072
/* In the process pool's user data; another number for another layout. */
#define KEPT "acme_server_limits_1"

/* Set by the parent before it makes children. */
static void *region;

typedef struct {
    acme_limit_e limit; /* ACME_LIMIT_COUNT: all of them */
    acme_limit_rule_t rule;
} line_t;

/* "300/3h", or "1000" without a time. */
static const char *rule_parse(line_t *line, cmd_parms *cmd, const char *text)
{
    int has_span = acme_limit_has_span(line->limit), count;
    const char *slash = strchr(text, '/');
    apr_interval_time_t span = 0;
    const char *mistake;

    if (!strcasecmp(text, "off"))
        return NULL;
    if (has_span != (slash != NULL) ||
        !httpd_number_parse(
            &count,
            slash ? apr_pstrmemdup(cmd->pool, text, (apr_size_t)(slash - text))
                  : text) ||
        !count)
        return httpd_mistake(cmd, text,
                             has_span ? "it is no limit; write NUMBER/TIME, as "
                                        "300/3h, or off"
                                      : "it is no limit; write NUMBER, or off");
    if (slash) {
        mistake = httpd_span_parse(&span, cmd, slash + 1);
        if (mistake)
            return mistake;
        if (span % APR_USEC_PER_SEC || !span)
            return httpd_mistake(cmd, text, "its time is not of whole seconds");
    }
    line->rule.count = count;
    line->rule.span = apr_time_sec(span);
    return NULL;
}

static const char *names_text(apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < ACME_LIMIT_COUNT; i++)
        text = apr_pstrcat(pool, text, i ? ", " : "",
                           acme_limit_name((acme_limit_e)i), NULL);
    return text;
}

const char *httpd_limit_set(cmd_parms *cmd, void *dir, const char *what,
                            const char *rule)
{
    httpd_conf_t *conf = httpd_conf_get(cmd->server);
    line_t line = {ACME_LIMIT_COUNT, {0, 0}};
    const char *mistake = NULL;

    if (rule) {
        line.limit = acme_limit_find(what);
        if (line.limit == ACME_LIMIT_COUNT)
            return httpd_mistake(
                cmd, what,
                apr_pstrcat(cmd->pool, "there is no such limit; there are ",
                            names_text(cmd->pool), NULL));
        mistake = rule_parse(&line, cmd, rule);
    }
    else if (strcasecmp(what, "off"))
        return httpd_mistake(cmd, what,
                             "it says nothing; write off, or WHAT N/TIME");
    if (mistake)
        return mistake;
    if (!conf->limits)
        conf->limits = apr_array_make(cmd->pool, 4, sizeof(line_t));
    APR_ARRAY_PUSH(conf->limits, line_t) = line;
    return NULL;
}

void httpd_limit_resolve(acme_limit_rule_t rules[ACME_LIMIT_COUNT],
                         const apr_array_header_t *lines)
{
    int i, k;

    for (i = 0; i < lines->nelts; i++) {
        const line_t *line = &APR_ARRAY_IDX(lines, i, const line_t);

        for (k = 0; k < ACME_LIMIT_COUNT; k++)
            if (line->limit == ACME_LIMIT_COUNT ||
                line->limit == (acme_limit_e)k)
                rules[k] = line->rule;
    }
}

apr_status_t httpd_limit_create(apr_pool_t *process_pool)
{
    void *found = NULL;

    apr_pool_userdata_get(&found, KEPT, process_pool);
    if (!found) {
        found = mmap(NULL, acme_limit_size(SLOTS), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (found == MAP_FAILED)
            return APR_ENOMEM;
        acme_limit_init(found, clock_now(&clock_system));
        apr_pool_userdata_set(found, KEPT, NULL, process_pool);
    }
    region = found;
    return APR_SUCCESS;
}

acme_limit_t *httpd_limit_attach(apr_pool_t *pool)
{
    return region ? acme_limit_attach(region, SLOTS, pool) : NULL;
}
