/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_SERVER_H
#define DCV_SERVER_H

/* A web server for tests: one thread that listens, one per visit.  TLS, with
 * an expired certificate of nobody, is spoken to whoever begins with it. */

#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct server_t server_t;

typedef struct {
    server_t *server;
    int fd;
    SSL *tls;
    char head[4096], path[1024], host[256];
} visit_t;

struct server_t {
    struct pollfd fds[9]; /* the first is for stopping */
    int count, port, stop;
    void (*answer)(visit_t *visit);
    SSL_CTX *tls;
    atomic_int visits, present;
    pthread_t thread;
};

/* A listening socket on ip and *port (0: any, *port is set); -1: cannot. */
int server_listen(int *port, const char *ip, int backlog);

/* On 127.0.0.1; not yet running. */
void server_start(server_t *server, void (*answer)(visit_t *visit));
/* The same port on one more address; 0: cannot. */
int server_also(server_t *server, const char *ip);
void server_open(server_t *server);
void server_stop(server_t *server);

/* For answer: to speak, and to wait until the server is stopped or the visitor
 * goes. */
void server_say(visit_t *visit, const char *text);
void server_say_len(visit_t *visit, const char *text, size_t len);
void server_hang(visit_t *visit);
int server_is_over(visit_t *visit, int msec); /* waits so long at most */

#endif
