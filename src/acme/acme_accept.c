/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_accept.h"

#include <string.h>
#include <strings.h>

#include "base/banned.h"

#define Q_MAX 1000

/* RFC 9110 5.6.2 */
#define TOKEN                                                                  \
    "!#$%&'*+-.^_`|~0123456789"                                                \
    "abcdefghijklmnopqrstuvwxyz"                                               \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* A piece of the header. */
typedef struct {
    const char *text;
    size_t len;
} span_t;

/* "text/html;level=1;q=0.5", read. */
typedef struct {
    span_t type, subtype;
    const char *params, *end; /* all of them, weight included */
    int q;                    /* in thousandths */
} range_t;

static const char *blanks_skip(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

static span_t token_take(const char **at, const char *end)
{
    span_t token = {*at, 0};
    size_t most = (size_t)(end - *at);

    token.len = strspn(*at, TOKEN);
    if (token.len > most)
        token.len = most;
    *at += token.len;
    return token;
}

static int is_word(const span_t *span, const char *word)
{
    return span->len == strlen(word) &&
           !strncasecmp(span->text, word, span->len);
}

/* A token or "a quoted \"string\""; the quotes do not belong to it.  0: it is
 * neither. */
static int value_take(span_t *value, const char **at, const char *end)
{
    const char *c = *at;

    if (c >= end || *c != '"') {
        *value = token_take(at, end);
        return value->len > 0;
    }
    for (c++; c < end && *c != '"'; c++)
        if (*c == '\\')
            c++;
    if (c >= end)
        return 0;
    value->text = *at + 1;
    value->len = (size_t)(c - value->text);
    *at = c + 1;
    return 1;
}

/* One ";name=value", or ";" alone (RFC 9110 5.6.6); 0: there is none, or it is
 * malformed (*at stays). */
static int param_take(span_t *name, span_t *value, const char **at,
                      const char *end)
{
    const char *c = blanks_skip(*at, end);

    if (c >= end || *c != ';')
        return 0;
    *value = (span_t){"", 0};
    c = blanks_skip(c + 1, end);
    *name = token_take(&c, end);
    if (!name->len && (c >= end || *c == ';')) {
        *at = c;
        return 1;
    }
    if (!name->len || c >= end || *c != '=')
        return 0;
    c++;
    if (!value_take(value, &c, end))
        return 0;
    *at = c;
    return 1;
}

/* "0.5" → 500; -1: it is no weight.  Java's own client says ".2" by default. */
static int weight_parse(const span_t *value)
{
    const char *text = value->text;
    int q = 0, unit = Q_MAX;
    size_t i = 0;

    if (!value->len || value->len > 5)
        return -1;
    if (text[0] == '0' || text[0] == '1')
        q = (text[i++] - '0') * Q_MAX;
    if (i < value->len && text[i++] != '.')
        return -1;
    for (; i < value->len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        unit /= 10;
        q += (text[i] - '0') * unit;
    }
    return q > Q_MAX ? -1 : q;
}

static int params_parse(range_t *range)
{
    const char *at = range->params;
    span_t name, value;

    range->q = Q_MAX;
    while (param_take(&name, &value, &at, range->end))
        if (is_word(&name, "q"))
            range->q = weight_parse(&value);
    return range->q >= 0 && blanks_skip(at, range->end) == range->end;
}

/* 0: it is no media range. */
static int range_parse(range_t *range, const char *text, const char *end)
{
    const char *at = blanks_skip(text, end);

    range->type = token_take(&at, end);
    if (!range->type.len || at >= end || *at != '/')
        return 0;
    at++;
    range->subtype = token_take(&at, end);
    range->params = at;
    range->end = end;
    if (!range->subtype.len)
        return 0;
    if (is_word(&range->type, "*") && !is_word(&range->subtype, "*"))
        return 0;
    return params_parse(range);
}

/* Has it the offer's parameter, with this value (2), with another one (0), or
 * not at all (1)? */
static int param_fits(const range_t *range, const char *parameter)
{
    const char *at = range->params, *equals = strchr(parameter, '=');
    size_t len = (size_t)(equals - parameter);
    span_t name, value;

    while (param_take(&name, &value, &at, range->end))
        if (name.len == len && !strncasecmp(name.text, parameter, len))
            return is_word(&value, equals + 1) ? 2 : 0;
    return 1;
}

/* How particular the range is about this offer; 0: it does not mean it. */
static int range_fits(const range_t *range, const acme_accept_t *offer)
{
    const char *slash = strchr(offer->type, '/');
    span_t type = {offer->type, (size_t)(slash - offer->type)};

    if (is_word(&range->type, "*"))
        return 1;
    if (range->type.len != type.len ||
        strncasecmp(range->type.text, type.text, type.len) != 0)
        return 0;
    if (is_word(&range->subtype, "*"))
        return 2;
    if (!is_word(&range->subtype, slash + 1))
        return 0;
    if (!offer->parameter)
        return 3;
    return param_fits(range, offer->parameter)
               ? 2 + param_fits(range, offer->parameter)
               : 0;
}

/* The end of the range that begins at text: a comma outside of quotes. */
static const char *range_end(const char *text)
{
    int is_quoted = 0;

    for (; *text && (is_quoted || *text != ','); text++) {
        if (*text == '"')
            is_quoted = !is_quoted;
        else if (is_quoted && *text == '\\' && text[1])
            text++;
    }
    return text;
}

/* In thousandths; -1: nothing in the header can be read. */
static int offer_weigh(const char *accept, const acme_accept_t *offer)
{
    int most = 0, q = -1;

    while (*accept) {
        const char *end = range_end(accept);
        range_t range;

        if (range_parse(&range, accept, end)) {
            int fits = range_fits(&range, offer);

            if (q < 0)
                q = 0;
            if (fits > most || (fits && fits == most && range.q > q)) {
                most = fits;
                q = range.q;
            }
        }
        accept = end + (*end == ',');
    }
    return q;
}

int acme_accept_choose(const char *accept, const acme_accept_t *offers,
                       int count)
{
    int i, best = -1, most = 0;

    for (i = 0; accept && i < count; i++) {
        int q = offer_weigh(accept, &offers[i]);

        if (q < 0)
            return 0;
        if (q > most) {
            best = i;
            most = q;
        }
    }
    return accept ? best : 0;
}
