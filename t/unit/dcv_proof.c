/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv_proof.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

static void identifier_add(X509 *cert, const proof_t *proof)
{
    unsigned char value[2 + SHA256_DIGEST_LENGTH] = {4, SHA256_DIGEST_LENGTH};
    const char *text = proof->key_authorization;
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *oid =
        OBJ_txt2obj(proof->oid ? proof->oid : "1.3.6.1.5.5.7.1.31", 1);
    X509_EXTENSION *extension;

    SHA256((const unsigned char *)text, strlen(text), value + 2);
    value[1] -= proof->is_short;
    ASN1_OCTET_STRING_set(octets, value, (int)sizeof(value) - proof->is_short);
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, !proof->is_not_critical,
                                             octets);
    X509_add_ext(cert, extension, -1);
    if (proof->is_twice)
        X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(oid);
    ASN1_OCTET_STRING_free(octets);
}

static void names_add(X509 *cert, const char *names)
{
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

X509 *proof_make(const proof_t *proof, EVP_PKEY *key)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    X509_NAME *name = X509_NAME_new();
    X509 *cert = X509_new();

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(cert), proof->is_expired ? -60 : 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"a.test", -1, -1, 0);
    X509_set_subject_name(cert, name);
    if (proof->has_issuer)
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                   (const unsigned char *)"CA", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    if (proof->names)
        names_add(cert, proof->names);
    if (proof->key_authorization)
        identifier_add(cert, proof);
    X509_sign(cert, proof->is_not_self_signed ? other : key, EVP_sha256());
    X509_NAME_free(name);
    EVP_PKEY_free(other);
    return cert;
}
