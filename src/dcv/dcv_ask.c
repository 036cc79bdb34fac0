/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_ask.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "base/token.h"

#include "base/banned.h"

/* One more try after the first, then the next server. */
#define RESEND_AFTER apr_time_from_msec(500)
#define PATIENCE     apr_time_from_msec(1500)
/* A whole answer by TCP, connection included. */
#define PATIENCE_TCP apr_time_from_sec(2)
/* Without EDNS more than 512 octets come by TCP; some send more anyway. */
#define DATAGRAM_MAX 4096
/* Datagrams that answer something else. */
#define STRAY_MAX 100

struct dcv_asker_t {
    apr_pool_t *pool;
    dcv_event_t *event;
    apr_hash_t *asks; /* descriptor → dcv_ask_t * */
};

struct dcv_ask_t {
    dcv_asker_t *asker;
    apr_pool_t *pool; /* its own, gone when it is done */
    dcv_ask_fn done;
    void *baton;
    dcv_address_t server;                              /* with its port */
    unsigned char question[2 + DCV_WIRE_QUESTION_MAX]; /* its length first */
    apr_size_t question_len;
    int fd; /* -1: none */
    int is_tcp, is_resent, strays;
    apr_size_t sent, got; /* by TCP, lengths included */
    unsigned char prefix[2];
    unsigned char *answer; /* NULL until its length is known */
    apr_size_t answer_len;
    dcv_timer_t timer;
};

static void descriptor_close(dcv_ask_t *ask)
{
    if (ask->fd < 0)
        return;
    dcv_event_watch(ask->asker->event, DCV_EVENT_ASK, ask->fd, 0);
    apr_hash_set(ask->asker->asks, &ask->fd, sizeof(ask->fd), NULL);
    close(ask->fd);
    ask->fd = -1;
}

static apr_status_t ask_close(void *data)
{
    dcv_ask_t *ask = data;

    dcv_event_timer_clear(ask->asker->event, &ask->timer);
    descriptor_close(ask);
    return APR_SUCCESS;
}

void dcv_ask_cancel(dcv_ask_t *ask)
{
    apr_pool_destroy(ask->pool);
}

/* The descriptor goes first: whoever hears of the answer may ask on.  His own
 * pool may be gone then; ours is the asker's. */
static void ask_end(dcv_ask_t *ask, dcv_message_t *reply, const char *failure)
{
    ask_close(ask);
    ask->done(ask->baton, reply, failure);
    apr_pool_destroy(ask->pool);
}

static const char *errno_text(int error)
{
    if (error == ECONNREFUSED)
        return "no name server there (refused)";
    if (error == EHOSTUNREACH || error == ENETUNREACH ||
        error == EAFNOSUPPORT || error == EADDRNOTAVAIL)
        return "not to be reached from the ACME server";
    if (error == EACCES || error == EPERM)
        return "forbidden by a firewall";
    return "the question cannot be sent";
}

/* 0, or errno. */
static int descriptor_open(dcv_ask_t *ask, int type, unsigned int events)
{
    const struct sockaddr *addr = &ask->server.sock.any;
    socklen_t len = addr->sa_family == AF_INET ? sizeof(ask->server.sock.v4)
                                               : sizeof(ask->server.sock.v6);
    int error;

    ask->fd = socket(addr->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ask->fd < 0)
        return errno;
    if (connect(ask->fd, addr, len) && errno != EINPROGRESS) {
        error = errno;
        close(ask->fd);
        ask->fd = -1;
        return error;
    }
    apr_hash_set(ask->asker->asks, &ask->fd, sizeof(ask->fd), ask);
    if (dcv_event_watch(ask->asker->event, DCV_EVENT_ASK, ask->fd, events) ==
        APR_SUCCESS)
        return 0;
    descriptor_close(ask);
    return ENOMEM;
}

/* 0, or errno. */
static int datagram_send(const dcv_ask_t *ask)
{
    return send(ask->fd, ask->question + 2, ask->question_len, MSG_NOSIGNAL) < 0
               ? errno
               : 0;
}

static void timer_set(dcv_ask_t *ask, apr_interval_time_t span)
{
    dcv_event_t *event = ask->asker->event;

    dcv_event_timer_set(event, &ask->timer, dcv_event_now(event) + span);
}

static void timer_fired(void *baton)
{
    dcv_ask_t *ask = baton;

    if (ask->is_tcp) {
        ask_end(ask, NULL, "the answer by TCP was not complete in time");
    }
    else if (ask->is_resent) {
        ask_end(ask, NULL, "no answer");
    }
    else {
        ask->is_resent = 1;
        (void)datagram_send(ask);
        timer_set(ask, PATIENCE - RESEND_AFTER);
    }
}

static void tcp_begin(dcv_ask_t *ask)
{
    descriptor_close(ask);
    ask->is_tcp = 1;
    if (!descriptor_open(ask, SOCK_STREAM, EPOLLOUT))
        timer_set(ask, PATIENCE_TCP);
    else
        ask_end(ask, NULL, "the answer was cut, and TCP cannot be had");
}

static void datagram_take(dcv_ask_t *ask)
{
    unsigned char data[DATAGRAM_MAX];
    ssize_t got = recv(ask->fd, data, sizeof(data), 0);
    dcv_message_t reply;

    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            ask_end(ask, NULL, errno_text(errno));
    }
    else if (!dcv_wire_reply(&reply, data, (apr_size_t)got, ask->question + 2,
                             ask->question_len)) {
        if (++ask->strays > STRAY_MAX)
            ask_end(ask, NULL, "answers to other questions only");
    }
    else if (reply.is_truncated) {
        tcp_begin(ask);
    }
    else {
        ask_end(ask, &reply, NULL);
    }
}

static void tcp_fail(dcv_ask_t *ask, int error)
{
    if (error == EAGAIN || error == EINTR)
        return;
    ask_end(ask, NULL,
            error == ECONNREFUSED ? "the answer was cut, and TCP is refused"
                                  : "the connection by TCP was lost");
}

static void tcp_write(dcv_ask_t *ask)
{
    ssize_t sent = send(ask->fd, ask->question + ask->sent,
                        2 + ask->question_len - ask->sent, MSG_NOSIGNAL);

    if (sent < 0) {
        tcp_fail(ask, errno);
        return;
    }
    ask->sent += (apr_size_t)sent;
    if (ask->sent == 2 + ask->question_len)
        (void)dcv_event_watch(ask->asker->event, DCV_EVENT_ASK, ask->fd,
                              EPOLLIN);
}

/* 0: the connection is over, or there is nothing more yet. */
static int tcp_piece(dcv_ask_t *ask)
{
    unsigned char *to =
        ask->answer ? ask->answer + ask->got - 2 : ask->prefix + ask->got;
    apr_size_t want =
        ask->answer ? ask->answer_len + 2 - ask->got : 2 - ask->got;
    ssize_t got = recv(ask->fd, to, want, 0);

    if (got <= 0) {
        tcp_fail(ask, got ? errno : EPIPE);
        return 0;
    }
    ask->got += (apr_size_t)got;
    return 1;
}

static void tcp_read(dcv_ask_t *ask)
{
    dcv_message_t reply;

    while (!ask->answer || ask->got < ask->answer_len + 2) {
        if (!tcp_piece(ask))
            return;
        if (ask->answer || ask->got < 2)
            continue;
        ask->answer_len = (apr_size_t)ask->prefix[0] << 8 | ask->prefix[1];
        ask->answer = apr_palloc(ask->pool, ask->answer_len + 1);
    }
    if (dcv_wire_reply(&reply, ask->answer, ask->answer_len, ask->question + 2,
                       ask->question_len))
        ask_end(ask, &reply, NULL);
    else
        ask_end(ask, NULL, "an answer by TCP to another question");
}

static void ready(void *baton, int fd, unsigned int events)
{
    dcv_asker_t *asker = baton;
    dcv_ask_t *ask = apr_hash_get(asker->asks, &fd, sizeof(fd));

    if (!ask)
        return;
    if (!ask->is_tcp)
        datagram_take(ask);
    else if (ask->sent < 2 + ask->question_len)
        tcp_write(ask);
    else
        tcp_read(ask);
}

dcv_asker_t *dcv_asker_make(dcv_event_t *event, apr_pool_t *pool)
{
    dcv_asker_t *asker = apr_pcalloc(pool, sizeof(*asker));

    asker->pool = pool;
    asker->event = event;
    asker->asks = apr_hash_make(pool);
    dcv_event_handle(event, DCV_EVENT_ASK, ready, asker);
    return asker;
}

static int random_id(void)
{
    unsigned char octets[2];

    token_bytes(octets, sizeof(octets));
    return octets[0] << 8 | octets[1];
}

/* The first datagram: 0, or errno. */
static int ask_begin(dcv_ask_t *ask)
{
    int error;

    if (!ask->question_len)
        return EINVAL;
    error = descriptor_open(ask, SOCK_DGRAM, EPOLLIN);
    return error ? error : datagram_send(ask);
}

dcv_ask_t *dcv_ask_start(const char **failure, dcv_asker_t *asker,
                         const dcv_address_t *server, int port,
                         const char *name, int type, dcv_ask_fn done,
                         void *baton)
{
    apr_pool_t *own;
    dcv_ask_t *ask;
    int error;

    apr_pool_create(&own, asker->pool);
    ask = apr_pcalloc(own, sizeof(*ask));
    ask->asker = asker;
    ask->pool = own;
    ask->done = done;
    ask->baton = baton;
    ask->server = *server;
    if (server->sock.any.sa_family == AF_INET)
        ask->server.sock.v4.sin_port = htons((in_port_t)port);
    else
        ask->server.sock.v6.sin6_port = htons((in_port_t)port);
    ask->fd = -1;
    ask->timer.fire = timer_fired;
    ask->timer.baton = ask;
    apr_pool_cleanup_register(own, ask, ask_close, apr_pool_cleanup_null);
    ask->question_len =
        dcv_wire_question(ask->question + 2, random_id(), name, type);
    ask->question[0] = (unsigned char)(ask->question_len >> 8);
    ask->question[1] = (unsigned char)ask->question_len;
    error = ask_begin(ask);
    if (error) {
        apr_pool_destroy(own);
        *failure = errno_text(error);
        return NULL;
    }
    timer_set(ask, RESEND_AFTER);
    return ask;
}
