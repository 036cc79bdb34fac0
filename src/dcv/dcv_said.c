/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_said.h"

#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

/* Servers of one zone. */
#define SERVERS_MAX 13

void dcv_said_server_add(apr_array_header_t *servers, const char *name)
{
    int i;

    if (!name || !*name || strchr(name, '\\') || servers->nelts >= SERVERS_MAX)
        return;
    for (i = 0; i < servers->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(servers, i, const char *), name))
            return;
    }
    APR_ARRAY_PUSH(servers, const char *) = name;
}

static void record_take(dcv_said_t *said, const dcv_message_t *reply,
                        const dcv_record_t *record, const char *name,
                        apr_pool_t *pool)
{
    int is_ours =
        record->section == DCV_WIRE_ANSWER && !strcmp(record->owner, name);
    dcv_txt_t txt;

    if (is_ours && record->type == DCV_WIRE_TXT) {
        txt.text = dcv_wire_txt(&txt.len, record->data, record->len, pool);
        txt.ttl = record->ttl;
        if (txt.text)
            APR_ARRAY_PUSH(said->values, dcv_txt_t) = txt;
    }
    else if (is_ours && record->type == DCV_WIRE_CNAME) {
        said->alias = dcv_wire_target(reply, record, pool);
    }
    else if (record->section == DCV_WIRE_AUTHORITY &&
             record->type == DCV_WIRE_NS &&
             (!said->zone || !strcmp(said->zone, record->owner))) {
        if (!said->zone)
            said->zone = apr_pstrdup(pool, record->owner);
        if (said->servers->nelts < SERVERS_MAX)
            dcv_said_server_add(said->servers,
                                dcv_wire_target(reply, record, pool));
    }
}

/* Owners are read into a pool of their own: there may be thousands. */
void dcv_said_read(dcv_said_t *said, dcv_message_t *reply, const char *name,
                   apr_pool_t *pool)
{
    dcv_record_t record;
    apr_pool_t *scratch;

    said->values = apr_array_make(pool, 2, sizeof(dcv_txt_t));
    said->servers = apr_array_make(pool, 4, sizeof(const char *));
    said->zone = NULL;
    said->alias = NULL;
    apr_pool_create(&scratch, pool);
    while (dcv_wire_next(&record, reply, scratch)) {
        record_take(said, reply, &record, name, pool);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
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
