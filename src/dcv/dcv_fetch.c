/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_fetch.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "dcv/dcv_again.h"
#include "dcv/dcv_fetch_easy.h"
#include "dcv/dcv_fetch_words.h"
#include "dcv/dcv_head.h"
#include "dcv/dcv_url.h"

#include "base/banned.h"

/* Idle handles kept for the next transfers. */
#define IDLE_MAX 64
/* Of all that comes, since chunks and TLS records need not hold anything. */
#define OCTETS_MAX (1024 * 1024)
/* Transfers over TLS that keep their state, some 60 KB, while the server is
 * silent. */
#define WARM_MAX 32

static void transfer_list(dcv_transfer_t *transfer)
{
    transfer->next = transfer->fetch->idle;
    transfer->fetch->idle = transfer;
}

static int easy_ensure(dcv_transfer_t *transfer)
{
    if (transfer->easy)
        return 1;
    transfer->easy = curl_easy_init();
    if (transfer->easy)
        dcv_fetch_easy_prepare(transfer);
    return transfer->easy != NULL;
}

static void easy_drop(dcv_transfer_t *transfer)
{
    curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
}

/* An idle one, or a new one; NULL when curl has no memory. */
static dcv_transfer_t *transfer_take(dcv_fetch_t *fetch)
{
    dcv_transfer_t *transfer = fetch->idle;

    if (transfer)
        fetch->idle = transfer->next;
    else
        transfer = apr_pcalloc(fetch->pool, sizeof(*transfer));
    transfer->fetch = fetch;
    transfer->parked = -1;
    fetch->idle_easy -= transfer->easy != NULL;
    if (easy_ensure(transfer))
        return transfer;
    transfer_list(transfer);
    return NULL;
}

/* curl never forgets an errno (CURLINFO_OS_ERRNO): the next transfer's failure
 * would be taken for this one's. */
static int has_os_error(const dcv_transfer_t *transfer)
{
    long number = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    return number != 0;
}

/* curl lets go of it, and of its connection. */
static void easy_stop(dcv_transfer_t *transfer)
{
    dcv_fetch_t *fetch = transfer->fetch;

    if (transfer->is_warm) {
        APR_RING_REMOVE(transfer, link);
        fetch->warm_count--;
        transfer->is_warm = 0;
    }
    curl_multi_remove_handle(fetch->multi, transfer->easy);
    if (transfer->fd >= 0) /* never: its connection is closed by now */
        apr_hash_set(fetch->open, &transfer->fd, sizeof(transfer->fd), NULL);
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, NULL);
    curl_slist_free_all(transfer->connect_to);
    transfer->connect_to = NULL;
}

static void parked_close(dcv_transfer_t *transfer)
{
    dcv_fetch_t *fetch = transfer->fetch;

    if (transfer->parked < 0)
        return;
    dcv_event_watch(fetch->event, DCV_EVENT_PARKED, transfer->parked, 0);
    apr_hash_set(fetch->parked, &transfer->parked, sizeof(transfer->parked),
                 NULL);
    close(transfer->parked);
    transfer->parked = -1;
}

static void transfer_put(dcv_transfer_t *transfer)
{
    dcv_fetch_t *fetch = transfer->fetch;

    dcv_event_timer_clear(fetch->event, &transfer->timer);
    parked_close(transfer);
    if (transfer->easy)
        easy_stop(transfer);
    if (transfer->easy &&
        (fetch->idle_easy >= IDLE_MAX || has_os_error(transfer)))
        easy_drop(transfer);
    fetch->idle_easy += transfer->easy != NULL;
    transfer_list(transfer);
}

/* What has come of it, as words. */
static void reply_init(dcv_reply_t *reply, const dcv_transfer_t *transfer,
                       CURLcode code)
{
    apr_pool_t *pool = transfer->request.pool;
    const char *location = dcv_head_location(transfer->easy, pool);
    dcv_fetch_words_t words = {0};
    long number = 0;

    memset(reply, 0, sizeof(*reply));
    reply->status = dcv_head_status(transfer->easy);
    if (code == CURLE_OK || transfer->is_enough) {
        if (location)
            reply->redirect =
                dcv_url_join(transfer->request.url, location, pool);
        return;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    words.code = code;
    words.os_error = transfer->refused ? transfer->refused : (int)number;
    words.is_refused = transfer->refused != 0;
    words.is_long = transfer->header_len > DCV_FETCH_HEADERS_MAX;
    words.is_coded = transfer->is_coded;
    words.is_endless = code == CURLE_FILESIZE_EXCEEDED;
    words.has_begun = transfer->header_len > 0;
    words.error = transfer->error;
    dcv_fetch_words(reply, &words, pool);
}

/* The transfer is let go of first: whoever hears of it may start the next
 * one. */
static void transfer_end(dcv_transfer_t *transfer, CURLcode code)
{
    dcv_request_t request = transfer->request;
    dcv_reply_t reply;

    reply_init(&reply, transfer, code);
    transfer_put(transfer);
    request.done(request.baton, &reply);
}

/* Hand out what curl has finished. */
static void finished_take(dcv_fetch_t *fetch)
{
    CURLMsg *message;
    int left;

    for (message = curl_multi_info_read(fetch->multi, &left); message;
         message = curl_multi_info_read(fetch->multi, &left)) {
        dcv_transfer_t *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer_end(transfer, message->data.result);
    }
}

/* Without a word of farewell: a server that hears one hangs up. */
static void tls_hush(const dcv_transfer_t *transfer)
{
    struct curl_tlssessioninfo *session = NULL;

    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &session) ==
            CURLE_OK &&
        session && session->internals)
        SSL_set_quiet_shutdown(session->internals, 1);
}

/* Thousands of silent servers must not cost as much memory as those that speak:
 * who waits longest keeps its connection only, and asks once more when there
 * is something to be heard on that. */
static void oldest_park(dcv_fetch_t *fetch)
{
    dcv_transfer_t *transfer = APR_RING_FIRST(&fetch->warm);

    transfer->stage = dcv_fetch_stage(transfer);
    transfer->is_parking = 1;
    tls_hush(transfer);
    easy_stop(transfer);
    easy_drop(transfer);
    transfer->is_parking = 0;
    apr_hash_set(fetch->parked, &transfer->parked, sizeof(transfer->parked),
                 transfer);
    (void)dcv_event_watch(fetch->event, DCV_EVENT_PARKED, transfer->parked,
                          EPOLLIN);
}

/* curl has done something. */
static void turn_end(dcv_fetch_t *fetch)
{
    finished_take(fetch);
    while (fetch->warm_count > WARM_MAX)
        oldest_park(fetch);
}

static int is_endless(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
           info.tcpi_bytes_received > OCTETS_MAX;
}

static void descriptor_ready(void *baton, int fd, unsigned int events)
{
    dcv_fetch_t *fetch = baton;
    dcv_transfer_t *transfer;
    int mask = 0, running;

    if (events & EPOLLIN)
        mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_ERR;
    curl_multi_socket_action(fetch->multi, fd, mask, &running);
    turn_end(fetch);
    transfer = apr_hash_get(fetch->open, &fd, sizeof(fd));
    if (transfer && is_endless(fd))
        transfer_end(transfer, CURLE_FILESIZE_EXCEEDED);
}

static void timer_fired(void *baton)
{
    dcv_fetch_t *fetch = baton;
    int running;

    curl_multi_socket_action(fetch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    turn_end(fetch);
}

static int timer_wanted(CURLM *multi, long msec, void *baton)
{
    dcv_fetch_t *fetch = baton;

    if (msec < 0)
        dcv_event_timer_clear(fetch->event, &fetch->timer);
    else
        dcv_event_timer_set(fetch->event, &fetch->timer,
                            dcv_event_now(fetch->event) +
                                apr_time_from_msec(msec));
    return 0;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *baton,
                         void *socket_baton)
{
    dcv_fetch_t *fetch = baton;
    unsigned int events = 0;

    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= EPOLLOUT;
    dcv_event_watch(fetch->event, DCV_EVENT_HTTP, fd, events);
    return 0;
}

/* 0: it cannot be. */
static int transfer_begin(dcv_transfer_t *transfer)
{
    const dcv_request_t *request = &transfer->request;

    transfer->header_len = 0;
    transfer->fd = -1;
    transfer->is_enough = 0;
    transfer->is_coded = 0;
    transfer->refused = 0;
    transfer->error[0] = '\0';
    transfer->connect_to = dcv_fetch_easy_pin(request->address, request->port);
    /* Without its pin a transfer could go anywhere. */
    return transfer->connect_to &&
           curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO,
                            transfer->connect_to) == CURLE_OK &&
           curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url) ==
               CURLE_OK &&
           curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT,
                            request->user_agent) == CURLE_OK &&
           curl_multi_add_handle(transfer->fetch->multi, transfer->easy) ==
               CURLM_OK;
}

/* A parked one was heard of: from the beginning. */
static void again(void *baton)
{
    dcv_transfer_t *transfer = baton;
    dcv_request_t request = transfer->request;
    dcv_reply_t reply = {0};

    if (transfer->woken >= 0 && easy_ensure(transfer)) {
        request.again(request.baton);
        if (transfer_begin(transfer))
            return;
    }
    transfer_put(transfer);
    reply.is_ours = 1;
    reply.failure = "it cannot be asked once more, since so many servers hang";
    request.done(request.baton, &reply);
}

dcv_transfer_t *dcv_fetch_start(dcv_fetch_t *fetch,
                                const dcv_request_t *request)
{
    dcv_transfer_t *transfer = transfer_take(fetch);

    if (!transfer)
        return NULL;
    transfer->request = *request;
    transfer->woken = 0;
    transfer->timer.fire = again;
    transfer->timer.baton = transfer;
    if (transfer_begin(transfer))
        return transfer;
    transfer_put(transfer);
    return NULL;
}

static void parked_ready(void *baton, int fd, unsigned int events)
{
    dcv_fetch_t *fetch = baton;
    dcv_transfer_t *transfer = apr_hash_get(fetch->parked, &fd, sizeof(fd));
    apr_interval_time_t pause;

    if (!transfer)
        return;
    parked_close(transfer);
    pause = dcv_again_pause(transfer->woken);
    transfer->woken = pause < 0 ? -1 : transfer->woken + 1;
    if (pause > 0)
        dcv_event_timer_set(fetch->event, &transfer->timer,
                            dcv_event_now(fetch->event) + pause);
    else
        again(transfer);
}

/* Transfers in flight have been cancelled before. */
static apr_status_t fetch_close(void *data)
{
    dcv_fetch_t *fetch = data;
    dcv_transfer_t *transfer;

    for (transfer = fetch->idle; transfer; transfer = transfer->next) {
        if (transfer->easy)
            curl_easy_cleanup(transfer->easy);
    }
    curl_multi_cleanup(fetch->multi);
    curl_slist_free_all(fetch->headers);
    return APR_SUCCESS;
}

apr_status_t dcv_fetch_create(dcv_fetch_t **fetch, dcv_event_t *event,
                              apr_pool_t *pool)
{
    dcv_fetch_t *made = apr_pcalloc(pool, sizeof(*made));

    made->pool = pool;
    made->event = event;
    made->open = apr_hash_make(pool);
    made->multi = curl_multi_init();
    if (!made->multi)
        return APR_ENOMEM;
    made->headers = curl_slist_append(NULL, "Connection: close");
    made->timer.fire = timer_fired;
    made->timer.baton = made;
    curl_multi_setopt(made->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
    curl_multi_setopt(made->multi, CURLMOPT_SOCKETDATA, made);
    curl_multi_setopt(made->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
    curl_multi_setopt(made->multi, CURLMOPT_TIMERDATA, made);
    made->parked = apr_hash_make(pool);
    APR_RING_INIT(&made->warm, dcv_transfer_t, link);
    dcv_event_handle(event, DCV_EVENT_HTTP, descriptor_ready, made);
    dcv_event_handle(event, DCV_EVENT_PARKED, parked_ready, made);
    apr_pool_cleanup_register(pool, made, fetch_close, apr_pool_cleanup_null);
    *fetch = made;
    return APR_SUCCESS;
}

void dcv_fetch_cancel(dcv_transfer_t *transfer)
{
    transfer_put(transfer);
}

dcv_stage_e dcv_fetch_stage(const dcv_transfer_t *transfer)
{
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof(peer);
    curl_off_t tls = 0;

    if (!transfer->easy)
        return transfer->stage;
    if (transfer->header_len)
        return DCV_STAGE_RECEIVE;
    /* curl's own times tell of a connection when it is ready for use only. */
    if (transfer->fd < 0 ||
        getpeername(transfer->fd, (struct sockaddr *)&peer, &peer_len))
        return DCV_STAGE_CONNECT;
    curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &tls);
    if (!strncmp(transfer->request.url, "https:", 6) && !tls)
        return DCV_STAGE_TLS;
    return DCV_STAGE_WAIT;
}
