/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_wire.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/banned.h"

#define HEADER_LEN    12
#define CLASS_IN      1
#define LABEL_MAX     63
#define NAME_MAX_WIRE 255
#define TTL_MAX       0x7fffffff
/* Each octet of a name may become "\123". */
#define NAME_MAX_TEXT (4 * NAME_MAX_WIRE)

static int number_at(const unsigned char *data, apr_size_t at)
{
    return data[at] << 8 | data[at + 1];
}

static void number_put(unsigned char *out, apr_size_t *at, int number)
{
    out[(*at)++] = (unsigned char)(number >> 8);
    out[(*at)++] = (unsigned char)number;
}

/* Its length on the wire; 0 if it is none. */
static apr_size_t name_put(unsigned char *out, const char *name)
{
    apr_size_t at = 0, len;

    if (strlen(name) > NAME_MAX_WIRE - 2 || strchr(name, '\\'))
        return 0;
    while (*name) {
        len = strcspn(name, ".");
        if (!len || len > LABEL_MAX || (name[len] && !name[len + 1]))
            return 0;
        out[at++] = (unsigned char)len;
        memcpy(out + at, name, len);
        at += len;
        name += len + (name[len] == '.');
    }
    out[at++] = 0;
    return at;
}

apr_size_t dcv_wire_question(unsigned char *out, int id, const char *name,
                             int type)
{
    apr_size_t at = 0, len;

    number_put(out, &at, id);
    number_put(out, &at, 0);
    number_put(out, &at, 1);
    memset(out + at, 0, 6);
    at = HEADER_LEN;
    len = name_put(out + at, name);
    if (!len)
        return 0;
    at += len;
    number_put(out, &at, type);
    number_put(out, &at, CLASS_IN);
    return at;
}

static int is_plain(int c)
{
    return apr_isalnum(c) || c == '-' || c == '_' || c == '*';
}

/* One label as text; where the text goes on. */
static char *label_write(char *out, const unsigned char *label, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (is_plain(label[i])) {
            *out++ = (char)apr_tolower(label[i]);
            continue;
        }
        *out++ = '\\';
        *out++ = (char)('0' + label[i] / 100);
        *out++ = (char)('0' + label[i] / 10 % 10);
        *out++ = (char)('0' + label[i] % 10);
    }
    return out;
}

/* Each reference leads backwards, so there is an end. */
const char *dcv_wire_name(const unsigned char *data, apr_size_t len,
                          apr_size_t at, apr_size_t *end, apr_pool_t *pool)
{
    apr_size_t octets = 1, bound = at, label;
    char text[NAME_MAX_TEXT + 1], *out = text;
    int has_jumped = 0;

    while (at < len && data[at]) {
        label = data[at];
        if (label > LABEL_MAX) {
            if (label < 0xc0 || at + 1 >= len)
                return NULL;
            if (!has_jumped)
                *end = at + 2;
            has_jumped = 1;
            at = (apr_size_t)number_at(data, at) & 0x3fff;
            if (at >= bound)
                return NULL;
            bound = at;
            continue;
        }
        octets += label + 1;
        if (octets > NAME_MAX_WIRE || at + label >= len)
            return NULL;
        if (out > text)
            *out++ = '.';
        out = label_write(out, data + at + 1, label);
        at += label + 1;
    }
    if (at >= len)
        return NULL;
    if (!has_jumped)
        *end = at + 1;
    return apr_pstrmemdup(pool, text, (apr_size_t)(out - text));
}

/* Where the name at this place ends; 0: it is none. */
static apr_size_t name_skip(const unsigned char *data, apr_size_t len,
                            apr_size_t at)
{
    while (at < len && data[at] && data[at] <= LABEL_MAX)
        at += data[at] + 1u;
    if (at >= len)
        return 0;
    if (!data[at])
        return at + 1;
    return data[at] >= 0xc0 && at + 1 < len ? at + 2 : 0;
}

int dcv_wire_open(dcv_message_t *message, const unsigned char *data,
                  apr_size_t len)
{
    apr_size_t end;
    int i;

    memset(message, 0, sizeof(*message));
    if (len < HEADER_LEN || number_at(data, 4) != 1)
        return 0;
    end = name_skip(data, len, HEADER_LEN);
    if (!end || len - end < 4)
        return 0;
    message->data = data;
    message->len = len;
    message->is_authoritative = data[2] >> 2 & 1;
    message->is_truncated = data[2] >> 1 & 1;
    message->rcode = data[3] & 0x0f;
    for (i = 0; i < 3; i++)
        message->left[i] = number_at(data, 6 + 2 * (apr_size_t)i);
    message->at = end + 4;
    return 1;
}

/* Case may differ: names are compared in theirs. */
static int is_same_question(const unsigned char *a, const unsigned char *b,
                            apr_size_t len)
{
    apr_size_t i;

    for (i = HEADER_LEN; i < len; i++) {
        if (apr_tolower(a[i]) != apr_tolower(b[i]))
            return 0;
    }
    return 1;
}

int dcv_wire_reply(dcv_message_t *message, const unsigned char *data,
                   apr_size_t len, const unsigned char *question,
                   apr_size_t question_len)
{
    return dcv_wire_open(message, data, len) && len >= question_len &&
           data[0] == question[0] && data[1] == question[1] &&
           (data[2] & 0xf8) == 0x80 && message->at == question_len &&
           is_same_question(data, question, question_len);
}

static int section_next(dcv_section_e *section, dcv_message_t *message)
{
    int i;

    for (i = 0; i < 3; i++) {
        if (!message->left[i])
            continue;
        message->left[i]--;
        *section = (dcv_section_e)i;
        return 1;
    }
    return 0;
}

int dcv_wire_next(dcv_record_t *record, dcv_message_t *message,
                  apr_pool_t *pool)
{
    const unsigned char *data = message->data;
    apr_size_t end = 0;

    while (section_next(&record->section, message)) {
        record->owner =
            dcv_wire_name(data, message->len, message->at, &end, pool);
        if (!record->owner || message->len - end < 10)
            break;
        record->type = number_at(data, end);
        record->ttl = (apr_int64_t)number_at(data, end + 4) << 16 |
                      number_at(data, end + 6);
        if (record->ttl > TTL_MAX) /* RFC 2181 8 */
            record->ttl = 0;
        record->data = data + end + 10;
        record->len = (apr_size_t)number_at(data, end + 8);
        if (message->len - end - 10 < record->len)
            break;
        message->at = end + 10 + record->len;
        if (number_at(data, end + 2) == CLASS_IN)
            return 1;
    }
    memset(message->left, 0, sizeof(message->left));
    return 0;
}

const char *dcv_wire_target(const dcv_message_t *message,
                            const dcv_record_t *record, apr_pool_t *pool)
{
    apr_size_t at = (apr_size_t)(record->data - message->data), end = 0;
    const char *name =
        dcv_wire_name(message->data, message->len, at, &end, pool);

    return name && end == at + record->len ? name : NULL;
}

const char *dcv_wire_txt(apr_size_t *text_len, const unsigned char *data,
                         apr_size_t len, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, len + 1), *out = text;
    apr_size_t at = 0;

    while (at < len) {
        apr_size_t piece = data[at++];

        if (piece > len - at)
            return NULL;
        memcpy(out, data + at, piece);
        out += piece;
        at += piece;
    }
    *out = '\0';
    *text_len = (apr_size_t)(out - text);
    return len ? text : NULL;
}

int dcv_wire_is_in_zone(const char *name, const char *zone)
{
    apr_size_t name_len = strlen(name), zone_len = strlen(zone);

    return !zone_len ||
           (name_len >= zone_len && !strcmp(name + name_len - zone_len, zone) &&
            (name_len == zone_len || name[name_len - zone_len - 1] == '.'));
}
