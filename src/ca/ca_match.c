/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_match.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/identifier.h"
#include "base/quote.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define SHOWN_MAX 253

/* A text that is not terminated. */
typedef struct {
    const char *at;
    apr_size_t len;
} span_t;

static span_t span_of(const ASN1_STRING *string)
{
    span_t span;

    span.at = (const char *)ASN1_STRING_get0_data(string);
    if (!span.at) /* it is empty */
        span.at = "";
    span.len = (apr_size_t)ASN1_STRING_length(string);
    return span;
}

static int equals(const char *text, apr_size_t len, span_t want)
{
    return len == want.len && strncasecmp(text, want.at, len) == 0;
}

static int ends_with(const char *text, apr_size_t len, span_t tail)
{
    return len >= tail.len && equals(text + len - tail.len, tail.len, tail);
}

/* The host of a URI.  Nothing where one is in doubt: verifiers differ in how
 * they read a user's name in front of it. */
static span_t host_find(const char *uri)
{
    const char *at = strstr(uri, "://");
    span_t host = {"", 0};

    if (!at || memchr(at + 3, '@', strcspn(at + 3, "/?#")))
        return host;
    host.at = at + 3;
    host.len = strcspn(host.at, "/?#:");
    return host;
}

int ca_match_init(ca_match_t *name, int kind, const char *text)
{
    memset(name, 0, sizeof(*name));
    name->kind = kind;
    name->text = text;
    if (kind == GEN_EMAIL)
        return strchr(text, '@') != NULL;
    if (kind == GEN_URI)
        return host_find(text).len > 0;
    if (kind != GEN_IPADD)
        return 1;
    name->octets_len = (int)identifier_address(name->octets, text);
    return name->octets_len > 0;
}

/* The name itself and all below it, in whole labels; "" is everything. */
static int dns_matches(span_t base, const char *name)
{
    apr_size_t len = strlen(name);

    if (base.len == 0)
        return 1;
    if (!ends_with(name, len, base))
        return 0;
    return len == base.len || base.at[0] == '.' ||
           name[len - base.len - 1] == '.';
}

/* One of the names that "*.<rest>" stands for is base, or below it. */
static int wildcard_meets(span_t base, const char *name)
{
    const char *dot = memchr(base.at, '.', base.len);
    apr_size_t skip;

    if (strncmp(name, "*.", 2) != 0 || !dot || dot == base.at)
        return 0;
    skip = (apr_size_t)(dot + 1 - base.at);
    base.at += skip;
    base.len -= skip;
    return equals(name + 2, strlen(name + 2), base);
}

/* A mailbox, a host, or with a dot in front all hosts of a domain. */
static int email_matches(span_t base, const char *name)
{
    const char *at = strrchr(name, '@');
    const char *want = memchr(base.at, '@', base.len);
    apr_size_t local;

    if (!at)
        return 0;
    if (want && want != base.at) {
        local = (apr_size_t)(want - base.at);
        if ((apr_size_t)(at - name) != local ||
            strncmp(name, base.at, local) != 0)
            return 0;
    }
    if (want) {
        base.len -= (apr_size_t)(want + 1 - base.at);
        base.at = want + 1;
    }
    else if (base.len > 0 && base.at[0] == '.')
        return strlen(at + 1) > base.len && dns_matches(base, at + 1);
    return equals(at + 1, strlen(at + 1), base);
}

static int uri_matches(span_t base, const char *name)
{
    span_t host = host_find(name);

    if (base.len > 0 && base.at[0] == '.')
        return host.len > base.len && ends_with(host.at, host.len, base);
    return equals(host.at, host.len, base);
}

/* base is address and mask. */
static int ip_matches(const ASN1_OCTET_STRING *base, const ca_match_t *name)
{
    const unsigned char *octets = ASN1_STRING_get0_data(base);
    int i, same = ASN1_STRING_length(base) == 2 * name->octets_len;

    for (i = 0; same && i < name->octets_len; ++i)
        same =
            ((octets[i] ^ name->octets[i]) & octets[name->octets_len + i]) == 0;
    return same;
}

/* base is the beginning of subject. */
static int subject_matches(const X509_NAME *base, const X509_NAME *subject)
{
    int want = X509_NAME_entry_count(base), same;
    X509_NAME *copy;

    if (X509_NAME_entry_count(subject) < want)
        return 0;
    copy = X509_NAME_dup(subject);
    while (copy && X509_NAME_entry_count(copy) > want)
        X509_NAME_ENTRY_free(
            X509_NAME_delete_entry(copy, X509_NAME_entry_count(copy) - 1));
    same = copy && X509_NAME_cmp(copy, base) == 0;
    X509_NAME_free(copy);
    return same;
}

int ca_match_permits(const GENERAL_NAME *base, const ca_match_t *name)
{
    switch (name->kind) {
    case GEN_DNS:
        return dns_matches(span_of(base->d.dNSName), name->text);
    case GEN_EMAIL:
        return email_matches(span_of(base->d.rfc822Name), name->text);
    case GEN_URI:
        return uri_matches(span_of(base->d.uniformResourceIdentifier),
                           name->text);
    case GEN_IPADD:
        return ip_matches(base->d.iPAddress, name);
    case GEN_DIRNAME:
        return subject_matches(base->d.directoryName, name->subject);
    default:
        return 0;
    }
}

int ca_match_excludes(const GENERAL_NAME *base, const ca_match_t *name)
{
    return ca_match_permits(base, name) ||
           (name->kind == GEN_DNS &&
            wildcard_meets(span_of(base->d.dNSName), name->text));
}

int ca_match_is_host(const char *common_name)
{
    const char *c;

    for (c = common_name; *c; ++c) {
        if (!apr_isalnum(*c) && *c != '-' && *c != '.' && *c != '_' &&
            *c != '*')
            return 0;
    }
    return strchr(common_name, '.') != NULL;
}

static const char *network_text(const ASN1_OCTET_STRING *base, apr_pool_t *pool)
{
    const unsigned char *octets = ASN1_STRING_get0_data(base);
    int len = ASN1_STRING_length(base) / 2, bits = 0, i;
    char text[INET6_ADDRSTRLEN];

    if ((len != 4 && len != 16) ||
        !inet_ntop(len == 4 ? AF_INET : AF_INET6, octets, text, sizeof(text)))
        return "?";
    for (i = 0; i < 8 * len; ++i)
        bits += octets[len + i / 8] >> (7 - i % 8) & 1;
    return apr_psprintf(pool, "%s/%d", text, bits);
}

static const char *shown(const char *kind, const ASN1_STRING *string,
                         apr_pool_t *pool)
{
    span_t span = span_of(string);

    return apr_pstrcat(pool, kind,
                       span.len ? quote_make(span.at, span.len, SHOWN_MAX, pool)
                                : "(any)",
                       NULL);
}

const char *ca_match_text(const GENERAL_NAME *base, apr_pool_t *pool)
{
    switch (base->type) {
    case GEN_DNS:
        return shown("dns:", base->d.dNSName, pool);
    case GEN_EMAIL:
        return shown("email:", base->d.rfc822Name, pool);
    case GEN_URI:
        return shown("uri:", base->d.uniformResourceIdentifier, pool);
    case GEN_IPADD:
        return apr_pstrcat(pool, "ip:", network_text(base->d.iPAddress, pool),
                           NULL);
    case GEN_DIRNAME:
        return apr_pstrcat(
            pool, "subject:", ca_name_text(base->d.directoryName, pool), NULL);
    default:
        return "other names";
    }
}
