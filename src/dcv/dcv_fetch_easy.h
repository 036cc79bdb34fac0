/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_FETCH_EASY_H
#define DCV_FETCH_EASY_H

/*
 * A transfer as curl sees it: what every handle has in common, and what curl
 * calls.  For dcv_fetch.c only.
 */

#include <curl/curl.h>

#include <apr_hash.h>
#include <apr_ring.h>

#include "dcv/dcv_fetch.h"

/* Of all header lines of all answers, 1xx included. */
#define DCV_FETCH_HEADERS_MAX 65536

APR_RING_HEAD(dcv_transfers_t, dcv_transfer_t);

struct dcv_fetch_t {
    dcv_event_t *event;
    CURLM *multi;
    dcv_timer_t timer;
    struct curl_slist *headers;
    apr_pool_t *pool;
    apr_hash_t *open; /* descriptor → dcv_transfer_t * */
    dcv_transfer_t *idle;
    int idle_easy; /* idle ones that have their handle */
    /* In the TLS handshake, or behind it; the oldest first. */
    struct dcv_transfers_t warm;
    int warm_count;
    apr_hash_t *parked; /* descriptor → dcv_transfer_t * */
};

struct dcv_transfer_t {
    dcv_fetch_t *fetch;
    dcv_transfer_t *next; /* in the list of idle ones */
    CURL *easy;           /* perhaps none while idle; none when parked,
                             and until it begins anew */
    APR_RING_ENTRY(dcv_transfer_t) link;
    int is_warm, is_parking;
    int parked;        /* the descriptor then; -1: it is not */
    int woken;         /* how often it was heard of then; -1: too often */
    dcv_timer_t timer; /* until it begins anew */
    dcv_stage_e stage; /* when it was parked */
    struct curl_slist *connect_to;
    dcv_request_t request;
    apr_size_t header_len;
    int fd;        /* -1: none */
    int is_enough; /* what came is all that matters */
    int is_coded;  /* the body would have to be unpacked */
    int refused;   /* the socket was: EACCES by a rule, EMFILE, … */
    char error[CURL_ERROR_SIZE];
};

/* HTTP only, no redirects, proxies, credentials, cookies or caches, no
 * connection that was there before, no look at certificates. */
void dcv_fetch_easy_prepare(dcv_transfer_t *transfer);

/* "::192.0.2.1:80": whatever host and port the URL names, dial this
 * (CURLOPT_CONNECT_TO).  NULL: no memory. */
struct curl_slist *dcv_fetch_easy_pin(const dcv_address_t *address, int port);

#endif
