/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_persist.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/quote.h"
#include "dcv/dcv_caa.h"

#include "base/banned.h"

#define BLANKS " \t"
/* Digits of a time that is still a number here. */
#define TIME_DIGITS_MAX 17
#define SHOWN_MAX       100

typedef struct {
    const char *account, *policy, *until; /* NULL: not there */
} params_t;

/* Without blanks around it, in place. */
static char *trim(char *text)
{
    apr_size_t len;

    text += strspn(text, BLANKS);
    len = strlen(text);
    while (len && strchr(BLANKS, text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* The part up to the next ";", trimmed; NULL at the end. */
static char *part_next(char **rest)
{
    char *part = *rest, *end;

    if (!part)
        return NULL;
    end = strchr(part, ';');
    *rest = end ? end + 1 : NULL;
    if (end)
        *end = '\0';
    return trim(part);
}

static int is_issuer(const char *name, const dcv_job_t *job)
{
    apr_size_t len = strlen(name);
    int i;

    if (len && name[len - 1] == '.')
        len--;
    for (i = 0; len && i < job->issuers->nelts; i++) {
        const char *issuer = APR_ARRAY_IDX(job->issuers, i, const char *);

        if (strlen(issuer) == len && !strncasecmp(issuer, name, len))
            return 1;
    }
    return 0;
}

static const char **param_find(params_t *params, const char *tag)
{
    if (!strcasecmp(tag, "accounturi"))
        return &params->account;
    if (!strcasecmp(tag, "policy"))
        return &params->policy;
    return strcasecmp(tag, "persistUntil") ? NULL : &params->until;
}

/* What is wrong with this part, or NULL. */
static const char *param_take(params_t *params, char *part)
{
    char *equals = strchr(part, '='), *value;
    const char **place;

    if (!equals)
        return "it has a parameter without \"=\", or a \";\" too many";
    *equals = '\0';
    part = trim(part);
    value = trim(equals + 1);
    if (!dcv_caa_is_tag(part) || !dcv_caa_is_value(value))
        return "it has a parameter with a character that must not be there";
    place = param_find(params, part);
    if (!place)
        return NULL;
    if (*place)
        return "it has a parameter twice";
    *place = value;
    return NULL;
}

static const char *params_fault(const params_t *params)
{
    if (!params->account || !*params->account)
        return "it has no accounturi";
    if (params->until &&
        (!*params->until || strlen(params->until) > TIME_DIGITS_MAX ||
         params->until[strspn(params->until, "0123456789")]))
        return "its persistUntil is no time, which is a number of seconds";
    return NULL;
}

static const char *unfit_find(const params_t *params, const dcv_job_t *job,
                              apr_int64_t now, apr_pool_t *pool)
{
    if (strcmp(params->account, job->account_url))
        return apr_psprintf(pool, "its accounturi is another account's, %s",
                            quote_make(params->account, strlen(params->account),
                                       SHOWN_MAX, pool));
    if (params->until && apr_atoi64(params->until) < now)
        return apr_psprintf(pool, "it was good until %s only",
                            clock_rfc3339(apr_atoi64(params->until), pool));
    if (job->is_wildcard &&
        (!params->policy || strcasecmp(params->policy, "wildcard")))
        return "it has no policy=wildcard, which a wildcard name needs";
    return NULL;
}

dcv_persist_e dcv_persist_judge(const char **why, const dcv_txt_t *txt,
                                const dcv_job_t *job, apr_int64_t now,
                                apr_pool_t *pool)
{
    char *rest = apr_pstrmemdup(pool, txt->text, txt->len), *part;
    params_t params = {NULL, NULL, NULL};

    *why = NULL;
    if (strlen(rest) != txt->len || !is_issuer(part_next(&rest), job))
        return DCV_PERSIST_OTHER;
    for (part = part_next(&rest); part && !*why; part = part_next(&rest))
        *why = param_take(&params, part);
    if (!*why)
        *why = params_fault(&params);
    if (*why)
        return DCV_PERSIST_MALFORMED;
    *why = unfit_find(&params, job, now, pool);
    return *why ? DCV_PERSIST_UNFIT : DCV_PERSIST_GOOD;
}

const char *dcv_persist_value(const dcv_job_t *job)
{
    const char *issuer =
        job->issuers->nelts ? APR_ARRAY_IDX(job->issuers, 0, const char *) : "";

    return apr_pstrcat(job->pool, issuer, "; accounturi=", job->account_url,
                       job->is_wildcard ? "; policy=wildcard" : "", NULL);
}
