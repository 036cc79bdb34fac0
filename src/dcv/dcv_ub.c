/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_ub.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unbound.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/quote.h"

#include "base/banned.h"

#define CLASS_IN       1
#define RCODE_SERVFAIL 2
#define RCODE_REFUSED  5
/* Connections by TCP, which have 64 KB each. */
#define CONNECTIONS_MAX 256
#define WHY_BOGUS_MAX   160

/*
 * Of libunbound's defaults, those that are wrong here.  They make one name
 * whose name servers are silent spoil the forwarder for every other name: the
 * few sockets are waited for, and the forwarder's round trip time, learned from
 * the silent ones, grows until it is not asked at all.  So: sockets for all,
 * and what was learned of a server is forgotten after a second; but no repeated
 * question within a second, since a resolver may need that.  Two rounds, so
 * that a failure is told within 5 seconds, 8 of two name servers.  One question
 * per connection by TCP: resolvers that answer them in their order would let
 * all wait for one whose name servers hang.  Local zones would deny names such
 * as a.home.arpa that an intranet's name server may well know.
 */
static const char options[] = "server:\n"
                              "do-not-query-localhost: no\n"
                              "num-queries-per-thread: 4096\n"
                              "max-reuse-tcp-queries: 1\n"
                              "infra-host-ttl: 1\n"
                              "infra-cache-min-rtt: 1000\n"
                              "outbound-msg-retry: 2\n"
                              "rrset-roundrobin: no\n"
                              "unblock-lan-zones: yes\n"
                              "local-zone: \"localhost.\" nodefault\n"
                              "local-zone: \"test.\" nodefault\n"
                              "local-zone: \"invalid.\" nodefault\n"
                              "local-zone: \"onion.\" nodefault\n"
                              "local-zone: \"home.arpa.\" nodefault\n"
                              "local-zone: \"resolver.arpa.\" nodefault\n"
                              "local-zone: \"service.arpa.\" nodefault\n";

/* A question that libunbound works on.  It does so even if nobody waits for the
 * answer any more, with a socket: so it is not told, and counts to its end. */
typedef struct dcv_ub_slot_t dcv_ub_slot_t;
struct dcv_ub_slot_t {
    dcv_ub_t *ub;
    dcv_ub_query_t *query; /* NULL: cancelled */
    dcv_ub_slot_t *next;   /* of those that are free */
};

struct dcv_ub_t {
    apr_pool_t *pool; /* its own */
    dcv_event_t *event;
    const log_t *log;
    struct ub_ctx *ctx;
    int fd;
    int waiting; /* questions whose answers are waited for */
    int open;    /* these, and those that were cancelled */
    dcv_ub_slot_t *free;
    int is_broken, is_busy;
};

static apr_status_t ub_close(void *data)
{
    dcv_ub_t *ub = data;

    if (ub->fd >= 0)
        dcv_event_watch(ub->event, DCV_EVENT_DNS, ub->fd, 0);
    ub_ctx_delete(ub->ctx);
    return APR_SUCCESS;
}

/* Only what cannot end the quoted string it stands in. */
static int is_plain(const char *text)
{
    return *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789.:-_@%")];
}

/* What an outside key signs must be signed; a chain that breaks is a failure,
 * whose memory is short.  NULL if a name is none. */
static const char *trust_make(const dcv_ub_conf_t *conf, apr_pool_t *pool)
{
    const char *text;
    int i;

    if (!conf->trust_anchor)
        return "module-config: \"iterator\"\n";
    if (strpbrk(conf->trust_anchor, "\"\n\r"))
        return NULL;
    text = apr_pstrcat(pool,
                       "module-config: \"validator iterator\"\n"
                       "trust-anchor-signaling: no\n"
                       "val-bogus-ttl: 0\n"
                       "trust-anchor-file: \"",
                       conf->trust_anchor, "\"\n", NULL);
    for (i = 0; i < conf->insecure->nelts; i++) {
        const char *zone = APR_ARRAY_IDX(conf->insecure, i, const char *);

        if (!is_plain(zone))
            return NULL;
        text =
            apr_pstrcat(pool, text, "domain-insecure: \"", zone, "\"\n", NULL);
    }
    return text;
}

static const char *zones_make(const dcv_ub_conf_t *conf, apr_pool_t *pool)
{
    const char *text = "";
    int i, k;

    for (i = 0; i < conf->zones->nelts; i++) {
        const dcv_resolver_t *zone =
            APR_ARRAY_IDX(conf->zones, i, const dcv_resolver_t *);
        const char *name = zone->zone ? zone->zone : ".";

        if (!is_plain(name))
            return NULL;
        text = apr_psprintf(pool,
                            "%sforward-zone:\nname: \"%s\"\n"
                            "forward-no-cache: yes\n",
                            text, name);
        for (k = 0; k < zone->servers->nelts; k++) {
            const char *server = APR_ARRAY_IDX(zone->servers, k, const char *);

            if (!is_plain(server))
                return NULL;
            text = apr_psprintf(pool, "%sforward-addr: \"%s\"\n", text, server);
        }
    }
    return text;
}

/* libunbound's configuration, as it reads it from a file: there is no function
 * for a forwarder of one zone.  NULL if a zone or a server is no such thing. */
static const char *config_make(const dcv_ub_conf_t *conf, apr_pool_t *pool)
{
    const char *trust = trust_make(conf, pool), *zones = zones_make(conf, pool);

    if (!trust || !zones)
        return NULL;
    return apr_psprintf(
        pool, "%s%soutgoing-range: %d\noutgoing-num-tcp: %d\n%s", options,
        trust, conf->sockets,
        conf->sockets < CONNECTIONS_MAX ? conf->sockets : CONNECTIONS_MAX,
        zones);
}

static apr_status_t config_read(struct ub_ctx *ctx, const char *text)
{
    size_t len = strlen(text);
    char path[64];
    int fd, err;

    fd = memfd_create("acme-unbound", MFD_CLOEXEC);
    if (fd < 0)
        return APR_FROM_OS_ERROR(errno);
    if (write(fd, text, len) != (ssize_t)len) {
        close(fd);
        return APR_ENOSPC;
    }
    apr_snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    err = ub_ctx_config(ctx, path);
    close(fd);
    return err ? APR_EGENERAL : APR_SUCCESS;
}

apr_status_t dcv_ub_create(dcv_ub_t **ub, const dcv_ub_conf_t *conf,
                           dcv_event_t *event, const log_t *log,
                           apr_pool_t *pool)
{
    const char *config;
    apr_pool_t *own;
    apr_status_t rv;
    dcv_ub_t *made;

    apr_pool_create(&own, pool);
    made = apr_pcalloc(own, sizeof(*made));
    made->pool = own;
    made->event = event;
    made->log = log;
    made->fd = -1;
    made->ctx = ub_ctx_create();
    if (!made->ctx) {
        apr_pool_destroy(own);
        return APR_ENOMEM;
    }
    apr_pool_cleanup_register(own, made, ub_close, apr_pool_cleanup_null);
    ub_ctx_debugout(made->ctx, NULL);
    config = config_make(conf, own);
    rv = config ? config_read(made->ctx, config) : APR_EINVAL;
    if (rv == APR_SUCCESS && ub_ctx_async(made->ctx, 1))
        rv = APR_EGENERAL;
    /* What is wrong shows now, instead of in every question. */
    if (rv == APR_SUCCESS && ub_ctx_zone_remove(made->ctx, "invalid."))
        rv = APR_EGENERAL;
    if (rv == APR_SUCCESS) {
        made->fd = ub_fd(made->ctx);
        rv = dcv_event_watch(event, DCV_EVENT_DNS, made->fd, EPOLLIN);
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(own);
        return rv;
    }
    *ub = made;
    return APR_SUCCESS;
}

void dcv_ub_destroy(dcv_ub_t *ub)
{
    apr_pool_destroy(ub->pool);
}

int dcv_ub_is_idle(const dcv_ub_t *ub)
{
    return !ub->waiting && !ub->is_busy;
}

int dcv_ub_open(const dcv_ub_t *ub)
{
    return ub->open;
}

int dcv_ub_is_broken(const dcv_ub_t *ub)
{
    return ub->is_broken;
}

int dcv_ub_ready(dcv_ub_t *ub, int fd)
{
    int err;

    if (ub->fd != fd)
        return 0;
    ub->is_busy = 1;
    err = ub_process(ub->ctx);
    ub->is_busy = 0;
    if (err) {
        log_write(ub->log, LOG_LEVEL_ERROR, "AS0202", APR_EGENERAL,
                  "name resolution is set up anew, since libunbound says: %s",
                  ub_strerror(err));
        ub->is_broken = 1;
        dcv_event_watch(ub->event, DCV_EVENT_DNS, ub->fd, 0);
    }
    return 1;
}

static const char *failure_words(int err, const struct ub_result *result,
                                 apr_pool_t *pool)
{
    if (err || !result)
        return apr_pstrcat(pool, "libunbound: ", ub_strerror(err), NULL);
    if (result->bogus)
        return apr_pstrcat(pool, "DNSSEC does not hold: ",
                           result->why_bogus
                               ? quote_make(result->why_bogus,
                                            strlen(result->why_bogus),
                                            WHY_BOGUS_MAX, pool)
                               : "it is bogus",
                           NULL);
    if (result->rcode == RCODE_SERVFAIL)
        return "SERVFAIL, or no answer from the name server";
    if (result->rcode == RCODE_REFUSED)
        return "REFUSED by the name server";
    if (result->nxdomain)
        return "NXDOMAIN, there is no such name";
    if (result->rcode)
        return apr_psprintf(pool, "the name server says code %d",
                            result->rcode);
    return "there is no such record";
}

static void answer_init(dcv_ub_answer_t *answer, int err,
                        const struct ub_result *result, apr_pool_t *pool)
{
    memset(answer, 0, sizeof(*answer));
    if (!err && result && !result->bogus) {
        answer->is_no_name = result->nxdomain;
        answer->is_no_record = !result->nxdomain && !result->rcode;
        answer->owner = result->canonname ? result->canonname : result->qname;
        answer->ttl = result->ttl;
        answer->packet = result->answer_packet;
        answer->packet_len = (apr_size_t)result->answer_len;
        answer->data = result->data;
        answer->lens = result->len;
        if (result->havedata)
            for (; result->data[answer->count]; answer->count++)
                ;
    }
    answer->is_bogus = !err && result && result->bogus;
    if (!answer->count)
        answer->failure = failure_words(err, result, pool);
}

static dcv_ub_slot_t *slot_take(dcv_ub_t *ub)
{
    dcv_ub_slot_t *slot = ub->free;

    if (slot)
        ub->free = slot->next;
    else
        slot = apr_palloc(ub->pool, sizeof(*slot));
    slot->ub = ub;
    ub->open++;
    return slot;
}

static void slot_put(dcv_ub_slot_t *slot)
{
    dcv_ub_t *ub = slot->ub;

    slot->next = ub->free;
    ub->free = slot;
    ub->open--;
}

static void answered(void *baton, int err, struct ub_result *result)
{
    dcv_ub_slot_t *slot = baton;
    dcv_ub_query_t *query = slot->query;
    dcv_ub_answer_t answer;

    slot_put(slot);
    if (query) {
        query->ub->waiting--;
        query->ub = NULL;
        answer_init(&answer, err, result, query->pool);
        query->done(query->baton, &answer);
    }
    ub_resolve_free(result);
}

apr_status_t dcv_ub_ask(dcv_ub_query_t *query, dcv_ub_t *ub, const char *name)
{
    dcv_ub_slot_t *slot = slot_take(ub);

    slot->query = query;
    if (ub_resolve_async(ub->ctx, name, query->type, CLASS_IN, slot, answered,
                         NULL)) {
        slot_put(slot);
        return APR_EGENERAL;
    }
    query->ub = ub;
    query->slot = slot;
    ub->waiting++;
    return APR_SUCCESS;
}

void dcv_ub_cancel(dcv_ub_query_t *query)
{
    if (!query->ub)
        return;
    query->slot->query = NULL;
    query->ub->waiting--;
    query->ub = NULL;
}
