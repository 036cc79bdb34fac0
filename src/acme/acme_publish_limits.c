/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish_limits.h"

#include "acme/acme_publish_html.h"
#include "base/quote.h"

#include "base/banned.h"

static void limits_say(acme_html_t *html)
{
    int i;

    acme_html_say(html, "<table>\n");
    for (i = 0; i < ACME_LIMIT_COUNT; i++)
        acme_html_say(
            html, "<tr><td><code>%s</code></td><td>%s</td><td>%s</td></tr>\n",
            acme_limit_name((acme_limit_e)i),
            acme_limit_rule_text(&html->conf->limits[i], html->pool),
            acme_limit_words((acme_limit_e)i));
    acme_html_say(html, "</table>\n");
}

void acme_publish_limits(acme_response_t *res, const acme_conf_t *conf,
                         apr_pool_t *pool)
{
    acme_html_t *html = acme_html_make(conf, "Limits of", pool);

    acme_html_say(html,
                  "<p>This certificate authority refuses, with status 429 and "
                  "<code>rateLimited</code>, what is more than these:</p>\n");
    limits_say(html);
    acme_html_say(
        html,
        "<p><code>300/3h</code> means: who has done nothing for three hours "
        "can do it 300 times at once, and then once in every 36 seconds. "
        "Addresses of IPv6 count by their first 64 bits. The answer says which "
        "limit it was and from when on the next request can succeed; what was "
        "refused is not counted. Renewals that this server asks for (RFC 9773) "
        "meet no limit but that of failures.</p>\n<p>If that is not enough, "
        "ask the people who run "
        "this CA: <code>ACMERateLimit</code> in its configuration sets each of "
        "them, or none.</p>\n<p><a href=\"./\">Certificate authority "
        "%s</a></p>\n",
        quote_markup(conf->server_name, pool));
    acme_html_answer(res, html);
}
