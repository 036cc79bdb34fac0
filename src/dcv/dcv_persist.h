/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_PERSIST_H
#define DCV_PERSIST_H

/*
 * The records of dns-persist-01 (draft-ietf-acme-dns-persist-02): RFC 8659's
 * issue-value, "ca.example; policy=wildcard; persistUntil=1767225600;
 * accounturi=https://ca.example/acme/account-hash/sha-256/5SQ…".  Names and
 * tags are the same in any case of letters, the URL is not; parameters that
 * nobody knows do not matter.  In draft 01 the URL was the account's own, and
 * the record good for its TTL.
 */

#include "dcv/dcv_txt.h"

/* The best one last. */
typedef enum {
    DCV_PERSIST_OTHER,     /* of another CA, or no such record at all */
    DCV_PERSIST_UNFIT,     /* ours, but not for this */
    DCV_PERSIST_MALFORMED, /* ours, but nobody can know what it means */
    DCV_PERSIST_GOOD
} dcv_persist_e;

typedef struct {
    const char *why;   /* what is wrong with one of ours, else NULL */
    apr_int64_t until; /* persistUntil; 0: there is none */
    int is_url;        /* it names the account by its own URL */
} dcv_persist_t;

/* What a record of this value says for the job, at this time. */
dcv_persist_e dcv_persist_judge(dcv_persist_t *said, const dcv_txt_t *txt,
                                const dcv_job_t *job, apr_int64_t now,
                                apr_pool_t *pool);

/* The value that should be there. */
const char *dcv_persist_value(const dcv_job_t *job);

#endif
