/* SPDX-License-Identifier: Apache-2.0 */
/* The directives of <ACMEPolicy>: words for policy_make.h, which says what is
 * wrong with them. */

#include "httpd/httpd_section.h"

#include <string.h>

#include <apr_strings.h>

#include "httpd/httpd_words.h"
#include "policy/policy_make.h"

#include "base/banned.h"

typedef const char *names_fn(policy_t *policy, const char *type,
                             const char *verb, const char *pattern,
                             apr_pool_t *pool);
typedef const char *usage_fn(policy_t *policy, const char *verb,
                             const char *word, apr_pool_t *pool);
typedef const char *words_fn(policy_t *policy, const apr_array_header_t *words,
                             apr_pool_t *pool);

/* why, if there is one, as the mistake of this value. */
static const char *fault(const cmd_parms *cmd, const char *value,
                         const char *why)
{
    return why ? httpd_mistake(cmd, value, why) : NULL;
}

/* The policy that cmd belongs to, and its words. */
static const char *begin(policy_t **policy, apr_array_header_t **words,
                         const cmd_parms *cmd, const char *args)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_POLICY);

    if (!mistake)
        mistake = httpd_words(words, cmd, args);
    if (!mistake)
        *policy = section->policy;
    return mistake;
}

static int is_verb(const char *word)
{
    return !strcasecmp(word, "allow") || !strcasecmp(word, "require") ||
           !strcasecmp(word, "deny");
}

const char *httpd_policy_preset(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_POLICY);

    if (mistake)
        return mistake;
    return fault(cmd, arg, policy_preset_set(section->policy, arg, cmd->pool));
}

static const char *verb_mistake(const cmd_parms *cmd, const char *args)
{
    return httpd_mistake(cmd, args,
                         "what to do with which values?  Write allow, require "
                         "or deny, and values behind it");
}

/* [type] verb value … verb value …; each value for add or use. */
static const char *verbs_read(policy_t *policy, const apr_array_header_t *words,
                              int first, const cmd_parms *cmd, const char *args)
{
    const char *type = APR_ARRAY_IDX(words, 0, const char *), *verb = NULL;
    int i, count = 0;

    for (i = first; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *), *why;

        if (is_verb(word)) {
            if (verb && !count)
                break;
            verb = word;
            count = 0;
            continue;
        }
        if (!verb)
            break;
        why = first
                  ? ((names_fn *)cmd->info)(policy, type, verb, word, cmd->pool)
                  : ((usage_fn *)cmd->info)(policy, verb, word, cmd->pool);
        if (why)
            return httpd_mistake(cmd, args, why);
        count++;
    }
    return verb && count ? NULL : verb_mistake(cmd, args);
}

/* "dns allow *.a deny b.a", cmd->info: names_fn */
const char *httpd_policy_names(cmd_parms *cmd, void *dir, const char *args)
{
    apr_array_header_t *words;
    policy_t *policy;
    const char *mistake = begin(&policy, &words, cmd, args);

    return mistake ? mistake : verbs_read(policy, words, 1, cmd, args);
}

/* "require serverAuth allow clientAuth", cmd->info: usage_fn */
const char *httpd_policy_usage(cmd_parms *cmd, void *dir, const char *args)
{
    apr_array_header_t *words;
    policy_t *policy;
    const char *mistake = begin(&policy, &words, cmd, args);

    return mistake ? mistake : verbs_read(policy, words, 0, cmd, args);
}

/* "ec:P-256 ed25519", cmd->info: words_fn */
const char *httpd_policy_words(cmd_parms *cmd, void *dir, const char *args)
{
    apr_array_header_t *words;
    policy_t *policy;
    const char *mistake = begin(&policy, &words, cmd, args);

    if (mistake)
        return mistake;
    return fault(cmd, args, ((words_fn *)cmd->info)(policy, words, cmd->pool));
}

const char *httpd_policy_validity(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    apr_interval_time_t span;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_POLICY);

    if (!mistake)
        mistake = httpd_span_parse(&span, cmd, arg);
    if (mistake)
        return mistake;
    return fault(cmd, arg,
                 policy_max_validity_set(section->policy, apr_time_sec(span),
                                         cmd->pool));
}

const char *httpd_policy_count(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_POLICY);
    int count;

    if (mistake)
        return mistake;
    if (!httpd_number_parse(&count, arg))
        return httpd_mistake(cmd, arg, "it is no number; write a whole number");
    return fault(cmd, arg,
                 policy_max_names_set(section->policy, count, cmd->pool));
}

/* "*.dmz.corp resolves-to=10.0.0.0/8" */
const char *httpd_policy_network(cmd_parms *cmd, void *dir, const char *args)
{
    apr_array_header_t *words, *rest;
    policy_t *policy;
    const char *mistake = begin(&policy, &words, cmd, args);
    int i;

    if (mistake)
        return mistake;
    rest = apr_array_make(cmd->pool, 2, sizeof(const char *));
    for (i = 1; i < words->nelts; i++)
        APR_ARRAY_PUSH(rest, const char *) =
            APR_ARRAY_IDX(words, i, const char *);
    return fault(cmd, args,
                 policy_network_add(policy,
                                    APR_ARRAY_IDX(words, 0, const char *), rest,
                                    cmd->pool));
}
