/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_survey.h"

#include <apr_strings.h>
#include <string.h>

#include "dcv_bed.h"
#include "dcv_nameserver.h"
#include "tap.h"

/* SHA-256 of "token.thumb" in base64url, by openssl. */
#define DIGEST "lCdftpJCXapaZHkBGIZbcubeKW8RmA0jSG_aZN01zbU"

/* The resolver (127.0.0.1) knows the servers of x.test and of y.test, as far as
 * there are any; good is at 127.0.0.2, bad, which has no zone, at 127.0.0.3. */
static bed_t *bed;
static probe_t *probe;
static nameserver_t resolver, good, bad;

#define HAS(word)     (strstr(name, word) != NULL)
#define IS_NAME(zone) (!strcmp(name, zone))

static const char *zone_of(const char *name)
{
    return HAS("x.test.") ? "x.test." : HAS("y.test.") ? "y.test." : "test.";
}

static void zones(nameserver_reply_t *reply, const char *name)
{
    if (IS_NAME("x.test.")) {
        reply->ns[0] = "bad.test.";
        reply->ns[1] = "good.test.";
        reply->ns[2] = "nowhere.test.";
        reply->ns[3] = "link.test.";
    }
    else if (IS_NAME("y.test.")) {
        reply->ns[0] = "good.test.";
        reply->ns[1] = "empty.test.";
    }
    else {
        reply->rcode = 3;
        reply->zone = zone_of(name);
    }
}

static void resolver_script(nameserver_reply_t *reply, const char *name,
                            int type)
{
    if (type == NAMESERVER_NS)
        zones(reply, name);
    else if (type == NAMESERVER_TXT) {
        reply->rcode = HAS("broken") ? 2 : 3;
        reply->zone = zone_of(name);
    }
    else if (type == NAMESERVER_A && HAS("good."))
        reply->addresses[0] = "127.0.0.2";
    else if (type == NAMESERVER_A && HAS("bad."))
        reply->addresses[0] = "127.0.0.3";
    else if (type == NAMESERVER_A && HAS("empty."))
        reply->addresses[0] = "127.0.0.9";
    else if (type == NAMESERVER_A && HAS("link."))
        reply->addresses[0] = "169.254.1.1";
    else
        reply->rcode = HAS("nowhere") ? 3 : 0;
}

static void good_script(nameserver_reply_t *reply, const char *name, int type)
{
    if (HAS("alias.x."))
        reply->cname = "there.y.test.";
    else if (HAS("near.x."))
        reply->cname = "there.x.test.";
    else if (HAS("found"))
        reply->txt[0] = DIGEST;
    else
        reply->rcode = 3;
}

static void bad_script(nameserver_reply_t *reply, const char *name, int type)
{
    if (HAS("silent"))
        reply->is_silent = 1;
    else
        reply->rcode = 5;
}

static void open_all(apr_pool_t *pool)
{
    dcv_resolver_t *row = apr_pcalloc(pool, sizeof(*row));

    ok(nameserver_start(&resolver, "127.0.0.1", 0, resolver_script));
    ok(nameserver_start(&good, "127.0.0.2", resolver.port, good_script));
    ok(nameserver_start(&bad, "127.0.0.3", resolver.port, bad_script));
    bed = bed_start(pool);
    bed->method = DCV_DNS01;
    bed->conf->dns01_port = resolver.port;
    row->servers = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->servers, const char *) =
        apr_psprintf(pool, "127.0.0.1@%d", resolver.port);
    APR_ARRAY_PUSH(bed->conf->resolvers, dcv_resolver_t *) = row;
}

/* What it said lives as long as it does. */
static void let_go(void)
{
    if (probe)
        bed_free(probe);
    probe = NULL;
}

static void close_all(void)
{
    let_go();
    bed_stop(bed);
    nameserver_stop(&resolver);
    nameserver_stop(&good);
    nameserver_stop(&bad);
}

static const dcv_result_t *look(const char *domain)
{
    static const dcv_result_t none = {0};
    const dcv_result_t *result;

    let_go();
    bed->survey = dcv_survey_make(bed->pool);
    probe = bed_submit(bed, domain, "token", "account");
    result = probe ? bed_wait(probe) : NULL;
    ok(result != NULL, "%s is not answered", domain);
    return result ? result : &none;
}

/* "zone server: fault", each in a line; "*" where it is lame. */
static const char *seen(void)
{
    const char *text = "";
    int i;

    for (i = 0; i < bed->survey->servers->nelts; i++) {
        const dcv_seen_t *one =
            APR_ARRAY_IDX(bed->survey->servers, i, const dcv_seen_t *);

        text = apr_pstrcat(bed->pool, text, one->zone, " ", one->name, ": ",
                           one->fault ? one->fault : "good",
                           one->is_lame ? "*\n" : "\n", NULL);
    }
    return text;
}

#define OF_X                                                                   \
    "x.test bad.test: REFUSED*\nx.test good.test: good\n"                      \
    "x.test nowhere.test: NXDOMAIN, there is no such name\n"                   \
    "x.test link.test: denied by rule 169.254.0.0/16 (built in)\n"

static void all_asked(apr_pool_t *pool)
{
    const dcv_result_t *result;

    open_all(pool);
    result = look("a.x.test");
    ok(result->problem != NULL);
    ok(result->is_reached, "somebody knows");
    ok(result->took < apr_time_from_sec(2), "one try is enough");
    is_str(seen(), OF_X);
    is_str(bed->survey->record, "_acme-challenge.a.x.test");
    is_str(bed->survey->zone, "x.test");
    ok(!bed->survey->is_found);
    result = look("found.x.test");
    ok(!result->problem, "proven");
    is_str(seen(), OF_X);
    ok(bed->survey->is_found);
    close_all();
}

static void aliases(apr_pool_t *pool)
{
    open_all(pool);
    bed->conf->timeout = apr_time_from_msec(800); /* empty.test is silent */
    look("near.x.test");
    is_str(seen(), OF_X);
    is_str(bed->survey->record, "there.x.test");
    look("alias.x.test");
    ok(!strncmp(seen(), OF_X "y.test good.test: good\n",
                strlen(OF_X "y.test good.test: good\n")),
       "%s", seen());
    is_str(bed->survey->record, "there.y.test");
    is_str(bed->survey->zone, "y.test");
    close_all();
}

/* What is known is not lost when the time is over. */
static void deadline(apr_pool_t *pool)
{
    const dcv_result_t *result;

    open_all(pool);
    bed->conf->timeout = apr_time_from_msec(800);
    result = look("found-silent.x.test");
    ok(result->problem != NULL && result->is_reached, "the resolver");
    is_str(bed->survey->zone, "x.test");
    result = look("found.y.test");
    ok(!result->problem, "proven, although empty.test is silent");
    is_str(bed->survey->zone, "y.test");
    close_all();
}

static void resolver_alone(apr_pool_t *pool)
{
    const dcv_result_t *result;

    open_all(pool);
    bed->conf->authoritative = 0;
    result = look("a.x.test");
    ok(result->is_reached);
    is_str(seen(), "");
    is_str(bed->survey->zone, "x.test");
    look("a.nosuch.test");
    is_str(bed->survey->zone, "test");
    result = look("broken.x.test");
    ok(!result->is_reached);
    ok(!bed->survey->zone && !bed->survey->record, "nobody says");
    close_all();
}

const tap_case_t tap_cases[] = {
    {"every server is asked, once, and its part is told", all_asked},
    {"aliases: the servers of both zones", aliases},
    {"the deadline", deadline},
    {"the resolver alone says which zone", resolver_alone},
    {NULL, NULL}};
