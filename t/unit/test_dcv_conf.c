/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_conf.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_strings.h>

#include "dcv_bed.h"
#include "tap.h"

/* The root zone's of 2017 (IANA). */
#define KEY                                                                    \
    "20326 8 2 "                                                               \
    "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"

/* A file with this text; its name. */
static const char *file_make(const char *text, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, tap_tmpdir(), "/anchors", NULL);
    FILE *file = fopen(path, "w");

    if (file) {
        fputs(text, file);
        fclose(file);
    }
    return path;
}

static void fine(const char *text, apr_pool_t *pool)
{
    const char *fault = dcv_conf_trust_fault(file_make(text, pool), pool);

    ok(!fault, "%s: %s", text, fault);
}

static void wrong(const char *text, const char *words, apr_pool_t *pool)
{
    const char *fault = dcv_conf_trust_fault(file_make(text, pool), pool);

    ok(fault && strstr(fault, "/anchors: ") && strstr(fault, words), "%s: %s",
       text, fault);
}

static void anchors(apr_pool_t *pool)
{
    const char *fifo = apr_pstrcat(pool, tap_tmpdir(), "/fifo", NULL);

    fine(". IN DS " KEY "\n", pool);
    fine("; the root's\n\n.\t172800\tIN\tds\t" KEY " ; of 2017\n", pool);
    fine("corp.example. DS " KEY "\n. DS " KEY, pool);
    wrong("", "no DS or DNSKEY", pool);
    wrong("; write DS records here\n", "no DS or DNSKEY", pool);
    wrong("# DNSKEY records\n", "no DS or DNSKEY", pool);
    wrong("DS\n", "no DS or DNSKEY", pool);
    wrong("an anchor of DS\n", "not all of its lines", pool);
    wrong(". IN DS 20326 8 2 xyz\n", "not all of its lines", pool);
    wrong(". IN DS " KEY "\nand so on\n", "not all of its lines", pool);
    ok(strstr(dcv_conf_trust_fault("/nonexistent/anchor", pool),
              "ACMEResolverTrustAnchor /nonexistent/anchor: No such file"));
    is_int(mkfifo(fifo, 0600), 0);
    ok(strstr(dcv_conf_trust_fault(fifo, pool), "no regular file"));
}

/* Nobody can be asked: nothing was learned of the name. */
static void ours(apr_pool_t *pool)
{
    bed_t *bed = bed_start(pool);
    const dcv_result_t *result;
    int i;
    static const dcv_method_e methods[] = {DCV_DNS01, DCV_HTTP01};

    bed->conf->dnssec = 1;
    bed->conf->timeout = apr_time_from_msec(1000);
    bed->conf->trust_anchor = file_make("a line about DS\n", pool);
    for (i = 0; i < 2; i++) {
        bed->method = methods[i];
        result = bed_ask(bed, "z.test", "token");
        ok(result && result->is_retryable, "%s: %s", i ? "http-01" : "dns-01",
           result ? result->problem->detail : "");
    }
    bed_stop(bed);
}

static void line_add(apr_array_header_t *lines, const char *zone,
                     const char *servers, apr_pool_t *pool)
{
    dcv_resolver_t *line = apr_pcalloc(pool, sizeof(*line));
    char *text = apr_pstrdup(pool, servers), *state, *word;

    line->zone = zone;
    line->servers = apr_array_make(pool, 2, sizeof(const char *));
    for (word = apr_strtok(text, " ", &state); word;
         word = apr_strtok(NULL, " ", &state))
        APR_ARRAY_PUSH(line->servers, const char *) = word;
    APR_ARRAY_PUSH(lines, dcv_resolver_t *) = line;
}

static void is_row(const apr_array_header_t *rows, int at, const char *zone,
                   const char *servers, apr_pool_t *pool)
{
    const dcv_resolver_t *row = APR_ARRAY_IDX(rows, at, const dcv_resolver_t *);

    is_str(row->zone, zone);
    is_str(apr_array_pstrcat(pool, row->servers, ' '), servers);
}

static void lines(apr_pool_t *pool)
{
    apr_array_header_t *some = apr_array_make(pool, 4, sizeof(void *));
    dcv_host_t one = {"a.test", apr_array_make(pool, 1, sizeof(char *))};
    dcv_host_t two = {"b.test", one.addresses}, *row;

    line_add(some, NULL, "192.0.2.1", pool);
    line_add(some, "corp", "10.0.0.1 10.0.0.2", pool);
    line_add(some, NULL, "192.0.2.2 192.0.2.1", pool);
    line_add(some, "a.corp", "10.0.0.3", pool);
    line_add(some, "corp", "10.0.0.3@54", pool);
    some = dcv_conf_resolvers(some, pool);
    need(some->nelts == 3);
    is_row(some, 0, NULL, "192.0.2.1 192.0.2.2", pool);
    is_row(some, 1, "corp", "10.0.0.1 10.0.0.2 10.0.0.3@54", pool);
    is_row(some, 2, "a.corp", "10.0.0.3", pool);

    APR_ARRAY_PUSH(one.addresses, const char *) = "192.0.2.1";
    some = apr_array_make(pool, 3, sizeof(dcv_host_t *));
    APR_ARRAY_PUSH(some, dcv_host_t *) = &one;
    APR_ARRAY_PUSH(some, dcv_host_t *) = &two;
    row = apr_pmemdup(pool, &one, sizeof(one));
    row->addresses = apr_array_make(pool, 1, sizeof(char *));
    APR_ARRAY_PUSH(row->addresses, const char *) = "::1";
    APR_ARRAY_PUSH(some, dcv_host_t *) = row;
    some = dcv_conf_hosts(some, pool);
    need(some->nelts == 2);
    row = APR_ARRAY_IDX(some, 0, dcv_host_t *);
    is_str(apr_array_pstrcat(pool, row->addresses, ' '), "192.0.2.1 ::1");
    is_int(one.addresses->nelts, 1);
}

const tap_case_t tap_cases[] = {
    {"a file of trust anchors has some, and nothing else", anchors},
    {"T80 what the server cannot do is not the client's failure", ours},
    {"lines of one zone, and of one name, add up", lines},
    {NULL, NULL}};
