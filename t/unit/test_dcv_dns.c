/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_dns.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "dcv/dcv_address.h"
#include "dcv_nameserver.h"
#include "tap.h"

static apr_pool_t *pool;
static dcv_event_t *event;
static dcv_dns_t *dns;
static dcv_conf_t *conf;
static int lost; /* questions about names that are lost once */

/* Names say what happens to their questions. */
static void script(nameserver_reply_t *reply, const char *name, int type)
{
    int is_ipv6 = type == NAMESERVER_AAAA;

    reply->is_silent = strstr(name, "silent") || (is_ipv6 && *name == '6') ||
                       (is_ipv6 && strstr(name, "lost") && !lost++);
    if (strstr(name, "late"))
        usleep(300000);
    if (strstr(name, "nx"))
        reply->rcode = 3;
    if (strstr(name, "broken") || (is_ipv6 && strstr(name, "half")))
        reply->rcode = 2;
    if (strstr(name, "refuse"))
        reply->rcode = 5;
    if (strstr(name, "alias"))
        reply->cname = "www.other.test.";
    if (reply->rcode || strstr(name, "nothing"))
        return;
    if (is_ipv6 && (strstr(name, "dual") || strstr(name, "lost"))) {
        reply->addresses[0] = "2001:db8::1";
        reply->addresses[1] = "2001:db8::2";
    }
    if (!is_ipv6) {
        reply->addresses[0] = "192.0.2.1";
        if (strstr(name, "dual")) {
            reply->addresses[1] = "192.0.2.2";
            reply->addresses[2] = "192.0.2.3";
        }
    }
}

static void script_other(nameserver_reply_t *reply, const char *name, int type)
{
    if (type == NAMESERVER_A)
        reply->addresses[0] = "198.51.100.7";
}

static nameserver_t main_server, other_server;

static void resolver_add(const char *zone, const char *server)
{
    dcv_resolver_t *row = apr_pcalloc(pool, sizeof(*row));

    row->zone = zone;
    row->servers = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->servers, const char *) = server;
    APR_ARRAY_PUSH(conf->resolvers, dcv_resolver_t *) = row;
}

static const char *at(const nameserver_t *server)
{
    return apr_psprintf(pool, "127.0.0.1@%d", server->port);
}

static void open_plain(apr_pool_t *p)
{
    pool = p;
    ok(dcv_event_create(&event, pool) == APR_SUCCESS);
    dns = dcv_dns_make(event, 256, NULL, pool);
    conf = dcv_conf_make(pool);
    conf->hosts_file = "/nonexistent/hosts";
    conf->resolv_conf = "/nonexistent/resolv.conf";
}

static void open_all(apr_pool_t *p)
{
    open_plain(p);
    ok(nameserver_start(&main_server, "127.0.0.1", 0, script));
    ok(nameserver_start(&other_server, "127.0.0.1", 0, script_other));
    resolver_add(NULL, at(&main_server));
    resolver_add("zone.test", at(&other_server));
}

static void close_all(void)
{
    nameserver_stop(&main_server);
    nameserver_stop(&other_server);
}

typedef struct {
    int calls, wants_rest;
    const char *text; /* addresses or failure */
    const char *resolver;
    const char *hint;
    dcv_dns_query_t *query;
} asked_t;

static void answered(void *baton, const dcv_dns_answer_t *answer)
{
    asked_t *asked = baton;
    int i;

    asked->calls++;
    if (answer->is_partial && !asked->wants_rest)
        dcv_dns_cancel(asked->query);
    asked->resolver = answer->resolver;
    asked->text = answer->failure;
    asked->hint = answer->hint;
    for (i = 0; !answer->failure && i < answer->addresses->nelts; i++)
        asked->text = apr_pstrcat(
            pool, asked->text ? asked->text : "", i ? " " : "",
            APR_ARRAY_IDX(answer->addresses, i, dcv_address_t *)->text, NULL);
}

static void ask(asked_t *asked, const char *host)
{
    memset(asked, 0, sizeof(*asked));
    dcv_dns_start(&asked->query, dns, conf, host, answered, asked, pool);
}

static void wait_for(asked_t *asked)
{
    apr_time_t end = clock_now(&clock_monotonic) + apr_time_from_sec(20);

    while (!asked->calls && clock_now(&clock_monotonic) < end)
        dcv_event_turn(event);
    is_int(asked->calls, 1);
}

static void gives(const char *host, const char *text, const char *resolver)
{
    asked_t asked;

    ask(&asked, host);
    wait_for(&asked);
    is_str(asked.text, text);
    ok(!resolver || strstr(asked.resolver, resolver), "%s", asked.resolver);
}

static void host_add(const char *name, const char *address)
{
    dcv_host_t *row = apr_pcalloc(pool, sizeof(*row));

    row->name = name;
    row->addresses = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->addresses, const char *) = address;
    APR_ARRAY_PUSH(conf->hosts, dcv_host_t *) = row;
}

static void file_write(const char *path, const char *text)
{
    const char *next = apr_pstrcat(pool, path, ".new", NULL);
    FILE *file = fopen(next, "w");

    fputs(text, file);
    fclose(file);
    rename(next, path);
}

static void local(apr_pool_t *p)
{
    asked_t asked;

    open_plain(p);
    conf->hosts_file = apr_pstrcat(pool, tap_tmpdir(), "/hosts", NULL);
    file_write(conf->hosts_file,
               "# a comment\n127.0.0.1\tlocalhost  Mixed.Test. # more\n"
               "::1 localhost ip6-localhost\n"
               "192.0.2.9 static.test dual.test dual.test\n"
               "192.0.2.10 dual.test\r\n2001:db8::9 dual.test\n"
               "fe80::1%lo scope.test\n999.1.1.1 bad.test\nword\n\n"
               "192.0.2.11 last.test");
    host_add("static.test", "192.0.2.1");
    host_add("bad-static.test", "no address");
    gives("static.test", "192.0.2.1", "ACMEResolverHost");
    gives("localhost", "::1 127.0.0.1", "hosts file ");
    gives("mixed.test", "127.0.0.1", conf->hosts_file);
    gives("dual.test", "2001:db8::9 192.0.2.9 192.0.2.10", "hosts file");
    gives("last.test", "192.0.2.11", "hosts file");
    gives("192.0.2.5", "192.0.2.5", NULL);
    gives("2001:db8::5", "2001:db8::5", NULL);
    file_write(conf->hosts_file, "192.0.2.12 mixed.test\n");
    gives("mixed.test", "192.0.2.12", "hosts file");
    ask(&asked, "static.test");
    ok(!asked.query && asked.calls == 1, "no waiting for what is known");
}

static void answers(apr_pool_t *p)
{
    int before;

    open_all(p);
    gives("a.test", "192.0.2.1", at(&main_server));
    gives("dual.test", "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3",
          NULL);
    gives("alias.test", "192.0.2.1", NULL);
    gives("half.test", "192.0.2.1", NULL);
    gives("intranet", "192.0.2.1", NULL);
    gives("localhost", "192.0.2.1", NULL);
    gives("a.home.arpa", "192.0.2.1", NULL);
    gives("a.local", "192.0.2.1", NULL);
    gives("a.invalid", "192.0.2.1", NULL);
    gives("zone.test", "198.51.100.7", "of ACMEResolver zone.test");
    gives("a.b.zone.test", "198.51.100.7", at(&other_server));
    gives("azone.test", "192.0.2.1", "of ACMEResolver");
    before = atomic_load(&main_server.questions);
    gives("a.test", "192.0.2.1", NULL);
    is_int(atomic_load(&main_server.questions), before + 2);
    close_all();
}

static void failures(apr_pool_t *p)
{
    int i, before;

    open_all(p);
    for (i = 0; i < 2; i++) { /* nothing is remembered */
        before = atomic_load(&main_server.questions);
        gives("nx.test", "NXDOMAIN, there is no such name", "of ACMEResolver");
        is_int(atomic_load(&main_server.questions), before + 2);
        gives("broken.test", "SERVFAIL, or no answer from the name server",
              NULL);
        ok(atomic_load(&main_server.questions) >= before + 4);
    }
    gives("nothing.test", "there is no such record", NULL);
    gives("refuse.test", "SERVFAIL, or no answer from the name server", NULL);
    close_all();
}

/* What failed tells more than what is not there. */
static void hints(apr_pool_t *p)
{
    static const char *const names[] = {"nx.test", "nothing.test",
                                        "broken.test", "half.nothing.test"};
    asked_t asked;
    int i;

    open_all(p);
    for (i = 0; i < 4; i++) {
        ask(&asked, names[i]);
        wait_for(&asked);
        ok(strstr(asked.hint, i < 2 ? "know this name" : "can the ACME server"),
           "%s: %s", names[i], asked.hint);
    }
    is_str(asked.text, "A: there is no such record; "
                       "AAAA: SERVFAIL, or no answer from the name server");
    ask(&asked, "good.test");
    wait_for(&asked);
    ok(!asked.hint);
    close_all();
}

static void silence(apr_pool_t *p)
{
    asked_t asked[60], good;
    int i, ended = 0;

    open_all(p);
    for (i = 0; i < 60; i++)
        ask(&asked[i], apr_psprintf(pool, "h%d.silent.test", i));
    ask(&good, "good.test");
    wait_for(&good);
    is_str(good.text, "192.0.2.1");
    gives("6.test", "192.0.2.1", NULL); /* a server that knows no AAAA */
    for (i = 0; i < 60; i++)
        ended += asked[i].calls;
    ok(ended < 60, "others are not delayed until the silent ones are over");
    for (i = 0; i < 30; i++) {
        if (asked[i].calls)
            continue;
        dcv_dns_cancel(asked[i].query);
        asked[i].query = NULL;
    }
    for (i = 30; i < 60; i++) {
        wait_for(&asked[i]);
        is_str(asked[i].text, "SERVFAIL, or no answer from the name server");
    }
    for (i = 0; i < 30; i++)
        ok(asked[i].query || !asked[i].calls, "nothing of a cancelled one");
    close_all();
}

/* libunbound asks on, each time with a socket, so they count: without more of
 * them the last one waits until the first one's are free. */
static void cancelled(apr_pool_t *p)
{
    asked_t first, gone, good;
    int i;

    open_all(p);
    ask(&first, "first.silent.test");
    for (i = 0; i < 100; i++) {
        ask(&gone, apr_psprintf(pool, "h%d.silent.test", i));
        dcv_dns_cancel(gone.query);
    }
    ok(dcv_dns_open(dns) == 202, "all questions are open");
    ask(&good, "good.test");
    wait_for(&good);
    is_str(good.text, "192.0.2.1");
    ok(!first.calls, "the silent one is not over yet");
    wait_for(&first);
    is_str(first.text, "SERVFAIL, or no answer from the name server");
    close_all();
}

/* Of one family's question or answer the datagram is lost, or the first name
 * server is dead: the other family is not waited with, nor is this one lost. */
static void rest(apr_pool_t *p)
{
    asked_t asked;

    open_all(p);
    ask(&asked, "lost.test");
    asked.wants_rest = 1;
    wait_for(&asked);
    is_str(asked.text, "192.0.2.1");
    asked.calls = 0;
    wait_for(&asked);
    is_str(asked.text, "2001:db8::1 2001:db8::2");
    ask(&asked, "6.test"); /* never answered */
    asked.wants_rest = 1;
    wait_for(&asked);
    is_str(asked.text, "192.0.2.1");
    asked.calls = 0;
    wait_for(&asked);
    is_str(asked.text, "A: known; AAAA: SERVFAIL, or no answer from the name "
                       "server");
    close_all();
}

static void system_file(apr_pool_t *p)
{
    nameserver_t servers[2];
    asked_t asked;

    open_plain(p);
    if (!nameserver_start(&servers[0], "127.0.0.77", 53, script)) {
        tap_diag("skipped: port 53 cannot be had");
        return;
    }
    ok(nameserver_start(&servers[1], "127.0.0.78", 53, script_other));
    conf->resolv_conf = apr_pstrcat(pool, tap_tmpdir(), "/resolv.conf", NULL);
    file_write(conf->resolv_conf, "search corp.example\n"
                                  "nameserver 127.0.0.77 # ours\n");
    gives("a.test", "192.0.2.1",
          apr_pstrcat(pool, "127.0.0.77 of ", conf->resolv_conf, NULL));
    ask(&asked, "late.test");
    file_write(conf->resolv_conf, "nameserver bogus\nnameserver 127.0.0.78\n");
    gives("a.test", "198.51.100.7", "127.0.0.78 of ");
    wait_for(&asked); /* of the old servers */
    is_str(asked.text, "192.0.2.1");
    ok(strstr(asked.resolver, "127.0.0.77"), "%s", asked.resolver);
    unlink(conf->resolv_conf);
    ask(&asked, "a.test");
    ok(strstr(dcv_dns_resolver(asked.query), "127.0.0.1, since "));
    dcv_dns_cancel(asked.query);
    nameserver_stop(&servers[0]);
    nameserver_stop(&servers[1]);
}

static void unusable(apr_pool_t *p)
{
    asked_t asked;

    open_plain(p);
    resolver_add(NULL, "127.0.0.1\"\nchroot: \"/");
    ask(&asked, "a.test");
    is_int(asked.calls, 1);
    is_str(asked.text, "the name servers cannot be asked");
    ok(!asked.query);
    conf->resolvers->nelts = 0;
    resolver_add(NULL, "no-address");
    ask(&asked, "a.test");
    wait_for(&asked);
}

const tap_case_t tap_cases[] = {
    {"static hosts, hosts file, literals", local},
    {"A, AAAA, CNAME, zones; nothing is cached", answers},
    {"NXDOMAIN, SERVFAIL, no records: why, and not remembered", failures},
    {"R20 and what to do about it", hints},
    {"silent names delay no other", silence},
    {"nor do those whose answers nobody waits for any more", cancelled},
    {"T79 a family whose answer is late is told later", rest},
    {"resolv.conf, and its changes", system_file},
    {"servers that libunbound will not have", unusable},
    {NULL, NULL}};
