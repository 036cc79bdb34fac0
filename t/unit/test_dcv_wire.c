/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_wire.h"

#include <string.h>

#include "tap.h"

static apr_pool_t *pool;

/* Header with one question, a.test TXT, and so many answers. */
#define HEAD(answers)                                                          \
    "\x12\x34\x84\x00\x00\x01\x00" answers "\x00\x00\x00\x00"                  \
    "\x01"                                                                     \
    "a\x04test\x00\x00\x10\x00\x01"
#define HEAD_LEN 24

static int open_text(dcv_message_t *message, const char *data, apr_size_t len)
{
    return dcv_wire_open(message, (const unsigned char *)data, len);
}

#define OPEN(message, data) open_text(message, data, sizeof(data) - 1)

static const char *name_of(const char *data, apr_size_t len, apr_size_t at)
{
    apr_size_t end;

    return dcv_wire_name((const unsigned char *)data, len, at, &end, pool);
}

#define NAME(data, at) name_of(data, sizeof(data) - 1, at)

static void names(apr_pool_t *p)
{
    char longest[256], label[65] = "?";
    apr_size_t end = 0;
    int i;

    pool = p;
    is_str(NAME("\x01\x41\x04TeSt\x00", 0), "a.test");
    is_str(NAME("\x00", 0), "");
    is_str(NAME("\x03"
                "a.b\x01\xff\x01\x00\x00",
                0),
           "a\\046b.\\255.\\000");
    is_str(NAME("\x04test\x00\x01"
                "a\xc0\x00",
                6),
           "a.test");
    dcv_wire_name((const unsigned char *)"\x04test\x00\x01"
                                         "a\xc0\x00\x07",
                  11, 6, &end, pool);
    is_int(end, 10);
    ok(!NAME("\xc0\x00", 0), "itself");
    ok(!NAME("\x01"
             "a\xc0\x00",
             0),
       "a circle");
    ok(!NAME("\xc0\x02\xc0\x00", 0), "forwards");
    ok(!NAME("\x04tes", 0), "cut");
    ok(!NAME("\x04test", 0), "without an end");
    ok(!NAME("\x40x\x00", 0), "neither label nor reference");
    ok(!NAME("\xc0", 0), "half a reference");
    for (i = 0; i < 255; i++)
        longest[i] = i % 2 ? 'x' : 1;
    longest[254] = 0;
    ok(name_of(longest, 255, 0) != NULL, "255 octets");
    longest[254] = 1;
    ok(!name_of(longest, 255, 0), "more than there are");
    memset(label + 1, 'x', 63);
    label[0] = 63;
    ok(name_of(label, 65, 0) != NULL);
    ok(!name_of(label, 64, 0));
}

static void questions(apr_pool_t *p)
{
    unsigned char out[DCV_WIRE_QUESTION_MAX];
    char text[300];

    pool = p;
    is_int(dcv_wire_question(out, 0x1234, "a.test", DCV_WIRE_TXT), HEAD_LEN);
    ok(!memcmp(out, "\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12));
    ok(!memcmp(out + 12,
               "\x01"
               "a\x04test\x00\x00\x10\x00\x01",
               12));
    is_int(dcv_wire_question(out, 1, "", DCV_WIRE_NS), 17);
    is_int(dcv_wire_question(out, 1, "a..test", 1), 0);
    is_int(dcv_wire_question(out, 1, ".test", 1), 0);
    is_int(dcv_wire_question(out, 1, "test.", 1), 0);
    is_int(dcv_wire_question(out, 1, "a\\046b.test", 1), 0);
    memset(text, 'x', 64);
    text[64] = '\0';
    is_int(dcv_wire_question(out, 1, text, 1), 0);
    text[63] = '\0';
    is_int(dcv_wire_question(out, 1, text, 1), 12 + 65 + 4);
    memset(text, 'x', 254);
    text[63] = text[127] = text[191] = '.';
    text[254] = '\0';
    is_int(dcv_wire_question(out, 1, text, 1), 0);
    text[253] = '\0';
    is_int(dcv_wire_question(out, 1, text, 1), 12 + 255 + 4);
}

static void replies(apr_pool_t *p)
{
    unsigned char out[DCV_WIRE_QUESTION_MAX], data[HEAD_LEN];
    dcv_message_t message;
    apr_size_t len = dcv_wire_question(out, 0x1234, "a.test", DCV_WIRE_TXT);

    memcpy(data, HEAD("\x00"), sizeof(data));
    ok(dcv_wire_reply(&message, data, sizeof(data), out, len));
    ok(message.is_authoritative && !message.is_truncated && !message.rcode);
    data[13] = 'A'; /* case may differ */
    ok(dcv_wire_reply(&message, data, sizeof(data), out, len));
    data[13] = 'b';
    ok(!dcv_wire_reply(&message, data, sizeof(data), out, len), "name");
    data[13] = 'a';
    data[21] = 1;
    ok(!dcv_wire_reply(&message, data, sizeof(data), out, len), "type");
    data[21] = 16;
    data[1]++;
    ok(!dcv_wire_reply(&message, data, sizeof(data), out, len), "id");
    data[1]--;
    data[2] = 0x04;
    ok(!dcv_wire_reply(&message, data, sizeof(data), out, len), "a question");
    data[2] = 0x86;
    data[3] = 0x05;
    ok(dcv_wire_reply(&message, data, sizeof(data), out, len));
    ok(message.is_truncated && message.rcode == 5);
    ok(!dcv_wire_reply(&message, data, sizeof(data) - 1, out, len), "cut");
    data[5] = 2;
    ok(!dcv_wire_reply(&message, data, sizeof(data), out, len),
       "two questions");
    ok(!OPEN(&message, "\x12\x34"));
}

static void records(apr_pool_t *p)
{
    dcv_message_t message;
    dcv_record_t record;
    apr_size_t len = 0;

    pool = p;
    ok(OPEN(&message,
            HEAD("\x03") "\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x06"
                         "\x02"
                         "ab\x02"
                         "cd"
                         "\xc0\x0c\x00\x10\x00\x03\x00\x00\x00\x3c\x00\x02\x01x"
                         "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01"
                         "b\xc0\x0e"));
    need(dcv_wire_next(&record, &message, pool));
    is_str(record.owner, "a.test");
    is_int(record.type, DCV_WIRE_TXT);
    is_str(dcv_wire_txt(&len, record.data, record.len, pool), "abcd");
    is_int(len, 4);
    need(dcv_wire_next(&record, &message, pool)); /* not that of class 3 */
    is_int(record.type, DCV_WIRE_CNAME);
    is_str(dcv_wire_target(&message, &record, pool), "b.test");
    ok(!dcv_wire_next(&record, &message, pool));
    ok(OPEN(&message, HEAD("\x02") "\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c"
                                   "\x00\x06\x02"
                                   "ab"));
    ok(!dcv_wire_next(&record, &message, pool), "longer than the message");
    ok(!dcv_wire_next(&record, &message, pool), "and nothing behind it");
    ok(OPEN(&message, HEAD("\x02") "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c"
                                   "\x00\x03\xc0\x0c\x00"));
    ok(dcv_wire_next(&record, &message, pool));
    ok(!dcv_wire_target(&message, &record, pool), "more than a name");
    ok(!dcv_wire_next(&record, &message, pool), "fewer than were told");
}

static void lifetimes(apr_pool_t *p)
{
    dcv_message_t message;
    dcv_record_t record;

    pool = p;
    ok(OPEN(&message, HEAD("\x02") "\xc0\x0c\x00\x10\x00\x01\x7f\xff\xff\xff"
                                   "\x00\x02\x01"
                                   "a"
                                   "\xc0\x0c\x00\x10\x00\x01\x80\x00\x00\x00"
                                   "\x00\x02\x01"
                                   "a"));
    need(dcv_wire_next(&record, &message, pool));
    is_int(record.ttl, 0x7fffffff);
    need(dcv_wire_next(&record, &message, pool));
    is_int(record.ttl, 0);
}

static void texts(apr_pool_t *p)
{
    apr_size_t len = 9;

    pool = p;
    is_str(dcv_wire_txt(&len, (const unsigned char *)"\x00", 1, pool), "");
    is_int(len, 0);
    is_str(dcv_wire_txt(&len, (const unsigned char *)"\x01x\x00\x01y", 5, pool),
           "xy");
    ok(!dcv_wire_txt(&len, (const unsigned char *)"\x02x", 2, pool));
    ok(!dcv_wire_txt(&len, (const unsigned char *)"", 0, pool));
    ok(dcv_wire_is_in_zone("a.test", "test"));
    ok(dcv_wire_is_in_zone("a.test", "a.test"));
    ok(dcv_wire_is_in_zone("a.test", ""));
    ok(!dcv_wire_is_in_zone("ba.test", "a.test"));
    ok(!dcv_wire_is_in_zone("test", "a.test"));
}

const tap_case_t tap_cases[] = {
    {"names", names},
    {"questions", questions},
    {"answers to one's own question only", replies},
    {"records", records},
    {"RFC 2181 8: a TTL with its first bit set is none", lifetimes},
    {"T80 strings of one record are joined", texts},
    {NULL, NULL}};
