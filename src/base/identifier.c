/* SPDX-License-Identifier: Apache-2.0 */
#include "base/identifier.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "base/problem.h"
#include "base/quote.h"

#include "base/banned.h"

#define NAME_MAX_OCTETS  253
#define LABEL_MAX_OCTETS 63
#define QUOTE_MAX        80

static const char *const type_names[] = {"dns", "ip"};
#define TYPES (int)(sizeof(type_names) / sizeof(type_names[0]))

const char *identifier_type_name(identifier_type_e type)
{
    return type_names[type];
}

int identifier_type_find(const char *name)
{
    int i;

    for (i = 0; i < TYPES; ++i) {
        if (!strcmp(type_names[i], name))
            return i;
    }
    return -1;
}

apr_size_t identifier_address(unsigned char octets[16], const char *text)
{
    if (inet_pton(AF_INET, text, octets) == 1)
        return 4;
    return inet_pton(AF_INET6, text, octets) == 1 ? 16 : 0;
}

const char *identifier_type_guess(const char *value)
{
    unsigned char octets[16];

    return type_names[identifier_address(octets, value) ? IDENTIFIER_IP
                                                        : IDENTIFIER_DNS];
}

static const char *quote(const char *text, apr_pool_t *pool)
{
    return quote_make(text, strlen(text), QUOTE_MAX, pool);
}

/* RFC 5890 2.3.2.1: an A-label decodes to an IDNA2008 U-label that encodes to
 * that A-label again. */
static int is_a_label(const char *label)
{
    return idn2_register_u8(NULL, (const uint8_t *)label, NULL, 0) == IDN2_OK;
}

/* The reason why label[len] is none, or NULL. */
static const char *label_fault(const char *label, apr_size_t len, int flags,
                               apr_pool_t *pool)
{
    apr_size_t i;

    if (len == 0)
        return "it has an empty label";
    if (len > LABEL_MAX_OCTETS)
        return "it has a label of more than 63 octets";
    for (i = 0; i < len; ++i) {
        if (label[i] & 0x80)
            return "it is not ASCII: send the A-label (\"xn--…\") form";
        if (label[i] == '*')
            return "\"*\" may only be the whole first label, once, before a "
                   "name";
        if (label[i] == '_' && !(flags & IDENTIFIER_UNDERSCORE))
            return "\"_\" is not allowed in host names";
        if (!apr_isalnum(label[i]) && label[i] != '-' && label[i] != '_')
            return "it has a character that is no letter, digit, \"-\" or "
                   "\".\"";
    }
    if (label[0] == '-' || label[len - 1] == '-')
        return "it has a label that begins or ends with \"-\"";
    if (len >= 4 && memcmp(label, "xn--", 4) == 0 &&
        !is_a_label(apr_pstrmemdup(pool, label, len)))
        return "it has an \"xn--\" label that is not a valid A-label "
               "(IDNA2008)";
    return NULL;
}

/* What ends in a number is an IPv4 address in URLs, however it is written
 * ("0x7f000001", "10.1"). */
static int is_number(const char *label)
{
    return label[strspn(label, "0123456789")] == '\0' ||
           (!strncmp(label, "0x", 2) &&
            label[2 + strspn(label + 2, "0123456789abcdef")] == '\0');
}

/* The reason why name (lower case, without "*.") is none, or NULL. */
static const char *name_fault(const char *name, int flags, apr_pool_t *pool)
{
    const char *label = name, *dot, *fault;

    for (;;) {
        dot = strchr(label, '.');
        if (!dot)
            break;
        if (!dot[1] && dot > label)
            return "it ends with a dot";
        fault = label_fault(label, (apr_size_t)(dot - label), flags, pool);
        if (fault)
            return fault;
        label = dot + 1;
    }
    fault = label_fault(label, strlen(label), flags, pool);
    if (!fault && is_number(label))
        return "its last label is a number, as in an IPv4 address";
    return fault;
}

static const char *dns_fault(const char *value, int flags, apr_pool_t *pool)
{
    if (!*value)
        return "it is empty";
    if (strlen(value) > NAME_MAX_OCTETS)
        return "it has more than 253 octets";
    if (strncmp(value, "*.", 2) == 0)
        value += 2;
    return name_fault(value, flags, pool);
}

static identifier_t *make(identifier_type_e type, const char *value,
                          apr_pool_t *pool)
{
    identifier_t *identifier = apr_palloc(pool, sizeof(*identifier));

    identifier->type = type;
    identifier->value = value;
    return identifier;
}

identifier_t *identifier_from_octets(const unsigned char *octets,
                                     apr_size_t len, apr_pool_t *pool)
{
    char text[INET6_ADDRSTRLEN];

    if ((len != 4 && len != 16) ||
        !inet_ntop(len == 4 ? AF_INET : AF_INET6, octets, text, sizeof(text)))
        return NULL;
    return make(IDENTIFIER_IP, apr_pstrdup(pool, text), pool);
}

apr_size_t identifier_octets(unsigned char octets[16],
                             const identifier_t *identifier)
{
    return identifier->type == IDENTIFIER_IP
               ? identifier_address(octets, identifier->value)
               : 0;
}

static problem_t *ip_parse(identifier_t **identifier, const char *value,
                           apr_pool_t *pool)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0,    0,
                                             0, 0, 0, 0, 0xff, 0xff};
    unsigned char octets[16];
    apr_size_t len = identifier_address(octets, value);

    if (!len)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"%s\" is not an IP address: write it like "
                            "192.0.2.1 or 2001:db8::1, without brackets, zone "
                            "or prefix length",
                            quote(value, pool));
    if (len == 16 && !memcmp(octets, mapped, sizeof(mapped)))
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"%s\" is an IPv4 address in IPv6's form: write "
                            "it like 192.0.2.1",
                            quote(value, pool));
    *identifier = identifier_from_octets(octets, len, pool);
    return NULL;
}

static problem_t *dns_parse(identifier_t **identifier, const char *value,
                            int flags, apr_pool_t *pool)
{
    const char *fault;
    char *lower, *c;

    lower = apr_pstrndup(pool, value, NAME_MAX_OCTETS + 1);
    for (c = lower; *c; ++c) {
        if (!(*c & 0x80))
            *c = (char)apr_tolower(*c);
    }
    fault = dns_fault(lower, flags, pool);
    if (fault)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"%s\" is not a DNS name: %s", quote(value, pool),
                            fault);
    *identifier = make(IDENTIFIER_DNS, lower, pool);
    return NULL;
}

problem_t *identifier_parse(identifier_t **identifier, const char *type,
                            const char *value, int flags, apr_pool_t *pool)
{
    switch (identifier_type_find(type)) {
    case IDENTIFIER_DNS:
        return dns_parse(identifier, value, flags, pool);
    case IDENTIFIER_IP:
        return ip_parse(identifier, value, pool);
    default:
        return problem_make(pool, PROBLEM_UNSUPPORTED_IDENTIFIER,
                            "Identifiers of type \"%s\" are not supported; "
                            "\"dns\" and \"ip\" are",
                            quote(type, pool));
    }
}

int identifier_is_wildcard(const identifier_t *identifier)
{
    return strncmp(identifier->value, "*.", 2) == 0;
}

const char *identifier_base(const identifier_t *identifier)
{
    return identifier->value + (identifier_is_wildcard(identifier) ? 2 : 0);
}

int identifier_compare(const identifier_t *a, const identifier_t *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return strcmp(a->value, b->value);
}

static int pointers_compare(const void *a, const void *b)
{
    return identifier_compare(*(identifier_t *const *)a,
                              *(identifier_t *const *)b);
}

void identifier_sort(apr_array_header_t *identifiers)
{
    identifier_t **list = (identifier_t **)identifiers->elts;
    int i, kept = 0;

    if (identifiers->nelts > 0)
        qsort(list, (size_t)identifiers->nelts, sizeof(*list),
              pointers_compare);
    for (i = 0; i < identifiers->nelts; ++i) {
        if (kept == 0 || identifier_compare(list[kept - 1], list[i]) != 0)
            list[kept++] = list[i];
    }
    identifiers->nelts = kept;
}

int identifier_lists_equal(const apr_array_header_t *a,
                           const apr_array_header_t *b)
{
    int i;

    if (a->nelts != b->nelts)
        return 0;
    for (i = 0; i < a->nelts; ++i) {
        if (identifier_compare(APR_ARRAY_IDX(a, i, identifier_t *),
                               APR_ARRAY_IDX(b, i, identifier_t *)) != 0)
            return 0;
    }
    return 1;
}

const char *identifier_list_text(const apr_array_header_t *identifiers,
                                 apr_pool_t *pool)
{
    apr_array_header_t *words =
        apr_array_make(pool, identifiers->nelts, sizeof(const char *));
    int i;

    for (i = 0; i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);

        APR_ARRAY_PUSH(words, const char *) = apr_pstrcat(
            pool, identifier_type_name(id->type), ":", id->value, NULL);
    }
    return apr_array_pstrcat(pool, words, ' ');
}

apr_array_header_t *identifier_list_from_text(const char *text,
                                              apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(identifier_t *));
    apr_size_t len, colon;
    int type;

    while (*text) {
        len = strcspn(text, " ");
        colon = strcspn(text, ":");
        if (colon + 1 >= len)
            return NULL;
        type = identifier_type_find(apr_pstrmemdup(pool, text, colon));
        if (type < 0)
            return NULL;
        APR_ARRAY_PUSH(list, identifier_t *) =
            make((identifier_type_e)type,
                 apr_pstrmemdup(pool, text + colon + 1, len - colon - 1), pool);
        text += len;
        if (*text)
            ++text;
    }
    return list;
}
