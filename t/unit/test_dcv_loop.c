/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_loop.h"

#include <apr_strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "dcv/dcv_address.h"
#include "dcv_bed.h"
#include "dcv_server.h"
#include "tap.h"

static server_t server;
static bed_t *bed;

/* Token "hang" hangs, "close" goes; everything else is right. */
static void answer(visit_t *visit)
{
    const char *token = strrchr(visit->path, '/') + 1;

    if (!strcmp(token, "hang"))
        server_hang(visit);
    else if (strcmp(token, "close")) {
        server_say(visit, "HTTP/1.1 200 OK\r\n\r\n");
        server_say(visit, token);
        server_say(visit, ".thumb\n");
    }
}

static void open_all(apr_pool_t *pool)
{
    server_start(&server, answer);
    server_open(&server);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
}

static void close_all(void)
{
    bed_stop(bed);
    server_stop(&server);
}

static apr_time_t now(void)
{
    return clock_now(&clock_monotonic);
}

static double cpu_seconds(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void stopped(apr_pool_t *pool)
{
    probe_t *probes[40];
    apr_time_t start;
    int i;

    open_all(pool);
    bed->conf->max_in_flight = 20;
    bed->conf->http01_port = server.port;
    for (i = 0; i < 40; i++)
        probes[i] = bed_submit(bed, i % 3 ? "a.test" : "unknown.test", "hang",
                               i % 2 ? "a" : "b");
    start = now();
    close_all();
    ok(now() - start < apr_time_from_sec(2), "stopping does not wait");
    for (i = 0; i < 40; i++) {
        const dcv_result_t *result = bed_wait(probes[i]);

        ok(result && result->is_retryable && result->problem);
        bed_free(probes[i]);
    }
    ok(!bed_submit(bed, "a.test", "late", "a"), "refused after the end");
}

static void stopped_before(apr_pool_t *pool)
{
    bed_t *made = bed_start(pool);

    dcv_loop_stop(made->loop); /* twice, and perhaps before it runs */
    bed_stop(made);
    ok(!bed_submit(made, "a.test", "late", "a"));
}

#define THREADS 8
#define EACH    50

static void *submitter(void *data)
{
    probe_t **probes = data;
    char token[16];
    int i;

    for (i = 0; i < EACH; i++) {
        apr_snprintf(token, sizeof(token), "t%d", i);
        probes[i] = bed_submit(bed, "a.test", token, "account");
    }
    return NULL;
}

static void threads(apr_pool_t *pool)
{
    static probe_t *probes[THREADS][EACH];
    pthread_t ids[THREADS];
    int i, k;

    open_all(pool);
    for (i = 0; i < THREADS; i++)
        pthread_create(&ids[i], NULL, submitter, probes[i]);
    for (i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    for (i = 0; i < THREADS; i++) {
        for (k = 0; k < EACH; k++) {
            const dcv_result_t *result = bed_wait(probes[i][k]);

            ok(result && !result->problem);
            bed_free(probes[i][k]);
        }
    }
    is_int(atomic_load(&server.visits), THREADS * EACH);
    close_all();
}

static void proven(const char *domain, const char *token, const char *address)
{
    const dcv_result_t *result = bed_ask(bed, domain, token);

    need(result);
    ok(!result->problem, "%s", result->problem ? result->problem->detail : "");
    is_str(result->address, address);
}

static const char *refused(const char *domain, const char *token,
                           const char *type)
{
    const dcv_result_t *result = bed_ask(bed, domain, token);

    if (!ok(result && result->problem && !result->is_retryable))
        return "";
    is_str(problem_name(result->problem->type), type);
    return result->problem->detail;
}

/* A listener on ip and port whose queue is full: SYNs to it are dropped. */
static int silent_listen(const char *ip, int port, int fds[4])
{
    dcv_address_t *address = dcv_address_parse(ip, bed->pool);
    int i;

    fds[0] = server_listen(&port, ip, 0);
    address->sock.v4.sin_port = htons((in_port_t)port);
    for (i = 1; i < 4; i++) {
        fds[i] =
            socket(address->sock.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], &address->sock.any, sizeof(address->sock));
    }
    usleep(20000); /* until its queue has them */
    return fds[0] >= 0;
}

static void fallback(apr_pool_t *pool)
{
    const char *detail;
    int fds[4], i;

    open_all(pool);
    /* forbidden, and refused */
    bed_host(bed, "f.test", "127.0.0.1");
    bed_host(bed, "f.test", "::");
    proven("f.test", "ok", "127.0.0.1");
    bed_host(bed, "g.test", "127.0.0.1");
    bed_host(bed, "g.test", "::1");
    proven("g.test", "ok", "127.0.0.1");
    bed_host(bed, "h.test", "127.0.0.9");
    bed_host(bed, "h.test", "::1");
    bed_host(bed, "h.test", "169.254.1.1");
    detail = refused("h.test", "ok", "connection");
    ok(strstr(detail, "::1 port ") && strstr(detail, "127.0.0.9 port ") &&
           strstr(detail, ": connection refused") &&
           strstr(detail, "169.254.1.1 port ") &&
           strstr(detail, "denied by rule 169.254.0.0/16 (built in)") &&
           strstr(detail, "nothing listens"),
       "%s", detail);
    /* SYNs to the first are dropped */
    bed->conf->timeout = apr_time_from_sec(1);
    ok(silent_listen("127.0.0.8", server.port, fds));
    bed_host(bed, "i.test", "127.0.0.8");
    bed_host(bed, "i.test", "127.0.0.1");
    proven("i.test", "ok", "127.0.0.1");
    bed_host(bed, "j.test", "127.0.0.8");
    detail = refused("j.test", "ok", "connection");
    ok(strstr(detail, ": connection timed out") &&
           strstr(detail, "acme-protocol"),
       "%s", detail);
    for (i = 0; i < 4; i++)
        close(fds[i]);
    close_all();
}

/* The first address accepts and says nothing, or goes. */
static void fallback_mute(apr_pool_t *pool)
{
    const char *detail;
    int fd, port;

    open_all(pool);
    bed->conf->timeout = apr_time_from_sec(1);
    port = server.port;
    fd = server_listen(&port, "127.0.0.7", 16);
    ok(fd >= 0);
    bed_host(bed, "k.test", "127.0.0.7");
    bed_host(bed, "k.test", "127.0.0.1");
    proven("k.test", "ok", "127.0.0.1");
    detail = refused("k.test", "close", "connection");
    ok(strstr(detail, "127.0.0.7 port ") &&
           strstr(detail, "connected, but no answer in time") &&
           strstr(detail, "127.0.0.1 port ") &&
           strstr(detail, "closed without an answer"),
       "%s", detail);
    close(fd);
    close_all();
}

static void ipv6(apr_pool_t *pool)
{
    const char *detail;

    server_start(&server, answer);
    if (!server_also(&server, "::1")) {
        tap_diag("skipped: there is no IPv6 here");
        server_open(&server);
        server_stop(&server);
        return;
    }
    server_open(&server);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
    bed_host(bed, "l.test", "127.0.0.1");
    bed_host(bed, "l.test", "::1");
    proven("l.test", "ok", "::1");
    detail = refused("l.test", "close", "connection");
    ok(strstr(detail, "::1 port ") < strstr(detail, "127.0.0.1 port "), "%s",
       detail);
    close_all();
}

/* H9: what hangs delays nobody and costs nothing. */
static void hanging(apr_pool_t *pool)
{
    probe_t *probes[200];
    apr_time_t start;
    int fd, port = 0, i;
    double cpu;

    open_all(pool);
    port = server.port;
    fd = server_listen(&port, "127.0.0.6", 1024); /* nobody accepts */
    ok(fd >= 0);
    bed_host(bed, "m.test", "127.0.0.6");
    for (i = 0; i < 200; i++)
        probes[i] = bed_submit(bed, "m.test", "any",
                               apr_psprintf(pool, "account %d", i % 10));
    proven("a.test", "ok", "127.0.0.1");
    start = now();
    for (i = 0; i < 20; i++)
        proven("a.test", "ok", "127.0.0.1");
    ok(now() - start < apr_time_from_sec(5), "others are not delayed");
    cpu = cpu_seconds();
    usleep(500000);
    cpu = cpu_seconds() - cpu;
    ok(cpu < 0.3, "%.3f s CPU", cpu);
    close_all();
    for (i = 0; i < 200; i++) {
        const dcv_result_t *result = bed_wait(probes[i]);

        ok(result && result->is_retryable);
        bed_free(probes[i]);
    }
    close(fd);
}

static int ended(probe_t *const *probes, int count)
{
    int i, done = 0;

    pthread_mutex_lock(&bed->lock);
    for (i = 0; i < count; i++)
        done += probes[i]->calls > 0;
    pthread_mutex_unlock(&bed->lock);
    return done;
}

/* One account has more that hangs than may be in flight. */
static void fair(apr_pool_t *pool)
{
    probe_t *probes[60], *other;
    const dcv_result_t *result;
    int i, untried = 0, tried = 0, good = 0;

    open_all(pool);
    bed->conf->max_in_flight = 16;
    bed->conf->timeout = apr_time_from_sec(2);
    for (i = 0; i < 60; i++)
        probes[i] = bed_submit(bed, "a.test", "hang", "busy");
    for (i = 0; i < 10; i++) {
        other =
            bed_submit(bed, "a.test", "ok", apr_psprintf(pool, "other %d", i));
        result = bed_wait(other);
        good += result && !result->problem;
        bed_free(other);
    }
    /* one account in 1024 shares the busy one's bucket */
    ok(good >= 8, "%d of 10 other accounts are served", good);
    ok(ended(probes, 60) < 60, "before the busy one is");
    for (i = 0; i < 60; i++) {
        result = bed_wait(probes[i]);
        ok(result && result->problem);
        if (result && result->is_retryable)
            untried++;
        else
            tried++;
        bed_free(probes[i]);
    }
    /* some are tried until their time is over, then the rest is handed back */
    ok(tried >= 14 && untried > 0, "%d tried, %d handed back", tried, untried);
    close_all();
}

static void overload(apr_pool_t *pool)
{
    probe_t *probes[30];
    int i, at_once = 0;

    open_all(pool);
    bed->conf->max_in_flight = 2;
    for (i = 0; i < 30; i++)
        probes[i] = bed_submit(bed, "a.test", "hang", "account");
    usleep(300000);
    for (i = 0; i < 30; i++) {
        pthread_mutex_lock(&bed->lock);
        at_once += probes[i]->calls && probes[i]->result->is_retryable;
        pthread_mutex_unlock(&bed->lock);
    }
    /* 2 run and 2 wait; or 2 wait before the first one runs */
    ok(at_once >= 26 && at_once <= 28, "%d", at_once);
    close_all();
    for (i = 0; i < 30; i++)
        bed_free(probes[i]);
}

const tap_case_t tap_cases[] = {
    {"stop hands every job back, exactly once", stopped},
    {"stop before and after everything else", stopped_before},
    {"many threads submit", threads},
    {"T79 R26 the next address when one cannot be reached", fallback},
    {"R26 the next address when one says nothing", fallback_mute},
    {"R26 IPv6 first", ipv6},
    {"H9 what hangs delays nobody and costs nothing", hanging},
    {"H9 one account does not delay another", fair},
    {"a queue that is full hands back at once", overload},
    {NULL, NULL}};
