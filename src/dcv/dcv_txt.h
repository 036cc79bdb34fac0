/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_TXT_H
#define DCV_TXT_H

/* What somebody said about the TXT records of a name, and whether that proves
 * it. */

#include "dcv/dcv.h"

/* The best one last. */
typedef enum {
    DCV_TXT_FAILED,    /* nobody could say */
    DCV_TXT_NO_NAME,   /* NXDOMAIN */
    DCV_TXT_NO_RECORD, /* the name has none */
    DCV_TXT_FOUND
} dcv_txt_e;

typedef struct {
    const char *text; /* strings of one record, joined; a NUL behind it */
    apr_size_t len;
    apr_int64_t ttl;
} dcv_txt_t;

/* All zero before the first record.  There may be thousands of them, from
 * somebody who wants to fill the memory: each is looked at when it comes, and
 * what is kept does not grow with them. */
typedef struct {
    dcv_txt_e outcome;
    int count;         /* of records */
    const char *shown; /* the first ones, quoted; NULL: there are none */
    int is_proof;      /* one of them proves it … */
    apr_int64_t lifetime, until; /* … for so long (dcv_result_t) */
    int rank;                    /* of the best one (dns-persist-01) */
    const char *hint; /* what is wrong with it, NULL: nothing special */
    const char *name; /* whose records: where CNAMEs led */
    const char *zone; /* that says so; NULL: not known */
    const char *by;   /* "ns1.a.test (192.0.2.1)", "192.0.2.53 of …" */
    const char *why;  /* there are none, in words; of DCV_TXT_FOUND: NULL */
} dcv_txts_t;

/* What a challenge wants to find. */
typedef struct {
    const char *name;   /* "_acme-challenge.a.test" */
    const char *value;  /* that one of the records must have; of
                           dns-persist-01: or another one to that effect */
    const char *secret; /* what value was made of: not to be published; NULL:
                           of nothing */
    const dcv_job_t *job;
} dcv_want_t;

dcv_want_t *dcv_txt_want(const dcv_job_t *job);

/* One more record, in scratch or anywhere: it may go afterwards. */
void dcv_txts_add(dcv_txts_t *txts, const dcv_want_t *want,
                  const dcv_txt_t *txt, apr_pool_t *scratch, apr_pool_t *pool);

/* What is wrong with what has been seen, and what may help.  authority and
 * resolver: NULL where there was none. */
problem_t *dcv_txt_problem(const dcv_want_t *want, const dcv_txts_t *authority,
                           const dcv_txts_t *resolver, apr_pool_t *pool);

#endif
