/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work_job.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/x509v3.h>

#include "acme/acme_audit.h"
#include "acme/acme_issue.h"
#include "acme/acme_response.h"
#include "base/own.h"
#include "base/token.h"
#include "ca/ca_chain.h"
#include "ca/ca_openssl.h"
#include "policy/policy_make.h"
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

/* As in store_cert_t.spki_sha256. */
static const char *key_digest(EVP_PKEY *key, apr_pool_t *pool)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    const char *digest;

    if (len <= 0)
        return NULL;
    digest = ca_sha256_hex(der, (apr_size_t)len, pool);
    OPENSSL_free(der);
    return digest;
}

static const acme_issuer_t *automatic(const acme_t *acme)
{
    return acme_conf_issuer(acme->conf, ACME_ISSUER_AUTOMATIC);
}

/* One such job per key at a time: subject is the key. */
static apr_status_t renewal_queue(acme_t *acme, const apr_array_header_t *names,
                                  EVP_PKEY *key, const char *digest,
                                  apr_int64_t now, apr_pool_t *pool)
{
    jose_jwk_t *jwk = jose_jwk_from_pkey(key, pool);
    store_job_t job = {0};
    acme_plan_t *plan;
    apr_status_t rv;

    if (!jwk)
        return APR_EINVAL;
    plan =
        acme_plan_make(acme, automatic(acme), policy_make("tls-server", pool),
                       &vhost_validity, jwk, now, pool);
    plan->identifiers = identifier_list_text(names, pool);
    plan->common_name = ca_auto_vhost_cn(acme->conf->server_name, names);
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

/* The newest stored one if it is younger than current and of a generation that
 * is still ours, else current itself. */
static apr_status_t newest_get(X509 **newest, store_cert_t **row, acme_t *acme,
                               X509 *current, const apr_array_header_t *names,
                               const char *digest, apr_pool_t *pool)
{
    const unsigned char *der;
    apr_status_t rv;
    X509 *cert;

    *newest = current;
    rv = store_cert_get_vhost(row, acme->store,
                              identifier_list_text(names, pool), digest, pool);
    if (rv != APR_SUCCESS)
        return APR_STATUS_IS_ENOENT(rv) ? APR_SUCCESS : rv;
    if (automatic(acme)->set &&
        !ca_set_generation(automatic(acme)->set, (*row)->issuer)) {
        *row = NULL;
        return APR_SUCCESS;
    }
    der = (*row)->der;
    cert = own_x509(pool, d2i_X509(NULL, &der, (long)(*row)->der_len));
    if (cert && ASN1_TIME_compare(X509_get0_notBefore(cert),
                                  X509_get0_notBefore(current)) > 0)
        *newest = cert;
    return APR_SUCCESS;
}

static const ca_issuer_t *signer_find(const ca_set_t *set, X509 *cert)
{
    int i;

    for (i = 0; set && i < set->generations->nelts; i++) {
        const ca_issuer_t *issuer =
            APR_ARRAY_IDX(set->generations, i, const ca_issuer_t *);

        if (ca_chain_has_signed(issuer->cert, cert))
            return issuer;
    }
    return NULL;
}

static store_event_t *event_make(const acme_t *acme, const store_cert_t *row,
                                 apr_pool_t *pool)
{
    store_event_t *event = acme_work_event(acme, "cert.issue", NULL, pool);
    json_t *detail = json_object();

    event->cert_id = row->id;
    acme_response_set_string(detail, "serial", row->serial);
    acme_response_set_string(detail, "identifiers", row->identifiers);
    acme_response_set_string(detail, "issuer", ACME_ISSUER_AUTOMATIC);
    acme_response_set_string(detail, "issuerFingerprint", row->issuer);
    acme_response_set_string(detail, "keySHA256", row->spki_sha256);
    acme_audit_detail(event, detail, pool);
    return event;
}

/* What the parent has made, who had no database: from now on it can be revoked,
 * and OCSP knows it.  Another process may have done that. */
static apr_status_t first_record(acme_t *acme, X509 *cert,
                                 const apr_array_header_t *names,
                                 const char *digest, apr_int64_t now,
                                 apr_pool_t *pool)
{
    const ca_issuer_t *issuer = signer_find(automatic(acme)->set, cert);
    store_cert_t row = {.realm = "", .directory = "", .profile = ""};
    store_event_t *event;
    apr_status_t rv;

    row.serial = ca_serial_text(cert, pool);
    row.der = ca_cert_der(&row.der_len, cert, pool);
    if (!issuer || !row.serial || !row.der)
        return APR_SUCCESS;
    row.id = token_id(apr_time_from_sec(now), pool);
    row.issuer = issuer->fingerprint;
    row.identifiers = identifier_list_text(names, pool);
    row.spki_sha256 = digest;
    row.not_before = ca_time_seconds(X509_get0_notBefore(cert));
    row.not_after = ca_time_seconds(X509_get0_notAfter(cert));
    row.issued_at = now;
    row.revoked_reason = -1;
    event = event_make(acme, &row, pool);
    rv = store_cert_add(acme->store, &row, event, pool);
    if (rv == APR_SUCCESS)
        acme_audit_tell(acme, event, pool);
    return APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv;
}

/* An issuer near its end cannot give more than there is. */
static int is_due(const acme_t *acme, const X509 *newest, apr_int64_t now)
{
    return ca_auto_is_due(newest, now) &&
           automatic(acme)->set->issuer->not_after >
               ca_time_seconds(X509_get0_notAfter(newest));
}

apr_status_t acme_work_vhost_refresh(const unsigned char **der,
                                     apr_size_t *der_len, acme_t *acme,
                                     X509 *current, EVP_PKEY *key,
                                     apr_pool_t *pool)
{
    apr_array_header_t *names = names_get(current, pool);
    const char *digest = key_digest(key, pool);
    apr_int64_t now = clock_seconds(acme->clock);
    store_cert_t *row;
    X509 *newest;
    apr_status_t rv;

    *der = NULL;
    *der_len = 0;
    if (!names || !digest)
        return APR_EINVAL;
    rv = newest_get(&newest, &row, acme, current, names, digest, pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (newest != current) {
        *der = row->der;
        *der_len = row->der_len;
    }
    else if (!row ||
             row->not_before != ca_time_seconds(X509_get0_notBefore(current)))
        rv = first_record(acme, current, names, digest, now, pool);
    if (rv != APR_SUCCESS)
        return rv;
    if (acme_issue_ready_check(acme, ACME_ISSUER_AUTOMATIC, pool) ||
        !(is_due(acme, newest, now) || (row && row->revoked_at)))
        return APR_SUCCESS;
    return renewal_queue(acme, names, key, digest, now, pool);
}
