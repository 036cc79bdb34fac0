/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_ATTEMPT_H
#define DCV_ATTEMPT_H

/*
 * What a validation has tried so far, to be told to those who run the client
 * when it fails (protocol.md, http-01 errors): URL, hop, resolver, every
 * address with its port and its reason, and a hint.
 */

#include "base/problem.h"

typedef struct {
    apr_pool_t *pool;
    const char *url;      /* what is to be fetched now */
    const char *from;     /* which URL redirected here; NULL at first */
    int hop;              /* redirects so far */
    const char *host;     /* of url */
    int port;             /* of url */
    const char *resolver; /* who knew its addresses; NULL: nobody asked */
    const char *tried;    /* addresses of url and why not; "" at first */
} dcv_attempt_t;

void dcv_attempt_init(dcv_attempt_t *attempt, apr_pool_t *pool);

/* The next URL, its host not yet resolved. */
void dcv_attempt_hop(dcv_attempt_t *attempt, const char *url, const char *host,
                     int port);

/* This address did not help: why. */
void dcv_attempt_note(dcv_attempt_t *attempt, const char *address,
                      const char *why);

/* Of this type, with all that was tried; why (of the whole, after the tried
 * addresses) and hint may be NULL. */
problem_t *dcv_attempt_problem(const dcv_attempt_t *attempt,
                               problem_type_e type, const char *why,
                               const char *hint);

#endif
