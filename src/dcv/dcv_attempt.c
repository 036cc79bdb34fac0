/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_attempt.h"

#include <string.h>

#include <apr_strings.h>

#include "base/quote.h"

#include "base/banned.h"

/* Characters of a URL that are shown: a redirect's is not ours. */
#define URL_MAX 200

void dcv_attempt_init(dcv_attempt_t *attempt, apr_pool_t *pool)
{
    memset(attempt, 0, sizeof(*attempt));
    attempt->pool = pool;
    attempt->hop = -1;
}

void dcv_attempt_hop(dcv_attempt_t *attempt, const char *url, const char *host,
                     int port)
{
    attempt->from = attempt->url;
    attempt->url = url;
    attempt->hop++;
    attempt->host = host;
    attempt->port = port;
    attempt->resolver = NULL;
    attempt->tried = "";
}

void dcv_attempt_note(dcv_attempt_t *attempt, const char *address,
                      const char *why)
{
    attempt->tried =
        apr_psprintf(attempt->pool, "%s%s%s port %d: %s", attempt->tried,
                     *attempt->tried ? "; " : "", address, attempt->port, why);
}

static const char *url_shown(const char *url, apr_pool_t *pool)
{
    return quote_make(url, strlen(url), URL_MAX, pool);
}

/* Sentences: "URL (redirect 1 from URL): A port 80: reason; B port 80: reason;
 * why. Resolver of host: R. Hint." */
problem_t *dcv_attempt_problem(const dcv_attempt_t *attempt,
                               problem_type_e type, const char *why,
                               const char *hint)
{
    apr_pool_t *pool = attempt->pool;
    const char *hop = "", *resolved = "";

    if (attempt->hop)
        hop = apr_psprintf(pool, " (redirect %d, from %s)", attempt->hop,
                           url_shown(attempt->from, pool));
    if (attempt->resolver)
        resolved = apr_psprintf(pool, ". Resolver of %s: %s", attempt->host,
                                attempt->resolver);
    return problem_make(pool, type, "%s%s: %s%s%s%s%s%s",
                        url_shown(attempt->url, pool), hop, attempt->tried,
                        *attempt->tried && why ? "; " : "", why ? why : "",
                        resolved, hint ? ". Hint: " : "", hint ? hint : "");
}
