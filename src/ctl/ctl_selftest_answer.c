/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_ask.h"

#include <string.h>

#include <apr_strings.h>

#include "base/own.h"

#include "base/banned.h"

#define URN "urn:ietf:params:acme:error:"

const char *ctl_test_header(const ctl_answer_t *answer, const char *name)
{
    return apr_table_get(answer->headers, name);
}

static int header_count(void *count, const char *name, const char *value)
{
    ++*(int *)count;
    return 1;
}

int ctl_test_headers(const ctl_answer_t *answer, const char *name)
{
    int count = 0;

    apr_table_do(header_count, &count, answer->headers, name, NULL);
    return count;
}

typedef struct {
    const char *rel;
    apr_array_header_t *urls;
} links_t;

/* What clients read by regular expression: <URL>;rel="…", a line each (T71). */
static int link_take(void *baton, const char *name, const char *value)
{
    links_t *links = baton;
    apr_pool_t *pool = links->urls->pool;
    const char *end = strchr(value, '>'), *rel;

    if (*value != '<' || !end)
        return 1;
    rel = strstr(end, "rel=\"");
    if (!rel || strncmp(rel + 5, links->rel, strlen(links->rel)) ||
        rel[5 + strlen(links->rel)] != '"' || strchr(end, '<'))
        return 1;
    APR_ARRAY_PUSH(links->urls, const char *) =
        apr_pstrmemdup(pool, value + 1, (apr_size_t)(end - value - 1));
    return 1;
}

apr_array_header_t *ctl_test_links(const ctl_answer_t *answer, const char *rel,
                                   apr_pool_t *pool)
{
    links_t links = {rel, apr_array_make(pool, 2, sizeof(const char *))};

    apr_table_do(link_take, &links, answer->headers, "Link", NULL);
    return links.urls;
}

const char *ctl_test_text(const ctl_answer_t *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer->json, name));

    return text ? text : "";
}

const char *ctl_test_resource(const ctl_test_t *t, const char *name)
{
    const char *url = json_string_value(json_object_get(t->directory, name));

    return url && *url ? url : NULL;
}

json_t *ctl_test_meta(const ctl_test_t *t, const char *name)
{
    return json_object_get(json_object_get(t->directory, "meta"), name);
}

static void problem_parse(ctl_answer_t *answer)
{
    const char *type = ctl_test_text(answer, "type");

    answer->detail = ctl_test_text(answer, "detail");
    if (answer->status >= 400 && !strncmp(type, URN, strlen(URN)))
        answer->problem = type + strlen(URN);
}

void ctl_test_parse(ctl_test_t *t, ctl_answer_t *answer)
{
    const char *type = ctl_test_header(answer, "Content-Type");
    char *bare = apr_pstrmemdup(t->pool, type ? type : "",
                                type ? strcspn(type, "; \t") : 0);

    answer->type = bare;
    answer->detail = "";
    if (strstr(bare, "json"))
        answer->json =
            own_json(t->pool, json_loadb(answer->body, answer->len, 0, NULL));
    if (json_is_object(answer->json))
        problem_parse(answer);
}
