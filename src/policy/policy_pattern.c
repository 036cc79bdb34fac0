/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_pattern.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "base/quote.h"
#include "policy/policy_cidr.h"
#include "policy/policy_glob.h"
#include "policy/policy_subject.h"
#include "policy/policy_uri.h"

#include "base/banned.h"

#define QUOTE_MAX        80
#define LIST_MAX         10 /* patterns in a problem */
#define NAME_MAX_OCTETS  253
#define LABEL_MAX_OCTETS 63

enum { NAME, WILDCARD, NETWORK, TEXT, EMAIL, URI };

static const char wildcard[] = "wildcard:";
#define WILDCARD_LEN (sizeof(wildcard) - 1)

static const policy_glob_t text_glob = {"", "", 1, 0};
static const policy_glob_t text_glob_covering = {"", "", 1, 1};

static const char *quote(const char *text, apr_pool_t *pool)
{
    return quote_make(text, strlen(text), QUOTE_MAX, pool);
}

static const char *lower(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *c;

    for (c = copy; *c; ++c)
        *c = (char)apr_tolower(*c);
    return copy;
}

/* What host names and dns patterns are made of. */
static int is_name_like(const char *text)
{
    for (; *text; ++text) {
        if (!apr_isalnum(*text) && !strchr("-_.*:", *text))
            return 0;
    }
    return 1;
}

/* The reason why label[len] of a pattern is none, or NULL. */
static const char *label_fault(const char *label, apr_size_t len)
{
    apr_size_t i;

    if (len == 0)
        return "it has an empty label";
    if ((len == 1 || len == 2) && strspn(label, "*") >= len)
        return NULL;
    if (len > LABEL_MAX_OCTETS)
        return "it has a label of more than 63 octets";
    for (i = 0; i < len; ++i) {
        if (label[i] & 0x80)
            return "it is not ASCII; write the A-label (\"xn--...\")";
        if (label[i] == '*')
            return "\"*\" is a whole label or none; write *.name for one label "
                   "and **.name for any number of them";
        if (!apr_isalnum(label[i]) && label[i] != '-' && label[i] != '_')
            return "it has a character that is no letter, digit, \"-\" or "
                   "\".\"; leave that out";
    }
    if (label[0] == '-' || label[len - 1] == '-')
        return "it has a label that begins or ends with \"-\"";
    return NULL;
}

const char *policy_name_pattern_fault(const char *name)
{
    const char *label = name, *fault;
    apr_size_t len;

    if (strlen(name) > NAME_MAX_OCTETS)
        return "it has more than 253 octets";
    for (;;) {
        len = strcspn(label, ".");
        fault = label_fault(label, len);
        if (fault)
            return fault;
        if (!label[len])
            break;
        label += len + 1;
        if (!*label)
            return "it ends with a dot; leave that out";
    }
    if (strspn(label, "0123456789") == len)
        return "its last label is all digits; addresses and networks are "
               "patterns for ip";
    return NULL;
}

/* "wildcard:*.x" has what must follow "*." as its normal form. */
static const char *name_parse(policy_pattern_t *pattern, apr_pool_t *pool)
{
    const char *name = pattern->text;

    pattern->kind = NAME;
    if (strncasecmp(name, wildcard, WILDCARD_LEN) == 0) {
        name += WILDCARD_LEN;
        pattern->kind = WILDCARD;
        if (strncmp(name, "*.", 2) != 0)
            return "a wildcard name begins with \"*.\"; write it like "
                   "wildcard:*.name";
        name += 2;
    }
    pattern->normal = lower(name, pool);
    return policy_name_pattern_fault(name);
}

static const char *text_parse(policy_pattern_t *pattern, apr_pool_t *pool)
{
    const char *c;

    pattern->kind = TEXT;
    pattern->normal = pattern->text;
    for (c = pattern->text; *c; ++c) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return "it has a control character; leave that out";
    }
    if (strchr(pattern->text, '*'))
        return NULL;
    return policy_value_fault(pattern->attribute, pattern->text, pool);
}

static const char *network_parse(policy_pattern_t *pattern, apr_pool_t *pool)
{
    policy_cidr_t *cidr;
    const char *fault = policy_cidr_parse(&cidr, pattern->text, pool);

    pattern->kind = NETWORK;
    pattern->normal = pattern->text;
    if (!fault)
        pattern->network = cidr;
    return fault;
}

static const char *other_parse(policy_pattern_t *pattern, int kind,
                               const char *fault, apr_pool_t *pool)
{
    pattern->kind = kind;
    if (!fault)
        pattern->normal = kind == URI ? policy_uri_normal(pattern->text, pool)
                                      : lower(pattern->text, pool);
    return fault;
}

static const char *any_parse(policy_pattern_t *pattern, apr_pool_t *pool)
{
    switch (pattern->attribute) {
    case POLICY_DNS:
        return name_parse(pattern, pool);
    case POLICY_IP:
        return network_parse(pattern, pool);
    case POLICY_EMAIL:
        return other_parse(pattern, EMAIL,
                           policy_email_pattern_fault(pattern->text), pool);
    case POLICY_URI:
        return other_parse(pattern, URI,
                           policy_uri_pattern_fault(pattern->text), pool);
    case POLICY_CN:
        if (is_name_like(pattern->text))
            return name_parse(pattern, pool);
        return text_parse(pattern, pool);
    default:
        return text_parse(pattern, pool);
    }
}

/* What to do about a fault that does not say it itself. */
static const char *remedy(policy_attribute_e attribute, const char *fault)
{
    if (strchr(fault, ';'))
        return "";
    switch (attribute) {
    case POLICY_IP:
        return "; write it like 10.0.0.0/8";
    case POLICY_EMAIL:
        return "; write it like *@corp.example";
    case POLICY_URI:
        return "; write it like https://*.corp.example/**";
    case POLICY_DNS:
        return "; write it like *.corp.example";
    default:
        return "; write it another way";
    }
}

const char *policy_pattern_parse(policy_pattern_t **pattern,
                                 policy_attribute_e attribute, const char *text,
                                 apr_pool_t *pool)
{
    policy_pattern_t *made = apr_pcalloc(pool, sizeof(*made));
    const char *fault;

    made->text = apr_pstrdup(pool, text);
    made->attribute = attribute;
    if (!*text)
        fault = "it is empty; leave it out";
    else if (strlen(text) > POLICY_GLOB_MAX)
        fault = "it is too long; 256 octets are the most";
    else
        fault = any_parse(made, pool);
    if (fault)
        return apr_psprintf(pool, "\"%s\" is no pattern for %s: %s%s",
                            quote(text, pool), policy_attribute_name(attribute),
                            fault, remedy(attribute, fault));
    *pattern = made;
    return NULL;
}

const char *policy_pattern_name_parse(policy_pattern_t **pattern,
                                      const char *text, apr_pool_t *pool)
{
    int is_network =
        strncasecmp(text, wildcard, WILDCARD_LEN) != 0 &&
        (strpbrk(text, ":/") || strspn(text, "0123456789.") == strlen(text));

    return policy_pattern_parse(pattern, is_network ? POLICY_IP : POLICY_DNS,
                                text, pool);
}

static int matches(const policy_pattern_t *pattern, const char *value,
                   int is_covering)
{
    int is_wildcard = strncmp(value, "*.", 2) == 0;

    switch (pattern->kind) {
    case NAME:
        return (is_covering || !is_wildcard) && is_name_like(value) &&
               policy_glob_labels(pattern->normal, value, is_covering);
    case WILDCARD:
        return is_wildcard && is_name_like(value) &&
               policy_glob_labels(pattern->normal, value + 2, is_covering);
    case NETWORK:
        return policy_cidr_contains(pattern->network, value);
    case EMAIL:
        return policy_email_matches(pattern->normal, value, is_covering);
    case URI:
        return policy_uri_matches(pattern->normal, value, is_covering);
    default:
        return policy_glob_text(is_covering ? &text_glob_covering : &text_glob,
                                pattern->normal, value);
    }
}

int policy_pattern_matches(const policy_pattern_t *pattern, const char *value)
{
    return matches(pattern, value, 0);
}

int policy_pattern_covers(const policy_pattern_t *pattern, const char *value)
{
    return matches(pattern, value, 1);
}

static const policy_pattern_t *find(const apr_array_header_t *list,
                                    const char *value, int is_covering)
{
    int i;

    for (i = 0; list && i < list->nelts; ++i) {
        const policy_pattern_t *pattern =
            APR_ARRAY_IDX(list, i, const policy_pattern_t *);

        if (matches(pattern, value, is_covering))
            return pattern;
    }
    return NULL;
}

const policy_pattern_t *policy_pattern_find(const apr_array_header_t *list,
                                            const char *value)
{
    return find(list, value, 0);
}

const policy_pattern_t *
policy_pattern_find_covering(const apr_array_header_t *list, const char *value)
{
    return find(list, value, 1);
}

const char *policy_pattern_list(const apr_array_header_t *list,
                                apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < list->nelts && i < LIST_MAX; ++i)
        text = apr_pstrcat(
            pool, text, i ? ", " : "",
            APR_ARRAY_IDX(list, i, const policy_pattern_t *)->text, NULL);
    if (i < list->nelts)
        text = apr_psprintf(pool, "%s and %d more", text, list->nelts - i);
    return text;
}
