/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_said.h"

#include <string.h>

#include <apr_strings.h>

#include "base/words.h"

#include "base/banned.h"

/* Servers of one zone. */
#define SERVERS_MAX 13

void dcv_said_server_add(apr_array_header_t *servers, const char *name)
{
    if (name && *name && !strchr(name, '\\') && servers->nelts < SERVERS_MAX &&
        !words_has(servers, name))
        APR_ARRAY_PUSH(servers, const char *) =
            apr_pstrdup(servers->pool, name);
}

typedef struct {
    dcv_said_t *said;
    const dcv_message_t *reply;
    const char *name;
    const dcv_want_t *want;
    apr_pool_t *scratch, *pool;
} read_t;

static void txt_take(const read_t *one, const dcv_record_t *record)
{
    dcv_txt_t txt;

    txt.text = dcv_wire_txt(&txt.len, record->data, record->len, one->scratch);
    txt.ttl = record->ttl;
    if (txt.text)
        dcv_txts_add(&one->said->txts, one->want, &txt, one->scratch,
                     one->pool);
}

static void record_take(const read_t *one, const dcv_record_t *record)
{
    dcv_said_t *said = one->said;
    int is_ours =
        record->section == DCV_WIRE_ANSWER && !strcmp(record->owner, one->name);

    if (is_ours && record->type == DCV_WIRE_TXT) {
        txt_take(one, record);
    }
    else if (is_ours && record->type == DCV_WIRE_CNAME) {
        if (!said->alias)
            said->alias = apr_pstrdup(
                one->pool, dcv_wire_target(one->reply, record, one->scratch));
    }
    else if (record->section == DCV_WIRE_AUTHORITY &&
             record->type == DCV_WIRE_NS &&
             (!said->zone || !strcmp(said->zone, record->owner))) {
        if (!said->zone)
            said->zone = apr_pstrdup(one->pool, record->owner);
        if (said->servers->nelts < SERVERS_MAX)
            dcv_said_server_add(
                said->servers,
                dcv_wire_target(one->reply, record, one->scratch));
    }
}

/* There may be thousands of records, so that each goes away at once. */
void dcv_said_read(dcv_said_t *said, dcv_message_t *reply, const char *name,
                   const dcv_want_t *want, apr_pool_t *pool)
{
    read_t one = {said, reply, name, want, NULL, pool};
    dcv_record_t record;

    memset(said, 0, sizeof(*said));
    said->servers = apr_array_make(pool, 4, sizeof(const char *));
    apr_pool_create(&one.scratch, pool);
    while (dcv_wire_next(&record, reply, one.scratch)) {
        record_take(&one, &record);
        apr_pool_clear(one.scratch);
    }
    apr_pool_destroy(one.scratch);
}

int dcv_said_is_referral(const dcv_said_t *said, const char *name,
                         const char *zone)
{
    return said->zone && said->servers->nelts &&
           strlen(said->zone) > strlen(zone) &&
           dcv_wire_is_in_zone(said->zone, zone) &&
           dcv_wire_is_in_zone(name, said->zone);
}

const char *dcv_said_zone(const unsigned char *packet, apr_size_t len,
                          apr_pool_t *pool)
{
    const char *zone = NULL;
    dcv_message_t message;
    dcv_record_t record;
    apr_pool_t *scratch;

    if (!packet || !dcv_wire_open(&message, packet, len))
        return NULL;
    apr_pool_create(&scratch, pool);
    while (!zone && dcv_wire_next(&record, &message, scratch)) {
        if (record.section == DCV_WIRE_AUTHORITY && record.type == DCV_WIRE_SOA)
            zone = apr_pstrdup(pool, record.owner);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return zone;
}
