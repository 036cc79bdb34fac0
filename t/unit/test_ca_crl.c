/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_crl.h"

#include "ca_fixture.h"

#include "ca/ca_openssl.h"

#define SERIAL "00c0ffee000000000000000000000001"

static void revoked_add(apr_array_header_t *list, const char *serial,
                        apr_int64_t at, int reason)
{
    ca_revoked_t *one = apr_palloc(list->pool, sizeof(*one));

    one->serial = serial;
    one->at = at;
    one->reason = reason;
    APR_ARRAY_PUSH(list, ca_revoked_t *) = one;
}

static ca_crl_request_t request_of(apr_pool_t *pool)
{
    ca_crl_request_t request = {0};

    request.revoked = apr_array_make(pool, 4, sizeof(ca_revoked_t *));
    request.number = 7;
    request.this_update = NOW;
    request.next_update = NOW + 7 * DAY;
    return request;
}

static X509_CRL *made(const ca_issuer_t *issuer,
                      const ca_crl_request_t *request, apr_pool_t *pool)
{
    ca_crl_t *crl = NULL;
    problem_t *prob = ca_crl_make(&crl, issuer, request, pool);
    const unsigned char *der;

    ok(!prob, "%s", prob ? prob->cause : "");
    if (prob)
        return NULL;
    der = crl->der;
    return own_x509_crl(pool, d2i_X509_CRL(NULL, &der, (long)crl->der_len));
}

static X509 *leaf_of(const ca_issuer_t *issuer, const char *serial,
                     apr_pool_t *pool)
{
    ca_request_t request = {0};
    ca_cert_t *cert = NULL;

    request.identifiers = names(pool, "a.test", NULL);
    request.key = ca_key_make("P-256", pool);
    request.serial = serial;
    request.not_before = NOW - 3600;
    request.not_after = NOW + 90 * DAY;
    request.key_usage = KU_DIGITAL_SIGNATURE;
    request.crl_url = "http://ca.test/acme/issuer/1.crl";
    ok(!ca_issue(&cert, issuer, &request, pool));
    return parsed(cert, pool);
}

/* The code with which OpenSSL refuses leaf; 0: it does not. */
static int verdict(X509 *leaf, const ca_issuer_t *issuer, X509_CRL *crl,
                   apr_int64_t at)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int code = 0;

    X509_STORE_add_cert(store, issuer->root);
    X509_STORE_add_cert(store, issuer->cert);
    X509_STORE_add_crl(store, crl);
    X509_STORE_CTX_init(ctx, store, leaf, NULL);
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT |
                                           X509_V_FLAG_CRL_CHECK);
    X509_VERIFY_PARAM_set_time(param, (time_t)at);
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
    apr_size_t i;

    for (i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
        ca_issuer_t *issuer = issuer_of(specs[i], pool);
        ca_crl_request_t request = request_of(pool);
        X509 *leaf = leaf_of(issuer, SERIAL, pool);
        X509_CRL *crl = made(issuer, &request, pool);

        need(crl);
        is_int(verdict(leaf, issuer, crl, NOW), X509_V_OK);
        is_int(verdict(leaf, issuer, crl, NOW + 8 * DAY),
               X509_V_ERR_CRL_HAS_EXPIRED);
        revoked_add((apr_array_header_t *)request.revoked, SERIAL, NOW - 5, 1);
        crl = made(issuer, &request, pool);
        need(crl);
        is_int(verdict(leaf, issuer, crl, NOW), X509_V_ERR_CERT_REVOKED);
        leaf = leaf_of(issuer, "00000000000000000000000000000001", pool);
        is_int(verdict(leaf, issuer, crl, NOW), X509_V_OK);
    }
}

/* Without a distribution point in it, and without the list's in the leaf. */
static void no_url(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_crl_request_t request = request_of(pool);
    ca_request_t wish = {0};
    ca_cert_t *cert = NULL;

    wish.identifiers = names(pool, "a.test", NULL);
    wish.key = ca_key_make("P-256", pool);
    wish.serial = SERIAL;
    wish.not_before = NOW - 3600;
    wish.not_after = NOW + DAY;
    wish.key_usage = KU_DIGITAL_SIGNATURE;
    need(!ca_issue(&cert, issuer, &wish, pool));
    revoked_add((apr_array_header_t *)request.revoked, SERIAL, NOW - 5, -1);
    is_int(
        verdict(parsed(cert, pool), issuer, made(issuer, &request, pool), NOW),
        X509_V_ERR_CERT_REVOKED);
}

static int reason_of(X509_CRL *crl, int place)
{
    STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
    X509_REVOKED *entry = sk_X509_REVOKED_value(all, place);
    ASN1_ENUMERATED *value =
        X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    int reason = value ? (int)ASN1_ENUMERATED_get(value) : -1;

    ASN1_ENUMERATED_free(value);
    return reason;
}

static void contents(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_crl_request_t request = request_of(pool);
    apr_array_header_t *list = (apr_array_header_t *)request.revoked;
    ASN1_INTEGER *number;
    ISSUING_DIST_POINT *point;
    X509_CRL *crl;
    int i, critical;

    for (i = -1; i <= 11; i++)
        revoked_add(
            list,
            apr_psprintf(pool, "000000000000000000000000000000%02x", i + 2),
            NOW - i, i);
    crl = made(issuer, &request, pool);
    need(crl);
    is_int(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
    is_int(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 13);
    for (i = -1; i <= 11; i++)
        is_int(reason_of(crl, i + 1),
               i < 1 || i == 7 || i == 8 || i > 10 ? -1 : i);
    number = X509_CRL_get_ext_d2i(crl, NID_crl_number, &critical, NULL);
    is_int(ASN1_INTEGER_get(number), 7);
    is_int(critical, 0);
    ASN1_INTEGER_free(number);
    point = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical,
                                 NULL);
    need(point);
    is_int(critical, 1);
    ok(point->onlyuser && !point->distpoint && !point->onlyCA &&
       !point->indirectCRL && !point->onlysomereasons);
    ISSUING_DIST_POINT_free(point);
    is_int(X509_CRL_get_ext_count(crl), 3);
}

/* Rows of a damaged database; what is revoked twice. */
static void garbage(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_crl_request_t request = request_of(pool);
    apr_array_header_t *list = (apr_array_header_t *)request.revoked;
    X509_CRL *crl;

    revoked_add(list, "", NOW, 1);
    revoked_add(list, "no serial", NOW, 1);
    revoked_add(list, "00000000000000000000000000000000", NOW, 1);
    revoked_add(list, SERIAL, -5, 1);
    revoked_add(list, SERIAL, INT64_MAX, 1);
    revoked_add(list, SERIAL, NOW, 1);
    crl = made(issuer, &request, pool);
    need(crl);
    is_int(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 1);
    is_int(ERR_peek_error(), 0);
}

static void refusals(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool), keyless = *issuer;
    ca_crl_request_t request = request_of(pool);
    ca_crl_t *crl = NULL;

    keyless.key = NULL;
    ok(ca_crl_make(&crl, &keyless, &request, pool));
    request.number = 0;
    ok(ca_crl_make(&crl, issuer, &request, pool));
    request.number = 1;
    request.next_update = request.this_update;
    ok(ca_crl_make(&crl, issuer, &request, pool));
    request.next_update = INT64_MAX;
    ok(ca_crl_make(&crl, issuer, &request, pool));
    ok(!crl);
    /* a key that is not the certificate's */
    keyless.key = ca_key_make("P-256", pool);
    request = request_of(pool);
    ok(ca_crl_make(&crl, &keyless, &request, pool));
    ok(!crl);
}

static void many(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_crl_request_t request = request_of(pool);
    apr_array_header_t *list = (apr_array_header_t *)request.revoked;
    X509_CRL *crl;
    int i;

    for (i = 5000; i > 0; i--)
        revoked_add(list, apr_psprintf(pool, "%032x", i), NOW, 4);
    crl = made(issuer, &request, pool);
    need(crl);
    is_int(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 5000);
}

static void numbers(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_crl_request_t request = request_of(pool);
    ca_crl_t *crl;

    request.number = APR_INT64_C(0x123456789a);
    ok(!ca_crl_make(&crl, issuer, &request, pool));
    is_int(ca_crl_number(crl->der, crl->der_len), request.number);
    is_int(ca_crl_number(crl->der, crl->der_len - 1), 0);
    is_int(ca_crl_number("", 0), 0);
    is_int(ERR_peek_error(), 0);
}

const tap_case_t tap_cases[] = {
    {"OpenSSL believes it, whatever the issuer's key", every_kind},
    {"it is about leaves without a distribution point, too", no_url},
    {"number, distribution point, reasons that leaves can have", contents},
    {"rows that make no sense are left out", garbage},
    {"no key, no number, no time", refusals},
    {"thousands of entries", many},
    {"the number is found again", numbers},
    {NULL, NULL}};
