/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_uri.h"

#include <apr_lib.h>
#include <string.h>

#include <apr_strings.h>

#include "policy/policy_glob.h"

#include "base/banned.h"

/* Names are copied to the stack to end where they end. */
#define NAME_SIZE 256
#define URI_MAX   (POLICY_GLOB_MAX * 4)
#define LOCAL_MAX 64 /* RFC 5321 4.5.3.1.1 */

static const policy_glob_t local_glob = {"@", "@", 0, 1};
static const policy_glob_t path_glob = {"/?#", "?#", 0, 0};
static const policy_glob_t path_glob_covering = {"/?#", "?#", 0, 1};

/* RFC 3986 3: scheme, "://" host [":" port], the rest.  Without "//" host is
 * NULL. */
typedef struct {
    apr_size_t scheme; /* length */
    const char *host;
    apr_size_t host_len, port_len; /* port with its ":" */
    const char *rest;
} uri_t;

static apr_size_t scheme_len(const char *text)
{
    apr_size_t len = 0;

    if (!apr_isalpha(*text))
        return 0;
    while (apr_isalnum(text[len]) || (text[len] && strchr("+-.", text[len])))
        ++len;
    return text[len] == ':' ? len : 0;
}

/* 0 if there is no scheme. */
static int uri_split(uri_t *uri, const char *text)
{
    apr_size_t len, port;

    memset(uri, 0, sizeof(*uri));
    uri->scheme = scheme_len(text);
    if (!uri->scheme)
        return 0;
    uri->rest = text + uri->scheme + 1;
    if (strncmp(uri->rest, "//", 2) != 0)
        return 1;
    uri->host = uri->rest + 2;
    len = strcspn(uri->host, "/?#");
    uri->rest = uri->host + len;
    for (port = len; port > 0 && apr_isdigit(uri->host[port - 1]); --port)
        ;
    if (port > 0 && uri->host[port - 1] == ':')
        uri->port_len = len - (port - 1);
    uri->host_len = len - uri->port_len;
    return 1;
}

/* "." and ".." as a segment */
static int has_dot_segment(const char *path)
{
    apr_size_t len, dots;

    for (;;) {
        len = strcspn(path, "/?#");
        dots = strspn(path, ".");
        if (dots == len && (len == 1 || len == 2))
            return 1;
        if (path[len] != '/')
            return 0;
        path += len + 1;
    }
}

static int hex_value(char c)
{
    if (apr_isdigit(c))
        return c - '0';
    return apr_isxdigit(c) ? apr_tolower(c) - 'a' + 10 : -1;
}

/* RFC 3986 2.3: unreserved characters are not encoded. */
static const char *encoding_fault(const char *text)
{
    for (text = strchr(text, '%'); text; text = strchr(text + 1, '%')) {
        int high = hex_value(text[1]);
        int low = high < 0 ? -1 : hex_value(text[2]);
        char c = (char)(high * 16 + low);

        if (low < 0)
            return "it has a \"%\" without two hex digits";
        if (!(c & 0x80) && (apr_isalnum(c) || (c && strchr("-._~", c))))
            return "it encodes characters that need not be";
    }
    return NULL;
}

static const char *characters_fault(const char *text)
{
    static const char others[] = "-._~:/?#@!$&'()*+,;=%";

    for (; *text; ++text) {
        if (*text & 0x80)
            return "it is not ASCII (percent-encode it)";
        if (!apr_isalnum(*text) && !strchr(others, *text))
            return "it has a character that must not stand in a URI";
    }
    return NULL;
}

static const char *any_fault(uri_t *uri, const char *text)
{
    const char *fault = characters_fault(text);

    if (fault)
        return fault;
    if (!uri_split(uri, text))
        return "it does not begin with a scheme, like \"https:\"";
    if (uri->host && memchr(uri->host, '@', uri->host_len + uri->port_len))
        return "it has a user before its host";
    if (uri->host && has_dot_segment(uri->rest))
        return "its path has \".\" or \"..\"";
    return encoding_fault(text);
}

/* host, ended; NULL if it is too long. */
static const char *host_copy(char copy[NAME_SIZE], const char *host,
                             apr_size_t len)
{
    if (len >= NAME_SIZE)
        return NULL;
    memcpy(copy, host, len);
    copy[len] = '\0';
    return copy;
}

static const char *host_fault(const uri_t *uri, int is_pattern)
{
    char copy[NAME_SIZE];
    const char *host = host_copy(copy, uri->host, uri->host_len);

    if (!host)
        return "its host is too long";
    if (!is_pattern && strchr(host, '*'))
        return "its host has a \"*\"";
    return *host ? policy_name_pattern_fault(host) : "it has no host";
}

static const char *uri_fault(const char *text, apr_size_t max, int is_pattern)
{
    const char *fault;
    uri_t uri;

    if (strlen(text) > max)
        return "it is too long";
    fault = any_fault(&uri, text);
    if (fault)
        return fault;
    if (uri.host)
        return host_fault(&uri, is_pattern);
    return *uri.rest ? NULL : "there is nothing behind its scheme";
}

const char *policy_uri_fault(const char *text)
{
    return uri_fault(text, URI_MAX, 0);
}

const char *policy_uri_pattern_fault(const char *text)
{
    return uri_fault(text, POLICY_GLOB_MAX, 1);
}

const char *policy_uri_normal(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);
    apr_size_t i, end;
    uri_t uri;

    if (!uri_split(&uri, text))
        return copy;
    end = uri.host ? (apr_size_t)(uri.rest - text) : uri.scheme;
    for (i = 0; i < end; ++i)
        copy[i] = (char)apr_tolower(copy[i]);
    return copy;
}

static int host_matches(const uri_t *want, const uri_t *have, int is_covering)
{
    char a[NAME_SIZE], b[NAME_SIZE];
    const char *pattern, *host;

    if (!want->host || !have->host)
        return !want->host && !have->host;
    pattern = host_copy(a, want->host, want->host_len);
    host = host_copy(b, have->host, have->host_len);
    if (!pattern || !host || !policy_glob_labels(pattern, host, is_covering))
        return 0;
    return want->port_len == have->port_len &&
           memcmp(want->host + want->host_len, have->host + have->host_len,
                  want->port_len) == 0;
}

/* The path of "https://a" is that of "https://a/" (RFC 3986 6.2.3). */
static const char *path(const uri_t *uri)
{
    return *uri->rest ? uri->rest : "/";
}

int policy_uri_matches(const char *pattern, const char *text, int is_covering)
{
    uri_t want, have;

    return uri_split(&want, pattern) && uri_split(&have, text) &&
           want.scheme == have.scheme &&
           strncasecmp(pattern, text, want.scheme) == 0 &&
           host_matches(&want, &have, is_covering) &&
           policy_glob_text(is_covering ? &path_glob_covering : &path_glob,
                            want.host ? path(&want) : want.rest,
                            have.host ? path(&have) : have.rest);
}

/* RFC 5321 4.1.2: Dot-string.  Quoted strings are nobody's wish. */
static const char *local_fault(const char *local, apr_size_t len,
                               const char *more)
{
    static const char atext[] = "!#$%&'*+-/=?^_`{|}~.";
    apr_size_t i;

    if (len == 0)
        return "there is nothing before its \"@\"";
    if (len > LOCAL_MAX)
        return "it has more than 64 octets before its \"@\"";
    for (i = 0; i < len; ++i) {
        if (!apr_isalnum(local[i]) && !strchr(atext, local[i]) &&
            !strchr(more, local[i]))
            return "it has a character that no address has";
        if (local[i] == '.' && (i == 0 || i + 1 == len || local[i + 1] == '.'))
            return "it has a dot that separates nothing";
    }
    return NULL;
}

const char *policy_email_pattern_fault(const char *pattern)
{
    const char *at = strrchr(pattern, '@'), *fault;

    if (!at)
        return "it has no \"@\"";
    fault = local_fault(pattern, (apr_size_t)(at - pattern), "*");
    return fault ? fault : policy_name_pattern_fault(at + 1);
}

/* A "*" would be a pattern to whoever reads the certificate. */
const char *policy_email_fault(const char *email)
{
    if (strchr(email, '*'))
        return "it has a \"*\"";
    return policy_email_pattern_fault(email);
}

int policy_email_matches(const char *pattern, const char *email,
                         int is_covering)
{
    const char *want = strrchr(pattern, '@'), *have = strrchr(email, '@');
    char a[NAME_SIZE], b[NAME_SIZE];
    const char *local, *name;

    if (!want || !have)
        return 0;
    local = host_copy(a, pattern, (apr_size_t)(want - pattern));
    name = host_copy(b, email, (apr_size_t)(have - email));
    return local && name && policy_glob_text(&local_glob, local, name) &&
           policy_glob_labels(want + 1, have + 1, is_covering);
}
