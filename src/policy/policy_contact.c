/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_contact.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "base/own.h"
#include "base/quote.h"

#include "base/banned.h"

#define CONTACTS_MAX 10
/* 64 octets before the "@", 255 behind it (RFC 5321 4.5.3.1). */
#define ADDRESS_MAX 320
#define QUOTE_MAX   80

static const char mailto[] = "mailto:";

static apr_size_t blanks(const char *text)
{
    return strspn(text, " \t\r\n");
}

/* The text without white space around it; getssl sends "mailto: a@b" (R29). */
static const char *trimmed(const char *text, apr_pool_t *pool)
{
    apr_size_t len;

    text += blanks(text);
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        --len;
    return apr_pstrmemdup(pool, text, len);
}

/* RFC 3986 3.1; 0 if text does not begin with a scheme. */
static apr_size_t scheme_len(const char *text)
{
    apr_size_t len = 0;

    while (text[len] && !(text[len] & 0x80) &&
           (apr_isalnum(text[len]) || strchr("+-.", text[len])))
        ++len;
    return len > 0 && text[len] == ':' ? len : 0;
}

/* The reason why address is none, or NULL. */
static const char *address_fault(const char *address)
{
    const char *at = strchr(address, '@'), *c;

    if (strlen(address) > ADDRESS_MAX)
        return "it is too long";
    for (c = address; *c; ++c) {
        if (*c & 0x80)
            return "it is not ASCII (percent-encode it, RFC 6068)";
        if (*c <= ' ' || *c == 0x7f)
            return "it holds white space or control characters";
        if (strchr("<>\"\\^`{|}", *c))
            return "it holds a character that no address in a URL has";
    }
    /* RFC 8555 7.3: neither "hfields" nor more than one "addr-spec" */
    if (strchr(address, '?'))
        return "it has header fields (\"?…\")";
    if (strchr(address, ','))
        return "it has more than one address";
    if (!at)
        return "it has no \"@\"";
    if (strchr(at + 1, '@'))
        return "it has more than one \"@\"";
    if (at == address || !at[1])
        return "a part before or behind the \"@\" is missing";
    return NULL;
}

/* *url: the normal form; NULL if there is nothing in it. */
static problem_t *url_check(const char **url, const char *text,
                            apr_pool_t *pool)
{
    const char *shown = quote_make(text, strlen(text), QUOTE_MAX, pool);
    const char *address, *fault;
    apr_size_t len;

    *url = NULL;
    text = trimmed(text, pool);
    if (!*text)
        return NULL;
    len = scheme_len(text);
    if (len == 0)
        return problem_make(pool, PROBLEM_INVALID_CONTACT,
                            "The contact \"%s\" is no URL; write "
                            "\"mailto:name@example.org\"",
                            shown);
    if (len != sizeof(mailto) - 2 || strncasecmp(text, mailto, len) != 0)
        return problem_make(pool, PROBLEM_UNSUPPORTED_CONTACT,
                            "The contact \"%s\" has an unsupported scheme; "
                            "only \"mailto:\" is supported",
                            shown);
    address = text + len + 1;
    address += blanks(address);
    if (!*address)
        return NULL;
    fault = address_fault(address);
    if (fault)
        return problem_make(pool, PROBLEM_INVALID_CONTACT,
                            "The contact \"%s\" is no e-mail address: %s",
                            shown, fault);
    *url = apr_pstrcat(pool, mailto, address, NULL);
    return NULL;
}

static problem_t *one_check(json_t *normal, const json_t *contact,
                            apr_pool_t *pool)
{
    problem_t *prob;
    const char *url;

    if (!json_is_string(contact))
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The members of \"contact\" must be strings");
    prob = url_check(&url, json_string_value(contact), pool);
    if (!prob && url)
        json_array_append_new(normal, json_string(url));
    return prob;
}

problem_t *policy_contact_check(json_t **normal, const json_t *contact,
                                apr_pool_t *pool)
{
    apr_array_header_t *subs = apr_array_make(pool, 2, sizeof(problem_t *));
    problem_t *prob;
    size_t i;

    if (json_array_size(contact) > CONTACTS_MAX)
        return problem_make(pool, PROBLEM_INVALID_CONTACT,
                            "There are more than %d contacts", CONTACTS_MAX);
    *normal = own_json(pool, json_array());
    for (i = 0; i < json_array_size(contact); ++i) {
        prob = one_check(*normal, json_array_get(contact, i), pool);
        if (prob)
            APR_ARRAY_PUSH(subs, problem_t *) = prob;
    }
    return problem_fold(subs, pool);
}
