/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_dns.h"

#include <string.h>

#include <apr_strings.h>

#include "dcv/dcv_address.h"
#include "dcv/dcv_hosts.h"
#include "dcv/dcv_servers.h"
#include "dcv/dcv_wire.h"

#include "base/banned.h"

/* Who has addresses of one family begins with them after so long. */
#define PATIENCE apr_time_from_msec(500)
/* Addresses of one family of one name. */
#define ANSWER_MAX 64

struct dcv_dns_t {
    apr_pool_t *pool;
    const log_t *log;
    dcv_event_t *event;
    apr_array_header_t *hosts; /* of dcv_hosts_t *, one per file */
    dcv_servers_t *servers;
};

typedef struct {
    dcv_dns_query_t *query;
    dcv_ub_query_t ub;
    const char *failure, *hint;
    int is_absent; /* what was asked for, they say */
} asked_t;

struct dcv_dns_query_t {
    dcv_dns_t *dns;
    dcv_dns_fn done;
    void *baton;
    apr_pool_t *pool;
    const char *resolver;
    asked_t asked[2]; /* A, AAAA */
    apr_array_header_t *found;
    dcv_timer_t patience;
};

dcv_dns_t *dcv_dns_make(dcv_event_t *event, int sockets, const log_t *log,
                        apr_pool_t *pool)
{
    dcv_dns_t *dns = apr_pcalloc(pool, sizeof(*dns));

    dns->pool = pool;
    dns->log = log;
    dns->event = event;
    dns->hosts = apr_array_make(pool, 1, sizeof(dcv_hosts_t *));
    dns->servers = dcv_servers_make(event, sockets, log, pool);
    return dns;
}

int dcv_dns_open(const dcv_dns_t *dns)
{
    return dcv_servers_open(dns->servers);
}

/* The reader of this hosts file; virtual hosts may have one each. */
static dcv_hosts_t *hosts_get(dcv_dns_t *dns, const char *path)
{
    dcv_hosts_t *hosts;
    int i;

    for (i = 0; i < dns->hosts->nelts; i++) {
        hosts = APR_ARRAY_IDX(dns->hosts, i, dcv_hosts_t *);
        if (!strcmp(dcv_hosts_path(hosts), path))
            return hosts;
    }
    hosts = dcv_hosts_make(path, dns->log, dns->pool);
    APR_ARRAY_PUSH(dns->hosts, dcv_hosts_t *) = hosts;
    return hosts;
}

static const dcv_host_t *static_find(const dcv_conf_t *conf, const char *host)
{
    int i;

    for (i = 0; i < conf->hosts->nelts; i++) {
        const dcv_host_t *row =
            APR_ARRAY_IDX(conf->hosts, i, const dcv_host_t *);

        if (!strcmp(row->name, host))
            return row;
    }
    return NULL;
}

/* Every n-th address of a family, -1 if there are fewer. */
static int nth_find(const apr_array_header_t *addresses, int family, int n)
{
    int i;

    for (i = 0; i < addresses->nelts; i++) {
        if (APR_ARRAY_IDX(addresses, i, dcv_address_t *)->sock.any.sa_family ==
                family &&
            n-- == 0)
            return i;
    }
    return -1;
}

/* IPv6 first, then by turns (RFC 8305 4), so that a family that does not work
 * costs one try. */
static apr_array_header_t *addresses_sort(const apr_array_header_t *from,
                                          apr_pool_t *pool)
{
    apr_array_header_t *sorted =
        apr_array_make(pool, DCV_DNS_ADDRESSES_MAX, sizeof(dcv_address_t *));
    static const int families[] = {AF_INET6, AF_INET};
    int n, i, at;

    for (n = 0; n < DCV_DNS_ADDRESSES_MAX; n++) {
        for (i = 0; i < 2; i++) {
            at = nth_find(from, families[i], n);
            if (at >= 0 && sorted->nelts < DCV_DNS_ADDRESSES_MAX)
                APR_ARRAY_PUSH(sorted, dcv_address_t *) =
                    apr_pmemdup(pool, APR_ARRAY_IDX(from, at, dcv_address_t *),
                                sizeof(dcv_address_t));
        }
    }
    return sorted;
}

static apr_array_header_t *static_parse(const dcv_host_t *row, apr_pool_t *pool)
{
    apr_array_header_t *addresses =
        apr_array_make(pool, row->addresses->nelts, sizeof(dcv_address_t *));
    int i;

    for (i = 0; i < row->addresses->nelts; i++) {
        dcv_address_t *address = dcv_address_parse(
            APR_ARRAY_IDX(row->addresses, i, const char *), pool);

        if (address)
            APR_ARRAY_PUSH(addresses, dcv_address_t *) = address;
    }
    return addresses;
}

/* What can be said without asking anybody; addresses NULL if nothing. */
static void local_find(dcv_dns_answer_t *answer, dcv_dns_t *dns,
                       const dcv_conf_t *conf, const char *host,
                       apr_pool_t *pool)
{
    dcv_address_t *literal = dcv_address_parse(host, pool);
    const apr_array_header_t *listed;
    const dcv_host_t *row;

    memset(answer, 0, sizeof(*answer));
    if (literal) {
        answer->addresses = apr_array_make(pool, 1, sizeof(dcv_address_t *));
        APR_ARRAY_PUSH(answer->addresses, dcv_address_t *) = literal;
        return;
    }
    row = static_find(conf, host);
    if (row) {
        answer->addresses = addresses_sort(static_parse(row, pool), pool);
        answer->resolver = "ACMEResolverHost";
        return;
    }
    listed = dcv_hosts_find(hosts_get(dns, conf->hosts_file), host);
    if (listed) {
        answer->addresses = addresses_sort(listed, pool);
        answer->resolver =
            apr_pstrcat(pool, "hosts file ", conf->hosts_file, NULL);
    }
}

/* Both families have been asked. */
static void query_end(dcv_dns_query_t *query)
{
    dcv_dns_answer_t answer = {0};
    const char *four = query->asked[0].failure, *six = query->asked[1].failure;

    dcv_dns_cancel(query);
    answer.resolver = query->resolver;
    if (query->found->nelts)
        answer.addresses = addresses_sort(query->found, query->pool);
    else if (four && six && !strcmp(four, six))
        answer.failure = four;
    else
        answer.failure =
            apr_psprintf(query->pool, "A: %s; AAAA: %s", four ? four : "known",
                         six ? six : "known");
    if (answer.failure)
        answer.hint = query->asked[query->asked[0].is_absent].hint;
    query->done(query->baton, &answer);
}

static int addresses_take(dcv_dns_query_t *query, int type,
                          const dcv_ub_answer_t *answer)
{
    int family = type == DCV_WIRE_A ? AF_INET : AF_INET6, count = 0, i;
    int len = family == AF_INET ? 4 : 16;

    for (i = 0; i < answer->count && count < ANSWER_MAX; i++) {
        if (answer->lens[i] != len)
            continue;
        APR_ARRAY_PUSH(query->found, dcv_address_t *) =
            dcv_address_make(family, answer->data[i], query->pool);
        count++;
    }
    return count;
}

static void hint_set(asked_t *asked, const dcv_ub_answer_t *answer)
{
    asked->is_absent = answer->is_no_name || answer->is_no_record;
    if (asked->is_absent)
        asked->hint = "do the name servers that the ACME server asks know this "
                      "name?";
    else
        asked->hint = answer->is_bogus ? NULL : DCV_DNS_UNREACHED;
}

static void family_answered(void *baton, const dcv_ub_answer_t *answer)
{
    asked_t *asked = baton;
    dcv_dns_query_t *query = asked->query;
    const char *failure = answer->failure;

    if (!failure && !addresses_take(query, asked->ub.type, answer))
        failure = "there is no such record";
    asked->failure = failure;
    hint_set(asked, answer);
    if (!query->asked[0].ub.ub && !query->asked[1].ub.ub)
        query_end(query);
    else if (!failure)
        dcv_event_timer_set(query->dns->event, &query->patience,
                            dcv_event_now(query->dns->event) + PATIENCE);
}

/* One family is known, and the other, which a silent name server may have been
 * asked for, takes too long: whoever can begin with the one may do so.  Perhaps
 * the query is gone afterwards. */
static void patience_over(void *baton)
{
    dcv_dns_query_t *query = baton;
    dcv_dns_answer_t answer = {0};

    answer.resolver = query->resolver;
    answer.addresses = addresses_sort(query->found, query->pool);
    answer.is_partial = 1;
    query->found->nelts = 0;
    query->done(query->baton, &answer);
}

static apr_status_t query_ask(dcv_dns_query_t *query, dcv_ub_t *ub,
                              const char *host)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        asked_t *asked = &query->asked[i];

        asked->query = query;
        asked->ub.type = i ? DCV_WIRE_AAAA : DCV_WIRE_A;
        asked->ub.done = family_answered;
        asked->ub.baton = asked;
        asked->ub.pool = query->pool;
        rv = dcv_ub_ask(&asked->ub, ub, host);
    }
    return rv;
}

static dcv_dns_query_t *query_make(dcv_dns_t *dns, dcv_dns_fn done, void *baton,
                                   apr_pool_t *pool)
{
    dcv_dns_query_t *query = apr_pcalloc(pool, sizeof(*query));

    query->dns = dns;
    query->done = done;
    query->baton = baton;
    query->pool = pool;
    query->found = apr_array_make(pool, 4, sizeof(dcv_address_t *));
    query->patience.fire = patience_over;
    query->patience.baton = query;
    return query;
}

void dcv_dns_start(dcv_dns_query_t **query, dcv_dns_t *dns,
                   const dcv_conf_t *conf, const char *host, dcv_dns_fn done,
                   void *baton, apr_pool_t *pool)
{
    dcv_dns_answer_t answer;
    dcv_dns_query_t *made;
    dcv_ub_t *ub;

    *query = NULL;
    local_find(&answer, dns, conf, host, pool);
    if (answer.addresses) {
        done(baton, &answer);
        return;
    }
    made = query_make(dns, done, baton, pool);
    if (dcv_servers_get(&ub, &made->resolver, dns->servers, conf, host, pool) ==
            APR_SUCCESS &&
        query_ask(made, ub, host) == APR_SUCCESS) {
        *query = made;
        return;
    }
    dcv_dns_cancel(made);
    answer.failure = "the name servers cannot be asked";
    answer.is_ours = 1;
    done(baton, &answer);
}

void dcv_dns_cancel(dcv_dns_query_t *query)
{
    dcv_event_timer_clear(query->dns->event, &query->patience);
    dcv_ub_cancel(&query->asked[0].ub);
    dcv_ub_cancel(&query->asked[1].ub);
}

const char *dcv_dns_resolver(const dcv_dns_query_t *query)
{
    return query->resolver;
}

apr_status_t dcv_dns_records(dcv_ub_query_t *query, const char **resolver,
                             dcv_dns_t *dns, const dcv_conf_t *conf,
                             const char *name)
{
    apr_status_t rv;
    dcv_ub_t *ub;

    rv = dcv_servers_get(&ub, resolver, dns->servers, conf, name, query->pool);
    return rv == APR_SUCCESS ? dcv_ub_ask(query, ub, name) : rv;
}
