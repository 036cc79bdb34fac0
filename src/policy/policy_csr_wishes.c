/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr_wishes.h"

#include <apr_strings.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/quote.h"
#include "policy/policy_rule.h"
#include "policy/policy_uri.h"
#include "policy/policy_usage.h"

#include "base/banned.h"

#define FAULTS_MAX  10
#define QUOTE_MAX   80
#define OID_MAX     80
#define ENTRIES_MAX 30 /* of a subject */
#define USAGES_MAX  30

typedef struct {
    policy_csr_wishes_t *wishes;
    const policy_t *policy;
    const policy_pkcs10_t *pkcs10;
    apr_pool_t *pool;
} reader_t;

void policy_csr_wishes_fault(policy_csr_wishes_t *wishes, const char *fault)
{
    APR_ARRAY_PUSH(wishes->faults, const char *) = fault;
}

/* What the client could repeat without end is noted up to a limit. */
static void fault_add(reader_t *reader, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void fault_add(reader_t *reader, const char *fmt, ...)
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

/* "O", "serverAuth", "1.2.3.4" */
static const char *object_name(const ASN1_OBJECT *object, apr_pool_t *pool)
{
    char oid[OID_MAX];
    int nid = OBJ_obj2nid(object);

    if (nid != NID_undef)
        return OBJ_nid2sn(nid);
    if (OBJ_obj2txt(oid, sizeof(oid), object, 1) <= 0)
        return "?";
    return apr_pstrdup(pool, oid);
}

/* A name of the CSR; what says where it stands.  An underscore is no fault
 * here: the name must be one of the order's, which were looked at before. */
static const identifier_t *name_read(reader_t *reader, const char *what,
                                     const void *data, apr_size_t len)
{
    identifier_t *identifier;
    problem_t *prob;

    if (memchr(data, 0, len)) {
        fault_add(reader, "%s \"%s\" holds a NUL octet", what,
                  quote_make(data, len, QUOTE_MAX, reader->pool));
        return NULL;
    }
    prob = identifier_parse(&identifier, "dns",
                            apr_pstrmemdup(reader->pool, data, len),
                            IDENTIFIER_UNDERSCORE, reader->pool);
    if (prob) {
        fault_add(reader, "%s %s", what, prob->detail);
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

/* A CN that could be a host name is one; another needs a pattern for CN. */
static void common_name_read(reader_t *reader, const char *value,
                             apr_size_t len)
{
    const policy_rule_t *rule = &reader->policy->rules[POLICY_CN];
    identifier_t *id;
    const char *fault;

    if (memchr(value, 0, len) || !policy_rule_is_list(rule) ||
        !identifier_parse(&id, "dns", value, IDENTIFIER_UNDERSCORE,
                          reader->pool)) {
        reader->wishes->common_name = name_read(reader, "its CN", value, len);
        return;
    }
    fault = policy_value_fault(POLICY_CN, value, reader->pool);
    if (fault)
        fault_add(reader, "its CN \"%s\": %s",
                  quote_make(value, len, QUOTE_MAX, reader->pool), fault);
    else
        reader->wishes->common_text = value;
}

static void value_add(reader_t *reader, int attribute, const char *value)
{
    const char *fault =
        policy_value_fault((policy_attribute_e)attribute, value, reader->pool);
    policy_value_t *made;

    if (fault) {
        fault_add(reader, "its %s \"%s\": %s",
                  policy_attribute_name((policy_attribute_e)attribute),
                  quote_make(value, strlen(value), QUOTE_MAX, reader->pool),
                  fault);
        return;
    }
    made = apr_palloc(reader->pool, sizeof(*made));
    made->attribute = (policy_attribute_e)attribute;
    made->value = value;
    APR_ARRAY_PUSH(reader->wishes->subject, policy_value_t *) = made;
}

/* In any of X.520's string types.  An empty one says nothing. */
static void entry_read(reader_t *reader, int attribute,
                       const ASN1_STRING *string)
{
    const char *name = policy_attribute_name((policy_attribute_e)attribute);
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, string);
    char *value;

    if (len < 0)
        fault_add(reader, "its %s cannot be read", name);
    if (len > 0) {
        value = apr_pstrmemdup(reader->pool, (char *)utf8, (apr_size_t)len);
        if (attribute == POLICY_CN)
            common_name_read(reader, value, (apr_size_t)len);
        else if (memchr(utf8, 0, (size_t)len))
            fault_add(reader, "its %s holds a NUL octet", name);
        else
            value_add(reader, attribute, value);
    }
    OPENSSL_free(utf8);
}

static void subject_read(reader_t *reader)
{
    X509_NAME *subject = reader->pkcs10->subject;
    apr_array_header_t *others = words_make(reader->pool);
    int i, count = X509_NAME_entry_count(subject), common_names = 0;

    if (count > ENTRIES_MAX)
        fault_add(reader, "its subject has %d attributes; at most %d are read",
                  count, ENTRIES_MAX);
    for (i = 0; i < count && i < ENTRIES_MAX; ++i) {
        X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
        int attribute = subject_attribute(object);

        if (attribute < 0)
            APR_ARRAY_PUSH(others, const char *) =
                object_name(object, reader->pool);
        else if (attribute != POLICY_CN || common_names++ == 0)
            entry_read(reader, attribute, X509_NAME_ENTRY_get_data(entry));
    }
    if (common_names > 1)
        fault_add(reader, "its subject has %d CNs", common_names);
    if (others->nelts)
        fault_add(reader,
                  "its subject has %s, which no policy can allow; leave it "
                  "out",
                  policy_csr_wishes_list(others, reader->pool));
}

static const char *general_name_kind(int type)
{
    switch (type) {
    case GEN_IPADD:
        return "an IP address";
    case GEN_DIRNAME:
        return "a directory name";
    case GEN_OTHERNAME:
        return "an otherName";
    default:
        return "a name of a rare kind";
    }
}

static void text_add(reader_t *reader, policy_attribute_e attribute,
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
        fault_add(reader, "its subjectAltName has the %s \"%s\": %s",
                  policy_attribute_name(attribute),
                  quote_make(data, len, QUOTE_MAX, reader->pool), fault);
    else if (attribute == POLICY_URI)
        APR_ARRAY_PUSH(reader->wishes->uris, const char *) =
            policy_uri_normal(text, reader->pool);
    else
        APR_ARRAY_PUSH(reader->wishes->emails, const char *) = text;
}

static void general_name_read(reader_t *reader, const GENERAL_NAME *name,
                              unsigned int *kinds)
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
    default:
        if (!(*kinds & 1u << name->type))
            fault_add(reader,
                      "its subjectAltName has %s, which the order has not",
                      general_name_kind(name->type));
        *kinds |= 1u << name->type;
    }
}

/* RFC 5280 4.2.1.6.  An order can hold dns identifiers only. */
static void san_check(reader_t *reader, const void *value)
{
    const GENERAL_NAMES *names = value;
    unsigned int kinds = 0;
    int i, count = sk_GENERAL_NAME_num(names);

    if (count > 2 * reader->policy->max_names) {
        fault_add(reader,
                  "it asks for %d names; at most %d may stand in one "
                  "certificate",
                  count, reader->policy->max_names);
        reader->wishes->is_cut = 1;
        return;
    }
    for (i = 0; i < count; ++i)
        general_name_read(reader, sk_GENERAL_NAME_value(names, i), &kinds);
}

/* X509v3_KU_* of a bit of KeyUsage (RFC 5280 4.2.1.3). */
static unsigned int key_usage_flag(int bit)
{
    return bit < 8 ? 0x80u >> bit : X509v3_KU_DECIPHER_ONLY;
}

static void key_usage_check(reader_t *reader, const void *value)
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
        fault_add(reader,
                  "it asks for key usages that the policy does not "
                  "allow: %s",
                  policy_key_usage_text(refused, reader->pool));
}

static void ext_key_usage_check(reader_t *reader, const void *value)
{
    const EXTENDED_KEY_USAGE *usages = value;
    apr_array_header_t *asked = reader->wishes->ext_key_usage, *refused;
    int i, count = sk_ASN1_OBJECT_num(usages);

    if (count > USAGES_MAX)
        fault_add(reader,
                  "it asks for %d extended key usages; at most %d are read",
                  count, USAGES_MAX);
    for (i = 0; i < count && i < USAGES_MAX; ++i)
        APR_ARRAY_PUSH(asked, const char *) =
            object_name(sk_ASN1_OBJECT_value(usages, i), reader->pool);
    refused = policy_ext_key_usage_refused(reader->policy, asked, reader->pool);
    if (refused->nelts)
        fault_add(reader,
                  "it asks for extended key usages that the policy "
                  "does not allow: %s",
                  policy_csr_wishes_list(refused, reader->pool));
}

static void basic_constraints_check(reader_t *reader, const void *value)
{
    if (((const BASIC_CONSTRAINTS *)value)->ca)
        fault_add(reader, "it asks for a CA certificate (CA:TRUE)");
}

static const struct {
    int nid;
    ASN1_ITEM_EXP *item;
    void (*check)(reader_t *reader, const void *value);
} extensions[] = {
    {NID_subject_alt_name, ASN1_ITEM_ref(GENERAL_NAMES), san_check},
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
static void other_extension_check(reader_t *reader, X509_EXTENSION *extension)
{
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    int nid = OBJ_obj2nid(object);

    if (nid == NID_tlsfeature)
        fault_add(reader, "it asks for a TLS feature (OCSP must-staple), which "
                          "this server does not issue: leave it out");
    else if (nid != NID_subject_key_identifier &&
             X509_EXTENSION_get_critical(extension))
        fault_add(reader,
                  "it asks for the critical extension %s, which the "
                  "policy does not allow",
                  object_name(object, reader->pool));
}

static void extension_check(reader_t *reader, X509_EXTENSION *extension)
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
        fault_add(reader, "its requested extension %s cannot be read",
                  object_name(object, reader->pool));
        return;
    }
    extensions[i].check(reader, value);
    ASN1_item_free(value, item);
}

static void extensions_check(reader_t *reader, const X509_EXTENSIONS *list)
{
    int i, nid;

    for (i = 0; i < sk_X509_EXTENSION_num(list); ++i) {
        X509_EXTENSION *extension = sk_X509_EXTENSION_value(list, i);

        nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid != NID_undef && X509v3_get_ext_by_NID(list, nid, -1) < i)
            fault_add(reader, "it requests the extension %s twice",
                      OBJ_nid2sn(nid));
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

static void extensions_read(reader_t *reader)
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
        fault_add(reader, "it has more than one extension request");
        return;
    }
    string = X509_ATTRIBUTE_get0_data(attribute, 0, V_ASN1_SEQUENCE, NULL);
    at = string ? ASN1_STRING_get0_data(string) : NULL;
    end = at ? at + ASN1_STRING_length(string) : NULL;
    list = at ? d2i_X509_EXTENSIONS(NULL, &at, end - at) : NULL;
    if (!list || at != end)
        fault_add(reader, "its extension request cannot be read");
    else
        extensions_check(reader, list);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

policy_csr_wishes_t *policy_csr_wishes_make(const policy_t *policy,
                                            const policy_pkcs10_t *pkcs10,
                                            apr_pool_t *pool)
{
    policy_csr_wishes_t *wishes = apr_pcalloc(pool, sizeof(*wishes));
    reader_t reader = {wishes, policy, pkcs10, pool};

    wishes->faults = words_make(pool);
    wishes->names = apr_array_make(pool, 4, sizeof(const identifier_t *));
    wishes->subject = apr_array_make(pool, 4, sizeof(policy_value_t *));
    wishes->emails = words_make(pool);
    wishes->uris = words_make(pool);
    wishes->ext_key_usage = words_make(pool);
    subject_read(&reader);
    extensions_read(&reader);
    identifier_sort(wishes->names);
    return wishes;
}
