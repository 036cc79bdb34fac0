/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_fetch.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dcv_bed.h"
#include "dcv_server.h"
#include "tap.h"

#define MANY 200 /* more than keep the state of TLS */

static server_t server;

/* To https of slow.test or hang.test: the token says it. */
static void answer(visit_t *visit)
{
    const char *token = strrchr(visit->path, '/') + 1;
    char text[512];

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

static void secure_say(int fd, const char *text)
{
    SSL *tls = SSL_new(server.tls);
    char request[1024];

    SSL_set_fd(tls, fd);
    ok(SSL_accept(tls) == 1);
    ok(SSL_read(tls, request, sizeof(request)) > 0);
    (void)!SSL_write(tls, text, (int)strlen(text));
    SSL_free(tls);
    close(fd);
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
    secure_say(visitor_take(slow_listener),
               "HTTP/1.1 200 OK\r\n\r\nslow.thumb");
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

const tap_case_t tap_cases[] = {
    {"H9 silent TLS servers cost little, and a slow one is heard", parked},
    {NULL, NULL}};
