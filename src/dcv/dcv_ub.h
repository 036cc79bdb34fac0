/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_UB_H
#define DCV_UB_H

/*
 * One libunbound context: name servers per zone, nothing cached, joined to the
 * loop by its descriptor.  Used by the loop's thread only; libunbound works on
 * a thread of its own.
 */

#include "base/log.h"
#include "dcv/dcv.h"
#include "dcv/dcv_event.h"

typedef struct dcv_ub_t dcv_ub_t;

/* What came of a question; all of it lives until done returns. */
typedef struct {
    const char *failure; /* why there are no records, or NULL */
    int is_no_name;      /* NXDOMAIN: there is no such name */
    int is_bogus;        /* somebody says so, but cannot prove it (DNSSEC) */
    int is_no_record;    /* the name is there, or may be; these are not */
    const char *owner;   /* whose records: the name, or where CNAMEs led */
    apr_int64_t ttl;     /* of the records */
    int count;
    char *const *data; /* of count records, lens[i] octets each */
    const int *lens;
    const unsigned char *packet; /* the whole message, NULL: none */
    apr_size_t packet_len;
} dcv_ub_answer_t;

typedef void (*dcv_ub_fn)(void *baton, const dcv_ub_answer_t *answer);

typedef struct {
    dcv_ub_t *ub; /* NULL: not asked, answered, or cancelled */
    struct dcv_ub_slot_t *slot;
    int type; /* DCV_WIRE_A, … */
    dcv_ub_fn done;
    void *baton;
    apr_pool_t *pool; /* of words */
} dcv_ub_query_t;

/* Which servers know what, and what of it is believed. */
typedef struct {
    const apr_array_header_t *zones;    /* of dcv_resolver_t *, one of them for
                                           everything */
    int sockets;                        /* at most so many at a time; they
                                           cost 1 KB each, used or not */
    const char *trust_anchor;           /* file; NULL: nothing is validated */
    const apr_array_header_t *insecure; /* of const char *: zones that need no
                                           signatures */
} dcv_ub_conf_t;

/* APR_EGENERAL when libunbound will not have it. */
apr_status_t dcv_ub_create(dcv_ub_t **ub, const dcv_ub_conf_t *conf,
                           dcv_event_t *event, const log_t *log,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Only when it is idle: no answer is waited for, and it is not its own done
 * function that asks. */
void dcv_ub_destroy(dcv_ub_t *ub);
int dcv_ub_is_idle(const dcv_ub_t *ub);

/* How many questions have sockets, or will; also if they were cancelled. */
int dcv_ub_open(const dcv_ub_t *ub);

/* Has it broken, so that another one must be made? */
int dcv_ub_is_broken(const dcv_ub_t *ub);

/* Records of query->type that name has, CNAMEs followed.  done is called once,
 * never before this returns.  query belongs to the caller; type, done, baton
 * and pool are set. */
apr_status_t dcv_ub_ask(dcv_ub_query_t *query, dcv_ub_t *ub, const char *name)
    __attribute__((warn_unused_result));
void dcv_ub_cancel(dcv_ub_query_t *query);

/* What dcv_event tells of a DCV_EVENT_DNS descriptor goes to all contexts; 0:
 * it is another one's. */
int dcv_ub_ready(dcv_ub_t *ub, int fd);

#endif
