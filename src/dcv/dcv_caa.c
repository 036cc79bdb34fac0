/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_caa.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/quote.h"

#include "base/banned.h"

#define CRITICAL 0x80
#define BLANKS   " \t"
/* Values that are shown, and octets of each. */
#define VALUES_SHOWN 3
#define SHOWN_MAX    100

/* One record, RFC 8659 4.1. */
typedef struct {
    int flags;
    const char *tag, *value; /* tag in lower case */
    apr_size_t value_len;
} property_t;

/* Those that we know; all but the first two say nothing about issuance. */
static const char *const known_tags[] = {
    "issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail",
};

static int property_parse(property_t *property, const char *data, int len,
                          apr_pool_t *pool)
{
    int tag_len, i;
    char *tag;

    if (len < 2)
        return 0;
    tag_len = (unsigned char)data[1];
    if (!tag_len || tag_len > len - 2)
        return 0;
    tag = apr_pstrmemdup(pool, data + 2, (apr_size_t)tag_len);
    for (i = 0; i < tag_len; i++) {
        if (!apr_isalnum(tag[i]))
            return 0;
        tag[i] = (char)apr_tolower(tag[i]);
    }
    property->flags = (unsigned char)data[0];
    property->tag = tag;
    property->value_len = (apr_size_t)(len - 2 - tag_len);
    property->value =
        apr_pstrmemdup(pool, data + 2 + tag_len, property->value_len);
    return 1;
}

static int is_known(const char *tag)
{
    apr_size_t i;

    for (i = 0; i < sizeof(known_tags) / sizeof(known_tags[0]); i++) {
        if (!strcmp(known_tags[i], tag))
            return 1;
    }
    return 0;
}

int dcv_caa_is_tag(const char *tag)
{
    const char *c;

    for (c = tag; *c; c++) {
        if (!apr_isalnum(*c) && (*c != '-' || c == tag || !c[1]))
            return 0;
    }
    return *tag != '\0';
}

int dcv_caa_is_value(const char *value)
{
    for (; *value; value++) {
        if (*value < 0x21 || *value > 0x7e)
            return 0;
    }
    return 1;
}

char *dcv_caa_trim(char *text)
{
    apr_size_t len;

    text += strspn(text, BLANKS);
    len = strlen(text);
    while (len && strchr(BLANKS, text[len - 1]))
        text[--len] = '\0';
    return text;
}

char *dcv_caa_word(char **at, char end)
{
    char *word = *at, *stop;

    if (!word)
        return NULL;
    stop = strchr(word, end);
    *at = stop ? stop + 1 : NULL;
    if (stop)
        *stop = '\0';
    return dcv_caa_trim(word);
}

static int has_word(const apr_array_header_t *words, const char *word)
{
    int i;

    for (i = 0; i < words->nelts; i++) {
        if (!strcasecmp(APR_ARRAY_IDX(words, i, const char *), word))
            return 1;
    }
    return 0;
}

/* RFC 8657 4: a list of labels, one of which is what proved the name. */
static int is_method(char *list, const char *method)
{
    char *word;
    int found = 0;

    for (word = dcv_caa_word(&list, ','); word;
         word = dcv_caa_word(&list, ',')) {
        if (!dcv_caa_is_tag(word)) /* a label is like one */
            return 0;
        found |= method && !strcmp(word, method);
    }
    return found;
}

/* What one parameter says; *seen: of those that may stand once. */
static int parameter_allows(char *text, const dcv_caa_t *terms,
                            const dcv_caa_name_t *name, unsigned int *seen)
{
    char *value = text, *tag = dcv_caa_word(&value, '=');
    unsigned int bit = 0;

    if (!value || !dcv_caa_is_tag(tag))
        return 0;
    value = dcv_caa_trim(value);
    if (!dcv_caa_is_value(value))
        return 0;
    if (!strcasecmp(tag, "accounturi"))
        bit = 1;
    else if (!strcasecmp(tag, "validationmethods"))
        bit = 2;
    if (*seen & bit)
        return 0;
    *seen |= bit;
    if (bit == 1)
        return terms->account_uri && !strcmp(value, terms->account_uri);
    return bit == 2 ? is_method(value, name->method) : 1;
}

/* RFC 8659 4.2: "ca.example; accounturi=…".  What does not fit the grammar
 * allows nobody. */
static int issue_allows(const property_t *property, const dcv_caa_t *terms,
                        const dcv_caa_name_t *name, apr_pool_t *pool)
{
    char *at, *word;
    unsigned int seen = 0;

    if (memchr(property->value, '\0', property->value_len))
        return 0;
    at = apr_pstrdup(pool, property->value);
    word = dcv_caa_word(&at, ';');
    if (!has_word(terms->identities, word))
        return 0;
    if (at)
        at = dcv_caa_trim(at);
    if (!at || !*at) /* "ca.example;" */
        return 1;
    for (word = dcv_caa_word(&at, ';'); word; word = dcv_caa_word(&at, ';')) {
        if (!parameter_allows(word, terms, name, &seen))
            return 0;
    }
    return 1;
}

static const char *refusal_make(const char *tag, const char *shown,
                                const dcv_caa_t *terms,
                                const dcv_caa_name_t *name, apr_pool_t *pool)
{
    return apr_psprintf(
        pool,
        "%s allows %s only, which is not this CA (%s), this account (%s) and "
        "%s",
        tag, shown, apr_array_pstrcat(pool, terms->identities, ' '),
        terms->account_uri ? terms->account_uri : "none",
        name->method ? name->method : "a name that nobody proves");
}

/* The first ones, of perhaps thousands. */
static const char *shown_add(const char *shown, int at,
                             const property_t *property, apr_pool_t *pool)
{
    if (at > VALUES_SHOWN)
        return shown;
    if (at == VALUES_SHOWN)
        return apr_pstrcat(pool, shown, " and others", NULL);
    return apr_pstrcat(
        pool, at ? shown : "", at ? ", \"" : "\"",
        quote_make(property->value, property->value_len, SHOWN_MAX, pool), "\"",
        NULL);
}

/* Of the properties with this tag: does one allow it?  *shown: what they say;
 * NULL: there are none. */
static int any_allows(const char **shown, const char *tag,
                      const apr_array_header_t *properties,
                      const dcv_caa_t *terms, const dcv_caa_name_t *name,
                      apr_pool_t *pool)
{
    int i, count = 0, allows = 0;

    *shown = NULL;
    for (i = 0; i < properties->nelts; i++) {
        const property_t *property =
            &APR_ARRAY_IDX(properties, i, const property_t);

        if (strcmp(property->tag, tag))
            continue;
        allows |= issue_allows(property, terms, name, pool);
        *shown = shown_add(*shown, count++, property, pool);
    }
    return allows;
}

static const char *properties_fault(const apr_array_header_t *properties,
                                    const dcv_caa_t *terms,
                                    const dcv_caa_name_t *name,
                                    apr_pool_t *pool)
{
    const char *tag = "issuewild", *shown = NULL;
    int allows = 0;

    if (name->is_wildcard)
        allows = any_allows(&shown, tag, properties, terms, name, pool);
    if (!shown) {
        tag = "issue";
        allows = any_allows(&shown, tag, properties, terms, name, pool);
    }
    return !shown || allows ? NULL
                            : refusal_make(tag, shown, terms, name, pool);
}

static const char *set_fault(const dcv_caa_t *terms, const dcv_caa_name_t *name,
                             const dcv_caa_set_t *set, apr_pool_t *pool)
{
    apr_array_header_t *properties =
        apr_array_make(pool, set->count + 1, sizeof(property_t));
    int i;

    for (i = 0; i < set->count; i++) {
        property_t *property = apr_array_push(properties);

        if (!property_parse(property, set->data[i], set->lens[i], pool))
            return "one of the records makes no sense";
        if (property->flags & CRITICAL && !is_known(property->tag))
            return apr_psprintf(pool,
                                "the property \"%s\" is critical, and not "
                                "known to this CA",
                                quote_make(property->tag, strlen(property->tag),
                                           SHOWN_MAX, pool));
    }
    return properties_fault(properties, terms, name, pool);
}

/* All but the outcome goes away. */
const char *dcv_caa_fault(const dcv_caa_t *terms, const dcv_caa_name_t *name,
                          const dcv_caa_set_t *set, apr_pool_t *pool)
{
    apr_pool_t *scratch;
    const char *fault;

    apr_pool_create(&scratch, pool);
    fault = apr_pstrdup(pool, set_fault(terms, name, set, scratch));
    apr_pool_destroy(scratch);
    return fault;
}
