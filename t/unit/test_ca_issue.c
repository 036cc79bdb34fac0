/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_issue.h"

#include "ca_leaf.h"

#include "base/token.h"
#include "ca/ca_openssl.h"

static apr_array_header_t *purposes(apr_pool_t *pool, const char *one,
                                    const char *two)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));

    if (one)
        APR_ARRAY_PUSH(list, const char *) = one;
    if (two)
        APR_ARRAY_PUSH(list, const char *) = two;
    return list;
}

static ca_request_t request_for(EVP_PKEY *key, apr_pool_t *pool)
{
    ca_request_t request = {0};

    request.identifiers = names(pool, "a.test", "b.test", NULL);
    request.common_name = "a.test";
    request.key = key;
    request.serial = token_serial(pool);
    request.not_before = NOW - 3600;
    request.not_after = NOW + 90 * DAY;
    request.key_usage = KU_DIGITAL_SIGNATURE;
    request.ext_key_usage = purposes(pool, "serverAuth", NULL);
    return request;
}

static const char *const specs[] = {
    "P-256", "P-384", "RSA-2048", "RSA-3072", "RSA-4096", "ED25519", NULL};
static const int digests[] = {
    NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,
    NID_sha256WithRSAEncryption, NID_sha256WithRSAEncryption,
    NID_sha384WithRSAEncryption, NID_ED25519};

/* The key is encoded as OpenSSL encodes it. */
static void spki_same(EVP_PKEY *key, apr_pool_t *pool)
{
    X509 *cert = own_x509(pool, X509_new());
    unsigned char *want = NULL;
    const unsigned char *got;
    apr_size_t len;
    int want_len = i2d_PUBKEY(key, &want);

    need(ca_spki_set(cert, key));
    got = ca_spki_der(&len, cert, pool);
    is_int(len, want_len);
    ok(memcmp(got, want, len) == 0, "%s", EVP_PKEY_get0_type_name(key));
    OPENSSL_free(want);
}

static void spkis(ca_issuer_t *const issuers[], apr_pool_t *pool)
{
    int i;

    for (i = 0; specs[i]; ++i)
        spki_same(issuers[i]->key, pool);
    spki_same(own_pkey(pool, EVP_EC_gen("P-521")), pool);
    spki_same(own_pkey(pool, EVP_EC_gen("secp256k1")), pool);
}

/* RSA keys are slow to make, so the issuers' keys are the leaves' too. */
static void every_kind(apr_pool_t *pool)
{
    ca_issuer_t *issuers[6];
    int i, k;

    for (i = 0; specs[i]; ++i) {
        issuers[i] = issuer_of(specs[i], pool);
        need(issuers[i]);
    }
    for (i = 0; specs[i]; ++i) {
        for (k = 0; specs[k]; ++k) {
            ca_request_t request = request_for(issuers[k]->key, pool);
            X509 *leaf = issue(issuers[i], &request, pool);
            const char *fault;

            need(leaf);
            fault = verify(leaf, issuers[i], "b.test", NOW);
            ok(!fault, "%s by %s: %s", specs[k], specs[i], fault);
            is_int(X509_get_signature_nid(leaf), digests[i]);
            is_int(EVP_PKEY_eq(X509_get0_pubkey(leaf), request.key), 1);
        }
    }
    spkis(issuers, pool);
}

static void contents(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    X509 *leaf;
    BIGNUM *serial;
    char *hex;

    request.serial = "00c0ffee000000000000000000000001";
    request.key_usage = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT;
    request.ext_key_usage = purposes(pool, "serverAuth", "1.3.6.1.5.5.7.3.2");
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_int(X509_get_version(leaf), X509_VERSION_3);
    is_int(X509_get_ext_count(leaf), 6);
    is_str(extension(leaf, NID_basic_constraints, pool), "critical CA:FALSE");
    is_str(extension(leaf, NID_key_usage, pool),
           "critical Digital Signature, Key Encipherment");
    is_str(extension(leaf, NID_ext_key_usage, pool),
           "TLS Web Server Authentication, TLS Web Client Authentication");
    is_str(extension(leaf, NID_subject_alt_name, pool),
           "DNS:a.test, DNS:b.test");
    is_int(ASN1_STRING_length(X509_get0_subject_key_id(leaf)), 20);
    ok(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf),
                             X509_get0_subject_key_id(issuer->cert)) == 0);
    ok(!X509_get0_authority_issuer(leaf) && !X509_get0_authority_serial(leaf));
    serial =
        own_bn(pool, ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL));
    hex = BN_bn2hex(serial);
    is_str(hex, "C0FFEE000000000000000000000001");
    OPENSSL_free(hex);
    is_int(ca_time_seconds(X509_get0_notBefore(leaf)), request.not_before);
    is_int(ca_time_seconds(X509_get0_notAfter(leaf)), request.not_after);
    is_int(X509_NAME_cmp(X509_get_issuer_name(leaf),
                         X509_get_subject_name(issuer->cert)),
           0);
}

static void serials(apr_pool_t *pool)
{
    static const char *const good[] = {
        "00000000000000000000000000000001", "7fffffffffffffffffffffffffffffff",
        "80000000000000000000000000000000", "ffffffffffffffffffffffffffffffff",
        "00800000000000000000000000000000"};
    static const char *const bad[] = {"",
                                      "00000000000000000000000000000000",
                                      "1234",
                                      "7fffffffffffffffffffffffffffffffff",
                                      "-fffffffffffffffffffffffffffffff",
                                      "xfffffffffffffffffffffffffffffff"};
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    apr_size_t i;

    for (i = 0; i < sizeof(good) / sizeof(*good); ++i) {
        X509 *leaf;
        BIGNUM *want = NULL, *got;

        request.serial = good[i];
        leaf = issue(issuer, &request, pool);
        need(leaf);
        BN_hex2bn(&want, good[i]);
        got = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
        ok(BN_cmp(got, want) == 0 && !BN_is_negative(got), "%s", good[i]);
        BN_free(got);
        BN_free(want);
    }
    for (i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        request.serial = bad[i];
        refused("make a certificate", issuer, &request, pool);
    }
}

static void subjects(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    char name[66];
    X509 *leaf;

    request.common_name = NULL;
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_int(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
    is_str(extension(leaf, NID_subject_alt_name, pool),
           "critical DNS:a.test, DNS:b.test");
    ok(!verify(leaf, issuer, "a.test", NOW));
    memset(name, 'a', 65);
    name[64] = '\0';
    request.common_name = name;
    need(issue(issuer, &request, pool));
    name[64] = 'a';
    name[65] = '\0';
    refused("make a certificate", issuer, &request, pool);
}

static apr_array_header_t *attributes(apr_pool_t *pool, ...)
{
    apr_array_header_t *list =
        apr_array_make(pool, 8, sizeof(ca_attribute_t *));
    const char *type;
    va_list args;

    va_start(args, pool);
    for (type = va_arg(args, const char *); type;
         type = va_arg(args, const char *)) {
        ca_attribute_t *attribute = apr_palloc(pool, sizeof(*attribute));

        attribute->type = type;
        attribute->value = va_arg(args, const char *);
        APR_ARRAY_PUSH(list, ca_attribute_t *) = attribute;
    }
    va_end(args);
    return list;
}

static void whole_subjects(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    X509 *leaf;

    request.subject =
        attributes(pool, "C", "DE", "ST", "Hessen", "L", "Darmstadt", "DC",
                   "corp", "DC", "example", "O", "Example Corp", "OU",
                   "Gr\xc3\xbcn", "OU", "Team", NULL);
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(ca_name_text(X509_get_subject_name(leaf), pool),
           "/C=DE/ST=Hessen/L=Darmstadt/DC=corp/DC=example/O=Example Corp"
           "/OU=Gr\\xC3\\xBCn/OU=Team/CN=a.test");
    ok(!verify(leaf, issuer, "a.test", NOW));
    /* without a common name the subject is not empty, so SAN is not critical */
    request.common_name = NULL;
    request.subject = attributes(pool, "O", "Example Corp", NULL);
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(ca_name_text(X509_get_subject_name(leaf), pool), "/O=Example Corp");
    is_str(extension(leaf, NID_subject_alt_name, pool),
           "DNS:a.test, DNS:b.test");
    request.subject = attributes(pool, NULL);
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(extension(leaf, NID_subject_alt_name, pool),
           "critical DNS:a.test, DNS:b.test");
    request.subject = attributes(pool, "C", "DEU", NULL);
    refused("make a certificate", issuer, &request, pool);
    request.subject = attributes(pool, "O", "bad \xff", NULL);
    refused("make a certificate", issuer, &request, pool);
}

static void other_names(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    X509 *leaf;

    request.emails = purposes(pool, "a@corp.test", "b@corp.test");
    request.uris = purposes(pool, "spiffe://corp.test/x", NULL);
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(extension(leaf, NID_subject_alt_name, pool),
           "DNS:a.test, DNS:b.test, email:a@corp.test, email:b@corp.test, "
           "URI:spiffe://corp.test/x");
    request.identifiers = names(pool, NULL);
    request.common_name = NULL;
    request.uris = NULL;
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(extension(leaf, NID_subject_alt_name, pool),
           "critical email:a@corp.test, email:b@corp.test");
    request.emails = purposes(pool, "\xc3\xa4@corp.test", NULL);
    refused("make a certificate", issuer, &request, pool);
    request.emails = purposes(pool, NULL, NULL);
    refused("without names", issuer, &request, pool);
}

static void no_rev_avail(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    /* SEQUENCE { OID 2.5.29.56, OCTET STRING { NULL } } */
    static const unsigned char want[] = {0x30, 0x09, 0x06, 0x03, 0x55, 0x1d,
                                         0x38, 0x04, 0x02, 0x05, 0x00};
    ca_cert_t *cert;

    request.no_rev_avail = 1;
    need(!ca_issue(&cert, issuer, &request, pool));
    ok(memmem(cert->der, cert->der_len, want, sizeof(want)));
    ok(!verify(parsed(cert, pool), issuer, "a.test", NOW));
    request.no_rev_avail = 0;
    need(!ca_issue(&cert, issuer, &request, pool));
    ok(!memmem(cert->der, cert->der_len, want, sizeof(want)));
}

static void many_names(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    apr_array_header_t *list = names(pool, NULL);
    GENERAL_NAMES *got;
    X509 *leaf;
    int i;

    /* in any order, as they are given */
    for (i = 0; i < 100; ++i)
        apr_array_cat(
            list, names(pool, apr_psprintf(pool, "n%d.a.test", (i * 37) % 100),
                        NULL));
    request.identifiers = list;
    request.common_name = NULL;
    leaf = issue(issuer, &request, pool);
    need(leaf);
    got = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    is_int(sk_GENERAL_NAME_num(got), 100);
    for (i = 0; i < 100; ++i) {
        const char *want = APR_ARRAY_IDX(list, i, identifier_t *)->value;
        const ASN1_IA5STRING *name = sk_GENERAL_NAME_value(got, i)->d.dNSName;

        is_int(ASN1_STRING_length(name), strlen(want));
        ok(!memcmp(ASN1_STRING_get0_data(name), want, strlen(want)));
        ok(!verify(leaf, issuer, want, NOW), "%s", want);
    }
    sk_GENERAL_NAME_pop_free(got, GENERAL_NAME_free);
    request.identifiers = names(pool, NULL);
    refused("without names", issuer, &request, pool);
    request.identifiers = names(pool, "*.a.test", "x--y.test", "_u.test", NULL);
    leaf = issue(issuer, &request, pool);
    need(leaf);
    ok(!verify(leaf, issuer, "any.a.test", NOW));
}

static void within_issuer(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);

    request.not_after = issuer->not_after;
    request.not_before = issuer->not_before;
    need(issue(issuer, &request, pool));
    request.not_after = issuer->not_after + 1;
    refused("not within the life", issuer, &request, pool);
    request.not_after = issuer->not_after;
    request.not_before = issuer->not_before - 1;
    refused("not within the life", issuer, &request, pool);
    request.not_before = NOW;
    request.not_after = NOW;
    refused("not within the life", issuer, &request, pool);
    request.not_after = NOW - 1;
    refused("not within the life", issuer, &request, pool);
}

static void wrong_requests(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t good = request_for(ca_key_make("P-256", pool), pool);
    ca_request_t request = good;
    X509 *leaf;

    request.key_usage = 0;
    refused("key usages are 0x0", issuer, &request, pool);
    request.key_usage = KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN;
    refused("key usages are 0x84", issuer, &request, pool);
    request.key_usage = KU_CRL_SIGN;
    refused("key usages are 0x2", issuer, &request, pool);
    request = good;
    request.ext_key_usage = purposes(pool, "noSuchPurpose", NULL);
    refused("make a certificate", issuer, &request, pool);
    request.ext_key_usage = purposes(pool, NULL, NULL);
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_int(X509_get_ext_count(leaf), 5);
    request.ext_key_usage = NULL;
    request.key_usage = KU_DECIPHER_ONLY | KU_KEY_AGREEMENT;
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(extension(leaf, NID_key_usage, pool),
           "critical Key Agreement, Decipher Only");
    issuer->key = NULL;
    refused("has no key here", issuer, &good, pool);
}

/* RFC 5280 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050. */
static void years(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    const apr_int64_t y2050 = 2524608000;
    X509 *leaf;

    issuer->not_after = INT64_C(253402300799);
    request.not_before = NOW;
    request.not_after = y2050 - 1;
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_int(ASN1_STRING_type(X509_get0_notAfter(leaf)), V_ASN1_UTCTIME);
    request.not_after = y2050;
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_int(ASN1_STRING_type(X509_get0_notBefore(leaf)), V_ASN1_UTCTIME);
    is_int(ASN1_STRING_type(X509_get0_notAfter(leaf)), V_ASN1_GENERALIZEDTIME);
    is_int(ca_time_seconds(X509_get0_notAfter(leaf)), y2050);
    request.not_after = INT64_C(253402300799);
    leaf = issue(issuer, &request, pool);
    need(leaf);
    issuer->not_after += 1;
    request.not_after += 1;
    refused("make a certificate", issuer, &request, pool);
}

static void fingerprints(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-384", pool), pool);
    const unsigned char *der;
    unsigned char *spki_der = NULL;
    apr_size_t len;
    int spki_len;
    ca_cert_t *cert;
    X509 *leaf;

    need(!ca_issue(&cert, issuer, &request, pool));
    leaf = parsed(cert, pool);
    der = ca_cert_der(&len, leaf, pool);
    is_str(cert->sha256, ca_sha256_hex(der, len, pool));
    spki_len = i2d_PUBKEY(request.key, &spki_der);
    is_str(cert->spki_sha256,
           ca_sha256_hex(spki_der, (apr_size_t)spki_len, pool));
    OPENSSL_free(spki_der);
}

/* An issuer whose key is not its certificate's, as after a mix-up of memory or
 * files, hands out nothing. */
static void wrong_signature(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);

    issuer->key = ca_key_make("P-256", pool);
    refused("not what was asked for and is thrown away: signature", issuer,
            &request, pool);
    issuer->key = ca_key_make("ED25519", pool);
    refused("not what was asked for and is thrown away: signature", issuer,
            &request, pool);
}

const tap_case_t tap_cases[] = {
    {"every kind of issuer and leaf key, verified strictly", every_kind},
    {"SKI, AKI, CA:FALSE, KU, EKU, SAN, serial, times, issuer", contents},
    {"the serial is taken as given, positive, or refused", serials},
    {"T56 an empty subject makes SAN critical; CN of 64 and 65", subjects},
    {"subjects of several attributes, in their order", whole_subjects},
    {"e-mail addresses and URIs", other_names},
    {"RFC 9608 noRevAvail is NULL and not critical", no_rev_avail},
    {"100 names in any order, each one verifies", many_names},
    {"nothing outlives its issuer", within_issuer},
    {"no leaf signs certificates; unknown usages are refused", wrong_requests},
    {"RFC 5280 4.1.2.5 the years 2049, 2050 and 9999", years},
    {"fingerprints are those of what is handed out", fingerprints},
    {"the signature is verified before the certificate is seen",
     wrong_signature},
    {NULL, NULL}};
