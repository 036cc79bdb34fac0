/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_hierarchy.h"

#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/own.h"
#include "base/token.h"
#include "ca/ca_extension.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/* What an operator may ask for, and what OpenSSL calls it. */
static const struct {
    const char *spec, *type, *curve;
    size_t bits;
} kinds[] = {{"P-256", "EC", "P-256", 0},
             {"P-384", "EC", "P-384", 0},
             {"RSA-2048", "RSA", NULL, 2048},
             {"RSA-3072", "RSA", NULL, 3072},
             {"RSA-4096", "RSA", NULL, 4096},
             {"ED25519", "ED25519", NULL, 0},
             {NULL, NULL, NULL, 0}};

EVP_PKEY *ca_key_make(const char *spec, apr_pool_t *pool)
{
    EVP_PKEY *key;
    int i = 0;

    while (kinds[i].spec && strcmp(kinds[i].spec, spec) != 0)
        ++i;
    if (!kinds[i].spec)
        return NULL;
    if (kinds[i].curve)
        key = EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type, kinds[i].curve);
    else if (kinds[i].bits)
        key = EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type, kinds[i].bits);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type);
    ERR_clear_error();
    return own_pkey(pool, key);
}

const char *ca_key_pem(EVP_PKEY *key, apr_pool_t *pool)
{
    /* BIO_free_all() overwrites what a memory BIO held. */
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    char *text, *copy;
    long len;

    if (!bio ||
        PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return NULL;
    len = BIO_get_mem_data(bio, &text);
    copy = apr_pstrmemdup(pool, text, (apr_size_t)len);
    own_cleanse(pool, copy, (apr_size_t)len);
    return copy;
}

const char *ca_key_kind(const EVP_PKEY *key)
{
    char curve[16];
    int i;

    for (i = 0; kinds[i].spec; ++i) {
        if (!EVP_PKEY_is_a(key, kinds[i].type))
            continue;
        if (kinds[i].curve
                ? EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) ==
                          1 &&
                      OBJ_sn2nid(curve) == EC_curve_nist2nid(kinds[i].curve)
                : !kinds[i].bits ||
                      (size_t)EVP_PKEY_get_bits(key) == kinds[i].bits)
            break;
    }
    ERR_clear_error();
    return kinds[i].spec;
}

static int name_set(X509 *cert, const ca_subject_t *subject)
{
    if (subject->name)
        return X509_set_subject_name(cert, subject->name) == 1;
    return ca_subject_add(cert, NID_organizationName, subject->organization) &&
           ca_subject_add(cert, NID_commonName, subject->common_name);
}

/* cert, whose issuer signs it: another, or cert itself. */
static int fields_set(X509 *cert, const ca_subject_t *subject, apr_pool_t *pool)
{
    X509 *issuer = subject->issuer ? subject->issuer : cert;

    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ca_serial_set(cert, token_serial(pool)) &&
           ca_times_set(cert, subject->not_before, subject->not_after) &&
           name_set(cert, subject) &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(cert, subject->key) == 1;
}

static int extensions_add(X509 *cert, const ca_subject_t *subject)
{
    X509 *issuer = subject->issuer ? subject->issuer : cert;

    return ca_ext_basic_add(cert, 1, subject->path_len) &&
           ca_ext_key_usage_add(cert, KU_KEY_CERT_SIGN | KU_CRL_SIGN) &&
           ca_ext_constraints_add(cert, subject->constraints) &&
           ca_ext_subject_key_add(cert) &&
           ca_ext_authority_key_add(cert, issuer);
}

/* Nothing outlives its issuer. */
static int is_within_issuer(const ca_subject_t *subject)
{
    const X509 *issuer = subject->issuer;

    return subject->not_before < subject->not_after &&
           (!issuer ||
            subject->not_after <= ca_time_seconds(X509_get0_notAfter(issuer)));
}

static const char *title(const ca_subject_t *subject, apr_pool_t *pool)
{
    return subject->name ? ca_name_text(subject->name, pool)
                         : subject->common_name;
}

problem_t *ca_hierarchy_make(X509 **cert, const ca_subject_t *subject,
                             apr_pool_t *pool)
{
    EVP_PKEY *signer = subject->issuer ? subject->issuer_key : subject->key;
    X509 *made = own_x509(pool, X509_new());

    if (!is_within_issuer(subject))
        return problem_internal(pool, APR_EINVAL,
                                "a CA certificate \"%s\" that would outlive "
                                "its issuer, or end before it begins",
                                title(subject, pool));
    if (!made || !fields_set(made, subject, pool) ||
        !extensions_add(made, subject) ||
        X509_sign(made, signer, ca_digest_for(signer)) <= 0 ||
        X509_verify(made, subject->issuer ? X509_get0_pubkey(subject->issuer)
                                          : signer) != 1)
        return ca_openssl_problem(pool, "make the CA certificate \"%s\"",
                                  title(subject, pool));
    *cert = made;
    return NULL;
}

/* What the certificate should have, in a certificate that nobody signs. */
static int wish_make(X509 *cert, const ca_subject_t *subject)
{
    return name_set(cert, subject) &&
           X509_set_pubkey(cert, subject->key) == 1 &&
           ca_ext_basic_add(cert, 1, subject->path_len) &&
           ca_ext_key_usage_add(cert, KU_KEY_CERT_SIGN | KU_CRL_SIGN) &&
           ca_ext_constraints_add(cert, subject->constraints) &&
           ca_ext_subject_key_add(cert);
}

static int csr_make(X509_REQ *req, X509 *wish, EVP_PKEY *key)
{
    return X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
           X509_REQ_set_subject_name(req, X509_get_subject_name(wish)) == 1 &&
           X509_REQ_set_pubkey(req, key) == 1 &&
           /* it takes them as they are */
           X509_REQ_add_extensions(
               req, (STACK_OF(X509_EXTENSION) *)X509_get0_extensions(wish)) ==
               1 &&
           X509_REQ_sign(req, key, ca_digest_for(key)) > 0;
}

problem_t *ca_hierarchy_csr(const char **pem, const ca_subject_t *subject,
                            apr_pool_t *pool)
{
    X509 *wish = own_x509(pool, X509_new());
    X509_REQ *req = own_x509_req(pool, X509_REQ_new());
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    char *text;
    long len;

    if (!wish || !req || !bio || !wish_make(wish, subject) ||
        !csr_make(req, wish, subject->key) ||
        PEM_write_bio_X509_REQ(bio, req) != 1)
        return ca_openssl_problem(pool, "make a request for \"%s\"",
                                  title(subject, pool));
    len = BIO_get_mem_data(bio, &text);
    *pem = apr_pstrmemdup(pool, text, (apr_size_t)len);
    return NULL;
}
