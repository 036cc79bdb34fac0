/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_responder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/banned.h"

#define SLOTS  4096
#define PREFIX "GET /.well-known/acme-challenge/"

typedef struct {
    char token[64], key_authz[160];
} slot_t;

static slot_t slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void bench_responder_set(const char *token, const char *key_authz)
{
    int i;

    pthread_mutex_lock(&lock);
    for (i = 0; i < SLOTS && slots[i].token[0]; i++)
        ;
    if (i < SLOTS) {
        apr_cpystrn(slots[i].token, token, sizeof(slots[i].token));
        apr_cpystrn(slots[i].key_authz, key_authz, sizeof(slots[i].key_authz));
    }
    pthread_mutex_unlock(&lock);
}

static slot_t *slot_find(const char *token, apr_size_t len)
{
    int i;

    for (i = 0; i < SLOTS; i++) {
        if (len && strlen(slots[i].token) == len &&
            !memcmp(slots[i].token, token, len))
            return &slots[i];
    }
    return NULL;
}

void bench_responder_unset(const char *token)
{
    slot_t *slot;

    pthread_mutex_lock(&lock);
    slot = slot_find(token, strlen(token));
    if (slot)
        slot->token[0] = '\0';
    pthread_mutex_unlock(&lock);
}

static void answer(int fd)
{
    char request[2048], reply[512];
    ssize_t got = recv(fd, request, sizeof(request) - 1, 0);
    const char *token;
    slot_t *slot = NULL;
    int len;

    if (got <= 0)
        return;
    request[got] = '\0';
    if (!strncmp(request, PREFIX, strlen(PREFIX))) {
        token = request + strlen(PREFIX);
        pthread_mutex_lock(&lock);
        slot = slot_find(token, strcspn(token, " \r\n"));
        len = slot ? snprintf(reply, sizeof(reply),
                              "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
                              "Connection: close\r\n\r\n%s",
                              (int)strlen(slot->key_authz), slot->key_authz)
                   : 0;
        pthread_mutex_unlock(&lock);
    }
    if (!slot)
        len = snprintf(reply, sizeof(reply),
                       "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n");
    if (send(fd, reply, len, MSG_NOSIGNAL) < 0)
        return;
}

static void *run(void *baton)
{
    int listener = *(int *)baton;

    for (;;) {
        struct timeval patience = {2, 0};
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        answer(fd);
        close(fd);
    }
    return NULL;
}

const char *bench_responder_serve(int listener, apr_pool_t *pool)
{
    int *own = apr_pmemdup(pool, &listener, sizeof(listener));
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, own))
        return "no thread for the responder";
    pthread_detach(thread);
    return NULL;
}

const char *bench_responder_start(int port, apr_pool_t *pool)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    addr.sin_port = htons(port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
        listen(listener, 1024))
        return apr_psprintf(pool, "127.0.0.1:%d: %s", port, strerror(errno));
    return bench_responder_serve(listener, pool);
}
