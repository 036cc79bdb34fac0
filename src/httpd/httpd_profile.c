/* SPDX-License-Identifier: Apache-2.0 */
/* The directives of <ACMEProfile>. */

#include "httpd/httpd_section.h"

#include <string.h>

#include <apr_strings.h>

#include "httpd/httpd_words.h"
#include "policy/policy_subject.h"

#include "base/banned.h"

/* cmd->info: the offset in acme_profile_t. */
static void *place(const cmd_parms *cmd, const httpd_section_t *section)
{
    return (char *)section->profile + (apr_size_t)cmd->info;
}

const char *httpd_profile_text(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_PROFILE);

    if (!mistake)
        *(const char **)place(cmd, section) = arg;
    return mistake;
}

const char *httpd_profile_flag(cmd_parms *cmd, void *dir, int on)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_PROFILE);

    if (!mistake)
        *(int *)place(cmd, section) = on != 0;
    return mistake;
}

const char *httpd_profile_policy(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_PROFILE);

    if (!mistake)
        section->policy_name = arg;
    return mistake;
}

/* "90d max=1y" */
const char *httpd_profile_validity(cmd_parms *cmd, void *dir, const char *args)
{
    httpd_section_t *section;
    apr_array_header_t *words;
    apr_interval_time_t span, max = 0;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_PROFILE);

    if (!mistake)
        mistake = httpd_words(&words, cmd, args);
    if (!mistake)
        mistake =
            httpd_span_parse(&span, cmd, APR_ARRAY_IDX(words, 0, const char *));
    if (mistake)
        return mistake;
    if (words->nelts == 2 &&
        !strncasecmp(APR_ARRAY_IDX(words, 1, const char *), "max=", 4))
        mistake = httpd_span_parse(&max, cmd,
                                   APR_ARRAY_IDX(words, 1, const char *) + 4);
    else if (words->nelts > 1)
        mistake = httpd_mistake(cmd, args,
                                "there is more than a time; write TIME "
                                "[max=TIME]");
    if (mistake)
        return mistake;
    if (apr_time_sec(span) < 1 || (max && max < span))
        return httpd_mistake(cmd, args,
                             "it is shorter than a second, or longer than its "
                             "max; write it like 90d max=1y");
    section->profile->validity.validity = apr_time_sec(span);
    section->profile->validity.max_validity = apr_time_sec(max);
    section->profile->validity_text = args;
    return NULL;
}

const char *httpd_profile_challenges(cmd_parms *cmd, void *dir,
                                     const char *args)
{
    httpd_section_t *section;
    apr_array_header_t *words;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_PROFILE);

    if (!mistake)
        mistake = httpd_words(&words, cmd, args);
    if (mistake)
        return mistake;
    section->profile->challenges = words;
    section->profile->has_challenges = 1;
    return NULL;
}

/* O="Example Corp" C=DE */
const char *httpd_profile_subject(cmd_parms *cmd, void *dir, const char *args)
{
    httpd_section_t *section;
    apr_array_header_t *words;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_PROFILE);
    int i;

    if (!mistake)
        mistake = httpd_words(&words, cmd, args);
    if (mistake)
        return mistake;
    for (i = 0; i < words->nelts; i++) {
        const char *text = APR_ARRAY_IDX(words, i, const char *);
        policy_value_t *value;
        const char *why = policy_value_parse(&value, text, cmd->pool);

        if (why)
            return httpd_mistake(cmd, text, why);
        APR_ARRAY_PUSH(section->profile->subject, const char *) = text;
    }
    return NULL;
}

const char *httpd_profile_external(cmd_parms *cmd, void *dir, const char *arg)
{
    static const struct {
        const char *word;
        acme_external_e value;
    } words[] = {{"off", ACME_EXTERNAL_OFF},
                 {"optional", ACME_EXTERNAL_OPTIONAL},
                 {"required", ACME_EXTERNAL_REQUIRED}};
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_PROFILE);
    apr_size_t i;

    if (mistake)
        return mistake;
    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(arg, words[i].word))
            continue;
        section->profile->external = words[i].value;
        return NULL;
    }
    return httpd_mistake(cmd, arg,
                         "there is no such word; write required, optional or "
                         "off");
}

const char *httpd_profile_enrollment(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_PROFILE);

    if (mistake)
        return mistake;
    section->profile->enrollment = !strcasecmp(arg, "acme");
    if (section->profile->enrollment || !strcasecmp(arg, "none"))
        return NULL;
    return httpd_mistake(cmd, arg,
                         "there is no such way to enroll; write acme, or none");
}
