/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_persist.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/quote.h"
#include "base/words.h"
#include "dcv/dcv_caa.h"

#include "base/banned.h"

/* Digits of a time that is still a number here. */
#define TIME_DIGITS_MAX 17
#define SHOWN_MAX       100
/* SHA-256 in base64url. */
#define HASH_LEN 43
#define B64URL                                                                 \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

typedef struct {
    const char *account, *policy, *until; /* NULL: not there */
} params_t;

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
    char *value = part, *tag = dcv_caa_word(&value, '=');
    const char **place;

    if (!value)
        return "it has a parameter without \"=\", or a \";\" too many";
    value = dcv_caa_trim(value);
    if (!dcv_caa_is_tag(tag) || !dcv_caa_is_value(value))
        return "it has a parameter with a character that must not be there";
    place = param_find(params, tag);
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

/* Is it some account's, by the look of it? */
static int is_hash(const char *uri, const dcv_job_t *job)
{
    int i;

    for (i = 0; i < job->hash_prefixes->nelts; i++) {
        const char *prefix = APR_ARRAY_IDX(job->hash_prefixes, i, const char *);
        apr_size_t len = strlen(prefix);

        if (!strncmp(uri, prefix, len) && strlen(uri + len) == HASH_LEN &&
            strspn(uri + len, B64URL) == HASH_LEN)
            return 1;
    }
    return 0;
}

/* The account's, in whichever way. */
static int is_account(dcv_persist_t *said, const params_t *params,
                      const dcv_job_t *job)
{
    said->is_url =
        job->is_url_allowed && !strcmp(params->account, job->account_url);
    return said->is_url || words_has(job->account_uris, params->account);
}

static const char *account_fault(const params_t *params, const dcv_job_t *job,
                                 apr_pool_t *pool)
{
    if (job->is_url_allowed || is_hash(params->account, job))
        return NULL;
    return apr_psprintf(
        pool, "its accounturi is no hash that begins with %s, but %s",
        APR_ARRAY_IDX(job->hash_prefixes, 0, const char *),
        quote_make(params->account, strlen(params->account), SHOWN_MAX, pool));
}

static const char *unfit_find(dcv_persist_t *said, const params_t *params,
                              const dcv_job_t *job, apr_int64_t now,
                              apr_pool_t *pool)
{
    if (!is_account(said, params, job))
        return apr_psprintf(pool, "its accounturi is another account's, %s",
                            quote_make(params->account, strlen(params->account),
                                       SHOWN_MAX, pool));
    if (params->until && said->until < now)
        return apr_psprintf(pool, "it was good until %s only",
                            clock_rfc3339(said->until, pool));
    if (job->is_wildcard &&
        (!params->policy || strcasecmp(params->policy, "wildcard")))
        return "it has no policy=wildcard, which a wildcard name needs";
    return NULL;
}

dcv_persist_e dcv_persist_judge(dcv_persist_t *said, const dcv_txt_t *txt,
                                const dcv_job_t *job, apr_int64_t now,
                                apr_pool_t *pool)
{
    char *rest = apr_pstrmemdup(pool, txt->text, txt->len), *part;
    params_t params = {NULL, NULL, NULL};

    memset(said, 0, sizeof(*said));
    if (strlen(rest) != txt->len || !is_issuer(dcv_caa_word(&rest, ';'), job))
        return DCV_PERSIST_OTHER;
    for (part = dcv_caa_word(&rest, ';'); part && !said->why;
         part = dcv_caa_word(&rest, ';'))
        said->why = param_take(&params, part);
    if (!said->why)
        said->why = params_fault(&params);
    if (!said->why)
        said->why = account_fault(&params, job, pool);
    if (said->why)
        return DCV_PERSIST_MALFORMED;
    said->until = params.until ? apr_atoi64(params.until) : 0;
    said->why = unfit_find(said, &params, job, now, pool);
    return said->why ? DCV_PERSIST_UNFIT : DCV_PERSIST_GOOD;
}

const char *dcv_persist_value(const dcv_job_t *job)
{
    const char *issuer =
        job->issuers->nelts ? APR_ARRAY_IDX(job->issuers, 0, const char *) : "";
    const char *uri = job->account_uris->nelts
                          ? APR_ARRAY_IDX(job->account_uris, 0, const char *)
                          : job->account_url;

    return apr_pstrcat(job->pool, issuer, "; accounturi=", uri,
                       job->is_wildcard ? "; policy=wildcard" : "", NULL);
}
