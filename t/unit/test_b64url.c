/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64url.h"

#include <string.h>

#include "tap.h"

static int refused(const char *text, apr_size_t len, apr_pool_t *pool)
{
    const unsigned char *data;
    apr_size_t n;

    return b64url_decode(&data, &n, text, len, pool) != APR_SUCCESS;
}

/* RFC 4648 10, without padding */
static void vectors(apr_pool_t *pool)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg"},
                                           {"fo", "Zm8"},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg"},
                                           {"fooba", "Zm9vYmE"},
                                           {"foobar", "Zm9vYmFy"}};
    const unsigned char *data;
    apr_size_t i, len;

    for (i = 0; i < 7; ++i) {
        is_str(b64url_encode(pairs[i][0], strlen(pairs[i][0]), pool),
               pairs[i][1]);
        need(b64url_decode(&data, &len, pairs[i][1], strlen(pairs[i][1]),
                           pool) == APR_SUCCESS);
        is_int(len, strlen(pairs[i][0]));
        is_str((const char *)data, pairs[i][0]);
    }
    is_str(b64url_encode("\xfb\xff\xbf", 3, pool), "-_-_");
}

static void strict(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "Zg==",  "Zm8=",   "Z", "Zm9vY", "Zh",      "Zm9",   "+_-_", "-/-_",
        "Zm 9v", "Zm9v\n", "=", "Zg=",   "\x80mmm", "Zm9v.", NULL};
    int i;

    for (i = 0; bad[i]; ++i)
        ok(refused(bad[i], strlen(bad[i]), pool), "%s", bad[i]);
    ok(refused("Zm9v\0Zg", 7, pool), "NUL inside");
    ok(refused("Zm9v\0\0\0\0", 8, pool), "NUL behind");
}

static void every_octet(apr_pool_t *pool)
{
    unsigned char in[256];
    const unsigned char *out;
    const char *text;
    apr_size_t len, n;

    for (n = 0; n < sizeof(in); ++n)
        in[n] = (unsigned char)(n * 7);
    for (n = 0; n < sizeof(in); ++n) {
        text = b64url_encode(in, n, pool);
        need(b64url_decode(&out, &len, text, strlen(text), pool) ==
             APR_SUCCESS);
        ok(len == n && memcmp(in, out, n) == 0 && out[n] == 0);
    }
}

const tap_case_t tap_cases[] = {
    {"RFC 4648 10 vectors both ways", vectors},
    {"T02 padding, other alphabets and leftover bits are refused", strict},
    {"R3 lengths 0..255 come back", every_octet},
    {NULL, NULL}};
