/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "dcv/dcv_fetch_words.h"
#include "dcv/dcv_head.h"
#include "dcv/dcv_tls.h"
#include "dcv/dcv_url.h"

#include "base/banned.h"

/* Idle handles kept for the next transfers. */
#define IDLE_MAX 64
/* Of all header lines of all answers, 1xx included. */
#define HEADERS_MAX 65536
/* Of all that comes, since chunks and TLS records need not hold anything. */
#define OCTETS_MAX  (1024 * 1024)
#define BUFFER_SIZE 4096L

struct dcv_fetch_t {
    dcv_event_t *event;
    CURLM *multi;
    dcv_timer_t timer;
    struct curl_slist *headers;
    apr_pool_t *pool;
    apr_hash_t *open; /* descriptor → dcv_transfer_t * */
    dcv_transfer_t *idle;
    int idle_easy; /* idle ones that have their handle */
};

struct dcv_transfer_t {
    dcv_fetch_t *fetch;
    dcv_transfer_t *next; /* in the list of idle ones */
    CURL *easy;           /* perhaps none while idle */
    struct curl_slist *connect_to;
    dcv_request_t request;
    apr_size_t header_len;
    int fd;        /* -1: none */
    int is_enough; /* what came is all that matters */
    int is_coded;  /* the body would have to be unpacked */
    int refused;   /* the socket was: EACCES by a rule, EMFILE, … */
    char error[CURL_ERROR_SIZE];
};

/* The second look at the address, at the last moment. */
static curl_socket_t socket_open(void *baton, curlsocktype purpose,
                                 struct curl_sockaddr *wish)
{
    dcv_transfer_t *transfer = baton;
    const dcv_request_t *request = &transfer->request;
    int fd;

    if (purpose != CURLSOCKTYPE_IPCXN ||
        !dcv_address_is_same(request->address, &wish->addr) ||
        !dcv_net_is_allowed(request->net, &wish->addr, NULL)) {
        transfer->refused = EACCES;
        return CURL_SOCKET_BAD;
    }
    fd = socket(wish->family, wish->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                wish->protocol);
    if (fd < 0) {
        transfer->refused = errno;
        return CURL_SOCKET_BAD;
    }
    transfer->fd = fd;
    apr_hash_set(transfer->fetch->open, &transfer->fd, sizeof(fd), transfer);
    return fd;
}

static int socket_close(void *baton, curl_socket_t fd)
{
    dcv_fetch_t *fetch = baton;
    dcv_transfer_t *transfer = apr_hash_get(fetch->open, &fd, sizeof(fd));

    if (transfer) {
        apr_hash_set(fetch->open, &fd, sizeof(fd), NULL);
        transfer->fd = -1;
    }
    return close(fd);
}

static size_t header_take(char *data, size_t size, size_t count, void *baton)
{
    dcv_transfer_t *transfer = baton;
    size_t len = size * count;

    transfer->header_len += len;
    if (transfer->header_len > HEADERS_MAX)
        return 0;
    transfer->is_coded = dcv_head_is_coded(data, len);
    /* With an empty line the header is complete; what a redirect has for a body
     * does not matter, and need not end. */
    if (len && (*data == '\r' || *data == '\n') &&
        dcv_head_location(transfer->easy, transfer->request.pool))
        transfer->is_enough = 1;
    return transfer->is_coded || transfer->is_enough ? 0 : len;
}

static size_t body_take(char *data, size_t size, size_t count, void *baton)
{
    dcv_transfer_t *transfer = baton;

    if (transfer->request.body(transfer->request.baton, data, size * count))
        return size * count;
    transfer->is_enough = 1;
    return 0;
}

/* The other one does not make us begin again and again. */
static CURLcode tls_prepare(CURL *easy, void *ctx, void *baton)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    return CURLE_OK;
}

/* What is the same for every transfer of a handle. */
static void easy_prepare(dcv_transfer_t *transfer)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fetch->headers);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, socket_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_take);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    /* R26: no certificate checks, so old appliances may be talked to, and
     * loading the machine's roots (15 ms) would be for nothing. */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_0);
    curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST,
                     DCV_TLS_CIPHERS ":@SECLEVEL=0");
    curl_easy_setopt(easy, CURLOPT_SSL_EC_CURVES, DCV_TLS_GROUPS);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, tls_prepare);
}

static void transfer_list(dcv_transfer_t *transfer)
{
    transfer->next = transfer->fetch->idle;
    transfer->fetch->idle = transfer;
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
    if (transfer->easy) {
        fetch->idle_easy--;
    }
    else {
        transfer->easy = curl_easy_init();
        if (!transfer->easy) {
            transfer_list(transfer);
            return NULL;
        }
        easy_prepare(transfer);
    }
    return transfer;
}

/* curl never forgets an errno (CURLINFO_OS_ERRNO): the next transfer's failure
 * would be taken for this one's. */
static int has_os_error(const dcv_transfer_t *transfer)
{
    long number = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    return number != 0;
}

static void transfer_put(dcv_transfer_t *transfer)
{
    dcv_fetch_t *fetch = transfer->fetch;

    curl_multi_remove_handle(fetch->multi, transfer->easy);
    if (transfer->fd >= 0) /* never: its connection is closed by now */
        apr_hash_set(fetch->open, &transfer->fd, sizeof(transfer->fd), NULL);
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, NULL);
    curl_slist_free_all(transfer->connect_to);
    transfer->connect_to = NULL;
    if (fetch->idle_easy >= IDLE_MAX || has_os_error(transfer)) {
        curl_easy_cleanup(transfer->easy);
        transfer->easy = NULL;
    }
    else {
        fetch->idle_easy++;
    }
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
    words.is_long = transfer->header_len > HEADERS_MAX;
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
    finished_take(fetch);
    transfer = apr_hash_get(fetch->open, &fd, sizeof(fd));
    if (transfer && is_endless(fd))
        transfer_end(transfer, CURLE_FILESIZE_EXCEEDED);
}

static void timer_fired(void *baton)
{
    dcv_fetch_t *fetch = baton;
    int running;

    curl_multi_socket_action(fetch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finished_take(fetch);
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
    dcv_event_handle(event, DCV_EVENT_HTTP, descriptor_ready, made);
    apr_pool_cleanup_register(pool, made, fetch_close, apr_pool_cleanup_null);
    *fetch = made;
    return APR_SUCCESS;
}

/* "::192.0.2.1:80": whatever host and port the URL names, dial this. */
static struct curl_slist *pin_make(const dcv_request_t *request)
{
    char text[INET6_ADDRSTRLEN + 16];

    apr_snprintf(text, sizeof(text),
                 request->address->sock.any.sa_family == AF_INET6 ? "::[%s]:%d"
                                                                  : "::%s:%d",
                 request->address->text, request->port);
    return curl_slist_append(NULL, text);
}

dcv_transfer_t *dcv_fetch_start(dcv_fetch_t *fetch,
                                const dcv_request_t *request)
{
    dcv_transfer_t *transfer = transfer_take(fetch);

    if (!transfer)
        return NULL;
    transfer->request = *request;
    transfer->header_len = 0;
    transfer->fd = -1;
    transfer->is_enough = 0;
    transfer->is_coded = 0;
    transfer->refused = 0;
    transfer->error[0] = '\0';
    transfer->connect_to = pin_make(request);
    /* Without its pin a transfer could go anywhere. */
    if (!transfer->connect_to ||
        curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO,
                         transfer->connect_to) != CURLE_OK ||
        curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url) !=
            CURLE_OK ||
        curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT,
                         request->user_agent) != CURLE_OK ||
        curl_multi_add_handle(fetch->multi, transfer->easy) != CURLM_OK) {
        transfer_put(transfer);
        return NULL;
    }
    return transfer;
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
