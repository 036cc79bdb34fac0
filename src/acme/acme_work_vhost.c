/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/x509v3.h>

#include "acme/acme_issue.h"
#include "base/token.h"
#include "store/store_cert.h"

#include "base/banned.h"

#define DAY 86400

/* As ca_auto_vhost_ensure makes the first one. */
static const ca_profile_t vhost_validity = {
    .validity = 90 * DAY,
    .max_validity = 90 * DAY,
    .backdate = 3600,
    .common_name = 1,
};

/* The dns names of a certificate of ours, sorted; NULL if it has none. */
static apr_array_header_t *names_get(X509 *cert, apr_pool_t *pool)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(identifier_t *));
    int i;

    for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        identifier_t *identifier;
        const char *value;

        if (name->type != GEN_DNS)
            continue;
        value = apr_pstrmemdup(
            pool, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
            (apr_size_t)ASN1_STRING_length(name->d.dNSName));
        if (!identifier_parse(&identifier, "dns", value, IDENTIFIER_UNDERSCORE,
                              pool))
            APR_ARRAY_PUSH(list, identifier_t *) = identifier;
    }
    GENERAL_NAMES_free(names);
    identifier_sort(list);
    return list->nelts ? list : NULL;
}

/* SHA-256 of the SubjectPublicKeyInfo, as in store_cert_t.spki_sha256. */
static const char *key_digest(EVP_PKEY *key, apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
    unsigned int digest_len = 0;
    int len = i2d_PUBKEY(key, &der);

    if (len <= 0)
        return NULL;
    if (!EVP_Digest(der, (size_t)len, digest, &digest_len, EVP_sha256(), NULL))
        digest_len = 0;
    OPENSSL_free(der);
    return digest_len ? apr_pescape_hex(pool, digest, digest_len, 0) : NULL;
}

static apr_int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;
    apr_time_exp_t exploded = {0};
    apr_time_t when = 0;

    if (!ASN1_TIME_to_tm(time, &tm))
        return 0;
    exploded.tm_sec = tm.tm_sec;
    exploded.tm_min = tm.tm_min;
    exploded.tm_hour = tm.tm_hour;
    exploded.tm_mday = tm.tm_mday;
    exploded.tm_mon = tm.tm_mon;
    exploded.tm_year = tm.tm_year;
    if (apr_time_exp_gmt_get(&when, &exploded) != APR_SUCCESS)
        return 0;
    return apr_time_sec(when);
}

static const char *common_name(const apr_array_header_t *names)
{
    const char *first = APR_ARRAY_IDX(names, 0, identifier_t *)->value;

    return strlen(first) <= 64 ? first : NULL;
}

/* One such job per key at a time: subject is the key. */
static apr_status_t renewal_queue(acme_t *acme, const apr_array_header_t *names,
                                  EVP_PKEY *key, const char *digest,
                                  apr_int64_t now, apr_pool_t *pool)
{
    store_job_t job = {0};
    acme_plan_t *plan = acme_plan_make(acme, policy_preset_tls_server(pool),
                                       &vhost_validity, key, now, pool);
    apr_status_t rv;

    plan->identifiers = identifier_list_text(names, pool);
    plan->common_name = common_name(names);
    job.id = token_id(apr_time_from_sec(now), pool);
    job.kind = ACME_WORK_VHOST;
    job.subject = digest;
    job.data = acme_plan_text(plan, pool);
    job.due_at = now;
    rv = store_job_add(acme->store, &job, pool);
    if (rv == APR_SUCCESS)
        acme->host->wake(acme->host->baton);
    return APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv;
}

apr_status_t acme_work_vhost_refresh(const unsigned char **der,
                                     apr_size_t *der_len, acme_t *acme,
                                     X509 *current, EVP_PKEY *key,
                                     apr_pool_t *pool)
{
    apr_array_header_t *names = names_get(current, pool);
    const char *digest = key_digest(key, pool);
    apr_int64_t now = clock_seconds(acme->clock);
    apr_int64_t from = seconds_of(X509_get0_notBefore(current));
    apr_int64_t until = seconds_of(X509_get0_notAfter(current));
    store_cert_t *newest;
    apr_status_t rv;

    *der = NULL;
    *der_len = 0;
    if (!names || !digest)
        return APR_EINVAL;
    rv = store_cert_get_vhost(&newest, acme->store,
                              identifier_list_text(names, pool), digest, pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        return rv;
    if (rv == APR_SUCCESS && newest->not_before > from) {
        *der = newest->der;
        *der_len = newest->der_len;
        from = newest->not_before;
        until = newest->not_after;
    }
    /* An issuer near its end cannot give more than there is. */
    if (until - now >= (until - from) / 3 ||
        acme_issue_ready_check(acme, pool) ||
        acme->conf->ca->issuer->not_after <= until)
        return APR_SUCCESS;
    return renewal_queue(acme, names, key, digest, now, pool);
}
