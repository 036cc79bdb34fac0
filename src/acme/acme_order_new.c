/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_order.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_authz_make.h"
#include "acme/acme_identifier.h"
#include "acme/acme_issue.h"
#include "acme/acme_limit_check.h"
#include "acme/acme_profile.h"
#include "acme/acme_renewal.h"
#include "acme/acme_response.h"
#include "base/pjson.h"
#include "base/token.h"
#include "base/words.h"

#include "base/banned.h"

/* Of an order that is too long, so many are looked at all the same. */
#define IDENTIFIERS_TOLD 100
#define DAY              86400

/* What the client asks for, checked. */
typedef struct {
    const acme_eab_t *eab; /* of the account; NULL: none */
    const acme_profile_t *profile;
    acme_replaces_t *replaces;       /* RFC 9773 5; NULL: none */
    apr_array_header_t *identifiers; /* of identifier_t *, sorted */
    apr_table_t *ancestors; /* name → domain above it that can be proven */
    apr_int64_t not_before, not_after; /* 0: none */
} wish_t;

static problem_t *identifier_add(wish_t *wish, json_t *json, int flags,
                                 apr_pool_t *pool)
{
    identifier_t *identifier, *ancestor;
    problem_t *prob = acme_identifier_take(&identifier, json, flags, pool);

    if (!prob)
        prob =
            acme_identifier_ancestor(&ancestor, json, identifier, flags, pool);
    if (prob)
        return prob;
    APR_ARRAY_PUSH(wish->identifiers, identifier_t *) = identifier;
    if (ancestor)
        apr_table_setn(wish->ancestors, identifier->value, ancestor->value);
    return NULL;
}

/* What is wrong with any of them is added to subs. */
static problem_t *identifiers_parse(wish_t *wish, apr_array_header_t *subs,
                                    const acme_t *acme,
                                    const acme_verified_t *v)
{
    int flags = acme->conf->underscore ? IDENTIFIER_UNDERSCORE : 0;
    int max = wish->profile->policy->max_names;
    problem_t *prob;
    int i, count;
    json_t *list;

    prob = pjson_array(&list, v->payload, "identifiers", v->pool);
    if (prob)
        return prob;
    count = (int)json_array_size(list);
    if (!count)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "\"identifiers\" must be an array of at least one "
                            "identifier");
    if (count > max && count > IDENTIFIERS_TOLD)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "the order has %d identifiers, %d are allowed",
                            count, max);
    wish->identifiers = apr_array_make(v->pool, count, sizeof(identifier_t *));
    wish->ancestors = apr_table_make(v->pool, 0);
    for (i = 0; i < count; i++) {
        prob = identifier_add(wish, json_array_get(list, (size_t)i), flags,
                              v->pool);
        if (prob)
            APR_ARRAY_PUSH(subs, problem_t *) = prob;
    }
    identifier_sort(wish->identifiers);
    return NULL;
}

/* All that is wrong with any of them at once (T46, T28). */
static problem_t *identifiers_take(wish_t *wish, const acme_t *acme,
                                   const acme_verified_t *v)
{
    apr_array_header_t *subs = apr_array_make(v->pool, 1, sizeof(problem_t *));
    problem_t *prob = identifiers_parse(wish, subs, acme, v);

    if (prob)
        return prob;
    if (wish->identifiers->nelts)
        prob = acme_profile_names_check(wish->profile, acme, v, wish->eab,
                                        wish->identifiers);
    if (!subs->nelts)
        return prob;
    if (prob)
        acme_profile_refusal_add(subs, prob, wish->identifiers);
    return problem_fold(subs, v->pool);
}

static problem_t *time_parse(apr_int64_t *seconds, const acme_verified_t *v,
                             const char *name)
{
    const char *text;
    problem_t *prob = pjson_string(&text, v->payload, name, v->pool);

    *seconds = 0;
    if (prob || !text)
        return prob;
    if (clock_rfc3339_parse(seconds, text) == APR_SUCCESS && *seconds > 0)
        return NULL;
    return problem_make(v->pool, PROBLEM_MALFORMED,
                        "\"%s\" must be a date of RFC 3339, such as "
                        "\"2027-01-31T12:00:00Z\"",
                        name);
}

static problem_t *times_take(wish_t *wish, const acme_t *acme,
                             const acme_verified_t *v)
{
    apr_int64_t not_before, not_after;
    problem_t *prob = time_parse(&wish->not_before, v, "notBefore");

    if (prob)
        return prob;
    prob = time_parse(&wish->not_after, v, "notAfter");
    if (prob)
        return prob;
    return acme_issue_validity(&not_before, &not_after, acme, wish->profile,
                               wish->not_before, wish->not_after, v->now,
                               v->pool);
}

/* Names and times together; each has its own words for the whole. */
static problem_t *refusals_fold(problem_t *names, problem_t *times,
                                const wish_t *wish, apr_pool_t *pool)
{
    apr_array_header_t *subs;

    if (!names || !times || !wish->identifiers)
        return names ? names : times;
    subs = apr_array_make(pool, 2, sizeof(problem_t *));
    acme_profile_refusal_add(subs, names, wish->identifiers);
    APR_ARRAY_PUSH(subs, problem_t *) = times;
    return problem_fold(subs, pool);
}

/* Other members mean nothing here (R33).  replaces is looked at when all else
 * is known to be right. */
static problem_t *wish_parse(wish_t *wish, acme_t *acme,
                             const acme_verified_t *v)
{
    problem_t *prob, *times;

    prob = acme_profile_select(&wish->profile, acme, v, wish->eab);
    if (prob)
        return prob;
    prob = acme_issue_profile_check(acme, wish->profile, v->pool);
    if (prob)
        return prob;
    prob = identifiers_take(wish, acme, v);
    times = times_take(wish, acme, v);
    prob = refusals_fold(prob, times, wish, v->pool);
    if (prob)
        return prob;
    return acme_renewal_replaces(&wish->replaces, acme, v, wish->identifiers);
}

/* RFC 9444 4.3: what the client would rather prove, if that is allowed and we
 * would issue for it, too; NULL: the name itself. */
static const identifier_t *ancestor_find(const wish_t *wish, const acme_t *acme,
                                         const identifier_t *identifier,
                                         const acme_verified_t *v)
{
    const char *value = apr_table_get(wish->ancestors, identifier->value);
    apr_array_header_t *one;
    identifier_t *ancestor;

    if (!value || identifier_is_wildcard(identifier) ||
        !acme_conf_has_subdomains(wish->profile))
        return NULL;
    ancestor = apr_palloc(v->pool, sizeof(*ancestor));
    ancestor->type = IDENTIFIER_DNS;
    ancestor->value = value;
    one = apr_array_make(v->pool, 1, sizeof(identifier_t *));
    APR_ARRAY_PUSH(one, identifier_t *) = ancestor;
    return acme_profile_names_check(wish->profile, acme, v, wish->eab, one)
               ? NULL
               : ancestor;
}

/* One that another name of the order has made. */
static store_authz_t *above_find(const apr_array_header_t *new_authzs,
                                 const identifier_t *ancestor)
{
    int i;

    for (i = 0; i < new_authzs->nelts; i++) {
        store_authz_t *authz = APR_ARRAY_IDX(new_authzs, i, store_authz_t *);

        if (authz->subdomains && !strcmp(authz->value, ancestor->value))
            return authz;
    }
    return NULL;
}

static problem_t *authz_add(store_authz_t **authz,
                            apr_array_header_t *new_authzs, acme_t *acme,
                            const acme_order_t *order, const wish_t *wish,
                            const identifier_t *identifier,
                            const acme_verified_t *v)
{
    const identifier_t *ancestor = ancestor_find(wish, acme, identifier, v);
    problem_t *prob;

    *authz = ancestor ? above_find(new_authzs, ancestor) : NULL;
    if (*authz)
        return NULL;
    prob = acme_limit_validation(acme, v, ancestor ? ancestor : identifier);
    if (prob)
        return prob;
    *authz = (ancestor ? acme_authz_make_above : acme_authz_make)(
        acme, v, wish->profile, wish->eab, ancestor ? ancestor : identifier,
        order->row->expires_at);
    (*authz)->order_id = order->row->id;
    APR_ARRAY_PUSH(new_authzs, store_authz_t *) = *authz;
    return NULL;
}

/* An order does not outlive an authorization that it reuses. */
static void authz_join(acme_order_t *order, store_authz_t *authz)
{
    store_order_t *row = order->row;

    if (words_has(row->authz_ids, authz->id))
        return;
    if (authz->expires_at < row->expires_at)
        row->expires_at = authz->expires_at;
    APR_ARRAY_PUSH(order->authzs, store_authz_t *) = authz;
    APR_ARRAY_PUSH(row->authz_ids, const char *) = authz->id;
}

/* A valid authorization of the account for each name, or a pending new one;
 * several names may share one for a domain above them. */
static problem_t *authzs_gather(acme_order_t *order,
                                apr_array_header_t *new_authzs, acme_t *acme,
                                const wish_t *wish, const acme_verified_t *v)
{
    int i;

    for (i = 0; i < wish->identifiers->nelts; i++) {
        const identifier_t *identifier =
            APR_ARRAY_IDX(wish->identifiers, i, const identifier_t *);
        store_authz_t *authz;
        problem_t *prob = acme_authz_reuse(&authz, acme, v, wish->profile,
                                           wish->eab, identifier);

        if (!prob && !authz)
            prob =
                authz_add(&authz, new_authzs, acme, order, wish, identifier, v);
        if (prob)
            return prob;
        authz_join(order, authz);
    }
    return NULL;
}

static store_order_t *row_make(const acme_t *acme, const wish_t *wish,
                               const acme_verified_t *v)
{
    store_order_t *row = apr_pcalloc(v->pool, sizeof(*row));

    row->id = token_id(apr_time_from_sec(v->now), v->pool);
    row->account_id = v->account->id;
    row->realm = v->account->realm;
    row->directory = v->account->directory;
    row->profile = wish->profile->name;
    row->identifiers = identifier_list_text(wish->identifiers, v->pool);
    row->authz_ids =
        apr_array_make(v->pool, wish->identifiers->nelts, sizeof(const char *));
    row->not_before = wish->not_before;
    row->not_after = wish->not_after;
    row->created_at = v->now;
    row->expires_at = v->now + acme->conf->order_lifetime;
    if (wish->replaces) {
        row->replaces = wish->replaces->id;
        row->replaces_cert = wish->replaces->cert->id;
        row->after = wish->replaces->after;
    }
    row->is_due = wish->replaces && wish->replaces->is_due;
    if (row->is_due)
        return row;
    row->max_open = (int)acme->conf->limits[ACME_LIMIT_PENDING_ORDERS].count;
    row->max_pending = (int)acme->conf->limits[ACME_LIMIT_PENDING_AUTHZS].count;
    return row;
}

static store_event_t *event_make(const store_order_t *row,
                                 const acme_verified_t *v)
{
    store_event_t *event = acme_audit_event(v, "order.create");
    json_t *detail = json_object();

    event->order_id = row->id;
    acme_response_set_string(detail, "profile", row->profile);
    acme_response_set_string(detail, "identifiers", row->identifiers);
    acme_response_set_string(detail, "replaces", row->replaces_cert);
    acme_response_set_time(detail, "notBefore", row->not_before, v->pool);
    acme_response_set_time(detail, "notAfter", row->not_after, v->pool);
    acme_audit_detail(event, detail, v->pool);
    return event;
}

/* Of a day in UTC. */
static problem_t *problem_budget(const acme_t *acme, const wish_t *wish,
                                 const acme_verified_t *v)
{
    if (!wish->eab->row->max_orders_per_day)
        return problem_make(v->pool, PROBLEM_UNAUTHORIZED,
                            "the external account key \"%s\" of this account "
                            "is not valid any more",
                            wish->eab->row->kid);
    return acme_limit_problem(
        acme->conf, DAY - v->now % DAY,
        apr_psprintf(v->pool,
                     "the external account key \"%s\" has had its "
                     "%" APR_INT64_T_FMT " orders of today; the next ones are "
                     "possible after midnight UTC, in %" APR_INT64_T_FMT
                     " s. The server's operator can make another key: acmectl "
                     "eab create --max-orders-per-day",
                     wish->eab->row->kid, wish->eab->row->max_orders_per_day,
                     DAY - v->now % DAY),
        v->pool);
}

static problem_t *order_store(acme_order_t *order, acme_t *acme,
                              const apr_array_header_t *new_authzs,
                              const wish_t *wish, const acme_verified_t *v)
{
    store_event_t *event = event_make(order->row, v);
    apr_status_t rv = store_order_create(acme->store, order->row, new_authzs,
                                         v->account->eab_kid, event, v->pool);

    if (rv == STORE_BUDGET && wish->eab)
        return problem_budget(acme, wish, v);
    if (APR_STATUS_IS_EEXIST(rv) && wish->replaces)
        return acme_renewal_problem_replaced(wish->replaces->cert, v->pool);
    if (rv == STORE_FULL_ORDERS)
        return acme_limit_pending(acme, ACME_LIMIT_PENDING_ORDERS, v->pool);
    if (rv == STORE_FULL_AUTHZS)
        return acme_limit_pending(acme, ACME_LIMIT_PENDING_AUTHZS, v->pool);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "create order");
    acme_audit_tell(acme, event, v->pool);
    order->status = acme_state_order(order->row, order->authzs, v->now);
    return NULL;
}

/* RFC 8555 6.6.  Nothing stands in the way of a renewal that we asked for, as
 * long as it does not come to nothing again and again. */
static problem_t *limits_check(acme_limit_spent_t *spent, acme_t *acme,
                               const wish_t *wish, const acme_verified_t *v)
{
    if (!wish->replaces || !wish->replaces->is_due)
        return acme_limit_order(spent, acme, v, wish->identifiers);
    if (!wish->replaces->after)
        return NULL;
    return acme_limit_again(spent, acme, v, wish->replaces->cert->id);
}

problem_t *acme_order_new(acme_response_t *res, acme_t *acme,
                          const acme_verified_t *v)
{
    acme_limit_spent_t spent = {0};
    apr_array_header_t *new_authzs;
    acme_order_t order;
    wish_t wish = {0};
    problem_t *prob = acme_eab_get(&wish.eab, acme, v);

    if (prob)
        return prob;
    prob = wish_parse(&wish, acme, v);
    if (prob)
        return prob;
    prob = limits_check(&spent, acme, &wish, v);
    if (prob)
        return prob;
    order.row = row_make(acme, &wish, v);
    order.authzs = apr_array_make(v->pool, wish.identifiers->nelts,
                                  sizeof(store_authz_t *));
    new_authzs = apr_array_make(v->pool, wish.identifiers->nelts,
                                sizeof(store_authz_t *));
    prob = authzs_gather(&order, new_authzs, acme, &wish, v);
    if (!prob)
        prob = order_store(&order, acme, new_authzs, &wish, v);
    if (prob) {
        acme_limit_give_back(&spent);
        return prob;
    }
    acme_order_answer(res, acme, v, &order, 201);
    return NULL;
}
