/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_persist.h"

#include <openssl/sha.h>
#include <string.h>

#include <apr_strings.h>

#include "base/b64url.h"

#include "base/banned.h"

#define PREFIX "/account-hash/"
/* Its name in RFC 6920's registry. */
#define HASH "sha-256/"
/* Instead of the domain: for all. */
#define ANY "*"

static const char *prefix_make(const acme_conf_t *conf, const char *base,
                               apr_pool_t *pool)
{
    return apr_pstrcat(pool, base, conf->path, PREFIX, NULL);
}

const char *acme_persist_prefix(const acme_conf_t *conf, apr_pool_t *pool)
{
    return prefix_make(conf, conf->base_url, pool);
}

/* Unpadded base64url. */
static const char *digest_make(const char *domain, const char *thumbprint,
                               const char *account_url, apr_pool_t *pool)
{
    const char *text =
        apr_pstrcat(pool, "?", domain, thumbprint, account_url, NULL);
    apr_size_t len = strlen(text);
    unsigned char *octets = apr_pmemdup(pool, text, len);
    unsigned char digest[SHA256_DIGEST_LENGTH];

    octets[0] = (unsigned char)strlen(domain);
    SHA256(octets, len, digest);
    return b64url_encode(digest, sizeof(digest), pool);
}

/* Under one base URL, of one key. */
static void uris_add(dcv_job_t *job, const char *prefix, const char *url,
                     const char *thumbprint)
{
    apr_array_header_t *uris = (apr_array_header_t *)job->account_uris;
    const char *const domains[] = {job->domain, ANY};
    int i;

    for (i = 0; i < 2; i++)
        APR_ARRAY_PUSH(uris, const char *) = apr_pstrcat(
            job->pool, prefix, HASH,
            digest_make(domains[i], thumbprint, url, job->pool), NULL);
}

/* The account has the same path everywhere. */
static void base_add(dcv_job_t *job, const acme_conf_t *conf, const char *base,
                     const char *thumbprint, const char *prints)
{
    const char *prefix = prefix_make(conf, base, job->pool), *url;
    apr_size_t len = strlen(conf->base_url);
    char *copy = apr_pstrdup(job->pool, prints), *state, *print;

    if (strncmp(job->account_url, conf->base_url, len))
        return;
    url = apr_pstrcat(job->pool, base, job->account_url + len, NULL);
    APR_ARRAY_PUSH((apr_array_header_t *)job->hash_prefixes, const char *) =
        apr_pstrcat(job->pool, prefix, HASH, NULL);
    uris_add(job, prefix, url, thumbprint);
    for (print = copy ? apr_strtok(copy, " ", &state) : NULL; print;
         print = apr_strtok(NULL, " ", &state))
        uris_add(job, prefix, url, print);
}

void acme_persist_fill(dcv_job_t *job, const acme_conf_t *conf,
                       const char *thumbprint, const char *prints)
{
    const apr_array_header_t *aliases = conf->base_url_aliases;
    int i;

    job->account_uris = apr_array_make(job->pool, 2, sizeof(const char *));
    job->hash_prefixes = apr_array_make(job->pool, 1, sizeof(const char *));
    job->is_url_allowed = conf->dns_persist == ACME_PERSIST_OLD;
    base_add(job, conf, conf->base_url, thumbprint, prints);
    for (i = 0; aliases && i < aliases->nelts; i++)
        base_add(job, conf, APR_ARRAY_IDX(aliases, i, const char *), thumbprint,
                 prints);
}
