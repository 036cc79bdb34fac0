/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_head.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/banned.h"

int dcv_head_status(CURL *easy)
{
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static int is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

/* Without the blanks around it, a folded line's among them. */
static const char *trim(const char *text, apr_pool_t *pool)
{
    apr_size_t len;

    while (apr_isspace(*text))
        text++;
    for (len = strlen(text); len && apr_isspace(text[len - 1]);)
        len--;
    return apr_pstrmemdup(pool, text, len);
}

const char *dcv_head_location(CURL *easy, apr_pool_t *pool)
{
    struct curl_header *header;
    const char *location;

    if (!is_redirect(dcv_head_status(easy)) ||
        curl_easy_header(easy, "Location", 0, CURLH_HEADER, -1, &header) !=
            CURLHE_OK)
        return NULL;
    location = trim(header->value, pool);
    return *location ? location : NULL;
}

static int is_word(const char *text, apr_size_t len, const char *word)
{
    return len == strlen(word) && !strncasecmp(text, word, len);
}

int dcv_head_is_coded(const char *line, apr_size_t len)
{
    static const char name[] = "transfer-encoding:";
    apr_size_t at = sizeof(name) - 1;

    if (len < at || strncasecmp(line, name, at))
        return 0;
    while (at < len && apr_isspace(line[at]))
        at++;
    while (len > at && apr_isspace(line[len - 1]))
        len--;
    return !is_word(line + at, len - at, "chunked") &&
           !is_word(line + at, len - at, "identity"); /* RFC 2616's, none */
}
