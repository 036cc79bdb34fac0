/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_dial.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <apr_strings.h>

#include "dcv_bed.h"
#include "dcv_nameserver.h"
#include "dcv_server.h"
#include "tap.h"

/* Of "plain.thumb", for dns-01. */
#define DIGEST "BjHkFvb_c8tkTa1JlaAsI8wMjB1Ym7Odd_lR76HDeFg"

/*
 * Of a name "late-…" the AAAA question is lost once, so that its answer comes a
 * second after that of A; of "early-…" it is the A question.  At 127.0.0.9 and
 * at ::1 nobody listens but who is said to.
 */
static atomic_int lost[2];

static void resolver_addresses(nameserver_reply_t *reply, const char *name,
                               int type)
{
    int is_six = type == NAMESERVER_AAAA;

    if (!strncmp(name, is_six ? "late-" : "early-", is_six ? 5 : 6) &&
        !atomic_fetch_add(&lost[is_six], 1))
        reply->is_silent = 1;
    if (strstr(name, "-mute"))
        reply->is_silent = is_six;
    if (is_six && !strstr(name, "-four"))
        reply->addresses[0] = "::1";
    else if (!is_six)
        reply->addresses[0] = strstr(name, "-works") ? "127.0.0.1"
                              : strstr(name, "-ns")  ? "127.0.0.2"
                                                     : "127.0.0.9";
}

static void resolver_script(nameserver_reply_t *reply, const char *name,
                            int type)
{
    if (type == NAMESERVER_NS && !strcmp(name, "zone.test."))
        reply->ns[0] = "early-ns.test.";
    else if (type == NAMESERVER_A || type == NAMESERVER_AAAA)
        resolver_addresses(reply, name, type);
    else
        reply->rcode = 3;
}

static void zone_script(nameserver_reply_t *reply, const char *name, int type)
{
    if (type == NAMESERVER_TXT)
        reply->txt[0] = DIGEST;
}

/* At 127.0.0.1, and perhaps at ::1. */
static void answer(visit_t *visit)
{
    struct sockaddr_storage own;
    char text[128];
    socklen_t len = sizeof(own);

    getsockname(visit->fd, (struct sockaddr *)&own, &len);
    if (strstr(visit->path, "hang") && own.ss_family == AF_INET)
        server_hang(visit);
    else if (strstr(visit->path, "sent-on")) {
        snprintf(text, sizeof(text),
                 "HTTP/1.1 302 Found\r\nLocation: "
                 "http://early-works.test:%d/\r\n\r\n",
                 visit->server->port);
        server_say(visit, text);
    }
    else
        server_say(visit, "HTTP/1.1 200 OK\r\n\r\nplain.thumb");
}

static server_t server;
static nameserver_t resolver, zone;
static bed_t *bed;
static int has_six;

static void open_all(apr_pool_t *pool, int wants_six)
{
    dcv_resolver_t *row = apr_pcalloc(pool, sizeof(*row));

    atomic_store(&lost[0], 0);
    atomic_store(&lost[1], 0);
    ok(nameserver_start(&resolver, "127.0.0.1", 0, resolver_script));
    ok(nameserver_start(&zone, "127.0.0.2", resolver.port, zone_script));
    server_start(&server, answer);
    has_six = wants_six && server_also(&server, "::1");
    if (wants_six && !has_six)
        tap_diag("skipped: there is no IPv6 here");
    server_open(&server);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
    bed->conf->dns01_port = resolver.port;
    bed->conf->timeout = apr_time_from_sec(3);
    row->servers = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->servers, const char *) =
        apr_psprintf(pool, "127.0.0.1@%d", resolver.port);
    APR_ARRAY_PUSH(bed->conf->resolvers, dcv_resolver_t *) = row;
}

static void close_all(void)
{
    bed_stop(bed);
    server_stop(&server);
    nameserver_stop(&resolver);
    nameserver_stop(&zone);
}

static void proven(const char *domain, const char *token, const char *address)
{
    probe_t *probe =
        bed_submit_key(bed, domain, token, "plain.thumb", "account");
    const dcv_result_t *result = bed_wait(probe);

    need(result);
    ok(!result->problem, "%s: %s", domain,
       result->problem ? result->problem->detail : "");
    is_str(result->address, address);
    bed_free(probe);
}

static void refuted(const char *domain, const char *words)
{
    const dcv_result_t *result = bed_ask(bed, domain, "plain");

    need(result && result->problem);
    is_str(problem_name(result->problem->type), "connection");
    ok(strstr(result->problem->detail, words), "no \"%s\" in: %s", words,
       result->problem->detail);
}

/* What is known is dialled first; then what the DNS was late with. */
static void late(apr_pool_t *pool)
{
    open_all(pool, 1);
    if (has_six) {
        proven("late-a.test", "plain", "::1");
        atomic_store(&lost[1], 0);
        proven("late-works.test", "hang", "::1");
    }
    close_all();
    open_all(pool, 0);
    proven("early-works.test", "plain", "127.0.0.1");
    close_all();
}

/* The rest that nobody waits for any more. */
static void dropped(apr_pool_t *pool)
{
    open_all(pool, 0);
    proven("late-works.test", "plain", "127.0.0.1");
    atomic_store(&lost[1], 0);
    proven("late-works.test", "sent-on", "127.0.0.1");
    close_all();
}

static void told(apr_pool_t *pool)
{
    open_all(pool, 0);
    refuted("late-gone.test",
            apr_psprintf(pool,
                         "127.0.0.9 port %d: connection refused; ::1 port %d:",
                         server.port, server.port));
    refuted("late-mute.test", "connection refused; no more addresses from the "
                              "name servers in time. Resolver of late-mute");
    close_all();
}

static void authority(apr_pool_t *pool)
{
    open_all(pool, 0);
    bed->method = DCV_DNS01;
    bed->conf->timeout = apr_time_from_msec(1900); /* one try */
    proven("x.zone.test", "plain", "early-ns.test (127.0.0.2)");
    close_all();
}

const tap_case_t tap_cases[] = {
    {"T79 addresses that the DNS is late with are dialled", late},
    {"T79 and cost nobody who needs them not", dropped},
    {"T78 every address that was tried is told", told},
    {"T80 the same for the zone's own name servers", authority},
    {NULL, NULL}};
