/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/own.h"
#include "ca/ca_extension.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

static int time_is_ok(apr_int64_t at)
{
    return at >= 0 && at <= CA_TIME_MAX;
}

static problem_t *request_check(const ca_issuer_t *issuer,
                                const ca_crl_request_t *request,
                                apr_pool_t *pool)
{
    if (!issuer->key)
        return problem_internal(pool, APR_EINVAL,
                                "issuer %s, generation %d, has no key here",
                                issuer->name, issuer->generation);
    if (request->number < 1 || !time_is_ok(request->this_update) ||
        !time_is_ok(request->next_update) ||
        request->this_update >= request->next_update)
        return problem_internal(pool, APR_EINVAL,
                                "a list of revoked certificates without a "
                                "number, or that ends before it begins");
    return NULL;
}

/* Reasons that a certificate can have: RFC 5280 5.3.1 has no 7, 8 is for
 * deltas, and 0 should be left out. */
static int has_reason(int reason)
{
    return reason >= 1 && reason <= 10 && reason != 7 && reason != 8;
}

static int reason_add(X509_REVOKED *entry, int reason)
{
    ASN1_ENUMERATED *value;
    int done;

    if (!has_reason(reason))
        return 1;
    value = ASN1_ENUMERATED_new();
    done = value && ASN1_ENUMERATED_set(value, reason) == 1 &&
           X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0,
                                     X509V3_ADD_DEFAULT) == 1;
    ASN1_ENUMERATED_free(value);
    return done;
}

static int entry_fill(X509_REVOKED *entry, ASN1_INTEGER *serial,
                      const ca_revoked_t *revoked)
{
    ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)revoked->at);
    int done = at && X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
               X509_REVOKED_set_revocationDate(entry, at) == 1 &&
               reason_add(entry, revoked->reason);

    ASN1_TIME_free(at);
    return done;
}

/* 1, also when it is left out. */
static int entry_add(X509_CRL *crl, int *count, ASN1_INTEGER *serial,
                     const ca_revoked_t *revoked)
{
    X509_REVOKED *entry;

    if (!time_is_ok(revoked->at) || !ca_serial_put(serial, revoked->serial))
        return 1;
    entry = X509_REVOKED_new();
    if (entry && entry_fill(entry, serial, revoked) &&
        X509_CRL_add0_revoked(crl, entry) == 1) {
        (*count)++;
        return 1;
    }
    X509_REVOKED_free(entry);
    return 0;
}

static int entries_add(X509_CRL *crl, int *count,
                       const apr_array_header_t *revoked)
{
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    int i, done = serial != NULL;

    *count = 0;
    for (i = 0; done && i < revoked->nelts; i++)
        done = entry_add(crl, count, serial,
                         APR_ARRAY_IDX(revoked, i, const ca_revoked_t *));
    ASN1_INTEGER_free(serial);
    return done && X509_CRL_sort(crl) == 1;
}

static int times_set(X509_CRL *crl, const ca_crl_request_t *request)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)request->this_update);
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)request->next_update);
    int done = from && to && X509_CRL_set1_lastUpdate(crl, from) == 1 &&
               X509_CRL_set1_nextUpdate(crl, to) == 1;

    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return done;
}

static int number_add(X509_CRL *crl, apr_int64_t number)
{
    ASN1_INTEGER *value = ASN1_INTEGER_new();
    int done = value && ASN1_INTEGER_set_int64(value, number) == 1 &&
               X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0,
                                     X509V3_ADD_DEFAULT) == 1;

    ASN1_INTEGER_free(value);
    return done;
}

static int authority_key_add(X509_CRL *crl, X509 *issuer)
{
    AUTHORITY_KEYID *value = ca_ext_authority_key_make(issuer);
    int done =
        value && X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, value,
                                       0, X509V3_ADD_DEFAULT) == 1;

    AUTHORITY_KEYID_free(value);
    return done;
}

/* RFC 5280 5.2.5 */
static int point_add(X509_CRL *crl)
{
    ISSUING_DIST_POINT *value = ISSUING_DIST_POINT_new();
    int done = value != NULL;

    if (value)
        value->onlyuser = 0xff; /* TRUE in DER */
    done = done && X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point,
                                         value, 1, X509V3_ADD_DEFAULT) == 1;
    ISSUING_DIST_POINT_free(value);
    return done;
}

static const unsigned char *crl_der(apr_size_t *len, X509_CRL *crl,
                                    apr_pool_t *pool)
{
    int size = i2d_X509_CRL(crl, NULL);
    unsigned char *der, *end;

    if (size <= 0)
        return NULL;
    der = apr_palloc(pool, (apr_size_t)size);
    end = der;
    *len = (apr_size_t)i2d_X509_CRL(crl, &end);
    return der;
}

/* What is wrong with it, NULL if nothing is. */
static const char *fault_find(const ca_crl_t *made, const ca_issuer_t *issuer,
                              const ca_crl_request_t *request, apr_pool_t *pool)
{
    const unsigned char *der = made->der;
    X509_CRL *crl =
        own_x509_crl(pool, d2i_X509_CRL(NULL, &der, (long)made->der_len));

    if (!crl || der != made->der + made->der_len)
        return "encoding";
    if (X509_CRL_verify(crl, X509_get0_pubkey(issuer->cert)) != 1)
        return "signature";
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
                      X509_get_subject_name(issuer->cert)) != 0)
        return "issuer";
    if (ca_time_seconds(X509_CRL_get0_lastUpdate(crl)) !=
            request->this_update ||
        ca_time_seconds(X509_CRL_get0_nextUpdate(crl)) != request->next_update)
        return "times";
    if (sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) !=
        (made->count ? made->count : -1))
        return "entries";
    return NULL;
}

/* Signed and encoded: of a long list, the octets are a tenth of the rest. */
static int list_make(ca_crl_t *made, const ca_issuer_t *issuer,
                     const ca_crl_request_t *request, apr_pool_t *pool,
                     apr_pool_t *own)
{
    X509_CRL *list = own_x509_crl(own, X509_CRL_new());

    if (!list || X509_CRL_set_version(list, X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->cert)) !=
            1 ||
        !times_set(list, request) ||
        !entries_add(list, &made->count, request->revoked) ||
        !authority_key_add(list, issuer->cert) ||
        !number_add(list, request->number) ||
        (!request->is_for_all && !point_add(list)) ||
        X509_CRL_sign(list, issuer->key, ca_digest_for(issuer->key)) <= 0)
        return 0;
    made->der = crl_der(&made->der_len, list, pool);
    return made->der != NULL;
}

problem_t *ca_crl_make(ca_crl_t **crl, const ca_issuer_t *issuer,
                       const ca_crl_request_t *request, apr_pool_t *pool)
{
    ca_crl_t *made = apr_pcalloc(pool, sizeof(*made));
    problem_t *prob = request_check(issuer, request, pool);
    const char *fault;
    apr_pool_t *own;

    if (prob)
        return prob;
    apr_pool_create(&own, pool);
    if (!list_make(made, issuer, request, pool, own))
        return ca_openssl_problem(pool, "make a list of revoked certificates");
    apr_pool_clear(own);
    fault = fault_find(made, issuer, request, own);
    apr_pool_destroy(own);
    if (fault)
        return ca_openssl_problem(pool,
                                  "a new list of revoked certificates is not "
                                  "what it should be: %s",
                                  fault);
    *crl = made;
    return NULL;
}

/* Into a SEQUENCE; 0: it is none. */
static int step_in(const unsigned char **at, const unsigned char *end)
{
    long len;
    int tag = 0, class = 0; /* not set where there is nothing */

    return !(ASN1_get_object(at, &len, &tag, &class, end - *at) & 0x80) &&
           tag == V_ASN1_SEQUENCE && class == V_ASN1_UNIVERSAL;
}

/* The extensions of a list, which stand at its end: what it lists may be long,
 * and is passed over.  NULL: there are none. */
static X509_EXTENSIONS *extensions_read(const unsigned char *at, apr_size_t len)
{
    const unsigned char *end = at + len;

    if (!step_in(&at, end)) /* CertificateList */
        return NULL;
    if (!step_in(&at, end)) /* TBSCertList */
        return NULL;
    while (at < end) {
        long size;
        int tag, class;

        if (ASN1_get_object(&at, &size, &tag, &class, end - at) & 0x80)
            return NULL;
        if (class == V_ASN1_CONTEXT_SPECIFIC && tag == 0)
            return d2i_X509_EXTENSIONS(NULL, &at, size);
        if (class == V_ASN1_UNIVERSAL && tag == V_ASN1_BIT_STRING)
            return NULL; /* the signature */
        at += size;
    }
    return NULL;
}

apr_int64_t ca_crl_number(const void *der, apr_size_t len)
{
    X509_EXTENSIONS *extensions = extensions_read(der, len);
    ASN1_INTEGER *value =
        extensions ? X509V3_get_d2i(extensions, NID_crl_number, NULL, NULL)
                   : NULL;
    apr_int64_t number = 0;

    if (value && (ASN1_INTEGER_get_int64(&number, value) != 1 || number < 0))
        number = 0;
    ASN1_INTEGER_free(value);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ERR_clear_error();
    return number;
}
