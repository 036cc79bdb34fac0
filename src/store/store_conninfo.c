/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_conninfo.h"

#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

#define BLANK " \t\n\r\f\v"

/* libpq's keywords; is_secret: the value must not be seen. */
static const struct {
    const char *name;
    int is_secret;
} keywords[] = {{"host", 0},
                {"hostaddr", 0},
                {"port", 0},
                {"dbname", 0},
                {"user", 0},
                {"service", 0},
                {"servicefile", 0},
                {"password", 1},
                {"passfile", 0},
                {"options", 0},
                {"application_name", 0},
                {"fallback_application_name", 0},
                {"client_encoding", 0},
                {"connect_timeout", 0},
                {"keepalives", 0},
                {"keepalives_idle", 0},
                {"keepalives_interval", 0},
                {"keepalives_count", 0},
                {"tcp_user_timeout", 0},
                {"target_session_attrs", 0},
                {"load_balance_hosts", 0},
                {"sslmode", 0},
                {"sslnegotiation", 0},
                {"sslcompression", 0},
                {"sslcert", 0},
                {"sslkey", 0},
                {"sslpassword", 1},
                {"sslcertmode", 0},
                {"sslrootcert", 0},
                {"sslcrl", 0},
                {"sslcrldir", 0},
                {"sslsni", 0},
                {"ssl_min_protocol_version", 0},
                {"ssl_max_protocol_version", 0},
                {"channel_binding", 0},
                {"require_auth", 0},
                {"requirepeer", 0},
                {"gssencmode", 0},
                {"gssdelegation", 0},
                {"gsslib", 0},
                {"krbsrvname", 0}};

/* -1: libpq knows none of that name. */
static int keyword_find(const char *name)
{
    int i;

    for (i = 0; i < (int)(sizeof(keywords) / sizeof(keywords[0])); i++)
        if (!strcmp(keywords[i].name, name))
            return i;
    return -1;
}

/* "va lue" of "'va lue' …"; *text moves on; NULL: its quotation does not end.
 */
static const char *value_parse(const char **text, apr_pool_t *pool)
{
    const char *from = *text;
    char *value = apr_pcalloc(pool, strlen(from) + 1), *to = value;
    int is_quoted = *from == '\'';

    from += is_quoted;
    while (*from && (is_quoted ? *from != '\'' : !strchr(BLANK, *from))) {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from++;
    }
    if (is_quoted && *from++ != '\'')
        return NULL;
    *text = from;
    return value;
}

typedef struct {
    int keyword;
    const char *value;
} pair_t;

/* The next pair; keyword -1 behind the last one.  Returns what is wrong. */
static const char *pair_parse(pair_t *pair, const char **text, apr_pool_t *pool)
{
    const char *from = *text + strspn(*text, BLANK), *name;
    apr_size_t len = strspn(from, "abcdefghijklmnopqrstuvwxyz_");

    pair->keyword = -1;
    *text = from;
    if (!*from)
        return NULL;
    name = apr_pstrmemdup(pool, from, len);
    from += len;
    from += strspn(from, BLANK);
    if (!len || *from != '=')
        return "it is not made of keyword=value pairs (a value with blanks "
               "stands in single quotes); write it like \"host=/run/postgresql "
               "dbname=acme user=www-data\"";
    pair->keyword = keyword_find(name);
    if (pair->keyword < 0)
        return apr_psprintf(pool,
                            "PostgreSQL's library knows no keyword %s; see "
                            "\"Parameter Key Words\" in its manual",
                            name);
    from++;
    from += strspn(from, BLANK);
    pair->value = value_parse(&from, pool);
    *text = from;
    return pair->value ? NULL
                       : apr_psprintf(pool,
                                      "the quotation after %s= does not end; "
                                      "add a single quote",
                                      name);
}

const char *store_conninfo_fault(const char *conninfo, apr_pool_t *pool)
{
    const char *fault;
    pair_t pair;

    if (!strncmp(conninfo, "postgres", 8) && strstr(conninfo, "://"))
        return "URLs are not taken, since errors would quote their passwords; "
               "write keyword=value pairs";
    do {
        fault = pair_parse(&pair, &conninfo, pool);
    } while (!fault && pair.keyword >= 0);
    return fault;
}

/* Quoted where it must be. */
static const char *value_render(const char *value, apr_pool_t *pool)
{
    char *out, *to;

    if (*value && !strpbrk(value, BLANK "'\\"))
        return value;
    out = to = apr_pcalloc(pool, 2 * strlen(value) + 3);
    *to++ = '\'';
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            *to++ = '\\';
        *to++ = *value;
    }
    *to = '\'';
    return out;
}

const char *store_conninfo_public(const char *conninfo, apr_pool_t *pool)
{
    const char *out = "";
    pair_t pair;

    while (!pair_parse(&pair, &conninfo, pool) && pair.keyword >= 0)
        if (!keywords[pair.keyword].is_secret)
            out = apr_pstrcat(pool, out, *out ? " " : "",
                              keywords[pair.keyword].name, "=",
                              value_render(pair.value, pool), NULL);
    return out;
}
