/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_fetch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>

#include "dcv_bed.h"
#include "dcv_server.h"
#include "tap.h"

#define MANY 200 /* more than keep the state of TLS */

static server_t server;

/* Wants to know who comes: with a cookie, and by the machine's .netrc. */
static void who_say(visit_t *visit)
{
    char text[512];

    if (strcmp(visit->path, "/who")) {
        snprintf(text, sizeof(text),
                 "HTTP/1.1 302 Found\r\nSet-Cookie: who=me; Path=/\r\n"
                 "Content-Length: 0\r\nLocation: http://a.test:%d/who\r\n\r\n",
                 visit->server->port);
        server_say(visit, text);
    }
    else if (strcasestr(visit->head, "\r\nCookie:") ||
             strcasestr(visit->head, "\r\nAuthorization:")) {
        server_say(visit, "HTTP/1.1 200 OK\r\n\r\nI know you");
    }
    else {
        server_say(visit, "HTTP/1.1 200 OK\r\n\r\nwho.thumb");
    }
}

/* To https of slow.test or hang.test: the token says it. */
static void answer(visit_t *visit)
{
    const char *token = strrchr(visit->path, '/') + 1;
    char text[512];

    if (!strcmp(token, "who")) {
        who_say(visit);
        return;
    }
    snprintf(text, sizeof(text),
             "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
             "Location: https://%s.test:%d/x\r\n\r\n",
             token, visit->server->port);
    server_say(visit, text);
}

/* The next visitor, when it has said something. */
static int visitor_take(int listener)
{
    int fd = accept(listener, NULL, NULL);
    char octet;

    ok(recv(fd, &octet, 1, MSG_PEEK) == 1);
    return fd;
}

/* To whoever shakes hands: who is pushed out meanwhile comes once more. */
static void secure_say(int listener, const char *text)
{
    char request[1024];
    int fd, is_there = 0;
    SSL *tls;

    while (!is_there) {
        fd = visitor_take(listener);
        tls = SSL_new(server.tls);
        SSL_set_fd(tls, fd);
        is_there =
            SSL_accept(tls) == 1 && SSL_read(tls, request, sizeof(request)) > 0;
        if (is_there)
            (void)!SSL_write(tls, text, (int)strlen(text));
        SSL_free(tls);
        close(fd);
    }
}

/* Somebody is slow, and many hang afterwards. */
static void parked(apr_pool_t *pool)
{
    int slow_listener, hang_listener, first, i, hanging[MANY];
    probe_t *probes[MANY], *slow;
    const dcv_result_t *result;
    char octet[8192];
    bed_t *bed;

    server_start(&server, answer);
    slow_listener = server_listen(&server.port, "127.0.0.6", 8);
    hang_listener = server_listen(&server.port, "127.0.0.7", 1024);
    ok(slow_listener >= 0 && hang_listener >= 0);
    server_open(&server);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
    bed_host(bed, "slow.test", "127.0.0.6");
    bed_host(bed, "hang.test", "127.0.0.7");
    slow = bed_submit_key(bed, "a.test", "slow", "slow.thumb", "slow");
    first = visitor_take(slow_listener);
    for (i = 0; i < MANY; i++)
        probes[i] = bed_submit(bed, "a.test", "hang", "hanging");
    for (i = 0; i < MANY; i++)
        hanging[i] = visitor_take(hang_listener);
    (void)!send(first, "x", 1, MSG_NOSIGNAL);
    secure_say(slow_listener, "HTTP/1.1 200 OK\r\n\r\nslow.thumb");
    result = bed_wait(slow);
    need(result);
    ok(!result->problem, "%s", result->problem ? result->problem->detail : "");
    while (recv(first, octet, sizeof(octet), 0) > 0)
        ;
    close(first);
    bed_free(slow);
    bed->conf->timeout = apr_time_from_msec(300);
    slow = bed_submit(bed, "a.test", "slow", "slow");
    result = bed_wait(slow);
    need(result && result->problem);
    is_str(problem_name(result->problem->type), "tls");
    bed_free(slow);
    bed_stop(bed); /* the parked ones, too */
    for (i = 0; i < MANY; i++) {
        ok(bed_wait(probes[i])->is_retryable);
        bed_free(probes[i]);
        close(hanging[i]);
    }
    server_stop(&server);
    close(slow_listener);
    close(hang_listener);
}

/* Half an answer came before many others hung: it is not taken for the first
 * half of the one that comes when it is asked for once more. */
static void parked_answer(apr_pool_t *pool)
{
    int slow_listener, hang_listener, first, i, hanging[MANY];
    probe_t *probes[MANY], *slow;
    const dcv_result_t *result;
    char request[1024];
    bed_t *bed;
    SSL *tls;

    signal(SIGPIPE, SIG_IGN);
    server_start(&server, answer);
    slow_listener = server_listen(&server.port, "127.0.0.6", 8);
    hang_listener = server_listen(&server.port, "127.0.0.7", 1024);
    server_open(&server);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
    bed_host(bed, "slow.test", "127.0.0.6");
    bed_host(bed, "hang.test", "127.0.0.7");
    slow = bed_submit_key(bed, "a.test", "slow", "slow.thumb", "slow");
    first = visitor_take(slow_listener);
    tls = SSL_new(server.tls);
    SSL_set_fd(tls, first);
    ok(SSL_accept(tls) == 1);
    ok(SSL_read(tls, request, sizeof(request)) > 0);
    ok(SSL_write(tls, "HTTP/1.1 200 OK\r\n\r\nslow.", 24) == 24);
    for (i = 0; i < MANY; i++)
        probes[i] = bed_submit(bed, "a.test", "hang", "hanging");
    for (i = 0; i < MANY; i++)
        hanging[i] = visitor_take(hang_listener);
    (void)!SSL_write(tls, "thumb", 5);
    SSL_free(tls);
    close(first);
    secure_say(slow_listener, "HTTP/1.1 200 OK\r\n\r\nslow.thumb");
    result = bed_wait(slow);
    need(result);
    ok(!result->problem, "%s", result->problem ? result->problem->detail : "");
    bed_free(slow);
    bed_stop(bed);
    for (i = 0; i < MANY; i++) {
        bed_wait(probes[i]);
        bed_free(probes[i]);
        close(hanging[i]);
    }
    server_stop(&server);
    close(slow_listener);
    close(hang_listener);
}

/* A server of before 2010, whose ServerHello knows nothing of RFC 5746: what
 * is said of it is what it does next, which is to go. */
static void old_server(apr_pool_t *pool)
{
    unsigned char hello[47] = {0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1};
    const dcv_result_t *result;
    char octets[4096];
    int listener, fd;
    probe_t *probe;
    bed_t *bed;

    hello[45] = 0x2f; /* TLS_RSA_WITH_AES_128_CBC_SHA */
    server_start(&server, answer);
    listener = server_listen(&server.port, "127.0.0.6", 8);
    server_open(&server);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
    bed_host(bed, "slow.test", "127.0.0.6");
    probe = bed_submit(bed, "a.test", "slow", "old");
    fd = visitor_take(listener);
    ok(recv(fd, octets, sizeof(octets), 0) > 0);
    ok(send(fd, hello, sizeof(hello), 0) == sizeof(hello));
    shutdown(fd, SHUT_WR);
    result = bed_wait(probe);
    need(result && result->problem);
    ok(!strstr(result->problem->detail, "renegotiation"), "%s",
       result->problem->detail);
    close(fd);
    bed_free(probe);
    bed_stop(bed);
    server_stop(&server);
    close(listener);
}

static void nobody(apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, tap_tmpdir(), "/.netrc", NULL);
    const dcv_result_t *result;
    bed_t *bed;
    FILE *file;

    file = fopen(path, "w");
    need(file);
    fputs("machine a.test login me password secret\n", file);
    fclose(file);
    setenv("HOME", tap_tmpdir(), 1);
    server_start(&server, answer);
    server_open(&server);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
    result = bed_ask(bed, "a.test", "who");
    need(result);
    ok(!result->problem, "%s", result->problem ? result->problem->detail : "");
    bed_stop(bed);
    server_stop(&server);
}

/* Who has shaken hands, waits, and goes when he hears that nobody wants to know
 * any more, as every web server does. */
typedef struct {
    int fd, is_there;
    SSL *tls;
} guest_t;

/* What there is to do for this one: nothing that waits. */
static void guest_serve(guest_t *guest)
{
    char octets[1024];
    int done;

    if (!guest->is_there) {
        done = SSL_accept(guest->tls);
        guest->is_there = done == 1;
    }
    else {
        done = SSL_read(guest->tls, octets, sizeof(octets));
    }
    if (done > 0 || SSL_get_error(guest->tls, done) == SSL_ERROR_WANT_READ)
        return;
    SSL_free(guest->tls);
    close(guest->fd);
    guest->tls = NULL;
}

/* Does so for a while; how many came. */
static int guests_serve(int listener, guest_t *guests, int room, int msec)
{
    struct pollfd fds[MANY * 2 + 1];
    apr_time_t end = apr_time_now() + apr_time_from_msec(msec);
    int came = 0, i, fd;

    fcntl(listener, F_SETFL, O_NONBLOCK);
    while (apr_time_now() < end) {
        for (i = 0; i < room; i++) {
            fds[i].fd = guests[i].tls ? guests[i].fd : -1;
            fds[i].events = POLLIN;
        }
        fds[room].fd = listener;
        fds[room].events = POLLIN;
        poll(fds, (nfds_t)room + 1, 50);
        for (i = 0; i < room; i++)
            if (guests[i].tls && fds[i].revents)
                guest_serve(&guests[i]);
        for (i = 0; i < room; i++) {
            if (guests[i].tls)
                continue;
            fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0)
                break;
            came++;
            guests[i].fd = fd;
            guests[i].is_there = 0;
            guests[i].tls = SSL_new(server.tls);
            SSL_set_fd(guests[i].tls, fd);
        }
    }
    return came;
}

static void parked_again(apr_pool_t *pool)
{
    static guest_t guests[MANY * 2];
    int listener, i, came;
    probe_t *probes[MANY];
    bed_t *bed;

    server_start(&server, answer);
    listener = server_listen(&server.port, "127.0.0.7", 1024);
    server_open(&server);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
    bed_host(bed, "hang.test", "127.0.0.7");
    for (i = 0; i < MANY; i++)
        probes[i] = bed_submit(bed, "a.test", "hang", "hanging");
    came = guests_serve(listener, guests, MANY * 2, 2000);
    ok(came <= MANY * 5, "%d handshakes for %d", came, MANY);
    bed_stop(bed);
    for (i = 0; i < MANY; i++) {
        bed_wait(probes[i]);
        bed_free(probes[i]);
    }
    for (i = 0; i < MANY * 2; i++) {
        if (!guests[i].tls)
            continue;
        SSL_free(guests[i].tls);
        close(guests[i].fd);
    }
    server_stop(&server);
    close(listener);
}

const tap_case_t tap_cases[] = {
    {"H9 an answer that was begun before it hung begins anew", parked_answer},
    {"T79 no cookies, no credentials", nobody},
    {"R26 an old appliance's TLS", old_server},
    {"H9 nobody is asked again and again", parked_again},
    {"H9 silent TLS servers cost little, and a slow one is heard", parked},
    {NULL, NULL}};
