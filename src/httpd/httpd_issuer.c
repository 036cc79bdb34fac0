/* SPDX-License-Identifier: Apache-2.0 */
/* The directives of <ACMEIssuer>.  Whether they fit together is for
 * acme_conf_check() to say. */

#include "httpd/httpd_section.h"

#include <string.h>

#include <apr_strings.h>

#include "httpd/httpd_words.h"

#include "base/banned.h"

/* NULL, or the mistake.  A key in a token is not a file, and is refused with
 * the reason by acme_conf_check(). */
static const char *path_parse(const char **path, const cmd_parms *cmd,
                              const char *arg)
{
    *path = arg;
    return strncasecmp(arg, "pkcs11:", 7) ? httpd_path_parse(path, cmd, arg)
                                          : NULL;
}

const char *httpd_issuer_type(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_ISSUER);

    if (!mistake)
        section->issuer->type = arg;
    return mistake;
}

/* cmd->info: the offset in acme_issuer_t. */
const char *httpd_issuer_file(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_ISSUER);

    if (mistake)
        return mistake;
    return path_parse(
        (const char **)((char *)section->issuer + (apr_size_t)cmd->info), cmd,
        arg);
}

const char *httpd_issuer_alternate(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_ISSUER);

    if (mistake)
        return mistake;
    return path_parse(
        &APR_ARRAY_PUSH(section->issuer->alternates, const char *), cmd, arg);
}

/* In a section for its issuer, outside for those that do not say it. */
const char *httpd_issuer_url(cmd_parms *cmd, void *dir, const char *arg)
{
    httpd_section_t *section = httpd_section_current(cmd);

    if (section)
        section->issuer->url = arg;
    else
        httpd_conf_get(cmd->server)->issuer_url = arg;
    return NULL;
}

/* "on|off [next-update=TIME]" */
static const char *update_parse(int *is_on, apr_int64_t *seconds,
                                cmd_parms *cmd, const char *args,
                                const char *usage)
{
    static const char life[] = "next-update=";
    apr_array_header_t *words;
    apr_interval_time_t span;
    const char *word, *mistake = httpd_words(&words, cmd, args);

    if (mistake)
        return mistake;
    word = APR_ARRAY_IDX(words, 0, const char *);
    *is_on = !strcasecmp(word, "on");
    if ((!*is_on && strcasecmp(word, "off")) || words->nelts > 1 + *is_on)
        return httpd_mistake(cmd, args, usage);
    if (words->nelts == 1)
        return NULL;
    word = APR_ARRAY_IDX(words, 1, const char *);
    if (strncasecmp(word, life, strlen(life)))
        return httpd_mistake(cmd, args, usage);
    mistake = httpd_span_parse(&span, cmd, word + strlen(life));
    if (!mistake)
        *seconds = apr_time_sec(span);
    return mistake;
}

const char *httpd_issuer_crl(cmd_parms *cmd, void *dir, const char *args)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_ISSUER);

    if (mistake)
        return mistake;
    return update_parse(&section->issuer->crl, &section->issuer->crl_life, cmd,
                        args, "write on, on next-update=7d, or off");
}

const char *httpd_issuer_ocsp(cmd_parms *cmd, void *dir, const char *args)
{
    httpd_section_t *section;
    const char *mistake = httpd_section_find(&section, cmd, HTTPD_ISSUER);

    if (mistake)
        return mistake;
    return update_parse(&section->issuer->ocsp, &section->issuer->ocsp_life,
                        cmd, args, "write on, on next-update=12h, or off");
}
