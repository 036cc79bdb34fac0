/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_body.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/quote.h"

#include "base/banned.h"

/* R26 */
#define BODY_MAX 65536

void dcv_body_init(dcv_body_t *body, const char *want)
{
    memset(body, 0, sizeof(*body));
    body->want = want;
    body->want_len = strlen(want);
}

int dcv_body_take(dcv_body_t *body, const char *data, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++, body->len++) {
        if (body->len < sizeof(body->first))
            body->first[body->len] = data[i];
        if (body->len < body->want_len ? data[i] != body->want[body->len]
                                       : !apr_isspace(data[i]))
            body->is_wrong = 1;
        if (body->len >= BODY_MAX)
            body->is_wrong = 1;
    }
    /* What is wrong stays wrong, so only what will be shown is read on. */
    return !body->is_wrong || body->len < sizeof(body->first);
}

static int begins(const dcv_body_t *body, const char *with)
{
    apr_size_t len = strlen(with);
    apr_size_t have =
        body->len < sizeof(body->first) ? body->len : sizeof(body->first);

    return have >= len && !strncasecmp(body->first, with, len);
}

/* Does it begin with our token and a dot? */
static int has_token(const dcv_body_t *body)
{
    const char *dot = strchr(body->want, '.');
    apr_size_t len = dot ? (apr_size_t)(dot - body->want) + 1 : 0;

    return len && len <= body->len && len <= sizeof(body->first) &&
           !memcmp(body->first, body->want, len);
}

static const char *status_hint(int status)
{
    if (status == 404)
        return "is the file in the document root of the virtual host that "
               "answers for this name on port 80?";
    if (status == 401 || status == 403)
        return "/.well-known/acme-challenge/ must be open to everybody";
    if (status >= 300 && status < 400)
        return "it is no redirect that can be followed";
    if (status >= 500)
        return "the web server or what is behind it is in trouble";
    return NULL;
}

static const char *body_hint(const dcv_body_t *body)
{
    if (!body->len)
        return "the file is empty";
    if (begins(body, "\xef\xbb\xbf"))
        return "the file starts with a byte-order mark; write it without";
    if (apr_isspace(body->first[0]))
        return "the file starts with a blank; write it without";
    if (begins(body, "<"))
        return "a web page was served instead of the file, perhaps a login or "
               "default page";
    if (has_token(body) && body->len > body->want_len)
        return "the token is right, but something follows the thumbprint or "
               "the thumbprint is of another account key";
    if (has_token(body))
        return "the token is right, but the thumbprint is cut or of another "
               "account key";
    return "expected were the token, a dot and the thumbprint of the account "
           "key";
}

const char *dcv_body_judge(const char **hint, const dcv_body_t *body,
                           int status, apr_pool_t *pool)
{
    int is_right = !body->is_wrong && body->len >= body->want_len;

    *hint = NULL;
    if (is_right && status == 200)
        return NULL;
    *hint = status == 200 ? body_hint(body) : status_hint(status);
    if (is_right)
        return apr_psprintf(pool, "status %d, although the body is right",
                            status);
    return apr_psprintf(
        pool, "status %d, body %s%s%s%s", status,
        body->len ? "starts with \"" : "is empty",
        quote_make(body->first, body->len, sizeof(body->first), pool),
        body->len ? "\"" : "",
        body->len > BODY_MAX ? ", longer than 64 KiB" : "");
}
