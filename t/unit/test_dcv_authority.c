/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_authority.h"

#include <apr_strings.h>
#include <string.h>

#include "dcv_bed.h"
#include "dcv_nameserver.h"
#include "resident.h"
#include "tap.h"

/* A name below twenty delegations, each of which comes with all the records
 * that a message can hold. */
#define DEEP    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.x.test"
#define RECORDS 700
#define JOBS    10

static bed_t *bed;
static nameserver_t resolver, server;
static atomic_int depth;

static void resolver_script(nameserver_reply_t *reply, const char *name,
                            int type)
{
    if (type == NAMESERVER_NS && !strcmp(name, "x.test."))
        reply->ns[0] = "ns.x.test.";
    else if (type == NAMESERVER_A && !strcmp(name, "ns.x.test."))
        reply->addresses[0] = "127.0.0.2";
    else {
        reply->rcode = 3;
        reply->zone = type == NAMESERVER_NS ? "x.test." : NULL;
    }
}

/* The last labels of name, so many that x.test has one when at is 1. */
static const char *zone_at(const char *name, int at)
{
    const char *zone = name + strlen(name) - strlen("x.test.");

    for (; at && zone > name; at--)
        for (zone--; zone > name && zone[-1] != '.'; zone--)
            ;
    return zone;
}

static void script(nameserver_reply_t *reply, const char *name, int type)
{
    if (type != NAMESERVER_TXT)
        return;
    reply->is_cut = 1;
    reply->txt[0] = "";
    reply->txt_count = RECORDS;
    if (strstr(name, ".a.a.x.test.")) {
        reply->zone = zone_at(name, 1 + atomic_load(&depth) / 2);
        reply->ns[0] = "ns.x.test.";
        reply->is_lame = 1;
        atomic_fetch_add(&depth, 1); /* by UDP, by TCP */
    }
}

static void open_all(apr_pool_t *pool)
{
    dcv_resolver_t *row = apr_pcalloc(pool, sizeof(*row));

    ok(nameserver_start(&resolver, "127.0.0.1", 0, resolver_script));
    ok(nameserver_start(&server, "127.0.0.2", resolver.port, script));
    bed = bed_start(pool);
    bed->method = DCV_DNS01;
    bed->conf->dns01_port = resolver.port;
    bed->conf->timeout = apr_time_from_msec(1900); /* one try */
    row->servers = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->servers, const char *) =
        apr_psprintf(pool, "127.0.0.1@%d", resolver.port);
    APR_ARRAY_PUSH(bed->conf->resolvers, dcv_resolver_t *) = row;
}

/* What some jobs have, with all that they said. */
static long memory_of(const char *domain)
{
    long before = resident(), after;
    probe_t *probes[JOBS];
    int i;

    for (i = 0; i < JOBS; i++) {
        atomic_store(&depth, 0);
        probes[i] = bed_submit(bed, domain, "token", "account");
        ok(bed_wait(probes[i]) && probes[i]->result->problem);
    }
    after = resident();
    for (i = 0; i < JOBS; i++)
        bed_free(probes[i]);
    return (after - before) / JOBS;
}

static void memory(apr_pool_t *pool)
{
    long one, deep;

    open_all(pool);
    (void)memory_of(DEEP); /* what the loop keeps for the next one */
    deep = memory_of(DEEP);
    ok(atomic_load(&depth) >= 30, "%d questions", atomic_load(&depth));
    one = memory_of("b.x.test");
    ok(deep < 200000, "%ld octets with delegations", deep);
    ok(one < 200000, "%ld octets", one);
    bed_stop(bed);
    nameserver_stop(&resolver);
    nameserver_stop(&server);
}

const tap_case_t tap_cases[] = {
    {"what a name server sends in masses is not kept", memory}, {NULL, NULL}};
