/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_servers.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "dcv/dcv_address.h"
#include "dcv/dcv_file.h"

#include "base/banned.h"

#define RESOLV_CONF_MAX   65536
#define NSSWITCH          "/etc/nsswitch.conf"
#define SYSTEM_SERVER_MAX 8
/* libunbound has tables for all sockets that it may open, and buffers for all
 * connections by TCP: 6 MB for the most.  A context begins with few, and when
 * questions may come to want half of them there is another one with so many
 * times as many, since whoever has to wait for a socket may wait for long. */
#define SOCKETS_FIRST 128
#define SOCKETS_TIMES 4
#define SOCKETS_MAX   4096
/* What cannot be set up is not tried for each question. */
#define PAUSE apr_time_from_sec(1)

/* One set of servers and its context. */
typedef struct {
    apr_array_header_t *zones;    /* ACMEResolver's, of dcv_resolver_t * */
    int is_system;                /* resolv.conf for what they do not cover */
    const char *trust_anchor;     /* NULL: nothing is validated */
    apr_array_header_t *insecure; /* of const char * */
    dcv_file_t resolv_conf;
    int sockets;        /* of ub, or of the next one */
    int has_failed;     /* the last try to make ub … */
    apr_time_t again;   /* … and when the next one begins */
    dcv_ub_t *ub;       /* NULL: none yet */
    apr_pool_t *pool;   /* of the following; cleared with ub */
    const char *system; /* "10.0.0.1, 10.0.0.2 of /etc/resolv.conf" */
} set_t;

struct dcv_servers_t {
    apr_pool_t *pool;
    dcv_event_t *event;
    const log_t *log;
    int sockets;
    int has_noticed;          /* nsswitch.conf */
    apr_array_header_t *sets; /* of set_t * */
    apr_array_header_t *old;  /* of dcv_ub_t *, with questions still open */
};

static void old_sweep(dcv_servers_t *servers)
{
    int i, kept = 0;

    for (i = 0; i < servers->old->nelts; i++) {
        dcv_ub_t *ub = APR_ARRAY_IDX(servers->old, i, dcv_ub_t *);

        if (dcv_ub_is_idle(ub))
            dcv_ub_destroy(ub);
        else
            APR_ARRAY_IDX(servers->old, kept++, dcv_ub_t *) = ub;
    }
    servers->old->nelts = kept;
}

static void ready(void *baton, int fd, unsigned int events)
{
    dcv_servers_t *servers = baton;
    int i, is_taken = 0;

    for (i = 0; i < servers->sets->nelts && !is_taken; i++) {
        set_t *set = APR_ARRAY_IDX(servers->sets, i, set_t *);

        is_taken = set->ub && dcv_ub_ready(set->ub, fd);
    }
    for (i = 0; i < servers->old->nelts && !is_taken; i++)
        is_taken = dcv_ub_ready(APR_ARRAY_IDX(servers->old, i, dcv_ub_t *), fd);
    old_sweep(servers);
}

dcv_servers_t *dcv_servers_make(dcv_event_t *event, int sockets,
                                const log_t *log, apr_pool_t *pool)
{
    dcv_servers_t *servers = apr_pcalloc(pool, sizeof(*servers));

    servers->pool = pool;
    servers->event = event;
    servers->log = log;
    servers->sockets = sockets < SOCKETS_MAX ? sockets : SOCKETS_MAX;
    servers->sets = apr_array_make(pool, 2, sizeof(set_t *));
    servers->old = apr_array_make(pool, 2, sizeof(dcv_ub_t *));
    dcv_event_handle(event, DCV_EVENT_DNS, ready, servers);
    return servers;
}

int dcv_servers_open(const dcv_servers_t *servers)
{
    int i, count = 0;

    for (i = 0; i < servers->sets->nelts; i++) {
        const set_t *set = APR_ARRAY_IDX(servers->sets, i, set_t *);

        count += set->ub ? dcv_ub_open(set->ub) : 0;
    }
    for (i = 0; i < servers->old->nelts; i++)
        count += dcv_ub_open(APR_ARRAY_IDX(servers->old, i, dcv_ub_t *));
    return count;
}

static int strings_equal(const apr_array_header_t *a,
                         const apr_array_header_t *b)
{
    int i;

    if (a->nelts != b->nelts)
        return 0;
    for (i = 0; i < a->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(a, i, const char *),
                   APR_ARRAY_IDX(b, i, const char *)))
            return 0;
    }
    return 1;
}

static int zones_equal(const apr_array_header_t *a, const apr_array_header_t *b)
{
    int i;

    if (a->nelts != b->nelts)
        return 0;
    for (i = 0; i < a->nelts; i++) {
        const dcv_resolver_t *x = APR_ARRAY_IDX(a, i, const dcv_resolver_t *);
        const dcv_resolver_t *y = APR_ARRAY_IDX(b, i, const dcv_resolver_t *);

        if (strcmp(x->zone ? x->zone : "", y->zone ? y->zone : "") ||
            !strings_equal(x->servers, y->servers))
            return 0;
    }
    return 1;
}

static apr_array_header_t *strings_copy(const apr_array_header_t *strings,
                                        apr_pool_t *pool)
{
    apr_array_header_t *copy =
        apr_array_make(pool, strings->nelts + 1, sizeof(const char *));
    int i;

    for (i = 0; i < strings->nelts; i++)
        APR_ARRAY_PUSH(copy, const char *) =
            apr_pstrdup(pool, APR_ARRAY_IDX(strings, i, const char *));
    return copy;
}

/* A set outlives the configuration that wanted it first. */
static apr_array_header_t *zones_copy(const apr_array_header_t *zones,
                                      apr_pool_t *pool)
{
    apr_array_header_t *copy =
        apr_array_make(pool, zones->nelts + 1, sizeof(dcv_resolver_t *));
    int i;

    for (i = 0; i < zones->nelts; i++) {
        const dcv_resolver_t *from =
            APR_ARRAY_IDX(zones, i, const dcv_resolver_t *);
        dcv_resolver_t *to = apr_pcalloc(pool, sizeof(*to));

        to->zone = apr_pstrdup(pool, from->zone);
        to->servers = strings_copy(from->servers, pool);
        APR_ARRAY_PUSH(copy, dcv_resolver_t *) = to;
    }
    return copy;
}

static int has_everything(const apr_array_header_t *zones)
{
    int i;

    for (i = 0; i < zones->nelts; i++) {
        if (!APR_ARRAY_IDX(zones, i, const dcv_resolver_t *)->zone)
            return 1;
    }
    return 0;
}

static int trust_equal(const set_t *set, const dcv_conf_t *conf)
{
    if (!conf->dnssec || !set->trust_anchor)
        return !conf->dnssec && !set->trust_anchor;
    return !strcmp(set->trust_anchor, conf->trust_anchor) &&
           strings_equal(set->insecure, conf->insecure);
}

static set_t *set_find(dcv_servers_t *servers, const dcv_conf_t *conf)
{
    set_t *set;
    int i;

    for (i = 0; i < servers->sets->nelts; i++) {
        set = APR_ARRAY_IDX(servers->sets, i, set_t *);
        if (zones_equal(set->zones, conf->resolvers) &&
            trust_equal(set, conf) &&
            !strcmp(set->resolv_conf.path, conf->resolv_conf))
            return set;
    }
    set = apr_pcalloc(servers->pool, sizeof(*set));
    set->zones = zones_copy(conf->resolvers, servers->pool);
    set->is_system = !has_everything(set->zones);
    set->sockets =
        servers->sockets < SOCKETS_FIRST ? servers->sockets : SOCKETS_FIRST;
    set->resolv_conf.path = apr_pstrdup(servers->pool, conf->resolv_conf);
    if (conf->dnssec)
        set->trust_anchor = apr_pstrdup(servers->pool, conf->trust_anchor);
    set->insecure = strings_copy(conf->insecure, servers->pool);
    apr_pool_create(&set->pool, servers->pool);
    APR_ARRAY_PUSH(servers->sets, set_t *) = set;
    return set;
}

/* "nameserver 192.0.2.1", "nameserver fe80::1%eth0". */
static void resolv_conf_line(apr_array_header_t *found, char *line,
                             apr_pool_t *pool)
{
    char *word = dcv_file_word(&line), *percent;
    const char *server;

    if (!word || strcmp(word, "nameserver"))
        return;
    word = dcv_file_word(&line);
    if (!word || found->nelts >= SYSTEM_SERVER_MAX)
        return;
    server = apr_pstrdup(pool, word);
    percent = strchr(word, '%');
    if (percent)
        *percent = '\0';
    if (dcv_address_parse(word, pool))
        APR_ARRAY_PUSH(found, const char *) = server;
}

/* As resolv.conf(5) has it: without any, the one on this machine. */
static apr_array_header_t *system_servers(set_t *set)
{
    apr_array_header_t *found =
        apr_array_make(set->pool, 3, sizeof(const char *));
    char *text, *line;

    if (dcv_file_read(&text, set->resolv_conf.path, RESOLV_CONF_MAX,
                      set->pool) == APR_SUCCESS) {
        for (line = dcv_file_line(&text); line; line = dcv_file_line(&text))
            resolv_conf_line(found, line, set->pool);
    }
    if (found->nelts) {
        set->system =
            apr_pstrcat(set->pool, apr_array_pstrcat(set->pool, found, ' '),
                        " of ", set->resolv_conf.path, NULL);
        return found;
    }
    APR_ARRAY_PUSH(found, const char *) = "127.0.0.1";
    set->system = apr_pstrcat(set->pool, "127.0.0.1, since ",
                              set->resolv_conf.path, " names no server", NULL);
    return found;
}

/* What the machine's own programs may know besides. */
static void nsswitch_notice(dcv_servers_t *servers)
{
    apr_pool_t *pool;
    char *text, *line, *word;

    if (servers->has_noticed)
        return;
    servers->has_noticed = 1;
    apr_pool_create(&pool, servers->pool);
    if (dcv_file_read(&text, NSSWITCH, RESOLV_CONF_MAX, pool) != APR_SUCCESS)
        text = apr_pstrdup(pool, "");
    for (line = dcv_file_line(&text); line; line = dcv_file_line(&text)) {
        const char *others = "";

        word = dcv_file_word(&line);
        if (!word || strcmp(word, "hosts:"))
            continue;
        for (word = dcv_file_word(&line); word; word = dcv_file_word(&line)) {
            if (apr_isalpha(*word) && strcmp(word, "files") &&
                strcmp(word, "dns"))
                others = apr_pstrcat(pool, others, " ", word, NULL);
        }
        if (*others)
            log_write(servers->log, LOG_LEVEL_NOTICE, "AS0204", APR_SUCCESS,
                      "validation asks the hosts file and the name servers "
                      "only; ignored in " NSSWITCH ":%s",
                      others);
    }
    apr_pool_destroy(pool);
}

/* Nobody else asks this one. */
static void set_retire(dcv_servers_t *servers, set_t *set)
{
    if (set->ub)
        APR_ARRAY_PUSH(servers->old, dcv_ub_t *) = set->ub;
    set->ub = NULL;
    old_sweep(servers);
}

/* If it fails, set->ub is as it was. */
static apr_status_t set_build(dcv_servers_t *servers, set_t *set, int sockets)
{
    dcv_ub_conf_t conf = {NULL, sockets, set->trust_anchor, set->insecure};
    const char *fault = NULL;
    apr_array_header_t *zones;
    dcv_ub_t *made = NULL;
    apr_status_t rv;

    apr_pool_clear(set->pool);
    zones = apr_array_copy(set->pool, set->zones);
    if (set->is_system) {
        dcv_resolver_t *system = apr_pcalloc(set->pool, sizeof(*system));

        nsswitch_notice(servers);
        system->servers = system_servers(set);
        APR_ARRAY_PUSH(zones, dcv_resolver_t *) = system;
    }
    conf.zones = zones;
    if (set->trust_anchor)
        fault = dcv_conf_trust_fault(set->trust_anchor, set->pool);
    if (fault)
        rv = APR_ENOENT;
    else
        rv = dcv_ub_create(&made, &conf, servers->event, servers->log,
                           servers->pool);
    if (rv != APR_SUCCESS && !set->has_failed)
        log_write(servers->log, LOG_LEVEL_ERROR, "AS0203",
                  fault ? APR_SUCCESS : rv,
                  "name resolution for validation cannot be set up%s%s%s",
                  set->ub ? " for more questions at a time" : "",
                  fault ? ": " : "", fault ? fault : "");
    set->has_failed = rv != APR_SUCCESS;
    set->again = dcv_event_now(servers->event) + PAUSE;
    if (rv != APR_SUCCESS)
        return rv;
    set_retire(servers, set);
    set->ub = made;
    set->sockets = sockets;
    return APR_SUCCESS;
}

static int is_in_zone(const char *host, const char *zone)
{
    apr_size_t host_len = strlen(host), zone_len = strlen(zone);

    return host_len >= zone_len && !strcmp(host + host_len - zone_len, zone) &&
           (host_len == zone_len || host[host_len - zone_len - 1] == '.');
}

/* The servers of the longest zone that host is in. */
static const char *words_make(const set_t *set, const char *host,
                              apr_pool_t *pool)
{
    const dcv_resolver_t *found = NULL;
    int i;

    for (i = 0; i < set->zones->nelts; i++) {
        const dcv_resolver_t *row =
            APR_ARRAY_IDX(set->zones, i, const dcv_resolver_t *);

        if ((!row->zone || is_in_zone(host, row->zone)) &&
            (!found || !found->zone ||
             (row->zone && strlen(row->zone) > strlen(found->zone))))
            found = row;
    }
    if (!found)
        return apr_pstrdup(pool, set->system);
    return apr_pstrcat(pool, apr_array_pstrcat(pool, found->servers, ' '),
                       " of ACMEResolver", found->zone ? " " : "", found->zone,
                       NULL);
}

/* More sockets from now on, if there may be more, and can: else those that are
 * there do. */
static void set_grow(dcv_servers_t *servers, set_t *set)
{
    int sockets = set->sockets * SOCKETS_TIMES;

    if (set->sockets >= servers->sockets ||
        dcv_ub_open(set->ub) < set->sockets / 2 ||
        (set->has_failed && dcv_event_now(servers->event) < set->again))
        return;
    (void)set_build(servers, set,
                    sockets < servers->sockets ? sockets : servers->sockets);
}

apr_status_t dcv_servers_get(dcv_ub_t **ub, const char **resolver,
                             dcv_servers_t *servers, const dcv_conf_t *conf,
                             const char *host, apr_pool_t *pool)
{
    set_t *set = set_find(servers, conf);
    int is_changed = set->is_system && dcv_file_is_changed(&set->resolv_conf);
    apr_status_t rv;

    if (!is_changed && !set->ub && set->has_failed &&
        dcv_event_now(servers->event) < set->again)
        return APR_EGENERAL;
    if (is_changed || !set->ub || dcv_ub_is_broken(set->ub)) {
        set_retire(servers, set);
        rv = set_build(servers, set, set->sockets);
        if (rv != APR_SUCCESS)
            return rv;
    }
    else
        set_grow(servers, set);
    *ub = set->ub;
    *resolver = words_make(set, host, pool);
    return APR_SUCCESS;
}
