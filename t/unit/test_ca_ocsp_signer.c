/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_ocsp_signer.h"

#include "ca_fixture.h"

static ca_ocsp_signer_t *made(const ca_issuer_t *issuer, apr_int64_t life,
                              apr_pool_t *pool)
{
    ca_ocsp_signer_t *signer = NULL;
    problem_t *prob = ca_ocsp_signer_make(&signer, issuer, NOW, life, pool);

    ok(!prob, "%s", prob ? prob->cause : "");
    return signer;
}

/* As OpenSSL sees a chain for this purpose: 0, or its code. */
static int verdict(X509 *cert, const ca_issuer_t *issuer)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int code = 0;

    X509_STORE_add_cert(store, issuer->root);
    X509_STORE_add_cert(store, issuer->cert);
    X509_STORE_CTX_init(ctx, store, cert, NULL);
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_time(param, (time_t)NOW);
    if (X509_verify_cert(ctx) != 1)
        code = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return code;
}

static void every_kind(apr_pool_t *pool)
{
    static const char *const specs[] = {"P-256", "P-384", "RSA-2048",
                                        "ED25519"};
    size_t i;

    for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        ca_issuer_t *issuer = issuer_of(specs[i], pool);
        ca_ocsp_signer_t *signer = made(issuer, 2 * DAY, pool);

        need(signer);
        is_int(verdict(signer->cert, issuer), 0);
        is_int(EVP_PKEY_eq(X509_get0_pubkey(signer->cert), signer->key), 1);
        is_int(X509_get_key_usage(signer->cert), KU_DIGITAL_SIGNATURE);
        is_int(X509_get_extended_key_usage(signer->cert), XKU_OCSP_SIGN);
        is_int(X509_check_ca(signer->cert), 0);
        ok(X509_get_ext_by_NID(signer->cert, NID_id_pkix_OCSP_noCheck, -1) >=
           0);
        is_int(X509_get_ext_count(signer->cert), 6);
    }
}

static void another_each_time(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_ocsp_signer_t *a = made(issuer, DAY, pool), *b = made(issuer, DAY, pool);

    need(a && b);
    ok(EVP_PKEY_eq(a->key, b->key) == 0);
    ok(ASN1_INTEGER_cmp(X509_get0_serialNumber(a->cert),
                        X509_get0_serialNumber(b->cert)) != 0);
}

static void life(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_ocsp_signer_t *signer = made(issuer, 2 * DAY, pool);

    need(signer);
    is_int(signer->not_before, NOW - 3600);
    is_int(signer->not_after, NOW + 2 * DAY);
    signer = made(issuer, 1000 * DAY, pool);
    is_int(signer->not_after, issuer->not_after);
    issuer->not_before = NOW - 60;
    signer = made(issuer, DAY, pool);
    is_int(signer->not_before, NOW - 60);
}

static void impossible(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_ocsp_signer_t *signer;

    ok(ca_ocsp_signer_make(&signer, issuer, issuer->not_after, DAY, pool));
    issuer->key = NULL;
    ok(ca_ocsp_signer_make(&signer, issuer, NOW, DAY, pool));
    is_int(ERR_peek_error(), 0);
}

static void share(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_ocsp_signer_t *mine;
    apr_pool_t *old;

    apr_pool_create(&old, pool);
    mine = ca_ocsp_signer_share(made(issuer, DAY, old), pool);
    apr_pool_destroy(old);
    is_int(verdict(mine->cert, issuer), 0);
    is_int(EVP_PKEY_eq(X509_get0_pubkey(mine->cert), mine->key), 1);
}

const tap_case_t tap_cases[] = {
    {"RFC 6960 4.2.2.2 a delegated signer, whatever the issuer's key is",
     every_kind},
    {"each one is another", another_each_time},
    {"it lives within its issuer's life", life},
    {"without a key or a life there is none", impossible},
    {"shared, it outlives the one that it was shared from", share},
    {NULL, NULL}};
