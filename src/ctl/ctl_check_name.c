/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_check.h"

#include <apr_strings.h>

#include "base/own.h"
#include "dcv/dcv_address.h"
#include "dcv/dcv_dns.h"
#include "dcv/dcv_net.h"

#include "base/banned.h"

#define SOCKETS 16

typedef struct {
    ctl_check_t *check;
    dcv_dns_query_t *query;
    dcv_timer_t timer;
    json_t *addresses;
    int is_done, is_ours;
} ask_t;

static json_t *address_render(const ctl_check_t *check,
                              const dcv_address_t *address)
{
    const char *rule = NULL;
    int is_allowed = dcv_net_is_allowed(check->ctl->conf->dcv->net,
                                        &address->sock.any, &rule);

    return json_pack("{s:s, s:b, s:s?}", "address", address->text, "allowed",
                     is_allowed, "deniedBy", is_allowed ? NULL : rule);
}

static void resolved(void *baton, const dcv_dns_answer_t *answer)
{
    ask_t *ask = baton;
    ctl_check_t *check = ask->check;
    json_t *list = ask->addresses;
    int i;

    for (i = 0; answer->addresses && i < answer->addresses->nelts; i++)
        json_array_append_new(
            list, address_render(check, APR_ARRAY_IDX(answer->addresses, i,
                                                      const dcv_address_t *)));
    ask->is_done = !answer->is_partial;
    ask->is_ours = answer->is_ours;
    check->is_resolved = json_array_size(list) > 0;
    json_object_set_new(check->answer, "resolver",
                        ctl_print_text(answer->resolver));
    json_object_set_new(check->answer, "resolverSays",
                        ctl_print_text(answer->failure));
    json_object_set_new(check->answer, "addresses", json_incref(list));
}

static void too_late(void *baton)
{
    ask_t *ask = baton;
    dcv_dns_answer_t answer = {0};

    answer.resolver = dcv_dns_resolver(ask->query);
    answer.failure = "no answer from the name servers in time";
    dcv_dns_cancel(ask->query);
    resolved(ask, &answer);
}

ctl_exit_e ctl_check_name(ctl_check_t *check)
{
    ctl_t *ctl = check->ctl;
    const dcv_conf_t *conf = ctl->conf->dcv;
    ask_t ask = {.check = check,
                 .addresses = own_json(ctl->pool, json_array())};
    dcv_event_t *event;
    apr_status_t rv = dcv_event_create(&event, ctl->pool);

    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "events", "");
    ask.timer.fire = too_late;
    ask.timer.baton = &ask;
    dcv_dns_start(&ask.query, dcv_dns_make(event, SOCKETS, ctl->log, ctl->pool),
                  conf, check->domain, resolved, &ask, ctl->pool);
    if (!ask.is_done)
        dcv_event_timer_set(event, &ask.timer,
                            dcv_event_now(event) + conf->timeout);
    while (!ask.is_done)
        dcv_event_turn(event);
    dcv_event_timer_clear(event, &ask.timer);
    if (!ask.is_ours)
        return CTL_OK;
    ctl_print_error("%s: the name servers cannot be asked", check->domain);
    return CTL_FAILED;
}
