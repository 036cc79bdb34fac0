/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"

#include "base/banned.h"

/* Later than any event. */
#define EVER APR_INT64_C(253402300799)

static void member_set(json_t *json, const char *name, const char *text)
{
    json_object_set_new(json, name, ctl_print_text(text));
}

/* PostgreSQL gives an event its id when it is chained, a moment later. */
static json_t *id_render(const store_event_t *event)
{
    return event->id ? json_integer(event->id) : json_null();
}

static json_t *event_render(const ctl_t *ctl, const store_event_t *event)
{
    json_t *json = json_object();

    json_object_set_new(json, "id", id_render(event));
    json_object_set_new(json, "time", ctl_print_time(ctl, event->at));
    member_set(json, "event", event->kind);
    member_set(json, "who", event->who);
    member_set(json, "address", event->ip);
    member_set(json, "account", event->account_id);
    member_set(json, "externalAccountKey", event->eab_kid);
    member_set(json, "order", event->order_id);
    member_set(json, "authorization", event->authz_id);
    member_set(json, "certificate", event->cert_id);
    json_object_set_new(json, "detail", ctl_print_stored(event->detail));
    return json;
}

typedef struct {
    const ctl_t *ctl;
    const char *kind, *account, *order, *eab;
    int is_from; /* the first ones of a place, else the last ones of all */
    json_t *list;
} list_t;

static int is_wanted(const char *wanted, const char *value)
{
    return !wanted || (value && !strcmp(wanted, value));
}

/* "eab" stands for all of "eab.create" … */
static int is_kind(const char *wanted, const char *kind)
{
    apr_size_t len = wanted ? strlen(wanted) : 0;

    return !wanted ||
           (!strncmp(kind, wanted, len) && (!kind[len] || kind[len] == '.'));
}

static apr_status_t event_take(void *baton, const store_event_t *event,
                               apr_pool_t *pool)
{
    list_t *list = baton;
    int limit = list->ctl->limit;
    ctl_t here = *list->ctl;

    here.pool = pool;
    if (!is_kind(list->kind, event->kind) ||
        !is_wanted(list->account, event->account_id) ||
        !is_wanted(list->order, event->order_id) ||
        !is_wanted(list->eab, event->eab_kid))
        return APR_SUCCESS;
    json_array_append_new(list->list, event_render(&here, event));
    if ((int)json_array_size(list->list) <= limit)
        return APR_SUCCESS;
    if (!list->is_from) {
        json_array_remove(list->list, 0);
        return APR_SUCCESS;
    }
    json_array_remove(list->list, (size_t)limit);
    return APR_EOF;
}

/* Where a walk begins: --after ID, --since TIME, or 0. */
static ctl_exit_e start_find(apr_int64_t *after, int *is_given,
                             const ctl_t *ctl)
{
    const char *since = ctl_option(ctl, "since");
    apr_int64_t at;
    ctl_exit_e code;

    *after = 0;
    *is_given = since || ctl_option(ctl, "after");
    code = ctl_option_number(after, ctl, "after", 0, APR_INT64_MAX);
    if (code != CTL_OK || !since)
        return code;
    code = ctl_option_past(&at, ctl, "since", clock_seconds(&clock_system));
    if (code != CTL_OK)
        return code;
    return ctl_print_status(
        store_event_before(after, ctl->store, at, ctl->pool), "events", "");
}

/* Without a filter the last ones are found by their ids, which have no gaps. */
static ctl_exit_e end_find(apr_int64_t *after, const list_t *list)
{
    const ctl_t *ctl = list->ctl;
    apr_int64_t last;
    ctl_exit_e code;

    if (list->kind || list->account || list->order || list->eab)
        return CTL_OK;
    code = ctl_print_status(
        store_event_before(&last, ctl->store, EVER, ctl->pool), "events", "");
    if (code == CTL_OK && last > ctl->limit)
        *after = last - ctl->limit;
    return code;
}

static ctl_exit_e audit_list(ctl_t *ctl)
{
    static const char *const columns[] = {
        "id",      "time",  "event",       "who",    "address",
        "account", "order", "certificate", "detail", NULL};
    list_t list = {.ctl = ctl,
                   .kind = ctl_option(ctl, "kind"),
                   .account = ctl_option(ctl, "account"),
                   .order = ctl_option(ctl, "order"),
                   .eab = ctl_option(ctl, "eab")};
    apr_int64_t after;
    apr_status_t rv;
    ctl_exit_e code = start_find(&after, &list.is_from, ctl);

    if (code == CTL_OK && !list.is_from)
        code = end_find(&after, &list);
    if (code != CTL_OK)
        return code;
    list.list = own_json(ctl->pool, json_array());
    rv = store_event_walk(ctl->store, after, event_take, &list, ctl->pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv))
        return ctl_print_status(rv, "events", "");
    ctl_print_rows(ctl, list.list, columns);
    if (APR_STATUS_IS_EOF(rv) && !ctl->is_json)
        fprintf(stderr, "More: --after %" JSON_INTEGER_FORMAT "\n",
                json_integer_value(json_object_get(
                    json_array_get(list.list, (size_t)ctl->limit - 1), "id")));
    return CTL_OK;
}

static apr_status_t event_export(void *baton, const store_event_t *event,
                                 apr_pool_t *pool)
{
    json_t *json = own_json(pool, json_object());

    json_object_set_new(json, "id", id_render(event));
    json_object_set_new(json, "at", json_integer(event->at));
    member_set(json, "kind", event->kind);
    member_set(json, "account_id", event->account_id);
    member_set(json, "order_id", event->order_id);
    member_set(json, "authz_id", event->authz_id);
    member_set(json, "cert_id", event->cert_id);
    member_set(json, "eab_kid", event->eab_kid);
    member_set(json, "who", event->who);
    member_set(json, "ip", event->ip);
    member_set(json, "detail", event->detail);
    member_set(json, "prev", event->prev);
    member_set(json, "hash", event->hash);
    json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    return putchar('\n') == EOF ? APR_EGENERAL : APR_SUCCESS;
}

static ctl_exit_e audit_export(ctl_t *ctl)
{
    apr_int64_t after;
    int is_given;
    ctl_exit_e code = start_find(&after, &is_given, ctl);
    apr_status_t rv;

    if (code != CTL_OK)
        return code;
    rv = store_event_walk(ctl->store, after, event_export, NULL, ctl->pool);
    if (rv == APR_SUCCESS && fflush(stdout) == 0)
        return CTL_OK;
    if (ferror(stdout)) {
        ctl_print_error("the events cannot be written to stdout");
        return CTL_FAILED;
    }
    return ctl_print_status(rv, "events", "");
}

/* ID:HASH as an earlier verify printed it. */
typedef struct {
    apr_int64_t id;
    const char *hash;
    int is_seen, is_right;
} anchor_t;

static apr_status_t anchor_look(void *baton, const store_event_t *event,
                                apr_pool_t *pool)
{
    anchor_t *anchor = baton;

    anchor->is_seen = event->id == anchor->id;
    anchor->is_right = anchor->is_seen && event->hash &&
                       !strcasecmp(event->hash, anchor->hash);
    return APR_EOF;
}

/* *why: what is wrong with it; NULL: it is right, or was not given. */
static ctl_exit_e anchor_check(const char **why, const ctl_t *ctl)
{
    const char *text = ctl_option(ctl, "anchor");
    anchor_t anchor = {0};
    apr_status_t rv;
    char *end;

    *why = NULL;
    if (!text)
        return CTL_OK;
    anchor.id = strtoll(text, &end, 10);
    anchor.hash = end + 1;
    if (anchor.id < 1 || *end != ':' || strlen(anchor.hash) != STORE_HASH_LEN)
        return ctl_command_usage(
            "--anchor is ID:HASH as an earlier verify printed it, not ", text);
    rv = store_event_walk(ctl->store, anchor.id - 1, anchor_look, &anchor,
                          ctl->pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv) &&
        !APR_STATUS_IS_ENOENT(rv))
        return ctl_print_status(rv, "events", "");
    if (!anchor.is_seen)
        *why = "the event of --anchor is not there any more";
    else if (!anchor.is_right)
        *why = "the event of --anchor has another hash by now: events up to "
               "it were changed";
    return CTL_OK;
}

static ctl_exit_e audit_verify(ctl_t *ctl)
{
    json_t *json = own_json(ctl->pool, json_object());
    store_chain_t chain;
    const char *why;
    ctl_exit_e code = anchor_check(&why, ctl);

    if (code == CTL_OK)
        code = ctl_print_status(
            store_event_verify(&chain, ctl->store, ctl->pool), "events", "");
    if (code != CTL_OK)
        return code;
    if (!chain.why)
        chain.why = why;
    json_object_set_new(json, "holds", json_boolean(!chain.why));
    json_object_set_new(json, "verified", json_integer(chain.count));
    json_object_set_new(json, "waiting", json_integer(chain.waiting));
    member_set(json, "anchor",
               chain.last_id
                   ? apr_psprintf(ctl->pool, "%" APR_INT64_T_FMT ":%s",
                                  chain.last_id, chain.last_hash)
                   : NULL);
    json_object_set_new(json, "brokenAt",
                        chain.broken_id ? json_integer(chain.broken_id)
                                        : json_null());
    member_set(json, "why", chain.why);
    ctl_print_object(ctl, json);
    return chain.why ? CTL_FINDINGS : CTL_OK;
}

static const ctl_option_t list_options[] = {
    {"limit", "N", "so many rows at most [100]"},
    {"after", "ID", "the first ones after this event, not the last ones"},
    {"since", "TIME", "the first ones since then: 7d (ago), a date"},
    {"kind", "KIND", "only these: eab, eab.create, request.refuse"},
    {"account", "ID", "only this account's"},
    {"order", "ID", "only this order's"},
    {"eab", "KID", "only this external account key's and its accounts'"},
    {NULL, NULL, NULL},
};

static const ctl_option_t verify_options[] = {
    {"anchor", "ID:HASH", "what an earlier verify printed, and you kept"},
    {NULL, NULL, NULL},
};

static const ctl_option_t export_options[] = {
    {"after", "ID", "only what comes after this event"},
    {"since", "TIME", "only what happened since then: 7d (ago), a date"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_audit_commands[] = {
    {"audit", "list", CTL_NEEDS_STORE, 0, 0, "", list_options,
     "the last events, oldest first", audit_list},
    {"audit", "verify", CTL_NEEDS_STORE, 0, 0, "", verify_options,
     "compute the hashes of the audit trail again; exit code 4 when broken\n"
     "Events are chained in batches, so the last ones may still be waiting.\n"
     "Keep the anchor that it prints elsewhere: with it, --anchor proves later "
     "that\nnobody with access to the database has written another history.",
     audit_verify},
    {"audit", "export", CTL_NEEDS_STORE, 0, 0, "", export_options,
     "all events, one JSON object a line, oldest first\n"
     "The members are the columns that the hashes are made of.",
     audit_export},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
