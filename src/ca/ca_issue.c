/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_issue.h"

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/own.h"
#include "ca/ca_constraints.h"
#include "ca/ca_extension.h"
#include "ca/ca_openssl.h"
#include "ca/ca_reread.h"

#include "base/banned.h"

static int names_count(const ca_request_t *request)
{
    return request->identifiers->nelts +
           (request->emails ? request->emails->nelts : 0) +
           (request->uris ? request->uris->nelts : 0);
}

/* What the programmer promised; a leaf that signs certificates, or lives when
 * its issuer does not, is never made whoever asks. */
static problem_t *request_check(const ca_issuer_t *issuer,
                                const ca_request_t *request, apr_pool_t *pool)
{
    if (!issuer->key)
        return problem_internal(pool, APR_EINVAL,
                                "issuer %s, generation %d, has no key here",
                                issuer->name, issuer->generation);
    if (request->not_before >= request->not_after ||
        request->not_before < issuer->not_before ||
        request->not_after > issuer->not_after)
        return problem_internal(
            pool, APR_EINVAL,
            "a certificate from %s to %s is not within the life of issuer %s, "
            "generation %d, %s to %s",
            clock_rfc3339(request->not_before, pool),
            clock_rfc3339(request->not_after, pool), issuer->name,
            issuer->generation, clock_rfc3339(issuer->not_before, pool),
            clock_rfc3339(issuer->not_after, pool));
    if (names_count(request) == 0 || !request->key_usage ||
        request->key_usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN))
        return problem_internal(pool, APR_EINVAL,
                                "a leaf without names, or whose key usages "
                                "are 0x%x",
                                request->key_usage);
    /* RFC 9608 4 */
    if (request->no_rev_avail && (request->crl_url || request->ocsp_url))
        return problem_internal(pool, APR_EINVAL,
                                "a leaf that cannot be revoked, and says where "
                                "that is to be seen");
    return NULL;
}

/* The attributes in their order, the common name last. */
static int subject_set(X509 *cert, const ca_request_t *request)
{
    const apr_array_header_t *subject = request->subject;
    int i, done = 1;

    for (i = 0; done && subject && i < subject->nelts; ++i) {
        const ca_attribute_t *attribute =
            APR_ARRAY_IDX(subject, i, const ca_attribute_t *);
        int nid = OBJ_sn2nid(attribute->type);

        done = nid != NID_undef && ca_subject_add(cert, nid, attribute->value);
    }
    return done && ca_subject_add(cert, NID_commonName, request->common_name);
}

static int fields_set(X509 *cert, const ca_issuer_t *issuer,
                      const ca_request_t *request)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ca_serial_set(cert, request->serial) &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer->cert)) ==
               1 &&
           ca_times_set(cert, request->not_before, request->not_after) &&
           subject_set(cert, request) && ca_spki_set(cert, request->key);
}

/* What is added here ca_reread.c has to know of. */
static int extensions_add(X509 *cert, const ca_issuer_t *issuer,
                          const ca_request_t *request)
{
    return ca_ext_basic_add(cert, 0, -1) &&
           ca_ext_key_usage_add(cert, request->key_usage) &&
           ca_ext_key_purpose_add(cert, request->ext_key_usage) &&
           ca_ext_subject_key_add(cert) &&
           ca_ext_authority_key_add(cert, issuer->cert) &&
           /* RFC 5280 4.2.1.6: critical when the subject is empty */
           ca_ext_names_add(
               cert, request->identifiers, request->emails, request->uris,
               X509_NAME_entry_count(X509_get_subject_name(cert)) == 0) &&
           ca_ext_access_add(cert, request->issuer_url, request->ocsp_url) &&
           ca_ext_crl_url_add(cert, request->crl_url) &&
           (!request->no_rev_avail || ca_ext_no_rev_avail_add(cert));
}

problem_t *ca_issue_names_check(const ca_issuer_t *issuer,
                                const ca_request_t *request, apr_pool_t *pool)
{
    ca_request_t names = *request;
    X509 *x509;

    if (issuer->constraints->nelts == 0)
        return NULL;
    x509 = own_x509(pool, X509_new());
    if (!x509 || !subject_set(x509, request))
        return ca_openssl_problem(pool, "make a subject");
    names.identifiers = apr_array_make(pool, 1, sizeof(identifier_t *));
    return ca_constraints_check(issuer, &names, X509_get_subject_name(x509),
                                pool);
}

problem_t *ca_issue(ca_cert_t **cert, const ca_issuer_t *issuer,
                    const ca_request_t *request, apr_pool_t *pool)
{
    ca_cert_t *made = apr_pcalloc(pool, sizeof(*made));
    X509 *x509 = own_x509(pool, X509_new());
    const unsigned char *spki;
    apr_size_t spki_len;
    problem_t *prob;

    prob = request_check(issuer, request, pool);
    if (prob)
        return prob;
    if (!x509 || !fields_set(x509, issuer, request))
        return ca_openssl_problem(pool, "make a certificate");
    prob = ca_constraints_check(issuer, request, X509_get_subject_name(x509),
                                pool);
    if (prob)
        return prob;
    if (!extensions_add(x509, issuer, request) ||
        X509_sign(x509, issuer->key, ca_digest_for(issuer->key)) <= 0)
        return ca_openssl_problem(pool, "make a certificate");
    made->der = ca_cert_der(&made->der_len, x509, pool);
    spki = ca_spki_der(&spki_len, x509, pool);
    if (!made->der || !spki)
        return ca_openssl_problem(pool, "encode a certificate");
    prob = ca_reread_check(made, issuer, request, spki, spki_len, pool);
    if (prob)
        return prob;
    made->sha256 = ca_sha256_hex(made->der, made->der_len, pool);
    made->spki_sha256 = ca_sha256_hex(spki, spki_len, pool);
    *cert = made;
    return NULL;
}
