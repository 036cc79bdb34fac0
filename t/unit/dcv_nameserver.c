/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv_nameserver.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_MAX 1500
#define TYPE_CNAME 5
#define TYPE_AAAA  28

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
    while (*name) {
        size_t len = strcspn(name, ".");

        packet->data[packet->len++] = (unsigned char)len;
        memcpy(packet->data + packet->len, name, len);
        packet->len += len;
        name += len + (name[len] == '.');
    }
    packet->data[packet->len++] = 0;
}

/* owner, type, IN, 60 seconds, no length yet */
static void record_begin(packet_t *packet, const char *owner, unsigned int type)
{
    name_put(packet, owner);
    number_put(packet, type);
    number_put(packet, 1);
    number_put(packet, 0);
    number_put(packet, 60);
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

static void reply_write(packet_t *packet, const nameserver_reply_t *reply,
                        const char *name, int type)
{
    const char *owner = reply->cname ? reply->cname : name;
    int i, count = 0;

    packet->data[2] = 0x84 | (packet->data[2] & 1);
    packet->data[3] = (unsigned char)(0x80 | reply->rcode);
    memset(packet->data + 6, 0, 6);
    if (reply->cname) {
        packet_t target = {{0}, 0};

        name_put(&target, reply->cname);
        record_begin(packet, name, TYPE_CNAME);
        number_put(packet, (unsigned int)target.len);
        name_put(packet, reply->cname);
        count++;
    }
    for (i = 0; i < 8 && reply->addresses[i]; i++, count++) {
        unsigned int len = type == TYPE_AAAA ? 16 : 4;

        record_begin(packet, owner, (unsigned int)type);
        number_put(packet, len);
        inet_pton(type == TYPE_AAAA ? AF_INET6 : AF_INET, reply->addresses[i],
                  packet->data + packet->len);
        packet->len += len;
    }
    packet->data[7] = (unsigned char)count;
}

static void *nameserver_run(void *data)
{
    nameserver_t *server = data;

    while (1) {
        nameserver_reply_t reply = {0};
        struct sockaddr_storage from;
        socklen_t from_len = sizeof(from);
        packet_t packet;
        char name[256];
        int type;
        ssize_t got = recvfrom(server->fd, packet.data, 512, 0,
                               (struct sockaddr *)&from, &from_len);

        if (got < 17)
            return NULL; /* to stop is to be sent something short */
        packet.len = (size_t)got;
        packet.len = question_parse(name, &packet, &type);
        atomic_fetch_add(&server->questions, 1);
        server->script(&reply, name, type == TYPE_AAAA);
        if (reply.is_silent)
            continue;
        reply_write(&packet, &reply, name, type);
        sendto(server->fd, packet.data, packet.len, 0, (struct sockaddr *)&from,
               from_len);
    }
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

int nameserver_start(nameserver_t *server, const char *ip, int port,
                     void (*script)(nameserver_reply_t *reply, const char *name,
                                    int is_ipv6))
{
    struct sockaddr_in in = address(ip, port);
    socklen_t len = sizeof(in);

    memset(server, 0, sizeof(*server));
    server->script = script;
    server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(server->fd, (struct sockaddr *)&in, sizeof(in))) {
        close(server->fd);
        return 0;
    }
    getsockname(server->fd, (struct sockaddr *)&in, &len);
    server->port = ntohs(in.sin_port);
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
}
