/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_reread.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/identifier.h"
#include "ca/ca_extension.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/*
 * RFC 5280 4.1 once more, with the key left encoded: d2i_X509() would decode
 * it, which takes OpenSSL 3.0 longer than everything else here.
 */
typedef struct {
    ASN1_INTEGER *version;
    ASN1_INTEGER *serial;
    X509_ALGOR *algorithm;
    X509_NAME *issuer;
    X509_VAL *validity;
    X509_NAME *subject;
    ASN1_STRING *spki;
    STACK_OF(X509_EXTENSION) * extensions;
} tbs_t;

/* What is signed, as it stands and in its parts. */
typedef struct {
    ASN1_STRING *tbs;
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *signature;
} signed_t;

/* RFC 5280 4.1.2.7 */
typedef struct {
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *key;
} spki_t;

/* clang-format off */
ASN1_SEQUENCE(spki_t) = {
    ASN1_SIMPLE(spki_t, algorithm, X509_ALGOR),
    ASN1_SIMPLE(spki_t, key, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(spki_t)

ASN1_SEQUENCE(tbs_t) = {
    ASN1_EXP(tbs_t, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(tbs_t, serial, ASN1_INTEGER),
    ASN1_SIMPLE(tbs_t, algorithm, X509_ALGOR),
    ASN1_SIMPLE(tbs_t, issuer, X509_NAME),
    ASN1_SIMPLE(tbs_t, validity, X509_VAL),
    ASN1_SIMPLE(tbs_t, subject, X509_NAME),
    ASN1_SIMPLE(tbs_t, spki, ASN1_SEQUENCE),
    ASN1_EXP_SEQUENCE_OF(tbs_t, extensions, X509_EXTENSION, 3)
} static_ASN1_SEQUENCE_END(tbs_t)

ASN1_SEQUENCE(signed_t) = {
    ASN1_SIMPLE(signed_t, tbs, ASN1_SEQUENCE),
    ASN1_SIMPLE(signed_t, algorithm, X509_ALGOR),
    ASN1_SIMPLE(signed_t, signature, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(signed_t)
    /* clang-format on */

    /* One comparison: the certificate against what was asked for. */
    typedef struct {
    const tbs_t *tbs;
    const signed_t *whole;
    const ca_issuer_t *issuer;
    const ca_request_t *request;
    const unsigned char *spki;
    apr_size_t spki_len;
} reread_t;

static int equals(const ASN1_STRING *string, const void *data, apr_size_t len)
{
    return string && (apr_size_t)ASN1_STRING_length(string) == len &&
           memcmp(ASN1_STRING_get0_data(string), data, len) == 0;
}

static int is_serial(const reread_t *r)
{
    BIGNUM *want = NULL, *got = ASN1_INTEGER_to_BN(r->tbs->serial, NULL);
    int same = BN_hex2bn(&want, r->request->serial) && got &&
               BN_cmp(got, want) == 0 && !BN_is_zero(got) &&
               !BN_is_negative(got);

    BN_free(want);
    BN_free(got);
    return same;
}

/* Octet for octet, as verifiers without our mercy compare. */
static int is_issuer(const reread_t *r)
{
    const unsigned char *got, *want;
    size_t got_len, want_len;

    return X509_NAME_get0_der(r->tbs->issuer, &got, &got_len) == 1 &&
           X509_NAME_get0_der(X509_get_subject_name(r->issuer->cert), &want,
                              &want_len) == 1 &&
           got_len == want_len && memcmp(got, want, got_len) == 0;
}

static int is_attribute(const X509_NAME_ENTRY *entry, int nid,
                        const char *value)
{
    return entry && OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == nid &&
           equals(X509_NAME_ENTRY_get_data(entry), value, strlen(value));
}

static int attributes_count(const ca_request_t *request)
{
    return (request->subject ? request->subject->nelts : 0) +
           (request->common_name ? 1 : 0);
}

/* The attributes in their order, each an RDN of its own, the common name
 * last. */
static int is_subject(const reread_t *r)
{
    const ca_request_t *request = r->request;
    const X509_NAME *got = r->tbs->subject;
    int i, count = attributes_count(request);
    int same = X509_NAME_entry_count(got) == count;

    for (i = 0; same && request->subject && i < request->subject->nelts; ++i) {
        const ca_attribute_t *want =
            APR_ARRAY_IDX(request->subject, i, const ca_attribute_t *);
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(got, i);

        same = is_attribute(entry, OBJ_sn2nid(want->type), want->value) &&
               X509_NAME_ENTRY_set(entry) == i;
    }
    if (!same || !request->common_name)
        return same;
    return is_attribute(X509_NAME_get_entry(got, count - 1), NID_commonName,
                        request->common_name);
}

static const char *fields_fault(const reread_t *r)
{
    const tbs_t *tbs = r->tbs;

    if (ASN1_INTEGER_get(tbs->version) != X509_VERSION_3)
        return "version";
    if (!is_serial(r))
        return "serial number";
    if (X509_ALGOR_cmp(tbs->algorithm, r->whole->algorithm) != 0)
        return "signature algorithm";
    if (!is_issuer(r))
        return "issuer";
    if (ca_time_seconds(tbs->validity->notBefore) != r->request->not_before ||
        ca_time_seconds(tbs->validity->notAfter) != r->request->not_after)
        return "validity";
    if (!is_subject(r))
        return "subject";
    if (!equals(tbs->spki, r->spki, r->spki_len))
        return "public key";
    return NULL;
}

/* value is the extension, decoded. */

static int is_basic(const reread_t *r, const void *value)
{
    const BASIC_CONSTRAINTS *basic = value;

    return !basic->ca && !basic->pathlen;
}

static int is_key_usage(const reread_t *r, const void *value)
{
    const ASN1_BIT_STRING *bits = value;
    unsigned int got = 0;
    int i;

    for (i = 0; i < 9; ++i) {
        if (ASN1_BIT_STRING_get_bit(bits, i))
            got |= i < 8 ? 0x80u >> i : 0x8000u;
    }
    return got == r->request->key_usage;
}

static int is_key_purpose(const reread_t *r, const void *value)
{
    const EXTENDED_KEY_USAGE *got = value;
    const apr_array_header_t *want = r->request->ext_key_usage;
    int i, same = want && sk_ASN1_OBJECT_num(got) == want->nelts;

    for (i = 0; same && i < want->nelts; ++i) {
        ASN1_OBJECT *object =
            OBJ_txt2obj(APR_ARRAY_IDX(want, i, const char *), 0);

        same = object && OBJ_cmp(object, sk_ASN1_OBJECT_value(got, i)) == 0;
        ASN1_OBJECT_free(object);
    }
    return same;
}

/* RFC 7093 2 (1) */
static int is_subject_key(const reread_t *r, const void *value)
{
    const unsigned char *der = r->spki;
    unsigned char digest[EVP_MAX_MD_SIZE];
    int same = 0;
    spki_t *spki = (spki_t *)ASN1_item_d2i(NULL, &der, (long)r->spki_len,
                                           ASN1_ITEM_rptr(spki_t));

    if (spki)
        same = EVP_Digest(ASN1_STRING_get0_data(spki->key),
                          (size_t)ASN1_STRING_length(spki->key), digest, NULL,
                          EVP_sha256(), NULL) == 1 &&
               equals(value, digest, CA_KEY_ID_LEN);
    ASN1_item_free((ASN1_VALUE *)spki, ASN1_ITEM_rptr(spki_t));
    return same;
}

static int is_authority_key(const reread_t *r, const void *value)
{
    const ASN1_OCTET_STRING *theirs = X509_get0_subject_key_id(r->issuer->cert);
    const AUTHORITY_KEYID *authority = value;

    return authority->keyid && !authority->issuer && !authority->serial &&
           (!theirs || ASN1_OCTET_STRING_cmp(authority->keyid, theirs) == 0);
}

/* The name of this kind at this place. */
static int is_name(const GENERAL_NAMES *names, int place, int kind,
                   const char *want)
{
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, place);

    /* All three kinds are IA5Strings. */
    return name && name->type == kind &&
           equals(name->d.ia5, want, strlen(want));
}

static int is_identifier(const GENERAL_NAMES *names, int place,
                         const identifier_t *want)
{
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, place);
    unsigned char octets[16];
    apr_size_t len = identifier_octets(octets, want);

    if (want->type == IDENTIFIER_DNS)
        return is_name(names, place, GEN_DNS, want->value);
    return name && name->type == GEN_IPADD && len &&
           equals(name->d.iPAddress, octets, len);
}

/* texts begin at *place, which is moved behind them. */
static int is_texts(const GENERAL_NAMES *names, int *place, int kind,
                    const apr_array_header_t *texts)
{
    int i, same = 1;

    for (i = 0; same && texts && i < texts->nelts; ++i)
        same = is_name(names, (*place)++, kind,
                       APR_ARRAY_IDX(texts, i, const char *));
    return same;
}

static int is_names(const reread_t *r, const void *value)
{
    const GENERAL_NAMES *got = value;
    const apr_array_header_t *want = r->request->identifiers;
    int place, same = 1;

    for (place = 0; same && place < want->nelts; ++place)
        same = is_identifier(got, place,
                             APR_ARRAY_IDX(want, place, identifier_t *));
    return same && is_texts(got, &place, GEN_EMAIL, r->request->emails) &&
           is_texts(got, &place, GEN_URI, r->request->uris) &&
           place == sk_GENERAL_NAME_num(got);
}

static int is_access(const ACCESS_DESCRIPTION *one, int method, const char *url)
{
    return one && OBJ_obj2nid(one->method) == method &&
           one->location->type == GEN_URI &&
           equals(one->location->d.ia5, url, strlen(url));
}

static int is_accesses(const reread_t *r, const void *value)
{
    const AUTHORITY_INFO_ACCESS *got = value;
    const ca_request_t *want = r->request;
    int place = 0, same = 1;

    if (want->ocsp_url)
        same = is_access(sk_ACCESS_DESCRIPTION_value(got, place++), NID_ad_OCSP,
                         want->ocsp_url);
    if (same && want->issuer_url)
        same = is_access(sk_ACCESS_DESCRIPTION_value(got, place++),
                         NID_ad_ca_issuers, want->issuer_url);
    return same && place && sk_ACCESS_DESCRIPTION_num(got) == place;
}

static int is_crl_url(const reread_t *r, const void *value)
{
    const CRL_DIST_POINTS *got = value;
    const DIST_POINT *point = sk_DIST_POINT_value(got, 0);

    return r->request->crl_url && sk_DIST_POINT_num(got) == 1 &&
           !point->reasons && !point->CRLissuer && point->distpoint &&
           point->distpoint->type == 0 &&
           sk_GENERAL_NAME_num(point->distpoint->name.fullname) == 1 &&
           is_name(point->distpoint->name.fullname, 0, GEN_URI,
                   r->request->crl_url);
}

static const struct {
    int nid;
    int critical; /* -1: when the subject is empty */
    int (*is_right)(const reread_t *r, const void *value);
    const char *name;
} rules[] = {
    {NID_basic_constraints, 1, is_basic, "basicConstraints"},
    {NID_key_usage, 1, is_key_usage, "keyUsage"},
    {NID_ext_key_usage, 0, is_key_purpose, "extKeyUsage"},
    {NID_subject_key_identifier, 0, is_subject_key, "subjectKeyIdentifier"},
    {NID_authority_key_identifier, 0, is_authority_key,
     "authorityKeyIdentifier"},
    {NID_subject_alt_name, -1, is_names, "subjectAltName"},
    {NID_info_access, 0, is_accesses, "authorityInfoAccess"},
    {NID_crl_distribution_points, 0, is_crl_url, "cRLDistributionPoints"},
    /* OpenSSL 3.0 has no number for it */
    {NID_undef, 0, NULL, "noRevAvail"},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static int is_no_rev_avail(const ASN1_OBJECT *object)
{
    char oid[sizeof(CA_EXT_NO_REV_AVAIL) + 1];

    OBJ_obj2txt(oid, sizeof(oid), object, 1);
    return strcmp(oid, CA_EXT_NO_REV_AVAIL) == 0;
}

/* Its place in rules; RULES if there is none. */
static apr_size_t rule_find(X509_EXTENSION *extension)
{
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    int nid = OBJ_obj2nid(object);
    apr_size_t rule;

    for (rule = 0; rule < RULES; ++rule) {
        if (rules[rule].nid != NID_undef ? rules[rule].nid == nid
                                         : is_no_rev_avail(object))
            break;
    }
    return rule;
}

static int is_extension(const reread_t *r, X509_EXTENSION *extension,
                        apr_size_t rule)
{
    const X509V3_EXT_METHOD *method = X509V3_EXT_get(extension);
    int critical = rules[rule].critical, right;
    void *value;

    if (!rules[rule].is_right) /* RFC 9608 2: NULL, not critical */
        return r->request->no_rev_avail &&
               !X509_EXTENSION_get_critical(extension) &&
               equals(X509_EXTENSION_get_data(extension), "\x05\0", 2);
    value = X509V3_EXT_d2i(extension);
    if (!value)
        return 0;
    if (critical < 0)
        critical = attributes_count(r->request) == 0;
    right = X509_EXTENSION_get_critical(extension) == critical &&
            rules[rule].is_right(r, value);
    ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
    return right;
}

static int expected_count(const ca_request_t *request)
{
    int has_purposes =
        request->ext_key_usage && request->ext_key_usage->nelts > 0;

    return (int)RULES - !has_purposes - !request->no_rev_avail -
           !(request->issuer_url || request->ocsp_url) - !request->crl_url;
}

/* Each of the rules' extensions once, some only if asked for, and no other. */
static const char *extensions_fault(const reread_t *r)
{
    unsigned int seen = 0;
    int expected = expected_count(r->request);
    int i, count = sk_X509_EXTENSION_num(r->tbs->extensions);

    for (i = 0; i < count; ++i) {
        X509_EXTENSION *extension =
            sk_X509_EXTENSION_value(r->tbs->extensions, i);
        apr_size_t rule = rule_find(extension);

        if (rule == RULES || seen & 1u << rule)
            return "extensions: one too many";
        if (!is_extension(r, extension, rule))
            return rules[rule].name;
        seen |= 1u << rule;
    }
    return count == expected ? NULL : "extensions: one is missing";
}

/* By the algorithm that the certificate names, not the one we meant. */
static const char *signature_fault(const reread_t *r)
{
    EVP_PKEY *key = X509_get0_pubkey(r->issuer->cert);

    return ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), r->whole->algorithm,
                            r->whole->signature, r->whole->tbs, key) == 1
               ? NULL
               : "signature";
}

static const char *fault_find(reread_t *r, const ca_cert_t *cert)
{
    const unsigned char *der = cert->der, *end = der + cert->der_len;
    const char *fault = "encoding";
    tbs_t *tbs = NULL;
    signed_t *whole = (signed_t *)ASN1_item_d2i(NULL, &der, (long)cert->der_len,
                                                ASN1_ITEM_rptr(signed_t));

    if (whole && der == end) {
        der = ASN1_STRING_get0_data(whole->tbs);
        tbs = (tbs_t *)ASN1_item_d2i(NULL, &der, ASN1_STRING_length(whole->tbs),
                                     ASN1_ITEM_rptr(tbs_t));
    }
    if (tbs) {
        r->tbs = tbs;
        r->whole = whole;
        fault = fields_fault(r);
        fault = fault ? fault : extensions_fault(r);
        fault = fault ? fault : signature_fault(r);
    }
    ASN1_item_free((ASN1_VALUE *)tbs, ASN1_ITEM_rptr(tbs_t));
    ASN1_item_free((ASN1_VALUE *)whole, ASN1_ITEM_rptr(signed_t));
    return fault;
}

problem_t *ca_reread_check(const ca_cert_t *cert, const ca_issuer_t *issuer,
                           const ca_request_t *request,
                           const unsigned char *spki, apr_size_t spki_len,
                           apr_pool_t *pool)
{
    reread_t r = {NULL, NULL, issuer, request, spki, spki_len};
    const char *fault = fault_find(&r, cert);

    if (!fault)
        return NULL;
    return ca_openssl_problem(pool,
                              "a new certificate is not what was asked for and "
                              "is thrown away: %s",
                              fault);
}
