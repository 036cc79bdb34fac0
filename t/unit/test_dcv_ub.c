/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_ub.h"

#include <string.h>

#include <apr_strings.h>

#include "dcv_bed.h"
#include "dcv_nameserver.h"
#include "tap.h"

/* SHA-256 of "token.thumb" in base64url, by openssl. */
#define DIGEST "lCdftpJCXapaZHkBGIZbcubeKW8RmA0jSG_aZN01zbU"
#define SILENT 5

static nameserver_t server;

/* All that is cut by UDP; some of it by TCP never comes. */
static void script(nameserver_reply_t *reply, const char *name, int type)
{
    if (type != NAMESERVER_TXT) {
        reply->rcode = 3;
        return;
    }
    reply->is_cut = 1;
    reply->is_tcp_silent = strstr(name, "silent") != NULL;
    reply->txt[0] = DIGEST;
}

static bed_t *open_all(apr_pool_t *pool)
{
    dcv_resolver_t *row = apr_pcalloc(pool, sizeof(*row));
    bed_t *bed;

    ok(nameserver_start(&server, "127.0.0.1", 0, script));
    bed = bed_start(pool);
    bed->method = DCV_DNS01;
    bed->conf->authoritative = 0;
    bed->conf->timeout = apr_time_from_msec(1900);
    row->servers = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->servers, const char *) =
        apr_psprintf(pool, "127.0.0.1@%d", server.port);
    APR_ARRAY_PUSH(bed->conf->resolvers, dcv_resolver_t *) = row;
    return bed;
}

/* A resolver that answers what comes by one connection in its order. */
static void connections(apr_pool_t *pool)
{
    bed_t *bed = open_all(pool);
    probe_t *probes[SILENT];
    const dcv_result_t *result;
    int i;

    for (i = 0; i < SILENT; i++)
        probes[i] = bed_submit(bed, apr_psprintf(pool, "silent%d.test", i),
                               "token", "account");
    for (i = 0; i < 1000 && atomic_load(&server.tcp) < SILENT; i++)
        apr_sleep(1000);
    is_int(atomic_load(&server.tcp), SILENT);
    result = bed_ask(bed, "good.test", "token");
    need(result != NULL);
    ok(!result->problem, "%s", result->problem ? result->problem->detail : "");
    for (i = 0; i < SILENT; i++) {
        ok(bed_wait(probes[i]) && probes[i]->result->problem);
        bed_free(probes[i]);
    }
    bed_stop(bed);
    nameserver_stop(&server);
}

const tap_case_t tap_cases[] = {
    {"H9 an answer by TCP that does not come holds up no other", connections},
    {NULL, NULL}};
