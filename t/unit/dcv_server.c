/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv_server.h"

#include <arpa/inet.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dcv/dcv_address.h"

void server_say_len(visit_t *visit, const char *text, size_t len)
{
    if (visit->tls)
        (void)!SSL_write(visit->tls, text, (int)len);
    else
        (void)!send(visit->fd, text, len, MSG_NOSIGNAL);
}

void server_say(visit_t *visit, const char *text)
{
    server_say_len(visit, text, strlen(text));
}

int server_is_over(visit_t *visit, int msec)
{
    struct pollfd fds[2] = {{visit->server->fds[0].fd, POLLIN, 0},
                            {visit->fd, POLLRDHUP, 0}};

    return poll(fds, 2, msec) > 0;
}

void server_hang(visit_t *visit)
{
    server_is_over(visit, 60000);
}

static int head_read(visit_t *visit)
{
    size_t len = 0;

    while (!strstr(visit->head, "\r\n\r\n")) {
        size_t room = sizeof(visit->head) - 1 - len;
        ssize_t got = visit->tls
                          ? SSL_read(visit->tls, visit->head + len, (int)room)
                          : recv(visit->fd, visit->head + len, room, 0);

        if (got <= 0)
            return 0;
        len += (size_t)got;
        visit->head[len] = '\0';
    }
    return sscanf(visit->head, "GET %1023s HTTP/1.1\r\nHost: %255s\r\n",
                  visit->path, visit->host) == 2;
}

static void *visit_run(void *data)
{
    visit_t *visit = data;
    server_t *server = visit->server;
    char first = 0;

    if (recv(visit->fd, &first, 1, MSG_PEEK) == 1 && first == 0x16) {
        visit->tls = SSL_new(server->tls);
        SSL_set_fd(visit->tls, visit->fd);
        if (SSL_accept(visit->tls) != 1)
            first = 0;
    }
    if (first && head_read(visit))
        server->answer(visit);
    SSL_free(visit->tls);
    close(visit->fd);
    free(visit);
    atomic_fetch_sub(&server->present, 1);
    return NULL;
}

static void *server_run(void *data)
{
    server_t *server = data;
    int i;

    while (poll(server->fds, (nfds_t)server->count, -1) > 0 &&
           !server->fds[0].revents) {
        for (i = 1; i < server->count; i++) {
            visit_t *visit;
            pthread_t thread;

            if (!server->fds[i].revents)
                continue;
            visit = calloc(1, sizeof(*visit));
            visit->server = server;
            visit->fd = accept(server->fds[i].fd, NULL, NULL);
            atomic_fetch_add(&server->visits, 1);
            atomic_fetch_add(&server->present, 1);
            pthread_create(&thread, NULL, visit_run, visit);
            pthread_detach(thread);
        }
    }
    return NULL;
}

int server_listen(int *port, const char *ip, int backlog)
{
    apr_pool_t *pool;
    dcv_address_t *address;
    socklen_t len = sizeof(address->sock);
    struct timeval limit = {30, 0}; /* and for those who come */
    int fd, on = 1;

    apr_pool_create(&pool, NULL);
    address = dcv_address_parse(ip, pool);
    address->sock.v4.sin_port = htons((in_port_t)*port);
    fd = socket(address->sock.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (bind(fd, &address->sock.any,
             address->sock.any.sa_family == AF_INET ? 16 : 28) ||
        listen(fd, backlog)) {
        close(fd);
        fd = -1;
    }
    else {
        getsockname(fd, &address->sock.any, &len);
        *port = ntohs(address->sock.v4.sin_port);
    }
    apr_pool_destroy(pool);
    return fd;
}

static void server_tls(server_t *server)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();

    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(cert), -3600); /* nobody looks */
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    server->tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(server->tls, cert);
    SSL_CTX_use_PrivateKey(server->tls, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void server_start(server_t *server, void (*answer)(visit_t *visit))
{
    int pipe_fds[2];

    memset(server, 0, sizeof(*server));
    server->answer = answer;
    (void)!pipe(pipe_fds);
    server->stop = pipe_fds[1];
    server->fds[0].fd = pipe_fds[0];
    server->fds[0].events = POLLIN;
    server->count = 2;
    server->fds[1].fd = server_listen(&server->port, "127.0.0.1", 512);
    server->fds[1].events = POLLIN;
    server_tls(server);
}

int server_also(server_t *server, const char *ip)
{
    int fd = server_listen(&server->port, ip, 512);

    if (fd < 0)
        return 0;
    server->fds[server->count].fd = fd;
    server->fds[server->count].events = POLLIN;
    server->count++;
    return 1;
}

void server_open(server_t *server)
{
    pthread_create(&server->thread, NULL, server_run, server);
}

void server_stop(server_t *server)
{
    int i;

    close(server->stop);
    pthread_join(server->thread, NULL);
    while (atomic_load(&server->present))
        usleep(1000);
    for (i = 0; i < server->count; i++)
        close(server->fds[i].fd);
    SSL_CTX_free(server->tls);
}
