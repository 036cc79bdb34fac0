/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_fetch_easy.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <apr_strings.h>

#include "dcv/dcv_head.h"
#include "dcv/dcv_tls.h"

#include "base/banned.h"

/* curl's least: thousands of silent ones have a buffer each. */
#define BUFFER_SIZE 1024L

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
    if (!transfer || !transfer->is_parking)
        return close(fd);
    transfer->parked = fd;
    return 0;
}

static size_t header_take(char *data, size_t size, size_t count, void *baton)
{
    dcv_transfer_t *transfer = baton;
    size_t len = size * count;

    transfer->header_len += len;
    if (transfer->header_len > DCV_FETCH_HEADERS_MAX)
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

/* The handshake begins.  The other one does not make us do so again and again,
 * so that it need not know of RFC 5746, as servers of before 2010 do not; TLS
 * that waits has no buffers. */
static CURLcode tls_prepare(CURL *easy, void *ctx, void *baton)
{
    dcv_transfer_t *transfer = baton;

    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                 SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (!transfer->is_warm) {
        transfer->is_warm = 1;
        transfer->fetch->warm_count++;
        APR_RING_INSERT_TAIL(&transfer->fetch->warm, transfer, dcv_transfer_t,
                             link);
    }
    return CURLE_OK;
}

static void options_set(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
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
}

void dcv_fetch_easy_prepare(dcv_transfer_t *transfer)
{
    CURL *easy = transfer->easy;

    options_set(easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fetch->headers);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, socket_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_take);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, tls_prepare);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer);
}

struct curl_slist *dcv_fetch_easy_pin(const dcv_address_t *address, int port)
{
    char text[INET6_ADDRSTRLEN + 16];

    apr_snprintf(text, sizeof(text),
                 address->sock.any.sa_family == AF_INET6 ? "::[%s]:%d"
                                                         : "::%s:%d",
                 address->text, port);
    return curl_slist_append(NULL, text);
}
