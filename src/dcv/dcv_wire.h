/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_WIRE_H
#define DCV_WIRE_H

/*
 * DNS messages (RFC 1035 4).  What is read may come from anybody: nothing
 * outside the message is looked at, compression cannot loop.  Names are text,
 * lower case and without the last dot ("" is the root); what no host name has
 * is written "\123", so that no such name equals a plain one.
 */

#include <apr_pools.h>

#define DCV_WIRE_A      1
#define DCV_WIRE_NS     2
#define DCV_WIRE_CNAME  5
#define DCV_WIRE_SOA    6
#define DCV_WIRE_TXT    16
#define DCV_WIRE_AAAA   28
#define DCV_WIRE_CAA    257
#define DCV_WIRE_NXNAME 3 /* an rcode */

/* More than any question has. */
#define DCV_WIRE_QUESTION_MAX 300

typedef enum {
    DCV_WIRE_ANSWER,
    DCV_WIRE_AUTHORITY,
    DCV_WIRE_ADDITIONAL
} dcv_section_e;

typedef struct {
    const unsigned char *data;
    apr_size_t len;
    int rcode;
    int is_authoritative, is_truncated;
    int left[3];   /* records not yet read, per section */
    apr_size_t at; /* of the next one */
} dcv_message_t;

typedef struct {
    dcv_section_e section;
    const char *owner;
    int type;
    apr_int64_t ttl;
    const unsigned char *data; /* in the message */
    apr_size_t len;
} dcv_record_t;

/* Room for DCV_WIRE_QUESTION_MAX octets; recursion is not desired.  The length;
 * 0 if name is none. */
apr_size_t dcv_wire_question(unsigned char *out, int id, const char *name,
                             int type);

/* 0: data is no whole answer to the question[question_len]. */
int dcv_wire_reply(dcv_message_t *message, const unsigned char *data,
                   apr_size_t len, const unsigned char *question,
                   apr_size_t question_len);

/* 0: data is no message with one question; else its records can be read. */
int dcv_wire_open(dcv_message_t *message, const unsigned char *data,
                  apr_size_t len);

/* The next record of class IN; 0: there is none, or the rest is garbage. */
int dcv_wire_next(dcv_record_t *record, dcv_message_t *message,
                  apr_pool_t *pool);

/* The name at this place of data, which may refer to others in data; NULL: it
 * is none.  *end: where it ends. */
const char *dcv_wire_name(const unsigned char *data, apr_size_t len,
                          apr_size_t at, apr_size_t *end, apr_pool_t *pool);

/* The name that a record of type CNAME or NS holds; NULL: none. */
const char *dcv_wire_target(const dcv_message_t *message,
                            const dcv_record_t *record, apr_pool_t *pool);

/* A TXT record's strings, joined (RFC 8555 8.4 by way of RFC 1035 3.3.14), a
 * NUL behind them; NULL: they are none. */
const char *dcv_wire_txt(apr_size_t *text_len, const unsigned char *data,
                         apr_size_t len, apr_pool_t *pool);

/* Is name zone, or below it? */
int dcv_wire_is_in_zone(const char *name, const char *zone);

#endif
