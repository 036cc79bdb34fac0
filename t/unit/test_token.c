/* SPDX-License-Identifier: Apache-2.0 */
#include "base/token.h"

#include <string.h>

#include "tap.h"

static void length(apr_pool_t *pool)
{
    const char *a = token_make(32, pool);

    is_int(strlen(a), 43);
    ok(strcmp(a, token_make(32, pool)) != 0);
    is_int(strlen(token_make(16, pool)), 22);
}

static void id(apr_pool_t *pool)
{
    apr_time_t now = apr_time_from_sec(0x65432109);
    const char *a = token_id(now, pool), *b = token_id(now, pool);

    is_int(strlen(a), TOKEN_ID_LEN);
    ok(token_id_ok(a) && token_id_ok(b));
    ok(strcmp(a, b) != 0);
    ok(strncmp(a, b, 5) == 0, "same second, same start");
}

static void id_order(apr_pool_t *pool)
{
    apr_int64_t second, start = 0x65432000;
    const char *id = token_id(apr_time_from_sec(start), pool), *next;

    for (second = 1; second < 100000; second = second * 2 + 1) {
        next = token_id(apr_time_from_sec(start + second), pool);
        ok(strcmp(id, next) < 0, "%s %s", id, next);
        id = next;
    }
}

static void shape(apr_pool_t *pool)
{
    ok(token_id_ok("AAAAAAAAAAAAAAAAAAAA-_"));
    ok(!token_id_ok(""));
    ok(!token_id_ok("AAAAAAAAAAAAAAAAAAAAA"));
    ok(!token_id_ok("AAAAAAAAAAAAAAAAAAAAAAA"));
    ok(!token_id_ok("AAAAAAAAAA/AAAAAAAAAAA"));
    ok(!token_id_ok("AAAAAAAAAA'AAAAAAAAAAA"));
    ok(!token_id_ok("AAAAAAAAAA\xc3\xa4"
                    "AAAAAAAAAA"));
}

static void serial(apr_pool_t *pool)
{
    const char *hex;
    int i;

    for (i = 0; i < 200; ++i) {
        hex = token_serial(pool);
        is_int(strlen(hex), 32);
        ok(strspn(hex, "0123456789abcdef") == 32);
        ok(hex[0] >= '4' && hex[0] <= '7', "%s", hex);
    }
}

const tap_case_t tap_cases[] = {
    {"RFC 8555 8.1 tokens are base64url of the wanted entropy", length},
    {"T29 ids begin with the time and end unguessably", id},
    {"ids sort by their time", id_order},
    {"T29 what is no id is seen before the store is asked", shape},
    {"RFC 5280 4.1.2.2 R34 serials are positive and of 16 octets", serial},
    {NULL, NULL}};
