/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_parts.h"

#include <apr_strings.h>
#include <string.h>

#include "base/b64url.h"
#include "base/pjson.h"

#include "base/banned.h"

static problem_t *members_check(json_t *json, const char *what,
                                apr_pool_t *pool)
{
    const char *name;
    json_t *value;

    json_object_foreach(json, name, value)
    {
        if (strcmp(name, "protected") != 0 && strcmp(name, "payload") != 0 &&
            strcmp(name, "signature") != 0)
            return problem_make(pool, PROBLEM_MALFORMED,
                                "The %s has the member \"%.64s\"; RFC 8555 "
                                "6.2 allows only protected, payload and "
                                "signature",
                                what, name);
    }
    return NULL;
}

static problem_t *decode(const unsigned char **data, apr_size_t *len,
                         const char *text, const char *what, apr_pool_t *pool)
{
    if (b64url_decode(data, len, text, strlen(text), pool) == APR_SUCCESS)
        return NULL;
    return problem_make(pool, PROBLEM_MALFORMED,
                        "The %s is not base64url without padding", what);
}

/* The three base64url members; the protected one is header[header_len]. */
static problem_t *members_decode(jose_parts_t *parts, const char **header_text,
                                 apr_size_t *header_len, json_t *json,
                                 apr_pool_t *pool)
{
    const char *header, *payload, *signature;
    const unsigned char *octets;
    problem_t *prob;

    prob = pjson_need_string(&header, json, "protected", pool);
    if (prob)
        return prob;
    prob = pjson_need_string(&payload, json, "payload", pool);
    if (prob)
        return prob;
    prob = pjson_need_string(&signature, json, "signature", pool);
    if (prob)
        return prob;
    prob = decode(&octets, header_len, header, "protected header", pool);
    if (prob)
        return prob;
    *header_text = (const char *)octets;
    prob = decode(&octets, &parts->payload_len, payload, "payload", pool);
    if (prob)
        return prob;
    parts->payload = (const char *)octets;
    /* RFC 7515 5.2: signed is what was sent, not what it means. */
    parts->signing_input = apr_pstrcat(pool, header, ".", payload, NULL);
    parts->signing_input_len = strlen(parts->signing_input);
    return decode(&parts->signature, &parts->signature_len, signature,
                  "signature", pool);
}

problem_t *jose_parts_parse(jose_parts_t *parts, json_t *json, const char *what,
                            apr_pool_t *pool)
{
    const char *header_text;
    apr_size_t header_len;
    problem_t *prob;

    prob = pjson_object_check(json, what, pool);
    if (prob)
        return prob;
    prob = members_check(json, what, pool);
    if (prob)
        return prob;
    prob = members_decode(parts, &header_text, &header_len, json, pool);
    if (prob)
        return prob;
    prob = pjson_parse(&parts->header, header_text, header_len,
                       "protected header", pool);
    if (prob)
        return prob;
    prob = pjson_object_check(parts->header, "protected header", pool);
    if (prob)
        return prob;
    if (json_object_get(parts->header, "crit") ||
        json_object_get(parts->header, "b64"))
        return problem_make(pool, PROBLEM_MALFORMED,
                            "The protected header has \"crit\" or \"b64\"; no "
                            "JWS extension is supported");
    return NULL;
}
