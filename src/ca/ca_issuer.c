/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_issuer.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/own.h"
#include "ca/ca_chain.h"
#include "ca/ca_constraints.h"
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

    *len = 0;
    if (size <= 0)
        return NULL;
    der = apr_palloc(pool, (apr_size_t)size);
    end = der;
    *len = (apr_size_t)i2d_X509(cert, &end);
    return der;
}

/* Do we sign with such keys? */
static int is_key_known(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    return EVP_PKEY_is_a(key, "EC") || EVP_PKEY_is_a(key, "ED25519");
}

static problem_t *key_check(const ca_issuer_t *issuer, const char *cert_file,
                            const char *key_file, apr_pool_t *pool)
{
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

static void describe(ca_issuer_t *issuer, apr_pool_t *pool)
{
    const unsigned char *der;
    apr_size_t len;

    der = ca_cert_der(&len, issuer->cert, pool);
    issuer->fingerprint = ca_sha256_hex(der, len, pool);
    der = ca_spki_der(&len, issuer->cert, pool);
    issuer->key_id = ca_sha256_hex(der, len, pool);
    issuer->chain_pem = ca_chain_pem(issuer->chain, pool);
    issuer->not_before = ca_time_seconds(X509_get0_notBefore(issuer->cert));
    issuer->not_after = ca_time_seconds(X509_get0_notAfter(issuer->cert));
}

problem_t *ca_issuer_make(ca_issuer_t **issuer, const ca_issuer_parts_t *parts,
                          apr_int64_t now, apr_pool_t *pool)
{
    ca_issuer_t *made = apr_pcalloc(pool, sizeof(*made));
    const char *file = parts->cert_file;
    problem_t *prob;

    made->name = apr_pstrdup(pool, parts->name);
    made->generation = parts->generation;
    made->alternates = apr_array_make(pool, 1, sizeof(const char *));
    made->key = parts->key;
    prob = ca_chain_build(&made->chain, &made->root, parts->certs, file, pool);
    if (prob)
        return prob;
    made->cert = APR_ARRAY_IDX(made->chain, 0, X509 *);
    prob = ca_chain_check(made->chain, file, now, pool);
    if (!prob)
        prob = ca_constraints_load(made, file, pool);
    if (!prob && made->key)
        prob = key_check(made, file, parts->key_file, pool);
    if (prob)
        return prob;
    describe(made, pool);
    *issuer = made;
    return NULL;
}

problem_t *ca_issuer_load(ca_issuer_t **issuer, const char *name,
                          int generation, const char *cert_file,
                          const char *key_file, apr_int64_t now,
                          apr_pool_t *pool)
{
    ca_issuer_parts_t parts = {name,      generation, NULL,
                               cert_file, NULL,       key_file};
    problem_t *prob = ca_file_certs_read(&parts.certs, cert_file, pool);

    if (!prob && key_file)
        prob = ca_file_key_read(&parts.key, key_file, pool);
    return prob ? prob : ca_issuer_make(issuer, &parts, now, pool);
}
