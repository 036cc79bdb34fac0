/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_audit.h"

#include <stdatomic.h>
#include <string.h>

#include <apr_strings.h>

#include "acme/acme_response.h"
#include "base/own.h"
#include "base/pjson.h"

#include "base/banned.h"

/* Refusals that are written, for one account in one minute; accounts share
 * places, and whoever has none yet shares one with all others like it. */
#define PLACES     256
#define PER_MINUTE 20
#define COUNT_BITS 8
#define COUNT_MASK 0xff

struct acme_audit_t {
    atomic_uint_least64_t places[PLACES]; /* minute and count */
};

acme_audit_t *acme_audit_make(apr_pool_t *pool)
{
    return apr_pcalloc(pool, sizeof(acme_audit_t));
}

static unsigned int place_of(const char *account_id)
{
    unsigned int hash = 0;

    for (; account_id && *account_id; account_id++)
        hash = hash * 33 + (unsigned char)*account_id;
    return hash % PLACES;
}

/* One more in this minute? */
static int may_write(acme_audit_t *audit, const char *account_id,
                     apr_int64_t now)
{
    atomic_uint_least64_t *place = &audit->places[place_of(account_id)];
    uint_least64_t minute = (uint_least64_t)(now / 60), was, next;

    was = atomic_load(place);
    do {
        next = was >> COUNT_BITS == minute ? was : minute << COUNT_BITS;
        if ((next & COUNT_MASK) >= PER_MINUTE)
            return 0;
        next++;
    } while (!atomic_compare_exchange_weak(place, &was, next));
    return 1;
}

store_event_t *acme_audit_event(const acme_verified_t *v, const char *kind)
{
    store_event_t *event = apr_pcalloc(v->pool, sizeof(*event));

    event->at = v->now;
    event->kind = kind;
    event->ip = v->req->client_ip;
    event->who = v->req->user;
    if (!v->account)
        return event;
    event->account_id = v->account->id;
    event->eab_kid = v->account->eab_kid;
    if (!event->who)
        event->who = v->account->owner;
    return event;
}

void acme_audit_detail(store_event_t *event, json_t *detail, apr_pool_t *pool)
{
    event->detail = pjson_text(own_json(pool, detail), 0, pool);
}

static json_t *line_make(const acme_t *acme, const store_event_t *event,
                         apr_pool_t *pool)
{
    json_t *json = own_json(pool, json_object());
    json_t *detail = acme_response_stored(event->detail);

    acme_response_set_time(json, "time", event->at, pool);
    acme_response_set_string(json, "server", acme->conf->server_name);
    acme_response_set_string(json, "event", event->kind);
    acme_response_set_string(json, "account", event->account_id);
    acme_response_set_string(json, "externalAccountKey", event->eab_kid);
    acme_response_set_string(json, "owner", event->who);
    acme_response_set_string(json, "address", event->ip);
    acme_response_set_string(json, "order", event->order_id);
    acme_response_set_string(json, "authorization", event->authz_id);
    acme_response_set_string(json, "certificate", event->cert_id);
    if (detail)
        json_object_set_new(json, "detail", detail);
    return json;
}

void acme_audit_tell(acme_t *acme, const store_event_t *event, apr_pool_t *pool)
{
    if (acme->host->wrote)
        acme->host->wrote(acme->host->baton);
    if (acme->conf->audit_log)
        acme_audit_relay(acme, event, pool);
}

void acme_audit_relay(acme_t *acme, const store_event_t *event,
                      apr_pool_t *pool)
{
    const acme_host_t *host = acme->host;

    if (host->audit)
        host->audit(host->baton, acme,
                    pjson_text(line_make(acme, event, pool), 0, pool));
}

json_t *acme_audit_problem(const problem_t *prob)
{
    json_t *json = json_object(), *list, *sub;
    int i;

    acme_response_set_string(json, "problem", problem_name(prob->type));
    acme_response_set_string(json, "why", prob->detail);
    if (!prob->subproblems)
        return json;
    list = json_array();
    for (i = 0; i < prob->subproblems->nelts; i++) {
        const problem_t *part =
            APR_ARRAY_IDX(prob->subproblems, i, const problem_t *);

        sub = acme_audit_problem(part);
        if (part->identifier)
            acme_response_set_string(sub, "identifier",
                                     part->identifier->value);
        json_array_append_new(list, sub);
    }
    json_object_set_new(json, "subproblems", list);
    return json;
}

/* Is it something that we decided?  What fails for our own reasons is no
 * refusal, what is no sensible request is none either, and anybody can make a
 * key to sign one with: a stranger's is told when it was about an external
 * account key (pki.md, Life of the data). */
static int is_decision(const acme_verified_t *v, const problem_t *prob)
{
    if (prob->status >= 500 || prob->type == PROBLEM_MALFORMED ||
        prob->type == PROBLEM_BAD_NONCE)
        return 0;
    return v->account || prob->type == PROBLEM_UNAUTHORIZED ||
           prob->type == PROBLEM_EXTERNAL_ACCOUNT_REQUIRED;
}

void acme_audit_refuse(acme_t *acme, const acme_verified_t *v,
                       const problem_t *prob)
{
    store_event_t *event;
    json_t *detail;

    if (!is_decision(v, prob) || !acme->audit ||
        !may_write(acme->audit, v->account ? v->account->id : NULL, v->now))
        return;
    event = acme_audit_event(v, "request.refuse");
    switch (v->route->endpoint->name) {
    case ACME_ROUTE_ORDER:
    case ACME_ROUTE_FINALIZE:
        event->order_id = v->route->id;
        break;
    case ACME_ROUTE_AUTHZ:
    case ACME_ROUTE_CHALLENGE:
        event->authz_id = v->route->id;
        break;
    case ACME_ROUTE_CERT:
    case ACME_ROUTE_ALTERNATE:
        event->cert_id = v->route->id;
        break;
    default:
        break;
    }
    detail = acme_audit_problem(prob);
    acme_response_set_string(detail, "request", v->route->endpoint->noun);
    acme_response_set_string(detail, "part", v->route->endpoint->tail);
    acme_response_set_string(detail, "directory", v->route->directory);
    acme_audit_detail(event, detail, v->pool);
    /* The store has said why, if it could not. */
    if (store_event_add(acme->store, event, 0, v->pool) == APR_SUCCESS)
        acme_audit_tell(acme, event, v->pool);
}
