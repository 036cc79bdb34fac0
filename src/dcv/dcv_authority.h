/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_AUTHORITY_H
#define DCV_AUTHORITY_H

/*
 * TXT records, from the servers of their zone: what has just been published is
 * there first, and no cache says that it is not.  The configured resolver
 * knows which servers these are; from there on delegations (NS) and aliases
 * (CNAME) are followed.  What the DNS says is a stranger's word: each address
 * is looked at by dcv_net, a server is believed about its own zone only, and
 * the whole costs a limited number of questions.  The root's servers are never
 * asked.
 */

#include "dcv/dcv_run.h"
#include "dcv/dcv_txt.h"

typedef struct dcv_authority_t dcv_authority_t;

/* txts is in the job's pool. */
typedef void (*dcv_authority_fn)(void *baton, const dcv_txts_t *txts);

dcv_authority_t *dcv_authority_make(dcv_run_t *run, const dcv_want_t *want,
                                    dcv_authority_fn done, void *baton);

/* done is called once, perhaps before this returns.  May be asked again, then:
 * another server of several is the first to be asked. */
void dcv_authority_ask(dcv_authority_t *authority);

/* done is not called any more. */
void dcv_authority_cancel(dcv_authority_t *authority);

/* Of a survey (dcv_job_t), while it asks: what is known already, NULL: none. */
const dcv_txts_t *dcv_authority_held(const dcv_authority_t *authority);

/* While it asks: who did not help, and who is being asked, for a message. */
const char *dcv_authority_where(const dcv_authority_t *authority);

#endif
