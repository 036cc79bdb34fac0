/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish_html.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/quote.h"

#include "base/banned.h"

#define STYLE                                                                  \
    "body{font:1em/1.5 sans-serif;max-width:52em;margin:2em auto;"             \
    "padding:0 1em}:root{color-scheme:light dark}"                             \
    "pre{overflow:auto;background:#8882;padding:.5em}"                         \
    "code{overflow-wrap:anywhere}summary{cursor:pointer}"

void acme_html_say(acme_html_t *html, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    APR_ARRAY_PUSH(html->parts, const char *) =
        apr_pvsprintf(html->pool, fmt, ap);
    va_end(ap);
}

acme_html_t *acme_html_make(const acme_conf_t *conf, const char *title,
                            apr_pool_t *pool)
{
    acme_html_t *html = apr_palloc(pool, sizeof(*html));
    const char *name = quote_markup(conf->server_name, pool);

    html->conf = conf;
    html->parts = apr_array_make(pool, 64, sizeof(const char *));
    html->pool = pool;
    acme_html_say(html,
                  "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                  "<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n"
                  "<title>%s %s</title>\n<style>%s</style>\n"
                  "</head>\n<body>\n<h1>%s %s</h1>\n",
                  title, name, STYLE, title, name);
    return html;
}

/* Nothing but this one style sheet, even if something slipped through. */
static const char *policy_text(apr_pool_t *pool)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    unsigned char text[4 * (SHA256_DIGEST_LENGTH + 2) / 3 + 1];

    (void)EVP_Digest(STYLE, strlen(STYLE), digest, NULL, EVP_sha256(), NULL);
    (void)EVP_EncodeBlock(text, digest, sizeof(digest));
    return apr_psprintf(pool,
                        "default-src 'none'; style-src 'sha256-%s'; base-uri "
                        "'none'; form-action 'none'; frame-ancestors 'none'",
                        text);
}

void acme_html_answer(acme_response_t *res, acme_html_t *html)
{
    const char *text;

    acme_html_say(html, "</body>\n</html>\n");
    text = apr_array_pstrcat(html->pool, html->parts, 0);
    acme_response_body(res, 200, "text/html; charset=utf-8", text,
                       strlen(text));
    acme_response_header(res, "Content-Security-Policy",
                         policy_text(html->pool));
    acme_response_header(res, "X-Content-Type-Options", "nosniff");
    acme_response_header(res, "Referrer-Policy", "no-referrer");
}
