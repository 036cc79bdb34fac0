/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <string.h>

#include <apr_strings.h>

#include "dcv/dcv_dns.h"
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

/* The record itself need not be there: who asks makes it.  But a zone must be,
 * and "com" says of any name that it does not exist.  What an intranet has in a
 * zone of one label is known there. */
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
