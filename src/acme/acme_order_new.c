/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_order.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_issue.h"
#include "acme/acme_profile.h"
#include "acme/acme_response.h"
#include "base/pjson.h"
#include "base/token.h"

#include "base/banned.h"

/* Seconds that a valid authorization must still live to be reused. */
#define REUSE_MIN 3600
/* RFC 8555 8.1 wants 128 bits at least. */
#define TOKEN_OCTETS 24

/* What the client asks for, checked. */
typedef struct {
    const acme_eab_t *eab; /* of the account; NULL: none */
    const acme_profile_t *profile;
    apr_array_header_t *identifiers;   /* of identifier_t *, sorted */
    apr_int64_t not_before, not_after; /* 0: none */
} wish_t;

/* Of a type that we do not have it may be anything. */
#define TYPE_MAX  32
#define VALUE_MAX 256

/* What a subproblem shows of an identifier that is none. */
static void identifier_show(problem_t *prob, const char *type,
                            const char *value, apr_pool_t *pool)
{
    int is_ours = !strcmp(type, identifier_type_name(IDENTIFIER_DNS));
    identifier_t *identifier;

    if (!is_ours && (strlen(type) > TYPE_MAX || strlen(value) > VALUE_MAX))
        return;
    identifier = apr_palloc(pool, sizeof(*identifier));
    identifier->type = IDENTIFIER_DNS;
    identifier->value = apr_pstrdup(pool, value);
    prob->identifier = identifier;
    if (!is_ours)
        prob->identifier_type = apr_pstrdup(pool, type);
}

static problem_t *identifier_take(identifier_t **identifier, json_t *json,
                                  int flags, apr_pool_t *pool)
{
    const char *type, *value;
    problem_t *prob;

    prob = pjson_object_check(json, "identifier", pool);
    if (prob)
        return prob;
    prob = pjson_need_string(&type, json, "type", pool);
    if (prob)
        return prob;
    prob = pjson_need_string(&value, json, "value", pool);
    if (prob)
        return prob;
    prob = identifier_parse(identifier, type, value, flags, pool);
    if (prob)
        identifier_show(prob, type, value, pool);
    return prob;
}

/* What is wrong with any of them is added to subs. */
static problem_t *identifiers_parse(wish_t *wish, apr_array_header_t *subs,
                                    const acme_t *acme,
                                    const acme_verified_t *v)
{
    int flags = acme->conf->underscore ? IDENTIFIER_UNDERSCORE : 0;
    int i, count, max = wish->profile->policy->max_names;
    problem_t *prob;
    json_t *list;

    prob = pjson_array(&list, v->payload, "identifiers", v->pool);
    if (prob)
        return prob;
    count = (int)json_array_size(list);
    if (!count)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "\"identifiers\" must be an array of at least one "
                            "identifier");
    if (count > max)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "the order has %d identifiers, %d are allowed",
                            count, max);
    wish->identifiers = apr_array_make(v->pool, count, sizeof(identifier_t *));
    for (i = 0; i < count; i++) {
        identifier_t *identifier;

        prob = identifier_take(&identifier, json_array_get(list, (size_t)i),
                               flags, v->pool);
        if (prob)
            APR_ARRAY_PUSH(subs, problem_t *) = prob;
        else
            APR_ARRAY_PUSH(wish->identifiers, identifier_t *) = identifier;
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

/* Other members mean nothing here (R33). */
static problem_t *wish_parse(wish_t *wish, const acme_t *acme,
                             const acme_verified_t *v)
{
    apr_int64_t not_before, not_after;
    problem_t *prob;

    prob = acme_profile_select(&wish->profile, acme, v, wish->eab);
    if (prob)
        return prob;
    prob = acme_issue_profile_check(acme, wish->profile, v->pool);
    if (prob)
        return prob;
    prob = identifiers_take(wish, acme, v);
    if (prob)
        return prob;
    prob = time_parse(&wish->not_before, v, "notBefore");
    if (prob)
        return prob;
    prob = time_parse(&wish->not_after, v, "notAfter");
    if (prob)
        return prob;
    return acme_issue_validity(&not_before, &not_after, acme, wish->profile,
                               wish->not_before, wish->not_after, v->now,
                               v->pool);
}

static const char *challenges_text(const acme_profile_t *profile,
                                   apr_pool_t *pool)
{
    return apr_array_pstrcat(pool, profile->challenges, ' ');
}

/* Without validation it is valid from birth, and no challenge was ever
 * attempted: that tells it from a proven one. */
static void authz_grant(store_authz_t *authz, const acme_t *acme,
                        const acme_verified_t *v)
{
    authz->status = "valid";
    authz->validated_at = v->now;
    authz->expires_at = v->now + acme->conf->authz_lifetime;
}

static store_authz_t *authz_make(const store_order_t *order, const acme_t *acme,
                                 const wish_t *wish,
                                 const identifier_t *identifier,
                                 const acme_verified_t *v)
{
    store_authz_t *authz = apr_pcalloc(v->pool, sizeof(*authz));

    authz->id = token_id(apr_time_from_sec(v->now), v->pool);
    authz->account_id = order->account_id;
    authz->realm = order->realm;
    authz->directory = order->directory;
    authz->profile = order->profile;
    authz->type = identifier_type_name(identifier->type);
    authz->value = identifier_base(identifier);
    authz->wildcard = identifier_is_wildcard(identifier);
    authz->status = "pending";
    authz->token = token_make(TOKEN_OCTETS, v->pool);
    authz->challenges = challenges_text(wish->profile, v->pool);
    authz->created_at = v->now;
    authz->expires_at = order->expires_at;
    if (!acme_eab_is_validated(wish->profile, wish->eab))
        authz_grant(authz, acme, v);
    return authz;
}

/* *authz stays NULL when there is none. */
static problem_t *authz_reuse(store_authz_t **authz, acme_t *acme,
                              const wish_t *wish,
                              const identifier_t *identifier,
                              const acme_verified_t *v)
{
    int is_validated = acme_eab_is_validated(wish->profile, wish->eab);
    apr_status_t rv;

    *authz = NULL;
    if (!acme->conf->authz_reuse)
        return NULL;
    rv = store_authz_get_reusable(
        authz, acme->store, v->account->id, wish->profile->name,
        identifier_type_name(identifier->type), identifier_base(identifier),
        identifier_is_wildcard(identifier), v->now + REUSE_MIN, v->pool);
    if (rv == APR_SUCCESS && (!is_validated || (*authz)->attempted))
        return NULL;
    *authz = NULL;
    if (rv == APR_SUCCESS || APR_STATUS_IS_ENOENT(rv))
        return NULL;
    return problem_internal(v->pool, rv, "find reusable authz");
}

/* A valid authorization of the account for each name, or a pending new one.  An
 * order does not outlive an authorization that it reuses. */
static problem_t *authzs_gather(acme_order_t *order,
                                apr_array_header_t *new_authzs, acme_t *acme,
                                const wish_t *wish, const acme_verified_t *v)
{
    store_order_t *row = order->row;
    int i;

    for (i = 0; i < wish->identifiers->nelts; i++) {
        const identifier_t *identifier =
            APR_ARRAY_IDX(wish->identifiers, i, const identifier_t *);
        store_authz_t *authz;
        problem_t *prob = authz_reuse(&authz, acme, wish, identifier, v);

        if (prob)
            return prob;
        if (!authz) {
            authz = authz_make(row, acme, wish, identifier, v);
            APR_ARRAY_PUSH(new_authzs, store_authz_t *) = authz;
        }
        if (authz->expires_at < row->expires_at)
            row->expires_at = authz->expires_at;
        APR_ARRAY_PUSH(order->authzs, store_authz_t *) = authz;
        APR_ARRAY_PUSH(row->authz_ids, const char *) = authz->id;
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
    acme_response_set_time(detail, "notBefore", row->not_before, v->pool);
    acme_response_set_time(detail, "notAfter", row->not_after, v->pool);
    acme_audit_detail(event, detail, v->pool);
    return event;
}

/* Of a day in UTC, which we only know to end: Retry-After is at most ten
 * minutes anyway (R19). */
static problem_t *problem_budget(const wish_t *wish, const acme_verified_t *v)
{
    problem_t *prob;

    if (!wish->eab->row->max_orders_per_day)
        return problem_make(v->pool, PROBLEM_UNAUTHORIZED,
                            "the external account key \"%s\" of this account "
                            "is not valid any more",
                            wish->eab->row->kid);
    prob = problem_make(
        v->pool, PROBLEM_RATE_LIMITED,
        "the external account key \"%s\" has had its %" APR_INT64_T_FMT
        " orders of today; the next ones are possible after midnight UTC",
        wish->eab->row->kid, wish->eab->row->max_orders_per_day);

    problem_header(prob, v->pool, "Retry-After", "600");
    return prob;
}

static problem_t *order_store(acme_order_t *order, acme_t *acme,
                              const apr_array_header_t *new_authzs,
                              const wish_t *wish, const acme_verified_t *v)
{
    store_event_t *event = event_make(order->row, v);
    apr_status_t rv = store_order_create(acme->store, order->row, new_authzs,
                                         v->account->eab_kid, event, v->pool);

    if (rv == STORE_BUDGET && wish->eab)
        return problem_budget(wish, v);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "create order");
    acme_audit_tell(acme, event, v->pool);
    order->status = acme_state_order(order->row, order->authzs, v->now);
    return NULL;
}

problem_t *acme_order_new(acme_response_t *res, acme_t *acme,
                          const acme_verified_t *v)
{
    apr_array_header_t *new_authzs;
    acme_order_t order;
    wish_t wish = {0};
    problem_t *prob = acme_eab_get(&wish.eab, acme, v);

    if (prob)
        return prob;
    prob = wish_parse(&wish, acme, v);
    if (prob)
        return prob;
    order.row = row_make(acme, &wish, v);
    order.authzs = apr_array_make(v->pool, wish.identifiers->nelts,
                                  sizeof(store_authz_t *));
    new_authzs = apr_array_make(v->pool, wish.identifiers->nelts,
                                sizeof(store_authz_t *));
    prob = authzs_gather(&order, new_authzs, acme, &wish, v);
    if (prob)
        return prob;
    prob = order_store(&order, acme, new_authzs, &wish, v);
    if (prob)
        return prob;
    acme_order_answer(res, acme, v, &order, 201);
    return NULL;
}
