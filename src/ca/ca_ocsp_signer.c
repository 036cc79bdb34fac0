/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_ocsp_signer.h"

#include <apr_strings.h>

#include "base/own.h"
#include "base/token.h"
#include "ca/ca_extension.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/* For clients whose clocks are late. */
#define BACKDATE 3600

static int fields_set(X509 *cert, const ca_issuer_t *issuer,
                      const ca_ocsp_signer_t *signer, apr_pool_t *pool)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ca_serial_set(cert, token_serial(pool)) &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer->cert)) ==
               1 &&
           ca_times_set(cert, signer->not_before, signer->not_after) &&
           ca_subject_add(
               cert, NID_commonName,
               apr_pstrcat(pool, "OCSP responder ", issuer->name, NULL)) &&
           ca_spki_set(cert, signer->key);
}

static int extensions_add(X509 *cert, const ca_issuer_t *issuer,
                          apr_pool_t *pool)
{
    apr_array_header_t *purposes = apr_array_make(pool, 1, sizeof(char *));

    APR_ARRAY_PUSH(purposes, const char *) = "OCSPSigning";
    return ca_ext_basic_add(cert, 0, -1) &&
           ca_ext_key_usage_add(cert, X509v3_KU_DIGITAL_SIGNATURE) &&
           ca_ext_key_purpose_add(cert, purposes) &&
           ca_ext_subject_key_add(cert) &&
           ca_ext_authority_key_add(cert, issuer->cert) &&
           ca_ext_ocsp_nocheck_add(cert);
}

/* As others will see it; NULL if that is not what it should be. */
static X509 *reread(X509 *made, const ca_issuer_t *issuer, apr_pool_t *pool)
{
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, made, pool);
    X509 *cert = der ? own_x509(pool, d2i_X509(NULL, &der, (long)len)) : NULL;

    return cert && X509_verify(cert, X509_get0_pubkey(issuer->cert)) == 1
               ? cert
               : NULL;
}

problem_t *ca_ocsp_signer_make(ca_ocsp_signer_t **signer,
                               const ca_issuer_t *issuer, apr_int64_t now,
                               apr_int64_t life, apr_pool_t *pool)
{
    ca_ocsp_signer_t *made = apr_pcalloc(pool, sizeof(*made));
    X509 *cert = own_x509(pool, X509_new());

    made->not_before = now - BACKDATE;
    if (made->not_before < issuer->not_before)
        made->not_before = issuer->not_before;
    made->not_after = now + life;
    if (made->not_after > issuer->not_after)
        made->not_after = issuer->not_after;
    if (!issuer->key || made->not_after <= now)
        return problem_internal(pool, APR_EINVAL,
                                "issuer %s, generation %d, has no key here, or "
                                "is at its end",
                                issuer->name, issuer->generation);
    made->key = own_pkey(pool, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
    if (!cert || !made->key || !fields_set(cert, issuer, made, pool) ||
        !extensions_add(cert, issuer, pool) ||
        X509_sign(cert, issuer->key, ca_digest_for(issuer->key)) <= 0)
        return ca_openssl_problem(pool, "make an OCSP signer");
    made->cert = reread(cert, issuer, pool);
    if (!made->cert)
        return ca_openssl_problem(pool, "read a new OCSP signer again");
    *signer = made;
    return NULL;
}

ca_ocsp_signer_t *ca_ocsp_signer_share(const ca_ocsp_signer_t *signer,
                                       apr_pool_t *pool)
{
    ca_ocsp_signer_t *copy = apr_pmemdup(pool, signer, sizeof(*signer));

    EVP_PKEY_up_ref(copy->key);
    own_pkey(pool, copy->key);
    X509_up_ref(copy->cert);
    own_x509(pool, copy->cert);
    return copy;
}
