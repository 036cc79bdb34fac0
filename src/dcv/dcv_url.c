/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "dcv/dcv_address.h"

#include "base/banned.h"

#define URL_MAX  4096
#define HOST_MAX 253

static apr_status_t parts_cleanup(void *data)
{
    curl_url_cleanup(data);
    return APR_SUCCESS;
}

/* A part of the URL in pool, NULL if it has none. */
static const char *part(CURLU *parts, CURLUPart which, unsigned int flags,
                        apr_pool_t *pool)
{
    char *text = NULL;
    const char *copy;

    if (curl_url_get(parts, which, &text, flags) != CURLUE_OK)
        return NULL;
    copy = apr_pstrdup(pool, text);
    curl_free(text);
    return copy;
}

/* Labels of letters, digits, hyphens and underscores.  In place: lower case,
 * without the last dot. */
static int name_normalise(char *name)
{
    apr_size_t len = strlen(name), i;

    if (len && name[len - 1] == '.')
        name[--len] = '\0';
    if (!len || len > HOST_MAX || name[0] == '.' || strstr(name, ".."))
        return 0;
    for (i = 0; i < len; i++) {
        if (!apr_isalnum(name[i]) && !strchr("-_.", name[i]))
            return 0;
        name[i] = (char)apr_tolower(name[i]);
    }
    return 1;
}

/* "[2001:db8::1]" without its brackets; an IPv4 address is left as it is. */
static const char *host_parse(CURLU *parts, apr_pool_t *pool)
{
    const char *text = part(parts, CURLUPART_HOST, 0, pool);
    char *host;

    if (!text || part(parts, CURLUPART_ZONEID, 0, pool))
        return NULL;
    if (*text == '[') {
        host = apr_pstrndup(pool, text + 1, strlen(text + 1) - 1);
        return dcv_address_parse(host, pool) ? host : NULL;
    }
    host = apr_pstrdup(pool, text);
    return name_normalise(host) ? host : NULL;
}

const char *dcv_url_parse(dcv_url_t **url, const char *text, int http01_port,
                          apr_pool_t *pool)
{
    dcv_url_t *made = apr_pcalloc(pool, sizeof(*made));
    const char *scheme, *port;
    CURLU *parts;

    if (strlen(text) > URL_MAX)
        return "its URL is too long";
    parts = curl_url();
    if (!parts)
        return "there is no memory";
    apr_pool_cleanup_register(pool, parts, parts_cleanup,
                              apr_pool_cleanup_null);
    if (curl_url_set(parts, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) !=
        CURLUE_OK)
        return "it names no valid URL";
    scheme = part(parts, CURLUPART_SCHEME, 0, pool);
    if (!scheme || (strcmp(scheme, "http") && strcmp(scheme, "https")))
        return "its scheme is neither http nor https";
    if (part(parts, CURLUPART_USER, 0, pool) ||
        part(parts, CURLUPART_PASSWORD, 0, pool))
        return "its URL holds a user or a password";
    made->host = host_parse(parts, pool);
    if (!made->host)
        return "it names no valid host";
    port = part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT, pool);
    made->port = port ? atoi(port) : 0;
    if (made->port != 80 && made->port != 443 && made->port != http01_port)
        return apr_psprintf(
            pool, "it names port %d, only 80 and 443 are allowed", made->port);
    made->text = part(parts, CURLUPART_URL, 0, pool);
    if (!made->text)
        return "it names no valid URL";
    *url = made;
    return NULL;
}

const char *dcv_url_join(const char *base, const char *location,
                         apr_pool_t *pool)
{
    const char *joined = NULL;
    CURLU *parts = curl_url();

    if (parts && curl_url_set(parts, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(parts, CURLUPART_URL, location,
                     CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
        joined = part(parts, CURLUPART_URL, 0, pool);
    curl_url_cleanup(parts);
    return joined ? joined : apr_pstrdup(pool, location);
}
