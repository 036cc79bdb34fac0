/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv_nameserver.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_MAX 60000
#define TYPE_SOA   6

typedef struct {
    unsigned char data[PACKET_MAX];
    size_t len;
} packet_t;

static void number_put(packet_t *packet, unsigned int number)
{
    packet->data[packet->len++] = (unsigned char)(number >> 8);
    packet->data[packet->len++] = (unsigned char)number;
}

/* "a.test." as labels. */
static void name_put(packet_t *packet, const char *name)
{
    while (*name && strcmp(name, ".")) {
        size_t len = strcspn(name, ".");

        packet->data[packet->len++] = (unsigned char)len;
        memcpy(packet->data + packet->len, name, len);
        packet->len += len;
        name += len + (name[len] == '.');
    }
    packet->data[packet->len++] = 0;
}

/* owner, type, IN, 60 seconds; where its length is to be written */
static size_t record_begin(packet_t *packet, const char *owner,
                           unsigned int type)
{
    name_put(packet, owner);
    number_put(packet, type);
    number_put(packet, 1);
    number_put(packet, 0);
    number_put(packet, 60);
    number_put(packet, 0);
    return packet->len - 2;
}

/* Its length, and one more in this section. */
static void record_end(packet_t *packet, size_t at, int section)
{
    size_t len = packet->len - at - 2;
    unsigned char *count = packet->data + 6 + 2 * section;
    int number = (count[0] << 8 | count[1]) + 1;

    packet->data[at] = (unsigned char)(len >> 8);
    packet->data[at + 1] = (unsigned char)len;
    count[0] = (unsigned char)(number >> 8);
    count[1] = (unsigned char)number;
}

static void name_record(packet_t *packet, const char *owner, unsigned int type,
                        const char *target, int section)
{
    size_t at = record_begin(packet, owner, type);

    name_put(packet, target);
    if (type == TYPE_SOA) {
        name_put(packet, target);
        memset(packet->data + packet->len, 1, 20);
        packet->len += 20;
    }
    record_end(packet, at, section);
}

static void txt_record(packet_t *packet, const char *owner, const char *text)
{
    size_t at = record_begin(packet, owner, NAMESERVER_TXT);

    while (1) {
        size_t len = strcspn(text, "|");

        packet->data[packet->len++] = (unsigned char)len;
        memcpy(packet->data + packet->len, text, len);
        packet->len += len;
        if (!text[len])
            break;
        text += len + 1;
    }
    record_end(packet, at, 0);
}

static void caa_record(packet_t *packet, const char *owner, const char *text)
{
    size_t at = record_begin(packet, owner, NAMESERVER_CAA);
    size_t tag_len = strcspn(text, "="), len = strlen(text) - 1;

    packet->data[packet->len++] = 0;
    packet->data[packet->len++] = (unsigned char)tag_len;
    memcpy(packet->data + packet->len, text, tag_len);
    memcpy(packet->data + packet->len + tag_len, text + tag_len + 1,
           len - tag_len);
    packet->len += len;
    record_end(packet, at, 0);
}

static void address_record(packet_t *packet, const char *owner, int type,
                           const char *text)
{
    size_t at = record_begin(packet, owner, (unsigned int)type);

    inet_pton(type == NAMESERVER_AAAA ? AF_INET6 : AF_INET, text,
              packet->data + packet->len);
    packet->len += type == NAMESERVER_AAAA ? 16 : 4;
    record_end(packet, at, 0);
}

/* The question's name, and where its section ends. */
static size_t question_parse(char *name, const packet_t *packet, int *type)
{
    size_t at = 12, out = 0;

    while (at < packet->len && packet->data[at] && out < 250) {
        size_t len = packet->data[at++], i;

        for (i = 0; i < len; i++)
            name[out++] = (char)tolower(packet->data[at++]);
        name[out++] = '.';
    }
    name[out] = '\0';
    *type = packet->data[at + 1] << 8 | packet->data[at + 2];
    return at + 5;
}

static void answers_write(packet_t *packet, const nameserver_reply_t *reply,
                          const char *name, int type)
{
    const char *owner = reply->cname ? reply->cname : name;
    int i;

    if (reply->owner)
        owner = reply->owner;
    if (reply->cname)
        name_record(packet, name, NAMESERVER_CNAME, reply->cname, 0);
    for (i = 0; i < 8 && reply->addresses[i]; i++)
        address_record(packet, owner, type, reply->addresses[i]);
    for (i = 0; i < 8 && reply->txt[i]; i++)
        txt_record(packet, owner, reply->txt[i]);
    if (reply->caa)
        caa_record(packet, owner, reply->caa);
    for (i = 1; i < reply->txt_count; i++)
        txt_record(packet, owner, reply->txt[0]);
    for (i = 0; i < 4 && reply->ns[i]; i++)
        name_record(packet, reply->zone ? reply->zone : owner, NAMESERVER_NS,
                    reply->ns[i], reply->zone ? 1 : 0);
    if (reply->zone && !reply->ns[0])
        name_record(packet, reply->zone, TYPE_SOA, "ns.", 1);
}

static void reply_write(packet_t *packet, const nameserver_reply_t *reply,
                        const char *name, int type, int is_tcp)
{
    packet->data[2] = 0x80 | (packet->data[2] & 1);
    packet->data[3] = (unsigned char)(0x80 | reply->rcode);
    memset(packet->data + 6, 0, 6);
    if (!reply->is_lame)
        packet->data[2] |= 0x04;
    if (reply->is_stray)
        packet->data[0] ^= 0x55;
    if (reply->is_cut && !is_tcp)
        packet->data[2] |= 0x02;
    else
        answers_write(packet, reply, name, type);
}

/* 0: nothing is to be said; -1: nor is the connection to be closed. */
static int answer(nameserver_t *server, packet_t *packet, int is_tcp)
{
    nameserver_reply_t reply = {0};
    char name[256];
    int type;

    packet->len = question_parse(name, packet, &type);
    atomic_fetch_add(is_tcp ? &server->tcp : &server->questions, 1);
    server->script(&reply, name, type);
    if (is_tcp && reply.is_tcp_silent)
        return -1;
    if (reply.is_silent || (is_tcp && reply.has_no_tcp))
        return 0;
    reply_write(packet, &reply, name, type, is_tcp);
    return 1;
}

/* 0: to stop is to be sent something short. */
static int udp_serve(nameserver_t *server, packet_t *packet)
{
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    ssize_t got = recvfrom(server->fd, packet->data, 512, 0,
                           (struct sockaddr *)&from, &from_len);

    if (got < 17)
        return 0;
    packet->len = (size_t)got;
    if (answer(server, packet, 0))
        sendto(server->fd, packet->data, packet->len, 0,
               (struct sockaddr *)&from, from_len);
    return 1;
}

static void tcp_serve(nameserver_t *server, packet_t *packet)
{
    int fd = accept(server->tcp_fd, NULL, NULL);
    unsigned char len[2];
    ssize_t got;
    int verdict = 0;

    if (fd < 0)
        return;
    if (recv(fd, len, 2, MSG_WAITALL) == 2) {
        got =
            recv(fd, packet->data, (size_t)(len[0] << 8 | len[1]), MSG_WAITALL);
        packet->len = got < 0 ? 0 : (size_t)got;
        if (got >= 17)
            verdict = answer(server, packet, 1);
        if (verdict > 0) {
            len[0] = (unsigned char)(packet->len >> 8);
            len[1] = (unsigned char)packet->len;
            (void)!write(fd, len, 2);
            (void)!write(fd, packet->data, packet->len);
        }
    }
    if (verdict < 0 && server->silents < 16)
        server->silent[server->silents++] = fd;
    else
        close(fd);
}

static void *nameserver_run(void *data)
{
    nameserver_t *server = data;
    static __thread packet_t packet;
    struct pollfd fds[2] = {{server->fd, POLLIN, 0},
                            {server->tcp_fd, POLLIN, 0}};

    while (poll(fds, 2, -1) > 0) {
        if (fds[1].revents)
            tcp_serve(server, &packet);
        if (fds[0].revents && !udp_serve(server, &packet))
            break;
    }
    return NULL;
}

static struct sockaddr_in address(const char *ip, int port)
{
    struct sockaddr_in in;

    memset(&in, 0, sizeof(in));
    in.sin_family = AF_INET;
    in.sin_port = htons((in_port_t)port);
    inet_pton(AF_INET, ip, &in.sin_addr);
    return in;
}

static int listen_to(const char *ip, int type, int *port)
{
    struct sockaddr_in in = address(ip, *port);
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

    if (type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&in, sizeof(in)) ||
        (type == SOCK_STREAM && listen(fd, 16))) {
        close(fd);
        return -1;
    }
    getsockname(fd, (struct sockaddr *)&in, &len);
    *port = ntohs(in.sin_port);
    return fd;
}

int nameserver_start(nameserver_t *server, const char *ip, int port,
                     nameserver_script_fn script)
{
    int tries;

    for (tries = 0; tries < 20; tries++) {
        memset(server, 0, sizeof(*server));
        server->script = script;
        server->port = port;
        server->fd = listen_to(ip, SOCK_DGRAM, &server->port);
        if (server->fd < 0)
            return 0;
        server->tcp_fd = listen_to(ip, SOCK_STREAM, &server->port);
        if (server->tcp_fd >= 0)
            break;
        close(server->fd);
        if (port)
            return 0;
    }
    pthread_create(&server->thread, NULL, nameserver_run, server);
    return 1;
}

void nameserver_stop(nameserver_t *server)
{
    struct sockaddr_in in;
    socklen_t len = sizeof(in);

    getsockname(server->fd, (struct sockaddr *)&in, &len);
    sendto(server->fd, "", 1, 0, (struct sockaddr *)&in, len);
    pthread_join(server->thread, NULL);
    close(server->fd);
    close(server->tcp_fd);
    while (server->silents)
        close(server->silent[--server->silents]);
}
