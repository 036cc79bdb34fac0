/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_nameserver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/banned.h"

#define HEADER 12
#define TYPE_A 1

typedef struct {
    int fd;
    bench_address_fn fn;
} nameserver_t;

/* "a.b.c" of the question, lower case; where it ends, or 0. */
static size_t name_read(char *name, size_t size, const unsigned char *packet,
                        size_t len)
{
    size_t at = HEADER, used = 0, i;

    while (at < len && packet[at]) {
        size_t label = packet[at++];

        if (label > 63 || at + label > len || used + label + 2 > size)
            return 0;
        if (used)
            name[used++] = '.';
        for (i = 0; i < label; i++)
            name[used++] = (char)apr_tolower(packet[at + i]);
        at += label;
    }
    name[used] = '\0';
    return at + 5 <= len ? at + 1 : 0;
}

/* The answer in place of the question; its length, 0: none. */
static size_t answer_make(unsigned char *packet, size_t len,
                          bench_address_fn fn)
{
    static const unsigned char record[] = {0xc0, HEADER, 0, TYPE_A, 0, 1,
                                           0,    0,      0, 60,     0, 4};
    char name[256];
    size_t end = len > HEADER ? name_read(name, sizeof(name), packet, len) : 0;
    const char *address = end ? fn(name) : NULL;
    int is_a;

    if (!address)
        return 0;
    is_a = packet[end] == 0 && packet[end + 1] == TYPE_A;
    packet[2] = 0x81; /* a response, recursion desired … */
    packet[3] = 0x80; /* … and available */
    packet[7] = (unsigned char)is_a;
    memset(packet + 8, 0, 4);
    end += 4;
    if (!is_a)
        return end;
    memcpy(packet + end, record, sizeof(record));
    inet_pton(AF_INET, address, packet + end + sizeof(record));
    return end + sizeof(record) + 4;
}

static void *run(void *baton)
{
    nameserver_t *server = baton;

    for (;;) {
        unsigned char packet[1024];
        struct sockaddr_in from;
        socklen_t from_len = sizeof(from);
        ssize_t got = recvfrom(server->fd, packet, 512, 0,
                               (struct sockaddr *)&from, &from_len);
        size_t len = got > 0 ? answer_make(packet, (size_t)got, server->fn) : 0;

        if (len && sendto(server->fd, packet, len, 0, (struct sockaddr *)&from,
                          from_len) < 0)
            continue;
    }
    return NULL;
}

const char *bench_nameserver_start(const char *address, int port,
                                   bench_address_fn fn, apr_pool_t *pool)
{
    nameserver_t *server = apr_palloc(pool, sizeof(*server));
    struct sockaddr_in addr = {.sin_family = AF_INET};
    int room = 4 * 1024 * 1024;
    pthread_t thread;

    server->fn = fn;
    server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    addr.sin_port = htons(port);
    inet_pton(AF_INET, address, &addr.sin_addr);
    setsockopt(server->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    if (bind(server->fd, (struct sockaddr *)&addr, sizeof(addr)))
        return apr_psprintf(pool, "%s:%d: %s", address, port, strerror(errno));
    if (pthread_create(&thread, NULL, run, server))
        return "no thread for the name server";
    pthread_detach(thread);
    return NULL;
}
