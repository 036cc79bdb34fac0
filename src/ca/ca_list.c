/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_list.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "ca/ca_file.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/* How many seconds before its making a list begins, at most. */
#define BACKDATE_MAX 3600

const char *ca_list_serial(const ASN1_INTEGER *serial, apr_pool_t *pool)
{
    return apr_pescape_hex(pool, ASN1_STRING_get0_data(serial),
                           (apr_size_t)ASN1_STRING_length(serial), 0);
}

static int reason_of(X509_REVOKED *entry)
{
    ASN1_ENUMERATED *value =
        X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    int reason = value ? (int)ASN1_ENUMERATED_get(value) : -1;

    ASN1_ENUMERATED_free(value);
    return reason;
}

static ca_revoked_t *entry_read(X509_REVOKED *entry, apr_pool_t *pool)
{
    ca_revoked_t *read = apr_pcalloc(pool, sizeof(*read));

    read->serial = ca_list_serial(X509_REVOKED_get0_serialNumber(entry), pool);
    read->at = ca_time_seconds(X509_REVOKED_get0_revocationDate(entry));
    read->reason = reason_of(entry);
    return read;
}

static ca_list_t *list_parse(X509_CRL *crl, X509 *issuer, apr_pool_t *pool)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    ca_list_t *list = apr_pcalloc(pool, sizeof(*list));
    int i, len = i2d_X509_CRL(crl, NULL);
    unsigned char *end = apr_palloc(pool, len > 0 ? (apr_size_t)len : 1);
    apr_size_t cert_len;
    const unsigned char *cert = ca_cert_der(&cert_len, issuer, pool);

    list->fingerprint = ca_sha256_hex(cert, cert_len, pool);
    list->der = end;
    list->der_len = len > 0 ? (apr_size_t)i2d_X509_CRL(crl, &end) : 0;
    list->number = ca_crl_number(list->der, list->der_len);
    list->this_update = ca_time_seconds(X509_CRL_get0_lastUpdate(crl));
    list->next_update = ca_time_seconds(X509_CRL_get0_nextUpdate(crl));
    list->revoked = apr_array_make(pool, 4, sizeof(ca_revoked_t *));
    for (i = 0; i < sk_X509_REVOKED_num(entries); i++)
        APR_ARRAY_PUSH(list->revoked, ca_revoked_t *) =
            entry_read(sk_X509_REVOKED_value(entries, i), pool);
    return list;
}

/* NULL if there is no file; a problem if it is no list of issuer's. */
static problem_t *list_read(ca_list_t **list, const char *file, X509 *issuer,
                            apr_pool_t *pool)
{
    const char *text;
    apr_size_t len;
    X509_CRL *crl;
    BIO *bio;
    problem_t *prob;

    *list = NULL;
    if (!ca_file_exists(file))
        return NULL;
    prob = ca_file_read(&text, &len, file, pool);
    if (prob)
        return prob;
    bio = own_bio(pool, BIO_new_mem_buf(text, (int)len));
    crl = own_x509_crl(pool, bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)
                                 : NULL);
    if (crl &&
        !X509_NAME_cmp(X509_CRL_get_issuer(crl),
                       X509_get_subject_name(issuer)) &&
        X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1) {
        *list = list_parse(crl, issuer, pool);
        return NULL;
    }
    ERR_clear_error();
    return problem_internal(
        pool, APR_EINVAL,
        "%s: is no list of revoked certificates (PEM) that \"%s\" has signed; "
        "put the right one there, or move it away: mv %s %s.bad",
        file, ca_name_text(X509_get_subject_name(issuer), pool), file, file);
}

static int has_serial(const apr_array_header_t *revoked, const char *serial)
{
    int i;

    for (i = 0; i < revoked->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(revoked, i, const ca_revoked_t *)->serial,
                    serial))
            return 1;
    return 0;
}

/* Revoked once and for ever: the earlier entry stays. */
static apr_array_header_t *entries_join(const ca_list_t *last,
                                        const apr_array_header_t *revoked,
                                        apr_pool_t *pool)
{
    apr_array_header_t *all =
        last ? apr_array_copy(pool, last->revoked)
             : apr_array_make(pool, 4, sizeof(ca_revoked_t *));
    int i;

    for (i = 0; revoked && i < revoked->nelts; i++) {
        ca_revoked_t *one = APR_ARRAY_IDX(revoked, i, ca_revoked_t *);

        if (!has_serial(all, one->serial))
            APR_ARRAY_PUSH(all, ca_revoked_t *) = one;
    }
    return all;
}

static const char *pem_of(const ca_crl_t *crl, apr_pool_t *pool)
{
    const unsigned char *der = crl->der;
    X509_CRL *parsed =
        own_x509_crl(pool, d2i_X509_CRL(NULL, &der, (long)crl->der_len));
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    char *text;
    long len;

    if (!parsed || !bio || PEM_write_bio_X509_CRL(bio, parsed) != 1)
        return NULL;
    len = BIO_get_mem_data(bio, &text);
    return apr_pstrmemdup(pool, text, (apr_size_t)len);
}

/* thisUpdate: some time ago, for verifiers whose clocks are late. */
static apr_int64_t backdated(const ca_issuer_t *issuer, apr_int64_t now,
                             apr_int64_t end)
{
    apr_int64_t by = (end - now) / 10;
    apr_int64_t at = now - (by < BACKDATE_MAX ? by : BACKDATE_MAX);

    return at > issuer->not_before ? at : issuer->not_before;
}

problem_t *ca_list_renew(ca_list_t **list, const ca_issuer_t *issuer,
                         const char *file, const apr_array_header_t *revoked,
                         apr_int64_t now, apr_int64_t next_update,
                         apr_pool_t *pool)
{
    ca_crl_request_t request = {0};
    ca_list_t *last;
    ca_crl_t *crl;
    const char *pem;
    problem_t *prob = list_read(&last, file, issuer->cert, pool);

    if (prob)
        return prob;
    request.revoked = entries_join(last, revoked, pool);
    request.number = last ? last->number + 1 : 1;
    request.next_update =
        next_update < issuer->not_after ? next_update : issuer->not_after;
    request.this_update = backdated(issuer, now, request.next_update);
    request.is_for_all = 1;
    prob = ca_crl_make(&crl, issuer, &request, pool);
    if (prob)
        return prob;
    pem = crl->count == request.revoked->nelts ? pem_of(crl, pool) : NULL;
    if (!pem)
        return ca_openssl_problem(pool, "%s: make the next list", file);
    prob = ca_file_replace(file, pem, 0644, pool);
    return prob ? prob : list_read(list, file, issuer->cert, pool);
}

void ca_list_ensure(const ca_issuer_t *issuer, const char *file,
                    apr_int64_t now, const log_t *log, apr_pool_t *pool)
{
    ca_list_t *list;
    problem_t *prob;

    if (!issuer->key || now < issuer->not_before || now >= issuer->not_after)
        return;
    prob = list_read(&list, file, issuer->cert, pool);
    if (!prob && list && now >= list->this_update &&
        now - list->this_update < list->next_update - now)
        return;
    if (!prob)
        prob = ca_list_renew(&list, issuer, file, NULL, now, now + CA_LIST_LIFE,
                             pool);
    if (prob)
        log_write(log, LOG_LEVEL_WARNING, "AS0160", prob->rv,
                  "the root's list of revoked certificates is not renewed: %s",
                  prob->cause);
    else
        log_write(log, LOG_LEVEL_NOTICE, "AS0161", APR_SUCCESS,
                  "made list %" APR_INT64_T_FMT
                  " of what the root has revoked, until %s: %s",
                  list->number, clock_rfc3339(list->next_update, pool), file);
}

const ca_list_t *ca_list_find(const apr_array_header_t *certs, const char *dir,
                              const log_t *log, apr_pool_t *pool)
{
    const char *file = apr_pstrcat(pool, dir, "/" CA_LIST_FILE, NULL);
    problem_t *prob = NULL;
    ca_list_t *list = NULL;
    int i;

    for (i = 0; !list && i < certs->nelts; i++)
        prob = list_read(&list, file, APR_ARRAY_IDX(certs, i, X509 *), pool);
    if (!list && prob)
        log_write(log, LOG_LEVEL_WARNING, "AS0162", prob->rv, "%s",
                  prob->cause);
    return list;
}
