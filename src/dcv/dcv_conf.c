/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_conf.h"

#include <string.h>
#include <unbound.h>

#include <apr_strings.h>

#include "base/words.h"
#include "dcv/dcv_file.h"
#include "dcv/dcv_net.h"

#include "base/banned.h"

/* Where Debian's dns-root-data has it. */
#ifndef DCV_TRUST_ANCHOR
#define DCV_TRUST_ANCHOR "/usr/share/dns/root.key"
#endif

/* Keys are small; this is for a file of many. */
#define TRUST_ANCHOR_MAX (1024 * 1024)

/* Is there a record, and not only a word about some in a comment? */
static int has_anchor(char *text)
{
    char *line, *word;
    int at;

    for (line = dcv_file_line(&text); line; line = dcv_file_line(&text)) {
        line[strcspn(line, ";")] = '\0';
        word = dcv_file_word(&line);
        for (at = 0; word; at++, word = dcv_file_word(&line)) {
            if (at && (!strcasecmp(word, "DS") || !strcasecmp(word, "DNSKEY")))
                return 1;
        }
    }
    return 0;
}

/* Whoever reads it in the end must be able to.  It is not read before something
 * else is wanted: to forget a zone that is not there. */
static const char *unbound_fault(const char *trust_anchor)
{
    struct ub_ctx *ctx = ub_ctx_create();
    int err;

    if (!ctx)
        return "there is no memory to read it";
    ub_ctx_debugout(ctx, NULL);
    err = ub_ctx_add_ta_file(ctx, trust_anchor);
    if (!err)
        err = ub_ctx_zone_remove(ctx, "invalid.");
    ub_ctx_delete(ctx);
    return err ? "not all of its lines are DS or DNSKEY records" : NULL;
}

const char *dcv_conf_trust_fault(const char *trust_anchor, apr_pool_t *pool)
{
    char *text, words[120];
    const char *fault;
    apr_status_t rv =
        dcv_file_read(&text, trust_anchor, TRUST_ANCHOR_MAX, pool);

    if (rv == APR_EINVAL)
        fault = "it is no regular file";
    else if (rv != APR_SUCCESS)
        fault = apr_strerror(rv, words, sizeof(words));
    else if (!has_anchor(text))
        fault = "it has no DS or DNSKEY record";
    else
        fault = unbound_fault(trust_anchor);
    return fault ? apr_psprintf(pool, "ACMEResolverTrustAnchor %s: %s",
                                trust_anchor, fault)
                 : NULL;
}

static void all_add(apr_array_header_t *words, const apr_array_header_t *more)
{
    int i;

    for (i = 0; i < more->nelts; i++)
        words_add(words, APR_ARRAY_IDX(more, i, const char *));
}

static int is_zone(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

apr_array_header_t *dcv_conf_resolvers(const apr_array_header_t *lines,
                                       apr_pool_t *pool)
{
    apr_array_header_t *rows =
        apr_array_make(pool, lines->nelts + 1, sizeof(dcv_resolver_t *));
    int i, k;

    for (i = 0; i < lines->nelts; i++) {
        const dcv_resolver_t *line =
            APR_ARRAY_IDX(lines, i, const dcv_resolver_t *);
        dcv_resolver_t *row = NULL;

        for (k = 0; k < rows->nelts && !row; k++) {
            row = APR_ARRAY_IDX(rows, k, dcv_resolver_t *);
            row = is_zone(row->zone, line->zone) ? row : NULL;
        }
        if (!row) {
            row = apr_pcalloc(pool, sizeof(*row));
            row->zone = line->zone;
            row->servers = apr_array_make(pool, 2, sizeof(const char *));
            APR_ARRAY_PUSH(rows, dcv_resolver_t *) = row;
        }
        all_add(row->servers, line->servers);
    }
    return rows;
}

apr_array_header_t *dcv_conf_hosts(const apr_array_header_t *lines,
                                   apr_pool_t *pool)
{
    apr_array_header_t *rows =
        apr_array_make(pool, lines->nelts + 1, sizeof(dcv_host_t *));
    int i, k;

    for (i = 0; i < lines->nelts; i++) {
        const dcv_host_t *line = APR_ARRAY_IDX(lines, i, const dcv_host_t *);
        dcv_host_t *row = NULL;

        for (k = 0; k < rows->nelts && !row; k++) {
            row = APR_ARRAY_IDX(rows, k, dcv_host_t *);
            row = strcmp(row->name, line->name) ? NULL : row;
        }
        if (!row) {
            row = apr_pcalloc(pool, sizeof(*row));
            row->name = line->name;
            row->addresses = apr_array_make(pool, 2, sizeof(const char *));
            APR_ARRAY_PUSH(rows, dcv_host_t *) = row;
        }
        all_add(row->addresses, line->addresses);
    }
    return rows;
}

dcv_conf_t *dcv_conf_make(apr_pool_t *pool)
{
    dcv_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

    conf->resolvers = apr_array_make(pool, 1, sizeof(dcv_resolver_t *));
    conf->hosts = apr_array_make(pool, 1, sizeof(dcv_host_t *));
    conf->resolv_conf = "/etc/resolv.conf";
    conf->hosts_file = "/etc/hosts";
    conf->allow = apr_array_make(pool, 1, sizeof(const char *));
    conf->deny = apr_array_make(pool, 1, sizeof(const char *));
    conf->net = dcv_net_make(pool);
    conf->trust_anchor = DCV_TRUST_ANCHOR;
    conf->insecure = apr_array_make(pool, 1, sizeof(const char *));
    conf->authoritative = 1;
    conf->dns01_port = 53;
    conf->http01_port = 80;
    conf->tlsalpn01_port = 443;
    conf->timeout = apr_time_from_sec(8);
    conf->retry = apr_time_from_sec(5);
    conf->max_in_flight = 2000;
    conf->user_agent = "mod_acme_server";
    return conf;
}
