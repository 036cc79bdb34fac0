/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr_wishes.h"

#include <apr_strings.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "policy/policy_csr_reader.h"
#include "policy/policy_usage.h"

#include "base/banned.h"

#define FAULTS_MAX 10
#define OID_MAX    80
#define USAGES_MAX 30

void policy_csr_wishes_fault(policy_csr_wishes_t *wishes, const char *fault)
{
    APR_ARRAY_PUSH(wishes->faults, const char *) = fault;
}

void policy_csr_reader_fault(policy_csr_reader_t *reader, const char *fmt, ...)
{
    va_list args;

    if (reader->wishes->faults->nelts >= FAULTS_MAX)
        return;
    va_start(args, fmt);
    policy_csr_wishes_fault(reader->wishes,
                            apr_pvsprintf(reader->pool, fmt, args));
    va_end(args);
}

const char *policy_csr_wishes_list(const apr_array_header_t *words,
                                   apr_pool_t *pool)
{
    const char *list = "";
    int i;

    for (i = 0; i < words->nelts && i < POLICY_CSR_LIST_MAX; ++i)
        list = apr_pstrcat(pool, list, i ? ", " : "",
                           APR_ARRAY_IDX(words, i, const char *), NULL);
    if (i < words->nelts)
        list = apr_psprintf(pool, "%s and %d more", list, words->nelts - i);
    return list;
}

static apr_array_header_t *words_make(apr_pool_t *pool)
{
    return apr_array_make(pool, 2, sizeof(const char *));
}

const char *policy_csr_object_name(const ASN1_OBJECT *object, apr_pool_t *pool)
{
    char oid[OID_MAX];
    int nid = OBJ_obj2nid(object);

    if (nid != NID_undef)
        return OBJ_nid2sn(nid);
    if (OBJ_obj2txt(oid, sizeof(oid), object, 1) <= 0)
        return "?";
    return apr_pstrdup(pool, oid);
}

/* X509v3_KU_* of a bit of KeyUsage (RFC 5280 4.2.1.3). */
static unsigned int key_usage_flag(int bit)
{
    return bit < 8 ? 0x80u >> bit : X509v3_KU_DECIPHER_ONLY;
}

static void key_usage_check(policy_csr_reader_t *reader, const void *value)
{
    unsigned int refused;
    int bit;

    for (bit = 0; bit <= 8; ++bit) {
        if (ASN1_BIT_STRING_get_bit(value, bit))
            reader->wishes->key_usage |= key_usage_flag(bit);
    }
    refused =
        policy_key_usage_refused(reader->policy, reader->wishes->key_usage);
    if (refused)
        policy_csr_reader_fault(
            reader,
            "it asks for key usages that the policy does not "
            "allow: %s",
            policy_key_usage_text(refused, reader->pool));
}

static void ext_key_usage_check(policy_csr_reader_t *reader, const void *value)
{
    const EXTENDED_KEY_USAGE *usages = value;
    apr_array_header_t *asked = reader->wishes->ext_key_usage, *refused;
    int i, count = sk_ASN1_OBJECT_num(usages);

    if (count > USAGES_MAX)
        policy_csr_reader_fault(
            reader, "it asks for %d extended key usages; at most %d are read",
            count, USAGES_MAX);
    for (i = 0; i < count && i < USAGES_MAX; ++i)
        APR_ARRAY_PUSH(asked, const char *) = policy_csr_object_name(
            sk_ASN1_OBJECT_value(usages, i), reader->pool);
    refused = policy_ext_key_usage_refused(reader->policy, asked, reader->pool);
    if (refused->nelts)
        policy_csr_reader_fault(
            reader,
            "it asks for extended key usages that the policy "
            "does not allow: %s",
            policy_csr_wishes_list(refused, reader->pool));
}

static void basic_constraints_check(policy_csr_reader_t *reader,
                                    const void *value)
{
    if (((const BASIC_CONSTRAINTS *)value)->ca)
        policy_csr_reader_fault(reader,
                                "it asks for a CA certificate (CA:TRUE)");
}

static const struct {
    int nid;
    ASN1_ITEM_EXP *item;
    void (*check)(policy_csr_reader_t *reader, const void *value);
} extensions[] = {
    {NID_subject_alt_name, ASN1_ITEM_ref(GENERAL_NAMES), policy_csr_san_read},
    {NID_key_usage, ASN1_ITEM_ref(ASN1_BIT_STRING), key_usage_check},
    {NID_ext_key_usage, ASN1_ITEM_ref(EXTENDED_KEY_USAGE), ext_key_usage_check},
    {NID_basic_constraints, ASN1_ITEM_ref(BASIC_CONSTRAINTS),
     basic_constraints_check},
};
#define EXTENSION_COUNT (sizeof(extensions) / sizeof(*extensions))

/* NULL if what stands in the extension is not exactly one such value. */
static void *extension_value(X509_EXTENSION *extension, const ASN1_ITEM *item)
{
    const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(extension);
    const unsigned char *at = ASN1_STRING_get0_data(data);
    const unsigned char *end = at + ASN1_STRING_length(data);
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &at, end - at, item);

    if (value && at != end) {
        ASN1_item_free(value, item);
        return NULL;
    }
    return value;
}

/* Whoever asked for a certificate that clients must reject without a stapled
 * OCSP answer (certbot --must-staple) would not be served by one without that
 * promise, so it is refused and not ignored.  Other extensions are ignored: the
 * signer takes none from a CSR.  But "critical" says that a certificate without
 * it is of no use. */
static void other_extension_check(policy_csr_reader_t *reader,
                                  X509_EXTENSION *extension)
{
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    int nid = OBJ_obj2nid(object);

    if (nid == NID_tlsfeature)
        policy_csr_reader_fault(
            reader, "it asks for a TLS feature (OCSP must-staple), which "
                    "this server does not issue: leave it out");
    else if (nid != NID_subject_key_identifier &&
             X509_EXTENSION_get_critical(extension))
        policy_csr_reader_fault(
            reader,
            "it asks for the critical extension %s, which the "
            "policy does not allow",
            policy_csr_object_name(object, reader->pool));
}

static void extension_check(policy_csr_reader_t *reader,
                            X509_EXTENSION *extension)
{
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    int nid = OBJ_obj2nid(object);
    const ASN1_ITEM *item;
    apr_size_t i;
    void *value;

    for (i = 0; i < EXTENSION_COUNT && extensions[i].nid != nid; ++i)
        ;
    if (i == EXTENSION_COUNT) {
        other_extension_check(reader, extension);
        return;
    }
    item = ASN1_ITEM_ptr(extensions[i].item);
    value = extension_value(extension, item);
    if (!value) {
        policy_csr_reader_fault(reader,
                                "its requested extension %s cannot be read",
                                policy_csr_object_name(object, reader->pool));
        return;
    }
    extensions[i].check(reader, value);
    ASN1_item_free(value, item);
}

static void extensions_check(policy_csr_reader_t *reader,
                             const X509_EXTENSIONS *list)
{
    int i, nid;

    for (i = 0; i < sk_X509_EXTENSION_num(list); ++i) {
        X509_EXTENSION *extension = sk_X509_EXTENSION_value(list, i);

        nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid != NID_undef && X509v3_get_ext_by_NID(list, nid, -1) < i)
            policy_csr_reader_fault(
                reader, "it requests the extension %s twice", OBJ_nid2sn(nid));
        else
            extension_check(reader, extension);
    }
}

/* The attribute in PKCS #9's spelling or in Microsoft's, at most one of both
 * since nobody could tell which one counts.  *count: how many there are. */
static X509_ATTRIBUTE *extension_request(int *count,
                                         const STACK_OF(X509_ATTRIBUTE) * list)
{
    X509_ATTRIBUTE *attribute, *found = NULL;
    int i, nid;

    *count = 0;
    for (i = 0; i < sk_X509_ATTRIBUTE_num(list); ++i) {
        attribute = sk_X509_ATTRIBUTE_value(list, i);
        nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute));
        if (nid != NID_ext_req && nid != NID_ms_ext_req)
            continue;
        found = attribute;
        *count += X509_ATTRIBUTE_count(attribute);
    }
    return found;
}

static void extensions_read(policy_csr_reader_t *reader)
{
    X509_ATTRIBUTE *attribute;
    const unsigned char *at, *end;
    const ASN1_STRING *string;
    X509_EXTENSIONS *list;
    int count;

    attribute = extension_request(&count, reader->pkcs10->attributes);
    if (!attribute)
        return;
    if (count > 1) {
        policy_csr_reader_fault(reader,
                                "it has more than one extension request");
        return;
    }
    string = X509_ATTRIBUTE_get0_data(attribute, 0, V_ASN1_SEQUENCE, NULL);
    at = string ? ASN1_STRING_get0_data(string) : NULL;
    end = at ? at + ASN1_STRING_length(string) : NULL;
    list = at ? d2i_X509_EXTENSIONS(NULL, &at, end - at) : NULL;
    if (!list || at != end)
        policy_csr_reader_fault(reader, "its extension request cannot be read");
    else
        extensions_check(reader, list);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

policy_csr_wishes_t *policy_csr_wishes_make(const policy_t *policy,
                                            const policy_pkcs10_t *pkcs10,
                                            apr_pool_t *pool)
{
    policy_csr_wishes_t *wishes = apr_pcalloc(pool, sizeof(*wishes));
    policy_csr_reader_t reader = {wishes, policy, pkcs10, pool};

    wishes->faults = words_make(pool);
    wishes->names = apr_array_make(pool, 4, sizeof(const identifier_t *));
    wishes->subject = apr_array_make(pool, 4, sizeof(policy_value_t *));
    wishes->emails = words_make(pool);
    wishes->uris = words_make(pool);
    wishes->ext_key_usage = words_make(pool);
    policy_csr_subject_read(&reader);
    extensions_read(&reader);
    identifier_sort(wishes->names);
    return wishes;
}
