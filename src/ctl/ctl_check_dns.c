/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <string.h>

#include <apr_strings.h>

#include "dcv/dcv_address.h"
#include "dcv/dcv_dns.h"
#include "dcv/dcv_net.h"
#include "dcv/dcv_wire.h"

#include "base/banned.h"

#define SOCKETS 16

typedef struct {
    int is_done, is_no_name;
} ask_t;

static void answered(void *baton, const dcv_ub_answer_t *answer)
{
    ask_t *ask = baton;

    ask->is_done = 1;
    ask->is_no_name = answer->is_no_name;
}

static void too_late(void *baton)
{
    ask_t *ask = baton;

    ask->is_done = 1;
}

/* Does the resolver say that there is no such name, and nothing below it? */
static ctl_exit_e name_look(int *is_no_name, ctl_check_t *check,
                            const char *name)
{
    ctl_t *ctl = check->ctl;
    ask_t ask = {0};
    dcv_timer_t timer = {.fire = too_late, .baton = &ask};
    dcv_ub_query_t query = {.type = DCV_WIRE_SOA,
                            .done = answered,
                            .baton = &ask,
                            .pool = ctl->pool};
    const char *resolver;
    dcv_event_t *event;
    apr_status_t rv = dcv_event_create(&event, ctl->pool);

    if (rv == APR_SUCCESS)
        rv = dcv_dns_records(&query, &resolver,
                             dcv_dns_make(event, SOCKETS, ctl->log, ctl->pool),
                             ctl->conf->dcv, name);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "name servers for", name);
    dcv_event_timer_set(event, &timer,
                        dcv_event_now(event) + ctl->conf->dcv->timeout);
    while (!ask.is_done)
        dcv_event_turn(event);
    dcv_event_timer_clear(event, &timer);
    dcv_ub_cancel(&query);
    *is_no_name = ask.is_no_name;
    return CTL_OK;
}

/* Has the configuration name servers for this very zone? */
static int has_resolver(const dcv_conf_t *conf, const char *zone)
{
    int i;

    for (i = 0; i < conf->resolvers->nelts; i++) {
        const dcv_resolver_t *row =
            APR_ARRAY_IDX(conf->resolvers, i, const dcv_resolver_t *);

        if (row->zone && !strcmp(row->zone, zone))
            return 1;
    }
    return 0;
}

/* Does a name server with an address that only an intranet can have answer for
 * the zone?  Those of "com" do not. */
static int is_nearby(const dcv_survey_t *survey, apr_pool_t *pool)
{
    static const char *const networks[] = {
        "10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8",
        "100.64.0.0/10", "fc00::/7",      "fe80::/10",      "::1/128"};
    apr_array_header_t *list = apr_array_make(pool, 8, sizeof(const char *));
    const dcv_net_t *net;
    size_t i;

    for (i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
        APR_ARRAY_PUSH(list, const char *) = networks[i];
    net = dcv_net_make_bound(list, pool);
    for (i = 0; i < (size_t)survey->servers->nelts; i++) {
        const dcv_seen_t *seen =
            APR_ARRAY_IDX(survey->servers, i, const dcv_seen_t *);
        const dcv_address_t *address =
            seen->address ? dcv_address_parse(seen->address, pool) : NULL;

        if (address && !seen->fault && !strcmp(seen->zone, survey->zone) &&
            dcv_net_is_allowed(net, &address->sock.any, NULL))
            return 1;
    }
    return 0;
}

/* The record itself need not be there: who asks makes it.  But a zone must be,
 * and "com" says of any name that it does not exist.  What an intranet has in a
 * zone of one label is known there, or the zone is known to be its own. */
static ctl_exit_e zone_look(ctl_tried_t *tried, ctl_check_t *check)
{
    const dcv_survey_t *survey = tried->survey;
    apr_pool_t *pool = check->ctl->pool;
    const char *zone = survey->zone, *dot, *parent;
    int is_no_name = 1;
    ctl_exit_e code;

    if (survey->is_found || !zone || strchr(zone, '.'))
        return CTL_OK;
    dot = strchr(survey->record, '.');
    parent = dot ? dot + 1 : survey->record;
    if (*zone &&
        (has_resolver(check->ctl->conf->dcv, zone) || is_nearby(survey, pool)))
        return CTL_OK;
    if (*zone) {
        code = name_look(&is_no_name, check, parent);
        if (code != CTL_OK || !is_no_name)
            return code;
    }
    tried->is_hopeless = 1;
    tried->finding =
        *zone
            ? apr_psprintf(pool,
                           "no zone has %s: that of \"%s\" says that there "
                           "is no %s; is it delegated?",
                           survey->record, zone, parent)
            : apr_psprintf(pool,
                           "no zone has %s: that of the root says that there "
                           "is no such name; does the resolver know the zone?",
                           survey->record);
    return CTL_OK;
}

/* Others may answer; but every try begins with another one. */
static void lame_look(ctl_tried_t *tried, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < tried->survey->servers->nelts; i++) {
        const dcv_seen_t *seen =
            APR_ARRAY_IDX(tried->survey->servers, i, const dcv_seen_t *);

        if (seen->is_lame)
            text = apr_psprintf(pool, "%s%s%s (%s) for %s", text,
                                *text ? ", " : "", seen->name, seen->address,
                                seen->zone);
    }
    if (*text)
        tried->finding = apr_pstrcat(
            pool, "lame: these should have a zone and do not: ", text, NULL);
}

ctl_exit_e ctl_check_dns(ctl_tried_t *tried, ctl_check_t *check)
{
    lame_look(tried, check->ctl->pool);
    return zone_look(tried, check);
}

void ctl_check_dns_render(json_t *part, const ctl_tried_t *tried)
{
    const dcv_survey_t *survey = tried->survey;
    json_t *list = json_array();
    int i;

    for (i = 0; i < survey->servers->nelts; i++) {
        const dcv_seen_t *seen =
            APR_ARRAY_IDX(survey->servers, i, const dcv_seen_t *);

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s?, s:b, s:s}", "zone", seen->zone,
                            "server", seen->name, "address", seen->address,
                            "lame", seen->is_lame, "says",
                            seen->fault ? seen->fault : "has the zone"));
    }
    json_object_set_new(part, "record", ctl_print_text(survey->record));
    json_object_set_new(
        part, "zone",
        ctl_print_text(survey->zone && !*survey->zone ? "." : survey->zone));
    json_object_set_new(part, "nameServers", list);
}
