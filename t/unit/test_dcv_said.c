/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_said.h"

#include <string.h>

#include "tap.h"

/* A question for TXT of a.test, these counts of records. */
#define HEAD(counts)                                                           \
    "\x12\x34\x84\x00\x00\x01" counts "\x01"                                   \
    "a\x04test\x00\x00\x10\x00\x01"

#define ZONE(data)                                                             \
    dcv_said_zone((const unsigned char *)(data), sizeof(data) - 1, pool)
/* No answer, one record of authority: type 6 of "test". */
#define SOA(type)                                                              \
    "\x12\x34\x84\x03\x00\x01\x00\x00\x00\x01\x00\x00"                         \
    "\x01"                                                                     \
    "a\x04test\x00\x00\x10\x00\x01\xc0\x0e\x00" type                           \
    "\x00\x01\x00\x00\x00\x3c\x00\x01"

static void zones(apr_pool_t *pool)
{
    is_str(ZONE(SOA("\x06") "x"), "test");
    ok(!ZONE(SOA("\x02") "x"), "another type");
    ok(!ZONE(SOA("\x06")), "cut");
    ok(!ZONE("\x12"), "no message");
    ok(!dcv_said_zone(NULL, 0, pool), "none at all");
}

static void read_text(dcv_said_t *said, const char *data, apr_size_t len,
                      apr_pool_t *pool)
{
    static const dcv_want_t want = {"a.test", "value", "secret", NULL};
    dcv_message_t message;

    ok(dcv_wire_open(&message, (const unsigned char *)data, len));
    dcv_said_read(said, &message, "a.test", &want, pool);
}

#define READ(said, data) read_text(said, data, sizeof(data) - 1, pool)

static void records(apr_pool_t *pool)
{
    dcv_said_t said;

    READ(&said, HEAD("\x00\x02\x00\x00\x00\x00") "\xc0\x0c\x00\x10\x00\x01\x00"
                                                 "\x00\x00\x3c\x00\x03\x02"
                                                 "ab"
                                                 "\xc0\x0e\x00\x10\x00\x01\x00"
                                                 "\x00\x00\x3c\x00\x03\x02"
                                                 "cd");
    is_int(said.txts.count, 1);
    is_str(said.txts.shown, "\"ab\"");
    ok(!said.alias && !said.zone);
    READ(&said, HEAD("\x00\x01\x00\x00\x00\x00") "\xc0\x0c\x00\x05\x00\x01\x00"
                                                 "\x00\x00\x3c\x00\x04\x01"
                                                 "b\xc0\x0e");
    is_str(said.alias, "b.test");
}

static void referrals(apr_pool_t *pool)
{
    dcv_said_t said;

    READ(&said, HEAD("\x00\x00\x00\x02\x00\x00") "\xc0\x0e\x00\x02\x00\x01\x00"
                                                 "\x00\x00\x3c\x00\x04\x01"
                                                 "n\xc0\x0e"
                                                 "\xc0\x0e\x00\x02\x00\x01\x00"
                                                 "\x00\x00\x3c\x00\x04\x01"
                                                 "N\xc0\x0e");
    is_str(said.zone, "test");
    is_int(said.servers->nelts, 1);
    is_str(APR_ARRAY_IDX(said.servers, 0, const char *), "n.test");
    ok(dcv_said_is_referral(&said, "a.test", ""), "from the root");
    ok(!dcv_said_is_referral(&said, "a.test", "test"), "to itself");
    ok(!dcv_said_is_referral(&said, "a.example", ""), "elsewhere");
    ok(!dcv_said_is_referral(&said, "a.test", "a.test"), "upwards");
}

static void servers(apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(const char *));
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h",
                                        "i", "j", "k", "l", "m", "n", "o"};
    size_t i;

    dcv_said_server_add(list, NULL);
    dcv_said_server_add(list, "");
    dcv_said_server_add(list, "a\\032b");
    is_int(list->nelts, 0);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        dcv_said_server_add(list, names[i]);
    is_int(list->nelts, 13);
}

const tap_case_t tap_cases[] = {{"which zone says no", zones},
                                {"T80 records of the name, aliases", records},
                                {"T80 referrals downwards", referrals},
                                {"a short list of servers", servers},
                                {NULL, NULL}};
