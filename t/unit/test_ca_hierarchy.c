/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_hierarchy.h"

#include "ca_fixture.h"

#include "ca/ca_openssl.h"

static void keys(apr_pool_t *pool)
{
    static const struct {
        const char *spec, *type;
        int bits;
    } rows[] = {{"P-256", "EC", 256},      {"P-384", "EC", 384},
                {"RSA-2048", "RSA", 2048}, {"RSA-3072", "RSA", 3072},
                {"RSA-4096", "RSA", 4096}, {"ED25519", "ED25519", 256}};
    static const char *const bad[] = {"",         "P-521", "RSA-1024", "RSA",
                                      "RSA-2047", "p-256", "ED448"};
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        EVP_PKEY *key = ca_key_make(rows[i].spec, pool), *again;
        const char *pem;
        BIO *bio;

        need(key);
        is_int(EVP_PKEY_is_a(key, rows[i].type), 1);
        is_int(EVP_PKEY_get_bits(key), rows[i].bits);
        pem = ca_key_pem(key, pool);
        need(pem);
        ok(strncmp(pem, "-----BEGIN PRIVATE KEY-----\n", 28) == 0);
        bio = own_bio(pool, BIO_new_mem_buf(pem, -1));
        again = own_pkey(pool, PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL));
        is_int(EVP_PKEY_eq(key, again), 1);
    }
    for (i = 0; i < sizeof(bad) / sizeof(*bad); ++i)
        ok(!ca_key_make(bad[i], pool), "%s", bad[i]);
    is_int(ERR_peek_error(), 0);
}

static void is_ca_cert(X509 *cert, X509 *issuer, int path_len)
{
    int place;

    is_int(X509_check_ca(cert), 1);
    is_int(X509_get_pathlen(cert), path_len);
    is_int(X509_get_key_usage(cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    is_int(X509_get_version(cert), X509_VERSION_3);
    is_int(X509_get_ext_count(cert), 4);
    place = X509_get_ext_by_NID(cert, NID_basic_constraints, -1);
    ok(X509_EXTENSION_get_critical(X509_get_ext(cert, place)));
    place = X509_get_ext_by_NID(cert, NID_key_usage, -1);
    ok(X509_EXTENSION_get_critical(X509_get_ext(cert, place)));
    is_int(ASN1_STRING_length(X509_get0_subject_key_id(cert)), 20);
    ok(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(cert),
                             X509_get0_subject_key_id(issuer)) == 0);
    ok(ASN1_STRING_length(X509_get0_serialNumber(cert)) > 8);
    ok(!(ASN1_STRING_type(X509_get0_serialNumber(cert)) & V_ASN1_NEG));
}

/* CA:TRUE is 0xff in DER, nothing else. */
static void is_der(X509 *cert, apr_pool_t *pool)
{
    static const unsigned char basic[] = {0x55, 0x1d, 0x13, 0x01, 0x01, 0xff};
    static const unsigned char value[] = {0x01, 0x01, 0xff};
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, cert, pool), *at;

    at = memmem(der, len, basic, sizeof(basic));
    need(at);
    ok(memmem(at + sizeof(basic), 12, value, sizeof(value)));
}

static void chain(apr_pool_t *pool)
{
    static const char *const specs[] = {"P-256", "P-384", "RSA-2048", "ED25519",
                                        NULL};
    int i;

    for (i = 0; specs[i]; ++i) {
        EVP_PKEY *root_key = ca_key_make(specs[i], pool);
        EVP_PKEY *key = ca_key_make(specs[3 - i], pool);
        X509 *root = ca_cert_of("R", root_key, -1, NULL, NULL, pool);
        X509 *cert = ca_cert_of("I", key, 0, root, root_key, pool);

        need(root && cert);
        is_ca_cert(root, root, -1);
        is_ca_cert(cert, root, 0);
        is_der(root, pool);
        is_der(cert, pool);
        is_int(X509_verify(cert, X509_get0_pubkey(root)), 1);
        is_int(X509_verify(root, X509_get0_pubkey(root)), 1);
        ok(ASN1_INTEGER_cmp(X509_get0_serialNumber(cert),
                            X509_get0_serialNumber(root)) != 0);
    }
}

static void names_of_cas(apr_pool_t *pool)
{
    EVP_PKEY *key = ca_key_make("P-256", pool);
    ca_subject_t subject = {0};
    problem_t *prob;
    char *line;
    X509 *cert;

    subject.common_name = "Zert\xc3\xa4";
    subject.organization = "Example Corp";
    subject.key = key;
    subject.not_before = NOW;
    subject.not_after = NOW + DAY;
    subject.path_len = 3;
    need(!ca_hierarchy_make(&cert, &subject, pool));
    line = X509_NAME_oneline(X509_get_subject_name(cert), NULL, 0);
    is_str(line, "/O=Example Corp/CN=Zert\\xC3\\xA4");
    OPENSSL_free(line);
    is_int(X509_get_pathlen(cert), 3);
    subject.common_name = "bad \xff UTF-8";
    prob = ca_hierarchy_make(&cert, &subject, pool);
    need(prob);
    ok(strstr(prob->cause, "OpenSSL: "), "%s", prob->cause);
    subject.common_name = "12345678901234567890123456789012345678901234567890"
                          "123456789012345";
    need(ca_hierarchy_make(&cert, &subject, pool));
    is_int(ERR_peek_error(), 0);
}

static void lives(apr_pool_t *pool)
{
    EVP_PKEY *key = ca_key_make("P-256", pool);
    X509 *root = ca_cert_of("R", key, -1, NULL, NULL, pool), *cert = NULL;
    ca_subject_t subject = {0};
    problem_t *prob;

    subject.common_name = "I";
    subject.key = subject.issuer_key = key;
    subject.issuer = root;
    subject.not_before = NOW;
    subject.not_after = ca_time_seconds(X509_get0_notAfter(root));
    need(!ca_hierarchy_make(&cert, &subject, pool));
    subject.not_after += 1;
    prob = ca_hierarchy_make(&cert, &subject, pool);
    need(prob);
    ok(strstr(prob->cause, "outlive"), "%s", prob->cause);
    subject.not_after = NOW;
    ok(ca_hierarchy_make(&cert, &subject, pool) != NULL);
    subject.issuer = NULL;
    subject.not_after = INT64_C(253402300800);
    ok(ca_hierarchy_make(&cert, &subject, pool) != NULL);
}

/* The issuer's key must be the issuer's. */
static void wrong_key(apr_pool_t *pool)
{
    EVP_PKEY *key = ca_key_make("P-256", pool);
    X509 *root = ca_cert_of("R", key, -1, NULL, NULL, pool), *cert = NULL;
    ca_subject_t subject = {0};

    subject.common_name = "I";
    subject.key = key;
    subject.issuer = root;
    subject.issuer_key = ca_key_make("P-256", pool);
    subject.not_before = NOW;
    subject.not_after = NOW + DAY;
    ok(ca_hierarchy_make(&cert, &subject, pool) != NULL && !cert);
}

const tap_case_t tap_cases[] = {
    {"keys of every kind on the list, and no other", keys},
    {"CA:TRUE, keyCertSign and cRLSign, SKI, AKI, serial", chain},
    {"common names up to 64 characters of UTF-8", names_of_cas},
    {"no CA outlives its issuer or the year 9999", lives},
    {"an intermediate is signed by its issuer's own key or not at all",
     wrong_key},
    {NULL, NULL}};
