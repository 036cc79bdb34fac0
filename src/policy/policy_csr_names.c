/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr_reader.h"

#include <apr_strings.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/quote.h"
#include "policy/policy_rule.h"
#include "policy/policy_uri.h"

#include "base/banned.h"

#define QUOTE_MAX   80
#define ENTRIES_MAX 30 /* of a subject */

/* A name of the CSR; what says where it stands.  An underscore is no fault
 * here: the name must be one of the order's, which were looked at before. */
static const identifier_t *name_read(policy_csr_reader_t *reader,
                                     const char *what, const void *data,
                                     apr_size_t len)
{
    identifier_t *identifier;
    problem_t *prob;

    if (memchr(data, 0, len)) {
        policy_csr_reader_fault(reader, "%s \"%s\" holds a NUL octet", what,
                                quote_make(data, len, QUOTE_MAX, reader->pool));
        return NULL;
    }
    prob = identifier_parse(&identifier, "dns",
                            apr_pstrmemdup(reader->pool, data, len),
                            IDENTIFIER_UNDERSCORE, reader->pool);
    if (prob) {
        policy_csr_reader_fault(reader, "%s %s", what, prob->detail);
        return NULL;
    }
    APR_ARRAY_PUSH(reader->wishes->names, const identifier_t *) = identifier;
    return identifier;
}

static const struct {
    int nid;
    policy_attribute_e attribute;
} subject_nids[] = {
    {NID_commonName, POLICY_CN},
    {NID_organizationName, POLICY_O},
    {NID_organizationalUnitName, POLICY_OU},
    {NID_countryName, POLICY_C},
    {NID_stateOrProvinceName, POLICY_ST},
    {NID_localityName, POLICY_L},
    {NID_domainComponent, POLICY_DC},
};

/* -1 for what no policy can allow. */
static int subject_attribute(const ASN1_OBJECT *object)
{
    int nid = OBJ_obj2nid(object);
    apr_size_t i;

    for (i = 0; i < sizeof(subject_nids) / sizeof(*subject_nids); ++i) {
        if (subject_nids[i].nid == nid)
            return subject_nids[i].attribute;
    }
    return -1;
}

/* A CN that could be a host name is one; another needs a pattern for CN.  An
 * address, which some clients put there, is one of the order's too, but not
 * the certificate's CN (T84). */
static void common_name_read(policy_csr_reader_t *reader, const char *value,
                             apr_size_t len)
{
    const policy_rule_t *rule = &reader->policy->rules[POLICY_CN];
    identifier_t *id;
    const char *fault;

    if (!memchr(value, 0, len) &&
        !identifier_parse(&id, "ip", value, 0, reader->pool)) {
        APR_ARRAY_PUSH(reader->wishes->names, const identifier_t *) = id;
        return;
    }
    if (memchr(value, 0, len) || !policy_rule_is_list(rule) ||
        !identifier_parse(&id, "dns", value, IDENTIFIER_UNDERSCORE,
                          reader->pool)) {
        reader->wishes->common_name = name_read(reader, "its CN", value, len);
        return;
    }
    fault = policy_value_fault(POLICY_CN, value, reader->pool);
    if (fault)
        policy_csr_reader_fault(reader, "its CN \"%s\": %s",
                                quote_make(value, len, QUOTE_MAX, reader->pool),
                                fault);
    else
        reader->wishes->common_text = value;
}

static void value_add(policy_csr_reader_t *reader, int attribute,
                      const char *value)
{
    const char *fault =
        policy_value_fault((policy_attribute_e)attribute, value, reader->pool);
    policy_value_t *made;

    if (fault) {
        policy_csr_reader_fault(
            reader, "its %s \"%s\": %s",
            policy_attribute_name((policy_attribute_e)attribute),
            quote_make(value, strlen(value), QUOTE_MAX, reader->pool), fault);
        return;
    }
    made = apr_palloc(reader->pool, sizeof(*made));
    made->attribute = (policy_attribute_e)attribute;
    made->value = value;
    APR_ARRAY_PUSH(reader->wishes->subject, policy_value_t *) = made;
}

/* In any of X.520's string types.  An empty one says nothing. */
static void entry_read(policy_csr_reader_t *reader, int attribute,
                       const ASN1_STRING *string)
{
    const char *name = policy_attribute_name((policy_attribute_e)attribute);
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, string);
    char *value;

    if (len < 0)
        policy_csr_reader_fault(reader, "its %s cannot be read", name);
    if (len > 0) {
        value = apr_pstrmemdup(reader->pool, (char *)utf8, (apr_size_t)len);
        if (attribute == POLICY_CN)
            common_name_read(reader, value, (apr_size_t)len);
        else if (memchr(utf8, 0, (size_t)len))
            policy_csr_reader_fault(reader, "its %s holds a NUL octet", name);
        else
            value_add(reader, attribute, value);
    }
    OPENSSL_free(utf8);
}

void policy_csr_subject_read(policy_csr_reader_t *reader)
{
    X509_NAME *subject = reader->pkcs10->subject;
    apr_array_header_t *others =
        apr_array_make(reader->pool, 2, sizeof(const char *));
    int i, count = X509_NAME_entry_count(subject), common_names = 0;

    if (count > ENTRIES_MAX)
        policy_csr_reader_fault(
            reader, "its subject has %d attributes; at most %d are read", count,
            ENTRIES_MAX);
    for (i = 0; i < count && i < ENTRIES_MAX; ++i) {
        X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
        int attribute = subject_attribute(object);

        if (attribute < 0)
            APR_ARRAY_PUSH(others, const char *) =
                policy_csr_object_name(object, reader->pool);
        else if (attribute != POLICY_CN || common_names++ == 0)
            entry_read(reader, attribute, X509_NAME_ENTRY_get_data(entry));
    }
    if (common_names > 1)
        policy_csr_reader_fault(reader, "its subject has %d CNs", common_names);
    if (others->nelts)
        policy_csr_reader_fault(
            reader,
            "its subject has %s, which no policy can allow; leave it "
            "out",
            policy_csr_wishes_list(others, reader->pool));
}

static const char *general_name_kind(int type)
{
    switch (type) {
    case GEN_DIRNAME:
        return "a directory name";
    case GEN_OTHERNAME:
        return "an otherName";
    default:
        return "a name of a rare kind";
    }
}

static void text_add(policy_csr_reader_t *reader, policy_attribute_e attribute,
                     const ASN1_STRING *string)
{
    const char *data = (const char *)ASN1_STRING_get0_data(string);
    apr_size_t len = (apr_size_t)ASN1_STRING_length(string);
    const char *text = apr_pstrmemdup(reader->pool, data, len);
    const char *fault = attribute == POLICY_URI ? policy_uri_fault(text)
                                                : policy_email_fault(text);

    if (memchr(data, 0, len))
        fault = "it holds a NUL octet";
    if (fault)
        policy_csr_reader_fault(
            reader, "its subjectAltName has the %s \"%s\": %s",
            policy_attribute_name(attribute),
            quote_make(data, len, QUOTE_MAX, reader->pool), fault);
    else if (attribute == POLICY_URI)
        APR_ARRAY_PUSH(reader->wishes->uris, const char *) =
            policy_uri_normal(text, reader->pool);
    else
        APR_ARRAY_PUSH(reader->wishes->emails, const char *) = text;
}

/* T84: by its octets. */
static void address_read(policy_csr_reader_t *reader,
                         const ASN1_OCTET_STRING *octets)
{
    const identifier_t *address = identifier_from_octets(
        ASN1_STRING_get0_data(octets), (apr_size_t)ASN1_STRING_length(octets),
        reader->pool);
    identifier_t *identifier;
    problem_t *prob;

    if (!address) {
        policy_csr_reader_fault(reader,
                                "its subjectAltName has an IP address of %d "
                                "octets",
                                ASN1_STRING_length(octets));
        return;
    }
    prob = identifier_parse(&identifier, "ip", address->value, 0, reader->pool);
    if (prob)
        policy_csr_reader_fault(reader, "its subjectAltName %s", prob->detail);
    else
        APR_ARRAY_PUSH(reader->wishes->names, const identifier_t *) =
            identifier;
}

static void general_name_read(policy_csr_reader_t *reader,
                              const GENERAL_NAME *name, unsigned int *kinds)
{
    switch (name->type) {
    case GEN_DNS:
        name_read(reader, "its subjectAltName",
                  ASN1_STRING_get0_data(name->d.dNSName),
                  (apr_size_t)ASN1_STRING_length(name->d.dNSName));
        break;
    case GEN_EMAIL:
        text_add(reader, POLICY_EMAIL, name->d.rfc822Name);
        break;
    case GEN_URI:
        text_add(reader, POLICY_URI, name->d.uniformResourceIdentifier);
        break;
    case GEN_IPADD:
        address_read(reader, name->d.iPAddress);
        break;
    default:
        if (!(*kinds & 1u << name->type))
            policy_csr_reader_fault(
                reader, "its subjectAltName has %s, which the order has not",
                general_name_kind(name->type));
        *kinds |= 1u << name->type;
    }
}

/* RFC 5280 4.2.1.6 */
void policy_csr_san_read(policy_csr_reader_t *reader, const void *value)
{
    const GENERAL_NAMES *names = value;
    unsigned int kinds = 0;
    int i, count = sk_GENERAL_NAME_num(names);

    if (count > 2 * reader->policy->max_names) {
        policy_csr_reader_fault(
            reader,
            "it asks for %d names; at most %d may stand in one "
            "certificate",
            count, reader->policy->max_names);
        reader->wishes->is_cut = 1;
        return;
    }
    for (i = 0; i < count; ++i)
        general_name_read(reader, sk_GENERAL_NAME_value(names, i), &kinds);
}
