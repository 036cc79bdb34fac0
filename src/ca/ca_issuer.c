/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_issuer.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/own.h"
#include "ca/ca_file.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define RSA_BITS_MIN 2048

const char *ca_cert_pem(X509 *cert, apr_pool_t *pool)
{
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    char *text;
    long len;

    if (!bio || PEM_write_bio_X509(bio, cert) != 1)
        return NULL;
    len = BIO_get_mem_data(bio, &text);
    return apr_pstrmemdup(pool, text, (apr_size_t)len);
}

const unsigned char *ca_cert_der(apr_size_t *len, X509 *cert, apr_pool_t *pool)
{
    int size = i2d_X509(cert, NULL);
    unsigned char *der, *end;

    if (size <= 0)
        return NULL;
    der = apr_palloc(pool, (apr_size_t)size);
    end = der;
    *len = (apr_size_t)i2d_X509(cert, &end);
    return der;
}

static const char *subject_of(X509 *cert, apr_pool_t *pool)
{
    char *line = X509_NAME_oneline(X509_get_subject_name(cert), NULL, 0);
    const char *copy = apr_pstrdup(pool, line ? line : "?");

    OPENSSL_free(line);
    return copy;
}

static int has_signed(X509 *issuer, X509 *cert)
{
    int signed_by = X509_check_issued(issuer, cert) == X509_V_OK &&
                    X509_verify(cert, X509_get0_pubkey(issuer)) == 1;

    ERR_clear_error();
    return signed_by;
}

/* The certificate of the list that signed cert, taken off it; NULL without. */
static X509 *signer_take(apr_array_header_t *certs, X509 *cert)
{
    int i;

    for (i = 0; i < certs->nelts; ++i) {
        X509 *found = APR_ARRAY_IDX(certs, i, X509 *);

        if (found && has_signed(found, cert)) {
            APR_ARRAY_IDX(certs, i, X509 *) = NULL;
            return found;
        }
    }
    return NULL;
}

/* From the first certificate upward, as far as the file goes. */
static problem_t *chain_build(ca_issuer_t *issuer, apr_array_header_t *certs,
                              const char *file, apr_pool_t *pool)
{
    X509 *cert = APR_ARRAY_IDX(certs, 0, X509 *);
    int i;

    issuer->cert = cert;
    issuer->chain = apr_array_make(pool, certs->nelts, sizeof(X509 *));
    APR_ARRAY_IDX(certs, 0, X509 *) = NULL;
    while (cert) {
        APR_ARRAY_PUSH(issuer->chain, X509 *) = cert;
        if (has_signed(cert, cert)) {
            issuer->root = cert;
            break;
        }
        cert = signer_take(certs, cert);
    }
    for (i = 0; i < certs->nelts; ++i) {
        cert = APR_ARRAY_IDX(certs, i, X509 *);
        if (cert)
            return problem_internal(
                pool, APR_EINVAL,
                "%s: certificate %d, \"%s\", has signed none of the chain "
                "that begins with the first, \"%s\"; take it out, or put what "
                "is missing between them in",
                file, i + 1, subject_of(cert, pool),
                subject_of(issuer->cert, pool));
    }
    return NULL;
}

/* What is wrong with the certificate at this place of the chain as a CA; NULL
 * if nothing is. */
static const char *ca_fault(X509 *cert, int place, apr_pool_t *pool)
{
    long path_len = X509_get_pathlen(cert);

    /* X509_check_ca: basicConstraints and keyUsage together; 1 is a CA with
     * basicConstraints, others are kinds of the past */
    if (X509_check_ca(cert) != 1)
        return "is no CA certificate (CA:TRUE and keyCertSign)";
    if (!(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
        return "may not sign certificates (keyUsage keyCertSign)";
    if (path_len >= 0 && path_len < place)
        return apr_psprintf(pool,
                            "allows %ld CAs below itself (pathlen), and there "
                            "are %d",
                            path_len, place);
    return NULL;
}

static problem_t *chain_check(const ca_issuer_t *issuer, const char *file,
                              apr_int64_t now, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < issuer->chain->nelts; ++i) {
        X509 *cert = APR_ARRAY_IDX(issuer->chain, i, X509 *);
        apr_int64_t from = ca_time_seconds(X509_get0_notBefore(cert));
        apr_int64_t to = ca_time_seconds(X509_get0_notAfter(cert));
        const char *fault = ca_fault(cert, i, pool);

        if (!fault && now && now < from)
            fault = apr_psprintf(pool, "is valid from %s only, and it is %s",
                                 clock_rfc3339(from, pool),
                                 clock_rfc3339(now, pool));
        if (!fault && now && now >= to)
            fault =
                apr_psprintf(pool, "expired at %s, and it is %s",
                             clock_rfc3339(to, pool), clock_rfc3339(now, pool));
        if (fault)
            return problem_internal(pool, APR_EINVAL,
                                    "%s: \"%s\" %s; replace it, or set the "
                                    "machine's clock if that is wrong",
                                    file, subject_of(cert, pool), fault);
    }
    return NULL;
}

/* Do we sign with such keys? */
static int is_key_known(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    return EVP_PKEY_is_a(key, "EC") || EVP_PKEY_is_a(key, "ED25519");
}

static problem_t *key_load(ca_issuer_t *issuer, const char *cert_file,
                           const char *key_file, apr_pool_t *pool)
{
    problem_t *prob = ca_file_key_read(&issuer->key, key_file, pool);

    if (prob)
        return prob;
    if (X509_check_private_key(issuer->cert, issuer->key) != 1) {
        ERR_clear_error();
        return problem_internal(pool, APR_EINVAL,
                                "%s: the key does not belong to the "
                                "certificate in %s; put the right one in its "
                                "place, or move it away: mv %s %s.bad",
                                key_file, cert_file, key_file, key_file);
    }
    if (!is_key_known(issuer->key))
        return problem_internal(pool, APR_EINVAL,
                                "%s: is a key of a kind that does not sign "
                                "here; EC, RSA of 2048 bits and more, and "
                                "Ed25519 do",
                                key_file);
    return NULL;
}

/* What follows the leaf: the CAs, without the root unless it signs leaves. */
static const char *chain_text(const ca_issuer_t *issuer, apr_pool_t *pool)
{
    const char *text = ca_cert_pem(issuer->cert, pool);
    int i;

    for (i = 1; i < issuer->chain->nelts; ++i) {
        X509 *cert = APR_ARRAY_IDX(issuer->chain, i, X509 *);

        if (cert != issuer->root)
            text = apr_pstrcat(pool, text, ca_cert_pem(cert, pool), NULL);
    }
    return text;
}

static void describe(ca_issuer_t *issuer, apr_pool_t *pool)
{
    const unsigned char *der;
    apr_size_t len;

    der = ca_cert_der(&len, issuer->cert, pool);
    issuer->fingerprint = ca_sha256_hex(der, len, pool);
    der = ca_spki_der(&len, issuer->cert, pool);
    issuer->key_id = ca_sha256_hex(der, len, pool);
    issuer->chain_pem = chain_text(issuer, pool);
    issuer->not_before = ca_time_seconds(X509_get0_notBefore(issuer->cert));
    issuer->not_after = ca_time_seconds(X509_get0_notAfter(issuer->cert));
}

problem_t *ca_issuer_load(ca_issuer_t **issuer, const char *name,
                          int generation, const char *cert_file,
                          const char *key_file, apr_int64_t now,
                          apr_pool_t *pool)
{
    ca_issuer_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_array_header_t *certs;
    problem_t *prob;

    made->name = apr_pstrdup(pool, name);
    made->alternates = apr_array_make(pool, 1, sizeof(const char *));
    made->constraints = apr_array_make(pool, 1, sizeof(ca_constraint_t *));
    made->generation = generation;
    prob = ca_file_certs_read(&certs, cert_file, pool);
    if (prob)
        return prob;
    prob = chain_build(made, certs, cert_file, pool);
    if (prob)
        return prob;
    prob = chain_check(made, cert_file, now, pool);
    if (prob)
        return prob;
    if (key_file) {
        prob = key_load(made, cert_file, key_file, pool);
        if (prob)
            return prob;
    }
    describe(made, pool);
    *issuer = made;
    return NULL;
}

problem_t *ca_issuer_names_check(const ca_issuer_t *issuer,
                                 const apr_array_header_t *identifiers,
                                 apr_pool_t *pool)
{
    return NULL;
}
