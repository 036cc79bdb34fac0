/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_extension.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/identifier.h"

#include "base/banned.h"

/* Bits of a keyUsage: digitalSignature (0) to decipherOnly (8). */
#define KEY_USAGE_BITS 9

static int add(X509 *cert, int nid, void *value, int critical)
{
    return value && X509_add1_ext_i2d(cert, nid, value, critical,
                                      X509V3_ADD_DEFAULT) == 1;
}

static int key_id(unsigned char id[CA_KEY_ID_LEN], const X509 *cert)
{
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(cert);
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (!key ||
        EVP_Digest(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key),
                   digest, NULL, EVP_sha256(), NULL) != 1)
        return 0;
    memcpy(id, digest, CA_KEY_ID_LEN);
    return 1;
}

int ca_ext_subject_key_add(X509 *cert)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    unsigned char id[CA_KEY_ID_LEN];
    int done = value && key_id(id, cert) &&
               ASN1_OCTET_STRING_set(value, id, sizeof(id)) == 1 &&
               add(cert, NID_subject_key_identifier, value, 0);

    ASN1_OCTET_STRING_free(value);
    return done;
}

/* Not X509_get0_subject_key_id(): that makes OpenSSL remember the extensions
 * that a certificate in the making has by then. */
static ASN1_OCTET_STRING *key_id_of(X509 *issuer)
{
    ASN1_OCTET_STRING *value =
        X509_get_ext_d2i(issuer, NID_subject_key_identifier, NULL, NULL);
    unsigned char id[CA_KEY_ID_LEN];

    if (value)
        return value;
    value = ASN1_OCTET_STRING_new();
    if (value && key_id(id, issuer) &&
        ASN1_OCTET_STRING_set(value, id, sizeof(id)) == 1)
        return value;
    ASN1_OCTET_STRING_free(value);
    return NULL;
}

AUTHORITY_KEYID *ca_ext_authority_key_make(X509 *issuer)
{
    AUTHORITY_KEYID *value = AUTHORITY_KEYID_new();

    if (value)
        value->keyid = key_id_of(issuer);
    if (value && value->keyid)
        return value;
    AUTHORITY_KEYID_free(value);
    return NULL;
}

int ca_ext_authority_key_add(X509 *cert, X509 *issuer)
{
    AUTHORITY_KEYID *value = ca_ext_authority_key_make(issuer);
    int done = add(cert, NID_authority_key_identifier, value, 0);

    AUTHORITY_KEYID_free(value);
    return done;
}

int ca_ext_basic_add(X509 *cert, int is_ca, int path_len)
{
    BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
    int done = value != NULL;

    if (value)
        value->ca = is_ca ? 0xff : 0; /* TRUE in DER */
    if (done && path_len >= 0) {
        value->pathlen = ASN1_INTEGER_new();
        done = value->pathlen && ASN1_INTEGER_set(value->pathlen, path_len);
    }
    done = done && add(cert, NID_basic_constraints, value, 1);
    BASIC_CONSTRAINTS_free(value);
    return done;
}

/* X509v3_KU_* have the first octet of the bit string in their low byte. */
static unsigned int usage_bit(int i)
{
    return i < 8 ? 0x80u >> i : 0x8000u;
}

int ca_ext_key_usage_add(X509 *cert, unsigned int usage)
{
    ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
    int i, done = value != NULL;

    for (i = 0; done && i < KEY_USAGE_BITS; ++i) {
        if (usage & usage_bit(i))
            done = ASN1_BIT_STRING_set_bit(value, i, 1) == 1;
    }
    done = done && add(cert, NID_key_usage, value, 1);
    ASN1_BIT_STRING_free(value);
    return done;
}

int ca_ext_constraints_add(X509 *cert, NAME_CONSTRAINTS *value)
{
    return !value || add(cert, NID_name_constraints, value, 1);
}

int ca_ext_key_purpose_add(X509 *cert, const apr_array_header_t *purposes)
{
    EXTENDED_KEY_USAGE *value;
    int i, done;

    if (!purposes || purposes->nelts == 0)
        return 1;
    value = sk_ASN1_OBJECT_new_null();
    done = value != NULL;
    for (i = 0; done && i < purposes->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(purposes, i, const char *);
        ASN1_OBJECT *object = OBJ_txt2obj(name, 0);

        done = object && sk_ASN1_OBJECT_push(value, object) > 0;
    }
    done = done && add(cert, NID_ext_key_usage, value, 0);
    sk_ASN1_OBJECT_pop_free(value, ASN1_OBJECT_free);
    return done;
}

static GENERAL_NAME *name_make(int kind, const char *value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    if (!name || !text || ASN1_STRING_set(text, value, -1) != 1) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(text);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, kind, text);
    return name;
}

/* A name of this kind at the end of names. */
static int name_push(GENERAL_NAMES *names, int kind, const char *value)
{
    GENERAL_NAME *name = name_make(kind, value);

    if (!name)
        return 0;
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return 1;
    GENERAL_NAME_free(name);
    return 0;
}

static int address_push(GENERAL_NAMES *names, const identifier_t *id)
{
    unsigned char octets[16];
    apr_size_t len = identifier_octets(octets, id);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

    if (name && value && len &&
        ASN1_OCTET_STRING_set(value, octets, (int)len)) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, value);
        value = NULL;
        if (sk_GENERAL_NAME_push(names, name) > 0)
            return 1;
    }
    ASN1_OCTET_STRING_free(value);
    GENERAL_NAME_free(name);
    return 0;
}

static int identifiers_push(GENERAL_NAMES *names,
                            const apr_array_header_t *identifiers)
{
    int i, done = 1;

    for (i = 0; done && i < identifiers->nelts; ++i) {
        const identifier_t *id =
            APR_ARRAY_IDX(identifiers, i, const identifier_t *);

        done = id->type == IDENTIFIER_DNS ? name_push(names, GEN_DNS, id->value)
                                          : address_push(names, id);
    }
    return done;
}

/* An IA5String has ASCII only. */
static int is_ascii(const char *text)
{
    while (*text > 0x20 && *text < 0x7f)
        ++text;
    return *text == '\0';
}

static int texts_push(GENERAL_NAMES *names, int kind,
                      const apr_array_header_t *texts)
{
    int i, done = 1;

    for (i = 0; done && texts && i < texts->nelts; ++i) {
        const char *text = APR_ARRAY_IDX(texts, i, const char *);

        done = is_ascii(text) && name_push(names, kind, text);
    }
    return done;
}

int ca_ext_names_add(X509 *cert, const apr_array_header_t *identifiers,
                     const apr_array_header_t *emails,
                     const apr_array_header_t *uris, int critical)
{
    GENERAL_NAMES *value = sk_GENERAL_NAME_new_null();
    int done = value && identifiers_push(value, identifiers) &&
               texts_push(value, GEN_EMAIL, emails) &&
               texts_push(value, GEN_URI, uris) &&
               add(cert, NID_subject_alt_name, value, critical);

    sk_GENERAL_NAME_pop_free(value, GENERAL_NAME_free);
    return done;
}

static int point_push(CRL_DIST_POINTS *points, const char *url)
{
    DIST_POINT *point = DIST_POINT_new();
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

    if (point && names && name_push(names, GEN_URI, url))
        point->distpoint = DIST_POINT_NAME_new();
    if (!point || !point->distpoint) {
        sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
        DIST_POINT_free(point);
        return 0;
    }
    point->distpoint->type = 0; /* fullName */
    point->distpoint->name.fullname = names;
    if (sk_DIST_POINT_push(points, point) > 0)
        return 1;
    DIST_POINT_free(point);
    return 0;
}

int ca_ext_crl_url_add(X509 *cert, const char *url)
{
    CRL_DIST_POINTS *value;
    int done;

    if (!url)
        return 1;
    value = sk_DIST_POINT_new_null();
    done = value && point_push(value, url) &&
           add(cert, NID_crl_distribution_points, value, 0);
    sk_DIST_POINT_pop_free(value, DIST_POINT_free);
    return done;
}

static int access_push(AUTHORITY_INFO_ACCESS *list, int method, const char *url)
{
    ACCESS_DESCRIPTION *one;
    GENERAL_NAME *name;

    if (!url)
        return 1;
    one = ACCESS_DESCRIPTION_new();
    name = name_make(GEN_URI, url);
    if (!one || !name || sk_ACCESS_DESCRIPTION_push(list, one) <= 0) {
        ACCESS_DESCRIPTION_free(one);
        GENERAL_NAME_free(name);
        return 0;
    }
    ASN1_OBJECT_free(one->method);
    one->method = OBJ_nid2obj(method);
    GENERAL_NAME_free(one->location);
    one->location = name;
    return 1;
}

int ca_ext_access_add(X509 *cert, const char *issuer_url, const char *ocsp_url)
{
    AUTHORITY_INFO_ACCESS *value;
    int done;

    if (!issuer_url && !ocsp_url)
        return 1;
    value = sk_ACCESS_DESCRIPTION_new_null();
    done = value && access_push(value, NID_ad_OCSP, ocsp_url) &&
           access_push(value, NID_ad_ca_issuers, issuer_url) &&
           add(cert, NID_info_access, value, 0);
    sk_ACCESS_DESCRIPTION_pop_free(value, ACCESS_DESCRIPTION_free);
    return done;
}

/* Not critical, its value NULL. */
static int null_add(X509 *cert, const char *oid)
{
    static const unsigned char null[] = {V_ASN1_NULL, 0};
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    int done = 0;

    if (object && value &&
        ASN1_OCTET_STRING_set(value, null, sizeof(null)) == 1)
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
    if (extension)
        done = X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
    return done;
}

/* RFC 9608 2 */
int ca_ext_no_rev_avail_add(X509 *cert)
{
    return null_add(cert, CA_EXT_NO_REV_AVAIL);
}

int ca_ext_ocsp_nocheck_add(X509 *cert)
{
    return null_add(cert, "1.3.6.1.5.5.7.48.1.5");
}
