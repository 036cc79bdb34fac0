/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_NAMESERVER_H
#define DCV_NAMESERVER_H

/* A name server for tests: one thread, UDP, answers as its script says. */

#include <pthread.h>
#include <stdatomic.h>

typedef struct {
    int is_silent, rcode;
    const char *cname;        /* the name whose addresses follow */
    const char *addresses[8]; /* of the type that was asked for */
} nameserver_reply_t;

typedef struct {
    /* name with its last dot, lower case; is_ipv6: AAAA was asked for */
    void (*script)(nameserver_reply_t *reply, const char *name, int is_ipv6);
    int fd, port;
    atomic_int questions;
    pthread_t thread;
} nameserver_t;

/* port 0: any.  0: cannot. */
int nameserver_start(nameserver_t *server, const char *ip, int port,
                     void (*script)(nameserver_reply_t *reply, const char *name,
                                    int is_ipv6));
void nameserver_stop(nameserver_t *server);

#endif
