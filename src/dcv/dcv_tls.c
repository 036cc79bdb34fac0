/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_ring.h>

#include "dcv/dcv_again.h"
#include "dcv/dcv_tls_words.h"

#include "base/banned.h"

/* What a peer may send in all, and what is taken of it at a time. */
#define OCTETS_MAX 65536
#define PIECE_MAX  4096
/* Of a certificate with its chain. */
#define CHAIN_MAX 32768L

/* Handshakes that keep their state, some 45 KB, while the peer is silent. */
#define WARM_MAX 32

#define PROTOCOL "acme-tls/1"

APR_RING_HEAD(dcv_shakes_t, dcv_shake_t);

struct dcv_tls_t {
    apr_pool_t *pool;
    dcv_event_t *event;
    SSL_CTX *ctx;
    apr_hash_t *shakes;       /* descriptor → dcv_shake_t * */
    struct dcv_shakes_t warm; /* that have their state, the oldest first */
    int warm_count;
};

struct dcv_shake_t {
    APR_RING_ENTRY(dcv_shake_t) link;
    dcv_tls_t *tls;
    apr_pool_t *pool; /* its own, gone when it is done */
    dcv_tls_request_t request;
    int fd; /* -1: none */
    int error;
    SSL *ssl;             /* NULL until connected, and when parked */
    int is_parked, woken; /* now; how often it was */
    BIO *in, *out;
    apr_size_t got;
    /* To tell of a failure that was there at once, and to begin anew. */
    dcv_timer_t timer;
};

static void descriptor_close(dcv_shake_t *shake)
{
    if (shake->fd < 0)
        return;
    dcv_event_watch(shake->tls->event, DCV_EVENT_TLS, shake->fd, 0);
    apr_hash_set(shake->tls->shakes, &shake->fd, sizeof(shake->fd), NULL);
    close(shake->fd);
    shake->fd = -1;
}

static void ssl_drop(dcv_shake_t *shake)
{
    if (!shake->ssl)
        return;
    APR_RING_REMOVE(shake, link);
    shake->tls->warm_count--;
    SSL_free(shake->ssl);
    shake->ssl = NULL;
}

static apr_status_t shake_close(void *data)
{
    dcv_shake_t *shake = data;

    dcv_event_timer_clear(shake->tls->event, &shake->timer);
    descriptor_close(shake);
    ssl_drop(shake);
    return APR_SUCCESS;
}

void dcv_tls_cancel(dcv_shake_t *shake)
{
    apr_pool_destroy(shake->pool);
}

dcv_stage_e dcv_tls_stage(const dcv_shake_t *shake)
{
    return shake->ssl || shake->is_parked ? DCV_STAGE_TLS : DCV_STAGE_CONNECT;
}

/* The descriptor goes first: whoever hears of it may start the next one. */
static void shake_end(dcv_shake_t *shake, const dcv_tls_answer_t *answer)
{
    descriptor_close(shake);
    shake->request.done(shake->request.baton, answer);
    apr_pool_destroy(shake->pool);
}

static void fail_system(dcv_shake_t *shake, int error)
{
    dcv_tls_answer_t answer = {0};

    dcv_tls_words_system(&answer.reply, error, dcv_tls_stage(shake));
    shake_end(shake, &answer);
}

static void fail_tls(dcv_shake_t *shake, unsigned long error)
{
    dcv_tls_answer_t answer = {0};

    dcv_tls_words(&answer.reply, error, shake->request.pool);
    shake_end(shake, &answer);
}

static void succeed(dcv_shake_t *shake)
{
    const unsigned char *protocol;
    dcv_tls_answer_t answer = {0};
    unsigned int len;

    SSL_get0_alpn_selected(shake->ssl, &protocol, &len);
    answer.is_acme =
        len == strlen(PROTOCOL) && !memcmp(protocol, PROTOCOL, len);
    answer.certificate = SSL_get0_peer_certificate(shake->ssl);
    shake_end(shake, &answer);
}

/* Whatever TLS wants to say; 0: the connection is broken. */
static int say(dcv_shake_t *shake)
{
    char *data;
    long len = BIO_get_mem_data(shake->out, &data);
    ssize_t sent = 0;
    char drop[512];

    if (len > 0)
        sent = send(shake->fd, data, (size_t)len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return 0;
    for (len -= sent < 0 ? 0 : sent; sent > 0;)
        sent -= BIO_read(shake->out, drop,
                         sent < (ssize_t)sizeof(drop) ? (int)sent
                                                      : (int)sizeof(drop));
    return dcv_event_watch(shake->tls->event, DCV_EVENT_TLS, shake->fd,
                           len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN) ==
           APR_SUCCESS;
}

static void step(dcv_shake_t *shake)
{
    unsigned long error;
    int result, what;

    ERR_clear_error();
    result = SSL_do_handshake(shake->ssl);
    what = SSL_get_error(shake->ssl, result);
    error = ERR_peek_error();
    if (result == 1)
        (void)SSL_shutdown(shake->ssl);
    if (!say(shake) && result != 1 && what == SSL_ERROR_WANT_READ)
        fail_system(shake, ECONNRESET);
    else if (result == 1)
        succeed(shake);
    else if (what != SSL_ERROR_WANT_READ)
        fail_tls(shake, error);
}

static int ssl_make(dcv_shake_t *shake)
{
    shake->ssl = SSL_new(shake->tls->ctx);
    shake->in = BIO_new(BIO_s_mem());
    shake->out = BIO_new(BIO_s_mem());
    if (!shake->ssl || !shake->in || !shake->out ||
        !SSL_set_tlsext_host_name(shake->ssl, shake->request.server_name)) {
        BIO_free(shake->in);
        BIO_free(shake->out);
        SSL_free(shake->ssl);
        shake->ssl = NULL;
        return 0;
    }
    APR_RING_INSERT_TAIL(&shake->tls->warm, shake, dcv_shake_t, link);
    shake->tls->warm_count++;
    BIO_set_mem_eof_return(shake->in, -1);
    SSL_set_bio(shake->ssl, shake->in, shake->out);
    SSL_set_connect_state(shake->ssl);
    return 1;
}

/* Thousands of silent peers must not cost as many handshakes' memory: whoever
 * waits longest has a connection only, and another one when that is heard of
 * again. */
static void oldest_park(dcv_tls_t *tls)
{
    dcv_shake_t *shake = APR_RING_FIRST(&tls->warm);

    shake->is_parked = 1;
    ssl_drop(shake);
    (void)dcv_event_watch(tls->event, DCV_EVENT_TLS, shake->fd, EPOLLIN);
}

static void connected(dcv_shake_t *shake)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(shake->fd, SOL_SOCKET, SO_ERROR, &error, &len))
        error = errno;
    if (!error && shake->tls->warm_count >= WARM_MAX)
        oldest_park(shake->tls);
    if (error)
        fail_system(shake, error);
    else if (!ssl_make(shake))
        fail_system(shake, ENOMEM);
    else
        step(shake);
}

static void listen_on(dcv_shake_t *shake)
{
    char data[PIECE_MAX];
    ssize_t got = recv(shake->fd, data, sizeof(data), 0);

    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail_system(shake, errno);
        return;
    }
    shake->got += (apr_size_t)got;
    if (!got)
        fail_system(shake, EPIPE);
    else if (shake->got > OCTETS_MAX)
        fail_tls(shake, ERR_PACK(ERR_LIB_SSL, 0, SSL_R_EXCESSIVE_MESSAGE_SIZE));
    else if (BIO_write(shake->in, data, (int)got) != got)
        fail_system(shake, ENOMEM);
    else
        step(shake);
}

static void failed_at_once(void *baton)
{
    dcv_shake_t *shake = baton;

    fail_system(shake, shake->error);
}

/* errno, 0 when it is under way. */
static int dial(dcv_shake_t *shake)
{
    dcv_address_t to = *shake->request.address;
    socklen_t len = to.sock.any.sa_family == AF_INET ? sizeof(to.sock.v4)
                                                     : sizeof(to.sock.v6);
    in_port_t port = htons((in_port_t)shake->request.port);

    if (to.sock.any.sa_family == AF_INET)
        to.sock.v4.sin_port = port;
    else
        to.sock.v6.sin6_port = port;
    if (!dcv_net_is_allowed(shake->request.net, &to.sock.any, NULL))
        return EACCES;
    shake->fd = socket(to.sock.any.sa_family,
                       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (shake->fd < 0)
        return errno;
    apr_hash_set(shake->tls->shakes, &shake->fd, sizeof(shake->fd), shake);
    if (connect(shake->fd, &to.sock.any, len) && errno != EINPROGRESS)
        return errno;
    return dcv_event_watch(shake->tls->event, DCV_EVENT_TLS, shake->fd,
                           EPOLLOUT) == APR_SUCCESS
               ? 0
               : ENOMEM;
}

static void begin(dcv_shake_t *shake)
{
    dcv_event_t *event = shake->tls->event;

    shake->error = dial(shake);
    shake->timer.fire = failed_at_once;
    if (shake->error)
        dcv_event_timer_set(event, &shake->timer, dcv_event_now(event));
}

static void again(void *baton)
{
    dcv_shake_t *shake = baton;

    shake->is_parked = 0;
    begin(shake);
}

/* A parked one is heard of: from the beginning. */
static void wake(dcv_shake_t *shake)
{
    dcv_event_t *event = shake->tls->event;
    apr_interval_time_t pause = dcv_again_pause(shake->woken++);
    dcv_tls_answer_t answer = {0};

    descriptor_close(shake);
    if (pause >= 0) {
        shake->timer.fire = again;
        dcv_event_timer_set(event, &shake->timer, dcv_event_now(event) + pause);
        return;
    }
    answer.reply.is_ours = 1;
    answer.reply.failure =
        "it cannot be asked once more, since so many servers hang";
    shake_end(shake, &answer);
}

static void ready(void *baton, int fd, unsigned int events)
{
    dcv_tls_t *tls = baton;
    dcv_shake_t *shake = apr_hash_get(tls->shakes, &fd, sizeof(fd));

    if (!shake)
        return;
    if (shake->is_parked)
        wake(shake);
    else if (!shake->ssl)
        connected(shake);
    else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        listen_on(shake);
    else if (!say(shake))
        fail_system(shake, ECONNRESET);
}

dcv_shake_t *dcv_tls_start(dcv_tls_t *tls, const dcv_tls_request_t *request)
{
    apr_pool_t *own;
    dcv_shake_t *shake;

    apr_pool_create(&own, tls->pool);
    shake = apr_pcalloc(own, sizeof(*shake));
    shake->tls = tls;
    shake->pool = own;
    shake->request = *request;
    shake->fd = -1;
    shake->timer.baton = shake;
    apr_pool_cleanup_register(own, shake, shake_close, apr_pool_cleanup_null);
    begin(shake);
    return shake;
}

/* What it proves is judged afterwards; who signed it does not matter. */
static int certificate_accept(X509_STORE_CTX *store, void *baton)
{
    return 1;
}

static apr_status_t tls_close(void *data)
{
    dcv_tls_t *tls = data;

    SSL_CTX_free(tls->ctx);
    return APR_SUCCESS;
}

apr_status_t dcv_tls_create(dcv_tls_t **tls, dcv_event_t *event,
                            apr_pool_t *pool)
{
    static const unsigned char protocols[] = "\x0a" PROTOCOL;
    dcv_tls_t *made = apr_pcalloc(pool, sizeof(*made));

    made->pool = pool;
    made->event = event;
    made->shakes = apr_hash_make(pool);
    APR_RING_INIT(&made->warm, dcv_shake_t, link);
    made->ctx = SSL_CTX_new(TLS_client_method());
    if (!made->ctx)
        return APR_ENOMEM;
    apr_pool_cleanup_register(pool, made, tls_close, apr_pool_cleanup_null);
    SSL_CTX_set_cert_verify_callback(made->ctx, certificate_accept, NULL);
    SSL_CTX_set_session_cache_mode(made->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(made->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(made->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(made->ctx, CHAIN_MAX);
    if (!SSL_CTX_set_min_proto_version(made->ctx, TLS1_2_VERSION) ||
        !SSL_CTX_set_max_proto_version(made->ctx, 0) ||
        !SSL_CTX_set_cipher_list(made->ctx, DCV_TLS_CIPHERS ":@SECLEVEL=1") ||
        !SSL_CTX_set1_groups_list(made->ctx, DCV_TLS_GROUPS) ||
        SSL_CTX_set_alpn_protos(made->ctx, protocols, sizeof(protocols) - 1))
        return APR_EGENERAL;
    dcv_event_handle(event, DCV_EVENT_TLS, ready, made);
    *tls = made;
    return APR_SUCCESS;
}
