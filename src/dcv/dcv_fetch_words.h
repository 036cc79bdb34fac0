/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_FETCH_WORDS_H
#define DCV_FETCH_WORDS_H

/* What curl and the system say, for those who run the other machine. */

#include <curl/curl.h>

#include "dcv/dcv_fetch.h"

typedef struct {
    CURLcode code;
    int os_error;      /* errno of it, 0 without */
    int is_refused;    /* we made no socket */
    int is_long;       /* too many header lines */
    int is_coded;      /* a transfer coding that is not unpacked */
    int is_endless;    /* too many octets of any kind */
    int has_begun;     /* the answer */
    const char *error; /* curl's own words */
} dcv_fetch_words_t;

/* Sets failure, hint, type and is_ours. */
void dcv_fetch_words(dcv_reply_t *reply, const dcv_fetch_words_t *words,
                     apr_pool_t *pool);

/* The same for a transfer that took too long. */
void dcv_fetch_words_late(dcv_reply_t *reply, dcv_stage_e stage);

/* What errno says of a connection; nothing is set if it says nothing. */
void dcv_fetch_words_system(dcv_reply_t *reply, int os_error);

/* Is it ours, and may it pass: out of descriptors, ports, memory? */
int dcv_fetch_words_is_ours(int os_error);

#endif
